//! What a car can do, and the business API's question for it by VIN, before any user is asked.

use axum::{
    extract::RawPathParams,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{B2B_BASE, gate::limited, refusal::Refusal, vehicles::motorization};
use crate::{
    App,
    cars::{Car, CarKind},
    params::Params,
};

/// `_embedded.extension.onboardCapabilities`: data as scopes, remotes with what they take.
pub(super) fn onboard(car: &Car) -> Value {
    let chargeable = car.kind != CarKind::Thermic;
    let mut data = vec![
        "data:telemetry",
        "data:telemetry:environment",
        "data:telemetry:privacy",
        "data:telemetry:vehicle",
        "data:position",
        "data:trip",
        "data:alert",
        "data:collision",
    ];
    if chargeable {
        data.push("data:vehicle:devices:pnc");
    }
    let plain = |name: &str, supported: bool| json!({"supported": supported, "scopeName": format!("remote:{name}:write")});
    json!({
        "data": data,
        "remote": {
            "preconditioning": {
                "supported": chargeable,
                "scopeName": "remote:preconditioning:write",
                "parameters": {"programs": {"size": 4}, "immediate": true},
            },
            "charging": {
                "supported": chargeable,
                "scopeName": "remote:charging:write",
                "parameters": {
                    "immediate": {"start": true, "stop": true},
                    "schedule": {
                        "programs": {"supported": false},
                        "nextDelayedTime": true,
                        "preferences": {"level": false, "type": true},
                    },
                    "preferences": {"level": false, "type": true},
                },
            },
            "door": plain("door", true),
            "horn": plain("horn", true),
            "lights": plain("lights", true),
            "wakeup": plain("wakeup", true),
            "navigation": plain("navigation", false),
        },
    })
}

/// `GET /vehicle/{vin}` of the business API: no user token, the realm names the brand.
pub(super) fn eligibility(
    app: &App,
    ids: &RawPathParams,
    query: &str,
    headers: &HeaderMap,
) -> Response {
    let params = Params::joined(query.as_bytes());
    limited(app, &params, || {
        let vin = ids.iter().find(|(name, _)| *name == "vin").map(|(_, vin)| vin);
        let vin = vin.unwrap_or_default().to_ascii_uppercase();
        if vin.len() != 17 || !vin.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Refusal::InvalidParameter("vin"));
        }
        let wanted = params.get("extension");
        if wanted.is_some_and(|wanted| wanted != "onboardCapabilities") {
            return Err(Refusal::InvalidParameter("extension"));
        }
        let realm = headers.get("x-introspect-realm").map(HeaderValue::as_bytes);
        let car = app.world.look(|state| state.cars.get(&vin).cloned());
        let car = car
            .filter(|car| realm == Some(car.brand.realm().as_bytes()))
            .ok_or(Refusal::Unknown)?;
        let mut body = json!({
            "_links": {"self": {"href": format!("{}{B2B_BASE}/vehicle/{vin}", app.origin)}},
            "vin": vin,
            "motorization": motorization(car.kind),
        });
        if wanted.is_some() {
            body["_embedded"] = json!({"extension": {"onboardCapabilities": onboard(&car)}});
        }
        let content = [(header::CONTENT_TYPE, "application/hal+json")];
        Ok((content, body.to_string()).into_response())
    })
}
