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

/// Notes whom it sees, by test and item; fails an item named `bad`, and all if asked to.
fn act(_: Arc<App>, event: LambdaEvent<Value>) -> Answer {
    let mut failures = Vec::new();
    for record in event.payload["Records"].as_array().unwrap() {
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
    let clock = manual_clock();
    let cloud = cloud(&clock, Faults::none()).await;

    // All in one lane, since one batch is what is asked about here.
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
