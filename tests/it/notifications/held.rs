//! What the maker sent is a part of what is held.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_messages_is_exported_and_never_the_secret() {
    let inbox = Inbox::open().await;
    inbox.taken(&inbox.message(9, 21)).await;
    let mut hint = inbox.message(5, 19);
    hint["attributes"] = json!([{"key": "vin", "value": CAR}]);
    inbox.taken(&hint).await;
    let mut strange = inbox.message(4, 18);
    strange.as_object_mut().unwrap().remove("date");
    inbox.taken(&strange).await;
    assert_eq!(inbox.send_to(&inbox.path, "a stranger's word").await, 200);

    let export = inbox.world.export(&inbox.id, 100).await;
    let messages: Vec<_> = export.iter().filter(|item| item["kind"] == "message").collect();

    let told = |part: &str| {
        let says = |item: &&&Value| item["text"].as_str().is_some_and(|text| text.contains(part));
        messages.iter().find(says).map(|item| item["proven"].clone())
    };
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert_eq!(told("\"19\""), Some(json!(false)), "a hint");
    assert_eq!(told("\"18\""), Some(json!(true)), "in quarantine");
    let silent = messages.iter().find(|item| item["text"].is_null()).unwrap();
    assert_eq!((&silent["proven"], &silent["length"]), (&json!(false), &json!(17)));
    assert!(!json!(export).to_string().contains(&inbox.secret));
}
