//! Every alarm on what is done at the maker and at the operator's endpoints, proven: six hours in which
//! it goes bad, and the alarm that must fire does, by its own threshold and periods; and six in which
//! all is well, and none does.

use std::collections::BTreeSet;

use accessing_party::{Effect, MetricLog, Operation as Aws, Rule};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Fault, FaultKind, Operation};
use tests::{
    ACCOUNT, Receiver, World, browser,
    cloudwatch::{Alarm, SOON, alarms, firing, minutes_of},
    hours, minutes,
};

/// What is asked of the maker beside its pages.
const CALLS: [Operation; 13] = [
    Operation::Token,
    Operation::Refresh,
    Operation::Vehicles,
    Operation::Status,
    Operation::Alerts,
    Operation::Trips,
    Operation::Maintenance,
    Operation::Callbacks,
    Operation::CallbackCreate,
    Operation::CallbackUpdate,
    Operation::CallbackStatus,
    Operation::Monitors,
    Operation::MonitorCreate,
];

/// Lets time pass as the schedules have it at their slowest: five minutes.
async fn live(world: &World, time: SignedDuration) {
    let end = world.now() + time;
    while world.now() < end {
        world.clock.advance(minutes(5));
        world.cloud.tick().await.unwrap();
    }
}

fn strike(world: &World, operations: &[Operation], kind: &FaultKind) {
    for operation in operations {
        world.maker().fault(Fault::times(*operation, u32::MAX, kind.clone()));
    }
}

/// A driver comes back from the maker. Returns how it ended.
async fn log_in(world: &World, user: &str) -> String {
    let begun = world.begin_enrollment(user, "peugeot").await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun.login_url, ACCOUNT).await;
    let ended = browser.get(&back).await.unwrap().location.unwrap();
    tests::query(&ended, "outcome").unwrap()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// These fire, wherever their periods begin.
fn assert_fire(log: &MetricLog, from: Timestamp, to: Timestamp, wanted: &[&str]) {
    let (surely, perhaps) = firing(log, from, to);
    let wanted = names(wanted);
    assert!(wanted.is_subset(&surely), "{wanted:?} of {surely:?}, perhaps {perhaps:?}");
}

/// No other than these fires, wherever its periods begin.
fn assert_only(log: &MetricLog, from: Timestamp, to: Timestamp, wanted: &[&str]) {
    let (surely, perhaps) = firing(log, from, to);
    assert_eq!((surely, perhaps), (names(wanted), BTreeSet::new()));
}

async fn endpoint(world: &World, receiver: &Receiver) -> String {
    let made = world.api("POST", "/v1/webhooks", Some(json!({"url": receiver.url()}))).await;
    assert_eq!(made.status, 201, "{}", made.body);
    format!("/v1/webhooks/{}", made.body["id"].as_str().unwrap())
}

#[test]
fn every_alarm_of_the_template_can_be_read_and_a_strange_one_is_refused() {
    assert!(alarms().iter().any(|alarm| alarm.name == "RenewalsFailAlarm"));
    let known = json!({
        "Namespace": "N", "MetricName": "M", "Dimensions": [], "Statistic": "Sum", "Period": 300,
        "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0,
        "TreatMissingData": "notBreaching",
    });
    assert!(Alarm::read("known", &known).is_ok());
    for (property, value) in [
        ("ExtendedStatistic", json!("p99")),
        ("Statistic", json!("Average")),
        ("ComparisonOperator", json!("LessThanLowerThreshold")),
        ("TreatMissingData", json!("missing")),
        ("Period", json!(10)),
        ("Threshold", Value::Null),
        ("Metrics", json!([{"Id": "a", "Expression": "RATE(m)", "ReturnData": true}])),
    ] {
        let mut strange = known.clone();
        strange[property] = value;
        assert!(Alarm::read("strange", &strange).is_err(), "{property}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_alarm_fires_while_all_is_well() {
    let (world, log) = World::counted().await;
    let receiver = Receiver::start().await.unwrap();
    let path = endpoint(&world, &receiver).await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    live(&world, minutes(10)).await;
    let from = world.now();

    live(&world, hours(2)).await;
    world.enroll("user-2", "opel", "opel-kim").await;
    // A driver who declines, and a call that fails once, are no faults.
    let begun = world.begin_enrollment("user-3", "peugeot").await;
    let mut browser = browser();
    let back = world.refuse(&mut browser, &begun.login_url, ACCOUNT).await;
    browser.get(&back).await.unwrap();
    strike_once(&world);
    live(&world, hours(2)).await;
    assert_eq!(world.api("POST", &format!("{path}/test"), None).await.status, 202);
    live(&world, hours(2)).await;

    assert!(world.maker().pending_faults().is_empty() && !receiver.taken().is_empty());
    assert_only(&log, from, world.now(), &[]);
}

fn strike_once(world: &World) {
    for operation in [Operation::Refresh, Operation::Status] {
        world.maker().fault(Fault::once(operation, FaultKind::Status(503)));
    }
}

/// Six hours in which the maker answers everything so: grants can't be renewed, cars not polled, and
/// nobody logs in. The grant of an account without cars, which nobody else uses, grows old.
async fn a_maker_that_answers(kind: FaultKind) {
    let (world, log) = World::counted().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.enroll("user-2", "peugeot", "peugeot-nobody").await;
    world.pass(hours(17)).await;
    let from = world.now();
    strike(&world, &CALLS, &kind);

    live(&world, hours(3)).await;
    assert_ne!(log_in(&world, "user-3").await, "connected");
    live(&world, hours(3)).await;

    let to = world.now();
    let all = ["RenewalsFailAlarm", "PollsFailAlarm", "LoginsFailAlarm", "RenewalAgeAlarm"];
    assert_fire(&log, from, to, &all);
    let first = |name| minutes_of(name, &log, from, to)[0].duration_since(from);
    // An access token lasts for an hour: until then nothing is renewed.
    assert!(first("RenewalsFailAlarm") <= hours(1) + SOON, "{}", first("RenewalsFailAlarm"));
    assert!(first("PollsFailAlarm") <= hours(1) + SOON, "{}", first("PollsFailAlarm"));
    // It must not say that it is over between two tries, which become rare.
    for name in ["RenewalsFailAlarm", "PollsFailAlarm"] {
        let mut told = minutes_of(name, &log, from, to);
        told.retain(|at| *at > from + hours(1) + SOON);
        assert!(*told.last().unwrap() > to - minutes(20), "{name}: {told:?}");
        let silent = told.windows(2).find(|pair| pair[1].duration_since(pair[0]) > minutes(1));
        assert_eq!(silent, None, "{name}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lone_grant_that_fails_is_alarmed_of_until_the_maker_is_well() {
    let (world, log) = World::counted().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    world.pass(hours(17)).await;
    let from = world.now();
    strike(&world, &CALLS, &FaultKind::Status(503));

    live(&world, hours(8)).await;

    // What fails is tried ever more seldom, and no alarm says that all is well in between.
    let to = world.now();
    for name in ["RenewalsFailAlarm", "PollsFailAlarm"] {
        let fires: BTreeSet<_> = minutes_of(name, &log, from, to).into_iter().collect();
        let surely = (3 * 60..8 * 60).map(|minute| from + minutes(minute));
        let silent: Vec<_> = surely.filter(|minute| !fires.contains(minute)).collect();
        assert!(silent.is_empty(), "{name} is silent in {} minutes: {silent:?}", silent.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_answers_401_to_everything_is_seen() {
    a_maker_that_answers(FaultKind::Status(401)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_answers_5xx_to_everything_is_seen() {
    a_maker_that_answers(FaultKind::Status(503)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firewall_that_answers_with_pages_is_seen() {
    a_maker_that_answers(FaultKind::Html).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_that_cannot_be_used_is_seen() {
    let (world, log) = World::counted().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    let from = world.now();
    let mut secret = world.cloud.secrets().get("maker").unwrap();
    secret["certificate"] = "no certificate".into();
    secret["private_key"] = "no key".into();
    world.cloud.secrets().put("maker", secret);

    live(&world, hours(3)).await;
    assert_ne!(log_in(&world, "user-2").await, "connected");
    live(&world, hours(3)).await;

    // No login fails by it: what can't be had is looked for before a link is spent.
    let all = ["RenewalsFailAlarm", "PollsFailAlarm", "LoginUnsettledAlarm"];
    assert_fire(&log, from, world.now(), &all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_refuses_every_code_is_seen() {
    let (world, log) = World::counted().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    live(&world, minutes(10)).await;
    let from = world.now();
    strike(&world, &[Operation::Token], &FaultKind::Oauth("invalid_client".into()));

    live(&world, hours(3)).await;
    assert_eq!(log_in(&world, "user-2").await, "failed");
    live(&world, hours(3)).await;

    assert_only(&log, from, world.now(), &["LoginsFailAlarm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_we_cannot_settle_is_seen_at_the_first() {
    let (world, log) = World::counted().await;
    let begun = world.begin_enrollment("user-1", "peugeot").await;
    let from = world.now();
    live(&world, hours(1)).await;
    let begun_again = world.begin_enrollment("user-2", "peugeot").await;
    let mut browser = browser();
    let back = world.consent(&mut browser, &begun_again.login_url, ACCOUNT).await;
    let rule = Rule::once(Effect::Unavailable).of("callback").times(usize::MAX);
    world.cloud.faults().next(rule);
    browser.get(&back).await.unwrap();
    world.cloud.faults().clear();
    live(&world, hours(1)).await;

    assert_fire(&log, from, world.now(), &["LoginUnsettledAlarm"]);
    drop(begun);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_refuses_subscriptions_is_seen() {
    for (kind, alarm) in [
        (FaultKind::Status(403), "SubscriptionsRefusedAlarm"),
        (FaultKind::Status(503), "SubscriptionsFailAlarm"),
    ] {
        let (world, log) = World::counted().await;
        let from = world.now();
        strike(&world, &[Operation::Callbacks, Operation::CallbackCreate], &kind);
        live(&world, hours(1)).await;
        world.enroll("user-1", "peugeot", ACCOUNT).await;

        live(&world, hours(5)).await;

        assert_only(&log, from, world.now(), &[alarm]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_limits_us_for_hours_is_seen() {
    let (world, log) = World::counted().await;
    world.enroll("user-1", "peugeot", ACCOUNT).await;
    live(&world, minutes(30)).await;
    let from = world.now();
    world.maker().fault(Fault::once(Operation::Status, FaultKind::RetryAfter(3 * 3600)));

    live(&world, hours(6)).await;

    let to = world.now();
    assert_fire(&log, from, to, &["MakerLimitedAlarm"]);
    let last = *minutes_of("MakerLimitedAlarm", &log, from, to).last().unwrap();
    assert!(last < from + hours(4), "it ends with the pause: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_takes_nothing_is_seen_until_it_does() {
    let (world, log) = World::counted().await;
    let receiver = Receiver::start().await.unwrap();
    let path = endpoint(&world, &receiver).await;
    let from = world.now();
    live(&world, minutes(10)).await;
    receiver.answer(500);
    world.enroll("user-1", "peugeot", ACCOUNT).await;

    live(&world, hours(4)).await;
    assert_only(&log, from, world.now(), &["WebhookFailingAlarm"]);

    receiver.answer(200);
    assert_eq!(world.api("POST", &format!("{path}/retry"), None).await.status, 202);
    let mended = world.now();
    live(&world, hours(2)).await;
    let last = *minutes_of("WebhookFailingAlarm", &log, from, world.now()).last().unwrap();
    assert!(last > from + minutes(45) && last < mended + minutes(15), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_endpoint_is_told_of_for_as_long_as_it_is_paused() {
    let (world, log) = World::counted().await;
    let receiver = Receiver::start().await.unwrap();
    let path = endpoint(&world, &receiver).await;
    let from = world.now();
    receiver.answer(410);
    world.enroll("user-1", "peugeot", ACCOUNT).await;

    live(&world, hours(3)).await;
    assert_only(&log, from, world.now(), &["WebhookPausedAlarm"]);
    let before = world.now();
    live(&world, minutes(10)).await;
    let told = minutes_of("WebhookPausedAlarm", &log, from, world.now());
    assert!(told.iter().any(|at| *at > before), "it must not say that it is over: {told:?}");

    receiver.answer(200);
    world.api("PATCH", &path, Some(json!({"enabled": true}))).await;
    let enabled = world.now();
    live(&world, hours(1)).await;
    let last = *minutes_of("WebhookPausedAlarm", &log, from, world.now()).last().unwrap();
    assert!(last < enabled + minutes(15), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_given_up_are_told_of_until_they_are_sent_again() {
    let (world, log) = World::counted().await;
    let receiver = Receiver::start().await.unwrap();
    let path = endpoint(&world, &receiver).await;
    receiver.answer(500);
    world.begin_enrollment("user-1", "peugeot").await;
    world.settle().await;
    world.pass(hours(84)).await;
    let from = world.now();

    live(&world, hours(1)).await;
    let (surely, _) = firing(&log, from, world.now());
    assert!(surely.contains("WebhookDeadAlarm"), "{surely:?}");

    receiver.answer(200);
    world.api("PATCH", &path, Some(json!({"enabled": true}))).await;
    let since = json!({"since": tests::START});
    let replayed = world.api("POST", &format!("{path}/replay"), Some(since)).await;
    assert_eq!(replayed.body["replayed"], 1, "{}", replayed.body);
    let mended = world.now();
    live(&world, hours(1)).await;
    let last = *minutes_of("WebhookDeadAlarm", &log, from, world.now()).last().unwrap();
    assert!(last < mended + minutes(15), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_takes_nothing_is_seen() {
    let (world, log) = World::counted().await;
    live(&world, minutes(10)).await;
    let from = world.now();
    let down = Rule::once(Effect::Unavailable).of("deliver").at(Aws::PutEvents);
    world.cloud.faults().next(down.times(usize::MAX));
    world.begin_enrollment("user-1", "peugeot").await;

    live(&world, hours(1)).await;

    assert_fire(&log, from, world.now(), &["BusFailsAlarm"]);
}
