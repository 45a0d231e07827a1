//! What a notification carries along: documents of the API as of its moment.

use jiff::Timestamp;
use serde_json::Value;

use super::{alarms, alerts, gate::Call, maintenance, position, status, telemetry, trips};
use crate::world::{World, monitors::Monitor};

/// The member and the document for an entry of `extendedEventParam`; none where there is nothing
/// to see, or not for the monitor's creator.
pub(crate) fn extension(
    world: &World,
    monitor: &Monitor,
    name: &str,
    at: Timestamp,
) -> Option<(&'static str, Value)> {
    let id = world.vehicle_id(&monitor.account, &monitor.vin)?;
    let kind = name.strip_prefix("vehicle.telemetry.");
    let query = kind.map(|kind| format!("type={kind}")).unwrap_or_default();
    let call = Call::within(world, &monitor.account, monitor.scopes.clone(), &id, &query, at);
    let first = |list: Value, name: &str| list["_embedded"][name].get(0).cloned();
    Some(match name {
        "vehicle.doorsState" => {
            ("doorState", status::status(&call).ok()?.get("doorsState")?.clone())
        }
        "vehicle.status" => ("status", status::status(&call).ok()?),
        "vehicle.maintenance" => ("maintenance", maintenance::maintenance(&call).ok()?),
        "vehicle.position" => ("position", position::last(&call).ok()?),
        "vehicle.alerts" => {
            let list = alerts::list(&call).ok()?;
            let mut alerts = list["_embedded"]["alerts"].as_array()?.clone();
            alerts.retain(|alert| alert["active"] == true);
            ("alerts", Value::Array(alerts))
        }
        "vehicle.alarm" => ("alarm", first(alarms::list(&call).ok()?, "alarms")?),
        "vehicle.trip" => ("trip", first(trips::list(&call).ok()?, "trips")?),
        _ => ("telemetry", first(telemetry::list(&call).ok()?, "telemetries")?),
    })
}
