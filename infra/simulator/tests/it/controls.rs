//! Notifications by `/_control`, for those who hold no world.

use reqwest::{Method, header};
use serde_json::{Value, json};
use simulator::RunState;

use crate::{
    receiver::Receiver,
    support::{CONTROL, Maker, REMOTES, Reply, data},
};

const ALEX: &str = "peugeot-alex";
const E208: &str = "VR3UHZKXZPT000208";

async fn control(maker: &Maker, method: Method, path: &str, body: &Value) -> Reply {
    let request = maker
        .http
        .request(method, format!("http://{}/_control/{path}", maker.simulator.addr()))
        .header(header::AUTHORIZATION, format!("Bearer {CONTROL}"))
        .body(body.to_string());
    Reply::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn cars_messages_and_fates_can_be_driven_over_http() {
    let (maker, receiver) = (Maker::start().await, Receiver::start().await);
    let session = maker.access(ALEX, REMOTES).await;
    let callback = session.subscribe(receiver.target()).await;
    session.watch(&callback, &data("vehicle.energy.electric.level", "lowerThan", &["20"])).await;
    let monitor = maker.simulator.world().monitors()[0].id.clone();
    let post =
        async |path: &str, body: Value| control(&maker, Method::POST, path, &body).await.status;

    for change in [
        json!({"battery_level": 19}),
        json!({"moved": {"latitude": 48.1, "longitude": -1.7}}),
        json!({"plugged": true}),
        json!({"charging": true}),
        json!({"locked": false}),
        json!({"door": {"door": "Driver", "open": true}}),
        json!({"preconditioning": true}),
        json!({"alert_raised": "RiskOfIce"}),
        json!({"alert_cleared": "RiskOfIce"}),
        json!({"alarm_set_off": "VehicleLifting"}),
        json!({"fuel_level": 5}),
        json!("woken"),
    ] {
        let status = post("touch", json!({"vin": E208, "change": change})).await;
        assert_eq!(status, 204, "{change}");
    }
    assert_eq!(post("events", Value::Null).await, 204);
    assert_eq!(receiver.messages()[0]["monitorEvent"]["monitorId"], monitor.as_str());
    assert_eq!(post("touch", json!({"vin": "NONE", "change": "woken"})).await, 404);
    assert_eq!(post("touch", json!({"vin": E208, "change": "painted"})).await, 400);

    assert_eq!(post("delivery-fault", json!({"kind": "duplicate"})).await, 204);
    let hello = json!({"callback": callback, "message": {"hello": 1}});
    assert_eq!(post("message", hello).await, 204);
    assert_eq!(post("events", Value::Null).await, 204);
    assert_eq!(receiver.take().len(), 2);

    let fate = json!({"action": "horn", "fate": {"failed": "VehicleError"}});
    assert_eq!(post("remote-fate", fate).await, 204);
    assert_eq!(post("remote-fate", json!({"fate": {"delayed": 5}, "vin": "X"})).await, 204);
    session.remote(&callback, &json!({"horn": {"state": "Activated"}})).await;
    maker.advance(std::time::Duration::from_mins(1));
    let shown = control(&maker, Method::GET, "notifications", &Value::Null).await;
    assert_eq!(shown.json()["remotes"][0]["status"], "Accepted");
    assert_eq!(post("events", Value::Null).await, 204);
    let shown = control(&maker, Method::GET, "notifications", &Value::Null).await;
    assert_eq!(shown.json()["remotes"][0]["cause"], "VehicleError");
    assert_eq!(shown.json()["deliveries"][0]["status"], 200);
    for secret in ["s3cret", receiver.target()] {
        assert!(!shown.text.contains(secret));
    }

    let failed = json!({"id": monitor, "status": "Failed"});
    assert_eq!(post("run-state", failed).await, 204);
    assert_eq!(maker.simulator.world().monitors()[0].status, RunState::Failed);
    assert_eq!(post("lose", json!({"monitor": monitor})).await, 204);
    assert_eq!(post("lose", json!({"monitor": monitor})).await, 404);
    assert_eq!(post("lose", json!({"callback": callback})).await, 204);
    assert_eq!(session.get("/user/callbacks").await.json()["total"], 0);
    let cleared = control(&maker, Method::DELETE, "delivery-fault", &Value::Null).await;
    assert_eq!(cleared.status, 204);
}
