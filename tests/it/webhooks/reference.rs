//! What the reference library of another language says of our signatures.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use jiff::SignedDuration;
use serde_json::json;
use tests::{Receiver, World};

use super::{begin, hook};

/// Verifies each message with each secret; the time is ours, and a manual clock's, so that alone
/// is not compared.
const VERIFY: &str = r#"
import datetime, json, sys
from standardwebhooks import webhooks
at = None
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.fromtimestamp(at, tz)
webhooks.datetime = Clock
for case in json.load(sys.stdin):
    at = int(case["headers"]["webhook-timestamp"]) + case["late"]
    try:
        webhooks.Webhook(case["secret"]).verify(case["body"], case["headers"])
        print("good")
    except webhooks.WebhookVerificationError:
        print("bad")
"#;

#[expect(clippy::disallowed_methods, reason = "set by the script that installs the library")]
fn python() -> String {
    let set = std::env::var("STANDARD_WEBHOOKS_PYTHON");
    set.expect("run this by tests/with-standardwebhooks.sh")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "wants a Python library: tests/with-standardwebhooks.sh cargo test -p tests --test it -- --ignored standard_webhooks"]
async fn the_reference_library_of_standard_webhooks_verifies_what_we_sign() {
    let (world, receiver) = (World::start().await, Receiver::start().await.unwrap());
    let made = hook(&world, &receiver, json!({})).await;
    begin(&world, "user-1").await;
    world.settle().await;
    let path = format!("/v1/webhooks/{}/rotate", made.id);
    let rotated = world.api("POST", &path, None).await;
    let new = rotated.body["secret"].as_str().unwrap().to_owned();
    world.clock.advance(SignedDuration::from_mins(1));
    begin(&world, "user-2").await;
    world.settle().await;

    let taken = receiver.taken();
    let case = |nth: usize, secret: &str, tamper: bool, late: i64| {
        let one = &taken[nth];
        let body = if tamper { one.body.replace("begun", "begum") } else { one.body.clone() };
        let headers = json!({
            "webhook-id": one.id, "webhook-timestamp": one.timestamp, "webhook-signature": one.signature,
        });
        json!({"secret": secret, "body": body, "headers": headers, "late": late})
    };
    let cases = json!([
        case(0, &made.secret, false, 0),
        case(1, &made.secret, false, 0),
        case(1, &new, false, 0),
        case(0, &new, false, 0),
        case(0, &made.secret, true, 0),
        case(1, &new, true, 0),
        case(0, &made.secret, false, 3600),
    ]);
    let mut verifier = Command::new(python())
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    verifier.stdin.take().unwrap().write_all(cases.to_string().as_bytes()).unwrap();
    let said = String::from_utf8(verifier.wait_with_output().unwrap().stdout).unwrap();

    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said, ["good", "good", "good", "bad", "bad", "bad", "bad"]);
}
