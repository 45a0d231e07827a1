//! Commands to cars: asked for once, sent once or never, and known how they ended.

mod faults;
mod notices;
mod refusals;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{FailureCause, Fate, Fault, FaultKind, Operation};
use tests::{ACCOUNT, Answer, CAR, World};

const USER: &str = "user-1";
const SCOPES: [&str; 9] = [
    "openid",
    "data:telemetry",
    "remote:door:write",
    "remote:horn:write",
    "remote:lights:write",
    "remote:charging:write",
    "remote:preconditioning:write",
    "remote:wakeup:write",
    "remote:navigation:write",
];
/// Where the maker's notifications go in these tests: nowhere, so that it has to be asked.
const NOWHERE: &str = "http://127.0.0.1:9/";

/// A cloud in which every command is allowed, and a car to be commanded.
struct Garage {
    world: World,
    id: String,
}

impl Garage {
    async fn open() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut accessing_party::CloudOptions)) -> Self {
        let world = World::with(|options| {
            let generous = ["RemotesPerCar", "WakeUpsPerMonth"];
            for name in generous {
                options.parameters.insert(name.into(), "1000".into());
            }
            options.parameters.insert("RemoteDoor".into(), "on".into());
            change(options);
        })
        .await;
        world.cloud.faults().calm(true);
        let id = world.enroll_with(USER, "peugeot", ACCOUNT, &json!(SCOPES)).await;
        let garage = Self { world, id };
        garage.subscribe().await;
        garage.world.cloud.faults().calm(false);
        garage
    }

    /// A subscription that the maker delivers to nowhere.
    async fn subscribe(&self) {
        let callback = self.world.maker().add_callback(ACCOUNT, NOWHERE);
        self.put_subscription(&json!({"state": "active", "day": 0, "callback": callback})).await;
    }

    /// What `act` would have written.
    async fn put_subscription(&self, body: &Value) {
        let item = json!({
            "pk": {"S": format!("ENR#{}", self.id)}, "sk": {"S": "SUB"}, "schema": {"N": "1"},
            "version": {"N": "1"}, "body": {"S": body.to_string()},
        });
        self.world.cloud.put_item("Records", item).await.unwrap();
    }

    fn path(&self) -> String {
        format!("/v1/enrollments/{}/vehicles/{CAR}/remotes", self.id)
    }

    /// Asks for an action, for the right user.
    async fn ask(&self, once: &str, action: &Value) -> Answer {
        let mut body = action.clone();
        body["on_behalf_of"] = json!(USER);
        self.world.post_once(once, &self.path(), body).await
    }

    /// Asks for one that must be taken. Returns its id.
    async fn command(&self, once: &str, action: &Value) -> String {
        let answer = self.ask(once, action).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    async fn read(&self, remote: &str) -> Value {
        self.world.read(&format!("{}/{remote}", self.path())).await
    }

    /// Lets seconds pass at the maker, then lets `act` see to what is due.
    async fn wait(&self, seconds: i64) {
        self.world.clock.advance(SignedDuration::from_secs(seconds));
        self.world.maker().run_events().await;
        let _ = self.act().await;
        self.world.settle().await;
    }

    async fn act(&self) -> bool {
        self.world.try_run("act").await.is_ok()
    }

    /// Waits until it is settled, for an hour at most.
    async fn settled(&self, remote: &str) -> Value {
        for _ in 0..15 {
            let found = self.read(remote).await;
            if found["settled"] == true {
                return found;
            }
            self.wait(300).await;
        }
        panic!("not settled: {}", self.read(remote).await);
    }

    /// How often each was posted, by the label: our id.
    fn posts(&self) -> BTreeMap<String, usize> {
        let mut posts = BTreeMap::new();
        for post in self.world.maker().remote_posts() {
            let label = post.body["label"].as_str().unwrap_or_default().to_owned();
            *posts.entry(label).or_default() += 1;
        }
        posts
    }

    fn posted(&self, remote: &str) -> usize {
        self.posts().get(remote).copied().unwrap_or_default()
    }

    /// The states of a remote that were told, in their order.
    async fn told(&self, remote: &str) -> Vec<String> {
        let events = self.world.events(&self.id).await;
        let ours = events.iter().filter(|event| event["what"]["remote"] == remote);
        let state = |event: &Value| event["what"]["state"].as_str().unwrap().to_owned();
        ours.map(state).collect()
    }
}

fn horn() -> Value {
    json!({"horn": {"on": true}})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_seven_is_sent_once_and_known_to_succeed_though_no_notification_comes() {
    let world = World::with(|options| {
        options.parameters.insert("RemoteDoor".into(), "on".into());
    })
    .await;
    // A car of which nothing is known takes what others say they do not.
    world.maker().fault(Fault::times(Operation::Vehicles, 9, FaultKind::RefusedExtension));
    let id = world.enroll_with(USER, "peugeot", ACCOUNT, &json!(SCOPES)).await;
    let garage = Garage { world, id };
    garage.subscribe().await;
    let place = json!({"latitude": 48.117, "longitude": -1.678});
    let actions = [
        json!({"door": {"state": "locked"}}),
        horn(),
        json!({"lights": {"on": true}}),
        json!({"charging": {"immediate": true}}),
        json!({"preconditioning": {"immediate": true}}),
        json!({"wake_up": {}}),
        json!({"navigation": {"positions": [place]}}),
    ];

    for action in &actions {
        garage.world.maker().next_remote(Fate::Success);
        let (kind, _) = action.as_object().unwrap().iter().next().unwrap();
        let remote = garage.command(kind, action).await;
        garage.world.settle().await;
        let sent = garage.read(&remote).await;
        assert_eq!((&sent["state"], &sent["kind"]), (&json!("accepted"), &json!(kind)), "{sent}");
        assert_eq!(garage.posted(&remote), 1);

        garage.wait(70).await;
        let done = garage.settled(&remote).await;
        assert_eq!((&done["state"], &done["outcome"]), (&json!("done"), &json!("success")));
        assert_eq!(garage.told(&remote).await, ["requested", "sending", "accepted", "done"]);
    }
    assert_eq!(garage.posts().len(), 7);
    let listed = garage.world.read(&format!("{}?limit=4", garage.path())).await;
    let kinds = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&listed), ["navigation", "wake_up", "preconditioning", "charging"]);
    let next = listed["next"].as_str().unwrap();
    let rest = garage.world.read(&format!("{}?limit=4&cursor={next}", garage.path())).await;
    assert_eq!(kinds(&rest), ["lights", "horn", "door"]);
    let export = garage.world.export(&garage.id, 3).await;
    for kind in ["remote", "commanded_for"] {
        assert_eq!(export.iter().filter(|item| item["kind"] == kind).count(), 7, "{kind}");
    }
    // Where somebody goes is kept only until it is sent.
    let kept = garage.world.text_of("Records").await;
    assert!(!kept.contains("48.117") && !listed.to_string().contains("48.117"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_to_fail_is_told_in_a_word_of_its_own() {
    let garage = Garage::open().await;
    let mut words = Vec::new();
    for cause in FailureCause::ALL {
        garage.world.maker().next_remote(Fate::Failed(cause));
        let remote = garage.command(&format!("{cause:?}"), &horn()).await;
        garage.world.settle().await;
        garage.wait(70).await;
        let failed = garage.settled(&remote).await;
        assert_eq!(failed["outcome"], "failed", "{cause:?}: {failed}");
        let word = failed["failure_cause"].as_str().unwrap().to_owned();
        assert_eq!(word.replace('_', ""), format!("{cause:?}").to_lowercase());
        words.push(word);
    }
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_maker_never_ends_times_out_after_half_an_hour_and_holds_nothing_off() {
    let garage = Garage::open().await;
    garage.world.maker().next_remote(Fate::Stuck);
    let remote = garage.command("one", &horn()).await;
    garage.world.settle().await;

    let ended = garage.settled(&remote).await;

    assert_eq!((&ended["state"], &ended["outcome"]), (&json!("timed_out"), &Value::Null));
    garage.command("two", &horn()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_sent_in_time_expires_and_never_leaves() {
    let garage = Garage::open().await;
    let remote = garage.command("one", &horn()).await;
    garage.world.clock.advance(SignedDuration::from_secs(61));
    garage.world.settle().await;

    let ended = garage.settled(&remote).await;

    assert_eq!(ended["state"], "expired");
    assert_eq!(garage.posted(&remote), 0);
    assert_eq!(garage.told(&remote).await, ["requested", "expired"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asked_for_what_stays_readable_and_names_nobody_once_erased() {
    let garage = Garage::open().await;
    let world = &garage.world;
    let remote = garage.command("one", &horn()).await;
    world.settle().await;
    garage.wait(70).await;
    garage.settled(&remote).await;

    let audit = world.read("/v1/audit/remotes").await;
    let entries = audit["items"].as_array().unwrap();
    let states: Vec<_> = entries.iter().map(|entry| entry["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["requested", "sending", "done"]);
    for entry in entries {
        assert_eq!((&entry["remote"], &entry["kind"]), (&json!(remote), &json!("horn")));
        assert_eq!((&entry["on_behalf_of"], &entry["vin"]), (&json!(USER), &json!(CAR)));
        assert!(entry["key"].is_string());
    }

    let path = format!("/v1/enrollments/{}", garage.id);
    assert_eq!(world.api("DELETE", &path, None).await.status, 202);
    world.settle().await;
    assert_eq!(world.status(&garage.id).await, "erased");
    world.assert_nowhere(&[CAR, USER]).await;
    let audit = world.read("/v1/audit/remotes").await;
    assert_eq!(audit["items"].as_array().unwrap().len(), 3);
    assert_eq!(audit["items"][0]["vin"], Value::Null);
    assert_eq!(world.read("/v1/audit/remotes?month=2026-01").await["items"], json!([]));
    assert_eq!(world.api("GET", "/v1/audit/remotes?month=1", None).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_is_not_sent_once_the_enrollment_is_being_erased() {
    let garage = Garage::open().await;
    let remote = garage.command("one", &horn()).await;
    let path = format!("/v1/enrollments/{}", garage.id);
    assert_eq!(garage.world.api("DELETE", &path, None).await.status, 202);

    garage.world.settle().await;
    garage.wait(30).await;

    assert_eq!(garage.posted(&remote), 0);
    assert_eq!(garage.world.status(&garage.id).await, "erased");
    assert_eq!(garage.ask("two", &horn()).await.status, 403, "nobody's any more");
}
