//! Single answers of the front, before any SDK tries again.

use serde_json::{Value, json};

use crate::{
    Cloud, Effect, Faults, Operation, Rule,
    front::UsageOf,
    testing::{Caller, cloud, http, manual_clock, options},
};

fn item(pk: &str, due: i64) -> Value {
    json!({"TableName": "Records", "Item": {
        "pk": {"S": pk}, "sk": {"S": "CAR"}, "shard": {"S": "fetch#00"}, "due_at": {"N": due.to_string()},
    }})
}

fn due() -> Value {
    json!({
        "TableName": "Records", "IndexName": "due",
        "KeyConditionExpression": "#shard = :shard",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": {":shard": {"S": "fetch#00"}},
    })
}

fn found(page: &Value) -> Vec<&str> {
    page["Items"].as_array().unwrap().iter().map(|item| item["pk"]["S"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn only_a_program_that_asks_for_this_host_is_answered() {
    let cloud = cloud(Faults::none()).await;
    let caller = Caller::new(&cloud, "fetch");
    let ask = || caller.request(Operation::Query, &due().to_string());

    let status = |request: reqwest::RequestBuilder| async {
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(ask()).await, 200);
    assert_eq!(status(ask().header("origin", "https://evil.example")).await, 403);
    assert_eq!(status(ask().header("origin", cloud.front_url())).await, 403);
    assert_eq!(status(http().post(cloud.front_url()).header("host", "evil.example")).await, 403);
    let preflight =
        http().request(reqwest::Method::OPTIONS, cloud.front_url()).send().await.unwrap();
    assert_eq!(preflight.status(), 404);
    assert!(preflight.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
}

#[tokio::test]
async fn a_call_that_this_runs_key_did_not_sign_is_refused() {
    let (ours, another) = (cloud(Faults::none()).await, cloud(Faults::none()).await);
    let caller = Caller::new(&ours, "fetch");
    let kind = |request: reqwest::RequestBuilder| async {
        let answer = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned()
    };

    let unsigned =
        http().post(ours.front_url()).header("x-amz-target", "DynamoDB_20120810.Query").body("{}");
    let changed = caller.request(Operation::Query, &due().to_string()).body("{}");
    let mut stranger = Caller::new(&another, "fetch");
    stranger.address(&ours);

    assert_eq!(kind(unsigned).await, "MissingAuthenticationTokenException");
    assert_eq!(kind(changed).await, "InvalidSignatureException");
    assert_eq!(kind(stranger.request(Operation::Query, "{}")).await, "UnrecognizedClientException");
}

#[tokio::test]
async fn what_the_role_does_not_allow_is_refused_by_name_and_noted() {
    let cloud = cloud(Faults::none()).await;
    let api = Caller::new(&cloud, "api");
    let key = json!({"pk": {"S": "gr_1"}});
    let maker = json!({"SecretId": "maker"});

    let grant =
        api.call(Operation::GetItem, json!({"TableName": "Grants", "Key": key})).await.unwrap();
    let scan = api.call(Operation::Scan, json!({"TableName": "Records"})).await.unwrap();
    let index = api.call(Operation::Query, due()).await.unwrap();
    let secret = api.call(Operation::GetSecretValue, maker).await.unwrap();
    let inside = json!({"TransactItems": [
        {"Put": item("a", 1)}, {"Delete": {"TableName": "Grants", "Key": key}},
    ]});
    let inside = api.call(Operation::TransactWriteItems, inside).await.unwrap();

    for answer in [&grant, &scan, &index, &secret, &inside] {
        assert_eq!((answer.status, answer.kind()), (400, "AccessDeniedException"));
    }
    let denied = cloud.usage().of("api").denied;
    let arn = "arn:aws:dynamodb:local-1:000000000000:table";
    assert_eq!(
        denied[0],
        format!("the role of api does not allow dynamodb:GetItem on {arn}/Grants")
    );
    assert_eq!(denied[1], format!("the role of api does not allow dynamodb:Scan on {arn}/Records"));
    assert_eq!(
        denied[2],
        format!("the role of api does not allow dynamodb:Query on {arn}/Records/index/due")
    );
    assert!(denied[3].contains("secretsmanager:GetSecretValue"));
    assert_eq!(
        denied[4],
        format!("the role of api does not allow dynamodb:DeleteItem on {arn}/Grants")
    );
    assert!(
        cloud.items("Records").await.unwrap().is_empty(),
        "nothing of the transaction was done"
    );
}

#[tokio::test]
async fn each_function_reads_its_own_secrets() {
    let cloud = cloud(Faults::none()).await;
    let read = |function: &'static str, name: &'static str| {
        let caller = Caller::new(&cloud, function);
        async move { caller.call(Operation::GetSecretValue, json!({"SecretId": name})).await.unwrap() }
    };

    let edge = read("login", "edge").await;
    let ring: Value = serde_json::from_str(edge.body["SecretString"].as_str().unwrap()).unwrap();
    assert_eq!(ring["primary"], "k1");
    assert_eq!(read("refresh", "maker").await.status, 200);
    assert_eq!(read("refresh", "edge").await.kind(), "AccessDeniedException");
    assert_eq!(read("login", "nothing").await.kind(), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_lost_answer_leaves_the_write_done() {
    let faults = Faults::none();
    let cloud = cloud(faults.clone()).await;
    let fetch = Caller::new(&cloud, "fetch");
    faults.next(Rule::once(Effect::LostAnswer).of("fetch").at(Operation::PutItem).after(1));

    assert!(fetch.call(Operation::PutItem, item("a", 1)).await.is_some());
    assert!(fetch.call(Operation::PutItem, item("b", 1)).await.is_none());

    assert_eq!(cloud.items("Records").await.unwrap().len(), 2);
    assert_eq!(faults.pending(), 0);
}

#[tokio::test]
async fn refused_calls_are_not_done() {
    let faults = Faults::none();
    let cloud = cloud(faults.clone()).await;
    let fetch = Caller::new(&cloud, "fetch");
    let effects = [
        (Effect::Throttled, 400, "ProvisionedThroughputExceededException"),
        (Effect::Unavailable, 500, "InternalServerError"),
        (Effect::Conflict, 400, "TransactionConflictException"),
    ];

    for (effect, status, kind) in effects {
        faults.next(Rule::once(effect));
        let answer = fetch.call(Operation::PutItem, item("a", 1)).await.unwrap();
        assert_eq!((answer.status, answer.kind()), (status, kind));
    }
    faults.next(Rule::once(Effect::Conflict));
    let transaction = json!({"TransactItems": [{"Put": item("a", 1)}, {"Put": item("b", 1)}]});
    let answer = fetch.call(Operation::TransactWriteItems, transaction).await.unwrap();
    let codes: Vec<_> = answer.body["CancellationReasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| &reason["Code"])
        .collect();

    assert_eq!(answer.kind(), "TransactionCanceledException");
    assert_eq!(codes.iter().filter(|code| **code == "TransactionConflict").count(), 1);
    assert!(cloud.items("Records").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_stale_index_answers_from_before_the_last_write_and_the_table_does_not() {
    let faults = Faults::ordered();
    let cloud = cloud(faults.clone()).await;
    let fetch = Caller::new(&cloud, "fetch");
    for write in [item("a", 1), item("b", 2), item("c", 3), item("d", 4), item("e", 5)] {
        fetch.done(Operation::PutItem, write).await;
    }

    faults.next(Rule::once(Effect::Stale));
    let stale = fetch.done(Operation::Query, due()).await;
    let fresh = fetch.done(Operation::Query, due()).await;

    assert!(found(&stale).starts_with(&["a"]) && found(&stale).len() < 5, "{stale}");
    assert_eq!(found(&fresh), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn short_pages_and_unprocessed_parts_come_with_what_is_needed_to_go_on() {
    let faults = Faults::none();
    let cloud = cloud(faults.clone()).await;
    let (fetch, act) = (Caller::new(&cloud, "fetch"), Caller::new(&cloud, "act"));
    let mut keys = Vec::new();
    for pk in ["a", "b", "c", "d", "e"] {
        let put = item(pk, 1);
        keys.push(json!({"pk": put["Item"]["pk"], "sk": put["Item"]["sk"]}));
        fetch.done(Operation::PutItem, put).await;
    }
    let wanted = json!({"RequestItems": {"Records": {"Keys": keys}}});
    let read = |page: &Value| page["Responses"]["Records"].as_array().map_or(0, Vec::len);

    faults.next(Rule::once(Effect::Unprocessed));
    let some = act.done(Operation::BatchGetItem, wanted).await;
    assert!((1..5).contains(&read(&some)));
    let rest = json!({"RequestItems": some["UnprocessedKeys"]});
    let rest = act.done(Operation::BatchGetItem, rest).await;
    assert_eq!(read(&some) + read(&rest), 5);

    faults.next(Rule::once(Effect::ShortPage));
    let page = fetch.done(Operation::Query, due()).await;
    assert!((1..=3).contains(&found(&page).len()));
    let mut rest = due();
    rest["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    let rest = fetch.done(Operation::Query, rest).await;
    assert_eq!([found(&page), found(&rest)].concat(), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn usage_is_counted_in_capacity_units_by_function() {
    let cloud = cloud(Faults::none()).await;
    let fetch = Caller::new(&cloud, "fetch");

    fetch.done(Operation::PutItem, item("a", 1)).await;
    fetch.done(Operation::Query, due()).await;
    let mut guarded = item("a", 1);
    guarded["ConditionExpression"] = "attribute_not_exists(pk)".into();
    fetch.call(Operation::PutItem, guarded).await;

    let usage = cloud.usage().of("fetch");
    // The item and its entry in one index; then one for the write that was refused.
    assert!((usage.written - 3.0).abs() < 0.01, "{usage:?}");
    assert!((usage.read - 0.5).abs() < 0.01, "{usage:?}");
    assert_eq!(usage.calls[&Operation::PutItem], 2);
    assert_eq!(cloud.usage().of("api"), UsageOf::default());
}

#[tokio::test]
async fn a_queue_hides_what_was_received_and_gives_it_again_until_it_is_deleted() {
    let clock = manual_clock();
    let cloud = Cloud::start(options(&clock, Faults::none())).await.unwrap();
    let refresh = Caller::new(&cloud, "refresh");
    let url = "https://sqs.local-1.amazonaws.com/000000000000/RescueQueue";
    let receive = || {
        refresh.done(Operation::ReceiveMessage, json!({"QueueUrl": url, "MaxNumberOfMessages": 10}))
    };

    refresh.done(Operation::SendMessage, json!({"QueueUrl": url, "MessageBody": "sealed"})).await;
    let first = receive().await;
    assert_eq!(first["Messages"][0]["Body"], "sealed");
    assert!(receive().await.get("Messages").is_none());

    clock.advance(jiff::SignedDuration::from_secs(181));
    let again = receive().await;
    let delete =
        |message: &Value| json!({"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]});
    refresh.done(Operation::DeleteMessage, delete(&first["Messages"][0])).await;
    assert_eq!(
        cloud.queues().peek("RescueQueue").await.unwrap(),
        ["sealed"],
        "an old receipt deletes nothing"
    );
    refresh.done(Operation::DeleteMessage, delete(&again["Messages"][0])).await;
    assert!(cloud.queues().peek("RescueQueue").await.unwrap().is_empty());
    let api = Caller::new(&cloud, "api")
        .call(Operation::SendMessage, json!({"QueueUrl": url}))
        .await
        .unwrap();
    assert_eq!(api.kind(), "AccessDeniedException");
}
