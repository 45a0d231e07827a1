//! What nobody understands is kept, told to who runs this, and can be taken again.

use super::*;

async fn list(inbox: &Inbox) -> Vec<Value> {
    let answer = inbox.api("GET", "/v1/notifications/quarantine").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["items"].as_array().unwrap().clone()
}

async fn replay(inbox: &Inbox, item: &Value) -> Answer {
    let id = item["id"].as_str().unwrap();
    inbox.api("POST", &format!("/v1/notifications/quarantine/{id}/replay")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_is_answered_200_and_kept_without_the_secret() {
    let inbox = Inbox::open().await;
    let good = inbox.message(5, 19);
    let mut strange = inbox.message(4, 18);
    strange.as_object_mut().unwrap().remove("date");

    let cut = good.to_string();
    assert_eq!(inbox.send_to(&inbox.path, &cut[..cut.len() - 1]).await, 200);
    assert_eq!(inbox.send(&json!([good, strange, 7])).await, 200);
    inbox.world.settle().await;

    assert_eq!(inbox.triggered().await, inbox.ids_of([&good]), "the good one is not held up");
    let kept = list(&inbox).await;
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert_eq!(kept.iter().filter(|item| item["proven"] == true).count(), 2);
    assert!(kept.iter().all(|item| item["reason"] == "unreadable"));
    for item in inbox.items("BAD#").await {
        let body = data_encoding::BASE64.decode(item["body"]["B"].as_str().unwrap().as_bytes());
        let body = String::from_utf8_lossy(&body.unwrap()).into_owned();
        assert!(!body.contains(&inbox.secret));
    }
    let answer = replay(&inbox, &kept[0]).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(list(&inbox).await.len(), 3);
    assert_eq!(kept, list(&inbox).await, "a vain replay changes nothing");
    inbox.world.clock.advance(SignedDuration::from_hours(24 * 7));
    assert!(list(&inbox).await.is_empty(), "gone after a week");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_learns_an_address_can_not_fill_the_table() {
    let inbox = Inbox::open().await;
    let many: Vec<_> = (0..1_000).map(|number| format!("nonsense {number}")).collect();
    assert_eq!(inbox.send(&json!(many)).await, 200);
    assert!((200..=256).contains(&inbox.items("BAD#").await.len()));

    let more = json!(vec![inbox.message(5, 19); 2_001]);
    assert_eq!(inbox.send(&more).await, 200);
    assert!(inbox.items("MSG#").await.is_empty(), "so many at once are no messages");
    assert!(list(&inbox).await.iter().any(|item| item["proven"] == true));
}

/// What everybody could send who knows the address, and the car.
fn unproven(inbox: &Inbox, level: i64) -> Value {
    let mut message = inbox.message(5, level);
    message["attributes"] = json!([{"key": "vin", "value": CAR}]);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_can_he_with_messages_that_can_be_read() {
    let inbox = Inbox::open().await;
    let many: Vec<_> = (0..1_000).map(|number| unproven(&inbox, number)).collect();

    assert_eq!(inbox.send(&json!(many)).await, 200);
    let mut long = unproven(&inbox, 1);
    long["more"] = json!("x".repeat(400_000));
    assert_eq!(inbox.send(&long).await, 200);

    assert!((200..=256).contains(&inbox.items("MSG#").await.len()));
    assert!(inbox.items("PART#").await.is_empty());
    let proven = inbox.message(5, 19);
    assert_eq!(inbox.send(&proven).await, 200);
    inbox.world.settle().await;
    assert_eq!(inbox.triggered().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_sees_the_quarantine() {
    let inbox = Inbox::open().await;

    let answer = inbox.world.api_as("ap_local_x_y", "GET", "/v1/notifications/quarantine", None);
    assert_eq!(answer.await.status, 401);
    let answer = inbox.api("POST", "/v1/notifications/quarantine/none/replay").await;
    assert_eq!(answer.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_can_not_be_digested_is_put_aside_and_replayed() {
    let inbox = Inbox::open().await;
    let message = inbox.message(5, 19);
    assert_eq!(inbox.send(&message).await, 200);
    let good = inbox.items("MSG#").await.remove(0);
    let mut poisoned = good.clone();
    poisoned["body"] = json!({"B": "AAAA"});
    inbox.world.cloud.put_item("Records", poisoned).await.unwrap();

    inbox.world.settle().await;
    for _ in 0..12 {
        let _ = inbox.sweep(70).await;
    }
    let kept = list(&inbox).await;
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["reason"], &kept[0]["proven"]), (&json!("undigested"), &json!(true)));
    assert_eq!(inbox.undone().await, 0);
    assert!(inbox.triggered().await.is_empty());

    // The fault is mended.
    let mut mended = inbox.items("MSG#").await.remove(0);
    mended["body"] = good["body"].clone();
    inbox.world.cloud.put_item("Records", mended).await.unwrap();
    let answer = replay(&inbox, &kept[0]).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    inbox.sweep(1).await.unwrap();
    assert_eq!(inbox.triggered().await, inbox.ids_of([&message]));
    assert!(list(&inbox).await.is_empty());
}
