//! The simulated maker sends: with its retries, its batches, and what it tells of commands.

use accessing_party::{Effect, Rule};
use simulator::Fate;

use super::*;

/// Makes the maker send to our address.
async fn connect(inbox: &Inbox) -> String {
    let target = inbox.world.url(&format!("/notifications/{}", inbox.path));
    let attributes = [("vin", CAR), ("secret", inbox.secret.as_str())];
    let callback = inbox.world.maker().add_callback_with(ACCOUNT, target.as_str(), &attributes);
    inbox.put_subscription(&callback).await;
    callback
}

/// Lets seconds pass at the maker, and then our streams run.
async fn pass(inbox: &Inbox, seconds: i64) {
    inbox.world.clock.advance(SignedDuration::from_secs(seconds));
    inbox.world.maker().run_events().await;
    inbox.world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn down_for_hours_we_get_everything_once_we_are_back() {
    let inbox = Inbox::open().await;
    let callback = connect(&inbox).await;
    inbox.world.cloud.faults().next(Rule::once(Effect::DieBefore).of("notify").times(10_000));
    let mut sent = Vec::new();
    for index in 0..240 {
        let mut message = inbox.message(30, 10 + index / 3);
        message["callbackId"] = json!(callback);
        message.as_object_mut().unwrap().remove("attributes");
        inbox.world.maker().push_message(&callback, message.clone()).unwrap();
        sent.push(message);
        pass(&inbox, 60).await;
    }
    assert!(inbox.triggered().await.is_empty());
    assert!(inbox.world.maker().callbacks().iter().any(|known| known.pending == 240));

    inbox.world.cloud.faults().clear();
    for _ in 0..6 {
        pass(&inbox, 10).await;
    }

    assert_eq!(inbox.triggered().await, inbox.ids_of(&sent));
    assert_eq!((inbox.undone().await, inbox.level().await), (0, json!(89.0)));
    assert!(inbox.world.maker().pending_messages().is_empty());
    assert_eq!(inbox.world.maker().lost_messages(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_known_by_what_the_maker_pushes_of_it() {
    let inbox = Inbox::open().await;
    connect(&inbox).await;
    inbox.world.maker().next_remote(Fate::Success);
    let path = format!("/v1/enrollments/{}/vehicles/{CAR}/remotes", inbox.id);
    let wish = json!({"horn": {"on": true}, "on_behalf_of": "user-1"});
    let asked = inbox.world.post_once("one", &path, wish).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    inbox.world.settle().await;
    for _ in 0..6 {
        pass(&inbox, 15).await;
    }

    let remote = inbox.world.read(&format!("{path}/{}", asked.body["id"].as_str().unwrap())).await;
    assert_eq!(remote["outcome"], "success", "{remote}");
    assert!(!inbox.told("vehicle.remote.updated").await.is_empty());
    assert_eq!(inbox.undone().await, 0);
    assert!(inbox.items("MSG#").await.len() > 1, "each step came as a message");
}
