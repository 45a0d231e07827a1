//! Monitors as documents: what is taken, what is refused, how many there may be.

use serde_json::{Value, json};

use crate::support::{EVERYTHING, Maker, callback, data, field, monitor};

const ALEX: &str = "peugeot-alex";
const TARGET: &str = "https://hooks.example/secret";

fn with(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = data("vehicle.energy.electric.level", "lowerThan", &["20"]);
    change(&mut body);
    body
}

fn trigger(trigger: impl Into<Value>) -> Value {
    let trigger = trigger.into();
    with(|body| body["triggerParam"]["triggers"] = json!([trigger]))
}

fn triggers(names: &[&str], expression: &str) -> Value {
    let each =
        |name: &&str| json!({"name": name, "data": {"data": "vehicle.alert", "op": "onChange"}});
    let triggers: Vec<Value> = names.iter().map(each).collect();
    with(|body| body["triggerParam"] = json!({"triggers": triggers, "boolExp": expression}))
}

#[tokio::test]
async fn a_monitor_is_made_read_changed_and_deleted() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(TARGET).await;
    let address = session.watch(&callback, &with(|_| ())).await;

    let read = session.get(&address).await.json();
    let id = field(&read, "monitorId");
    assert_eq!(read["monitor"], with(|_| ()));
    assert_eq!(read["status"], "Running");
    assert_eq!(read["createdAt"], "2026-03-04T12:00:00Z");
    assert_eq!(
        field(&read["_links"]["self"], "href"),
        format!("{}{address}", maker.simulator.api_url())
    );
    let list = session.get(address.strip_suffix(&format!("/{id}")).unwrap()).await.json();
    assert_eq!(list["_embedded"]["monitors"], json!([read]));

    maker.advance(std::time::Duration::from_mins(1));
    let other = with(|body| body["label"] = json!("other"));
    let changed = session.put(&address, &other).await;
    assert_eq!(changed.status, 202);
    assert_eq!(changed.json()["updatedAt"], "2026-03-04T12:01:00Z");
    assert_eq!(session.get(&address).await.json()["monitor"]["label"], "other");
    assert_eq!(session.delete(&address).await.status, 204);
    assert_eq!(session.get(&address).await.status, 404);
    assert_eq!(session.delete(&address).await.status, 404);
}

#[tokio::test]
async fn rules_that_the_description_allows_are_taken() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(TARGET).await;
    let right = [
        data("vehicle.alert", "includedIn", &["OilPressureFault", "RiskOfIce"]),
        data("vehicle.trip.state", "includedIn", &["Nominal"]),
        data("environment.air.temp", "greaterThan", &["-3.5"]),
        triggers(&["a1", "b_2", "c"], "(a1 & !b_2) | c"),
        monitor(json!({"zone": {"transition": "In", "circle": {
            "radius": 1, "center": {"longitude": 0.0, "latitude": 0.0}}}})),
        monitor(json!({"time": {"timeZone": "Europe/London", "times": [
            {"start": "PT8H30M", "duration": "PT7H30M", "recurrence": "Daily",
             "occurence": {"day": ["Mon"], "week": ["w1", "w34-w46"]}},
            {"start": "2026-01-03T12:00:00+01:00", "recurrence": "None"},
        ]}})),
        with(|body| {
            body["subscribeParam"] = json!({"refreshEvent": 60, "callbackAttributes": {
                "webhook": [{"type": "Query", "key": "m", "value": "$MonitorID"}]}});
            body["attributes"] =
                json!([{"type": "Header", "key": "X-M", "value": "$monitorLabel"}]);
            body["extendedEventParam"] = json!(["vehicle.status", "vehicle.telemetry.privacy"]);
        }),
    ];
    for body in right {
        let address = session.watch(&callback, &body).await;
        assert_eq!(session.get(&address).await.json()["monitor"], body);
        session.delete(&address).await;
    }
}

#[tokio::test]
async fn rules_that_the_description_forbids_are_refused() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let callback = session.subscribe(TARGET).await;
    let path = format!("/user/vehicles/{}/callbacks/{callback}/monitors", session.car().await);
    let one = |data: Value| trigger(json!({"name": "t", "data": data}));
    let zone = |zone: Value| trigger(json!({"name": "t", "zone": zone}));
    let center = json!({"longitude": 2.3, "latitude": 48.8});
    let level = "vehicle.energy.electric.level";
    let wrong = [
        json!({}),
        with(|body| drop(body.as_object_mut().unwrap().remove("label"))),
        with(|body| body["extra"] = json!(1)),
        with(|body| body["triggerParam"]["triggers"] = json!([])),
        triggers(&["a", "b", "c", "d", "e", "f"], "a"),
        triggers(&["a", "a"], "a"),
        triggers(&["1a"], "1a"),
        triggers(&["a"], "a & b"),
        triggers(&["a"], "a | !a"),
        triggers(&["a"], ""),
        triggers(&["a"], "(a"),
        trigger(json!({"name": "t"})),
        trigger(json!({"name": "t", "zone": {"transition": "In", "place": {
            "radius": 1, "center": center}}, "data": {"data": "vehicle.alert", "op": "onChange"}})),
        one(json!({"data": "vehicle.wings", "op": "onChange"})),
        one(json!({"data": level, "op": "onChange"})),
        one(json!({"data": level, "op": "under", "value": ["1"]})),
        one(json!({"data": level, "op": "equalsTo"})),
        one(json!({"data": level, "op": "equalsTo", "value": ["1", "2"]})),
        one(json!({"data": level, "op": "equalsTo", "value": [1]})),
        one(json!({"data": level, "op": "equalsTo", "value": ["much"]})),
        one(json!({"data": "vehicle.alert", "op": "includedIn", "value": []})),
        one(json!({"data": "vehicle.alert", "op": "onChange", "value": ["RiskOfIce"]})),
        one(json!({"data": "vehicle.kinetic.moving", "op": "equalsTo", "value": ["yes"]})),
        one(json!({"data": "privacy.state", "op": "equalsTo", "value": ["Half"]})),
        one(json!({"data": level, "op": "equalsTo", "value": ["1"],
            "previous": {"op": "equalsTo", "value": ["2"]}})),
        one(json!({"data": "privacy.state", "op": "onChange",
            "previous": {"op": "greaterThan", "value": ["Full"]}})),
        zone(json!({"transition": "Near", "place": {"radius": 1, "center": center}})),
        zone(json!({"place": {"radius": 1, "center": center}})),
        zone(json!({"transition": "In"})),
        zone(json!({"transition": "In", "place": {"radius": 1.5, "center": center}})),
        zone(json!({"transition": "In", "place": {"radius": 0, "center": center}})),
        zone(json!({"transition": "In", "place": {
            "radius": 1, "center": {"longitude": 2.3, "latitude": 98.8}}})),
        trigger(json!({"name": "t", "time": {"times": [{"start": "PT8H"}]}})),
        with(|body| body["subscribeParam"] = json!({})),
        with(|body| body["subscribeParam"] = json!({"refreshEvent": 59})),
        with(|body| body["attributes"] = json!([{"type": "Query", "key": "a", "value": "b"}])),
        with(|body| body["extendedEventParam"] = json!(["vehicle.colour"])),
    ];

    for body in wrong {
        let refused = session.post(&path, &body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(40000)), "{body}");
    }
    assert!(maker.simulator.world().monitors().is_empty());
}

#[tokio::test]
async fn there_are_at_most_five_monitors_for_a_vehicle_and_user_over_all_callbacks() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let callbacks = [session.subscribe(TARGET).await, session.subscribe(TARGET).await];
    let mut last = String::new();
    for number in 0..5 {
        last = session.watch(&callbacks[number % 2], &with(|_| ())).await;
    }
    let path = last.rsplit_once('/').unwrap().0.to_owned();

    let sixth = session.post(&path, &with(|_| ())).await;
    assert_eq!((sixth.status, &sixth.json()["code"]), (400, &json!(40000)));
    session.delete(&last).await;
    assert_eq!(session.post(&path, &with(|_| ())).await.status, 202);
}

#[tokio::test]
async fn monitors_want_the_users_own_car_and_callback_a_data_scope_and_a_callback_for_them() {
    let maker = Maker::start().await;
    let session = maker.access(ALEX, EVERYTHING).await;
    let other = maker.access("peugeot-camille", EVERYTHING).await;
    let (mine, theirs) = (session.subscribe(TARGET).await, other.subscribe(TARGET).await);
    let (car, foreign) = (session.car().await, other.car().await);
    let path =
        |car: &str, callback: &str| format!("/user/vehicles/{car}/callbacks/{callback}/monitors");
    let post = async |car: &str, callback: &str| {
        session.post(&path(car, callback), &with(|_| ())).await.status
    };

    assert_eq!(post(&car, &theirs).await, 404);
    assert_eq!(post(&foreign, &mine).await, 403);
    assert_eq!(post("00", &mine).await, 404);
    let remote = maker.access(ALEX, "openid remote:horn:write").await;
    assert_eq!(remote.get(&path(&car, &mine)).await.status, 403);
    let position = maker.access(ALEX, "openid data:position").await;
    assert_eq!(position.get(&path(&car, &mine)).await.status, 200);
    let mut for_remotes = callback(TARGET);
    for_remotes["type"] = json!(["Remote"]);
    let for_remotes = session.post("/user/callbacks", &for_remotes).await.json();
    assert_eq!(post(&car, &field(&for_remotes, "callbackId")).await, 400);
    assert!(maker.simulator.world().monitors().is_empty());
}
