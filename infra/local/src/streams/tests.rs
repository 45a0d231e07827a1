use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use jiff::SignedDuration;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::App;

use crate::{
    Cloud, ManualClock,
    faults::Faults,
    front::Operation,
    functions::Program,
    lambda::Code,
    testing::{Caller, manual_clock, options},
};

type Answer = Pin<Box<dyn Future<Output = Result<Value, Diagnostic>>>>;

/// What `act` was handed in each test: a handler is a plain function and can hold nothing.
static SEEN: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// Notes whom it sees, by test and item; fails an item named `bad`, and a whole batch with one
/// named `worse` in it.
#[expect(clippy::needless_pass_by_value, reason = "the type of every handler")]
fn act(_: Arc<App>, event: LambdaEvent<Value>) -> Answer {
    let mut failures = Vec::new();
    let records = event.payload["Records"].as_array().unwrap();
    if records.iter().any(|record| record.to_string().contains("worse")) {
        let test = records[0]["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap();
        SEEN.lock().unwrap().push((test.to_owned(), format!("failed {}", records.len())));
        let diagnostic =
            Diagnostic { error_type: "Failed".into(), error_message: "all of it".into() };
        return Box::pin(async move { Err(diagnostic) });
    }
    for record in records {
        let keys = &record["dynamodb"]["Keys"];
        let (test, name) = (keys["pk"]["S"].as_str().unwrap(), keys["sk"]["S"].as_str().unwrap());
        SEEN.lock().unwrap().push((test.to_owned(), name.to_owned()));
        if name.contains("bad") {
            failures.push(json!({"itemIdentifier": record["dynamodb"]["SequenceNumber"]}));
            break;
        }
    }
    Box::pin(async move { Ok(json!({"batchItemFailures": failures})) })
}

fn seen(test: &str) -> Vec<String> {
    let seen = SEEN.lock().unwrap();
    seen.iter().filter(|(of, _)| of == test).map(|(_, name)| name.clone()).collect()
}

async fn cloud(clock: &ManualClock, faults: Faults) -> Cloud {
    let mut options = options(clock, faults);
    options.programs.insert("act".to_owned(), Program { code: Code::Event(act), needs: &[] });
    Cloud::start(options).await.unwrap()
}

async fn ask(cloud: &Cloud, test: &str, name: &str) {
    let item = json!({"pk": {"S": test}, "sk": {"S": name}});
    let put = json!({"TableName": "Records", "Item": item});
    Caller::new(cloud, "api").done(Operation::PutItem, put).await;
}

async fn dead_letters(cloud: &Cloud) -> Vec<Value> {
    let letters = cloud.queues().peek("DeadLetters").await.unwrap();
    letters.iter().map(|letter| serde_json::from_str(letter).unwrap()).collect()
}

#[tokio::test]
async fn a_new_request_is_delivered_and_nothing_else_is() {
    let cloud = cloud(&manual_clock(), Faults::none()).await;

    ask(&cloud, "new", "META").await;
    ask(&cloud, "new", "REQ#1").await;
    ask(&cloud, "new", "REQ#1").await;
    cloud.settle().await.unwrap();
    cloud.settle().await.unwrap();

    assert_eq!(seen("new"), ["REQ#1"], "not what the filter leaves out, no change, and none twice");
}

#[tokio::test]
async fn a_function_gets_a_record_as_aws_words_it() {
    static EVENT: Mutex<Option<Value>> = Mutex::new(None);
    fn keep(_: Arc<App>, event: LambdaEvent<Value>) -> Answer {
        *EVENT.lock().unwrap() = Some(event.payload);
        Box::pin(async { Ok(json!({"batchItemFailures": []})) })
    }
    let mut options = options(&manual_clock(), Faults::none());
    options.programs.insert("act".to_owned(), Program { code: Code::Event(keep), needs: &[] });
    let cloud = Cloud::start(options).await.unwrap();

    ask(&cloud, "worded", "REQ#1").await;
    cloud.settle().await.unwrap();

    let mut record = EVENT.lock().unwrap().take().unwrap()["Records"][0].take();
    let sequence = record["dynamodb"]["SequenceNumber"].take();
    assert_eq!(sequence.as_str().map(str::len), Some(21));
    assert!(record["eventID"].take().is_string());
    let keys = json!({"pk": {"S": "worded"}, "sk": {"S": "REQ#1"}});
    assert_eq!(
        record,
        json!({
            "eventID": null, "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "local-1",
            "eventSourceARN": "arn:aws:dynamodb:local-1:000000000000:table/Records/stream/local",
            "dynamodb": {
                "ApproximateCreationDateTime": manual_clock().now().as_second(),
                "Keys": keys, "SequenceNumber": null, "SizeBytes": keys.to_string().len(),
                "StreamViewType": "KEYS_ONLY",
            },
        })
    );
}

#[tokio::test]
async fn a_batch_that_failed_as_a_whole_is_split_until_one_record_alone_is_given_up() {
    let cloud = cloud(&manual_clock(), Faults::none()).await;

    for index in 0..40 {
        ask(&cloud, "split", &format!("REQ#{index}")).await;
    }
    ask(&cloud, "split", "REQ#worse").await;
    for index in 40..80 {
        ask(&cloud, "split", &format!("REQ#{index}")).await;
    }
    cloud.settle().await.unwrap();

    let seen = seen("split");
    let taken: std::collections::BTreeSet<_> =
        seen.iter().filter(|name| name.starts_with("REQ#")).collect();
    assert_eq!(taken.len(), 80, "every other one was taken");
    assert!(seen.iter().any(|name| name == "failed 5"), "a whole batch failed");
    assert_eq!(seen.iter().filter(|name| *name == "failed 1").count(), 4);
    assert_eq!(dead_letters(&cloud).await.len(), 1);
}

#[tokio::test]
async fn a_failed_record_is_tried_again_given_up_and_told_to_the_dead_letters() {
    let cloud = cloud(&manual_clock(), Faults::none()).await;

    ask(&cloud, "failing", "REQ#bad").await;
    cloud.settle().await.unwrap();

    assert_eq!(seen("failing").len(), 1 + 3, "one try and three more");
    let letters = dead_letters(&cloud).await;
    assert_eq!(letters[0]["requestContext"]["condition"], "RetryAttemptsExhausted");
    assert!(!letters[0].to_string().contains("REQ#bad"), "a pointer and no data");
}

#[tokio::test]
async fn after_a_partial_failure_delivery_goes_on_from_that_record() {
    let cloud = cloud(&manual_clock(), Faults::none()).await;

    for name in ["REQ#1", "REQ#bad", "REQ#3"] {
        ask(&cloud, "partial", name).await;
    }
    cloud.settle().await.unwrap();

    let seen = seen("partial");
    assert_eq!(seen.iter().filter(|name| *name == "REQ#1").count(), 1);
    assert_eq!(seen.iter().filter(|name| *name == "REQ#bad").count(), 4);
    assert_eq!(seen.iter().filter(|name| *name == "REQ#3").count(), 1);
}

#[tokio::test]
async fn by_a_seed_some_records_come_twice() {
    let cloud = cloud(&manual_clock(), Faults::seeded(3)).await;
    cloud.faults().calm(true);

    for index in 0..20 {
        ask(&cloud, "twice", &format!("REQ#{index}")).await;
    }
    cloud.settle().await.unwrap();

    let seen = seen("twice");
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 20, "each at least once");
    assert!(seen.len() > 20, "and some twice");
}

#[tokio::test]
async fn what_waited_for_a_day_is_forgotten() {
    let clock = manual_clock();
    let cloud = cloud(&clock, Faults::none()).await;

    ask(&cloud, "forgotten", "REQ#1").await;
    clock.advance(SignedDuration::from_hours(24) + SignedDuration::from_secs(1));
    cloud.settle().await.unwrap();

    assert!(seen("forgotten").is_empty());
    assert!(cloud.items("local.stream").await.unwrap().is_empty());
}
