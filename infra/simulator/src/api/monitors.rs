//! `…/callbacks/{cbid}/monitors…`: rules over what a car does.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer,
    callbacks::{client, own},
    gate::{Call, Seen},
    paging::collection,
    part::{link, of_vehicle},
    refusal::Refusal,
    write::{Body, Done, NotDone, done},
};
use crate::{
    events::{begun, rule::Rule},
    random,
    time::rfc3339,
    world::{
        callbacks::{Callback, Kind, RunState},
        monitors::{MOST, Memory, Monitor},
    },
};

const SCOPES: [&str; 5] =
    ["data:telemetry", "data:position", "data:trip", "data:alert", "data:collision"];

/// The car and the callback of the address, for whoever may have monitors.
fn enter(call: &Call<'_>) -> Result<(Seen, Callback), Refusal> {
    if !SCOPES.iter().any(|scope| call.scopes.allow_some_of(scope)) {
        return Err(Refusal::Scope);
    }
    let seen = call.seen()?;
    Ok((seen, own(call)?))
}

/// The monitor of the address too.
fn find(call: &Call<'_>) -> Result<(Seen, Monitor), Refusal> {
    let (seen, callback) = enter(call)?;
    let id = call.id("mid").unwrap_or_default();
    let monitor = call.world.look(|state| {
        state.monitors_of(&callback.id, &seen.car.vin).find(|monitor| monitor.id == id).cloned()
    });
    Ok((seen, monitor.ok_or(Refusal::Unknown)?))
}

/// `GET …/monitors`.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let (seen, callback) = enter(call)?;
    let monitors: Vec<Monitor> =
        call.world.look(|state| state.monitors_of(&callback.id, &seen.car.vin).cloned().collect());
    collection(call, "monitors", 60, &monitors, |monitor| render(call, &seen, monitor))
}

/// `GET …/monitors/{mid}`.
pub(super) fn one(call: &Call<'_>) -> Answer {
    let (seen, monitor) = find(call)?;
    Ok(render(call, &seen, &monitor))
}

/// `POST …/monitors`.
pub(super) fn create(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    let (seen, callback) = enter(call)?;
    if !callback.kinds.contains(&Kind::Monitor) {
        return Err(NotDone::Kind);
    }
    let parameter = body.json()?;
    let rule = Rule::read(&parameter)?;
    let now = call.world.now();
    let monitor = Monitor {
        id: random::token(),
        client: client(call),
        account: call.account.clone(),
        callback: callback.id,
        vin: seen.car.vin.clone(),
        memory: begun(&rule, seen.life(), now),
        label: rule.label,
        parameter,
        scopes: call.scopes.0.clone(),
        status: RunState::Running,
        created_at: now,
        updated_at: now,
        fired: 0,
    };
    let answer = reference(call, &seen, &monitor);
    call.world.change(|state| {
        if state.count_monitors(&monitor.client, &monitor.account, &monitor.vin) >= MOST {
            return Err(NotDone::TooManyMonitors);
        }
        state.monitors.push(monitor);
        Ok(())
    })?;
    Ok(done(StatusCode::ACCEPTED, answer))
}

/// `PUT …/monitors/{mid}`: all of it anew; it runs again, and what holds already is no news.
pub(super) fn update(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    let (seen, monitor) = find(call)?;
    let parameter = body.json()?;
    let rule = Rule::read(&parameter)?;
    let memory = begun(&rule, seen.life(), call.world.now());
    change(call, &seen, &monitor.id, |monitor| {
        monitor.label = rule.label;
        monitor.parameter = parameter;
        monitor.scopes.clone_from(&call.scopes.0);
        monitor.status = RunState::Running;
        monitor.memory = memory;
    })
}

/// `PUT …/monitors/{mid}/status`.
pub(super) fn set_status(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    let (seen, monitor) = find(call)?;
    let status = body.status()?;
    let rule = Rule::read(&monitor.parameter)?;
    let memory: Memory = begun(&rule, seen.life(), call.world.now());
    change(call, &seen, &monitor.id, |monitor| {
        if monitor.status != status {
            monitor.memory = memory;
        }
        monitor.status = status;
    })
}

fn change(
    call: &Call<'_>,
    seen: &Seen,
    id: &str,
    change: impl FnOnce(&mut Monitor),
) -> Result<Done, NotDone> {
    let now = call.world.now();
    let changed = call.world.change(|state| {
        let monitor = state.monitors.iter_mut().find(|monitor| monitor.id == id)?;
        change(monitor);
        monitor.updated_at = now;
        Some(monitor.clone())
    });
    Ok(done(StatusCode::ACCEPTED, reference(call, seen, &changed.ok_or(Refusal::Unknown)?)))
}

/// `DELETE …/monitors/{mid}`.
pub(super) fn delete(call: &Call<'_>, _: &Body<'_>) -> Result<Done, NotDone> {
    let (_, monitor) = find(call)?;
    call.world.change(|state| state.delete_monitor(&monitor.id));
    Ok(Done { status: StatusCode::NO_CONTENT, body: None })
}

fn address(seen: &Seen, monitor: &Monitor) -> String {
    of_vehicle(seen, &format!("/callbacks/{}/monitors/{}", monitor.callback, monitor.id))
}

fn reference(call: &Call<'_>, seen: &Seen, monitor: &Monitor) -> Value {
    json!({
        "_links": {"monitor": link(call, &address(seen, monitor))},
        "monitorId": monitor.id,
        "status": monitor.status,
        "createdAt": rfc3339(monitor.created_at),
        "updatedAt": rfc3339(monitor.updated_at),
    })
}

fn render(call: &Call<'_>, seen: &Seen, monitor: &Monitor) -> Value {
    json!({
        "_links": {"self": link(call, &address(seen, monitor))},
        "monitorId": monitor.id,
        "monitor": monitor.parameter,
        "status": monitor.status,
        "createdAt": rfc3339(monitor.created_at),
        "updatedAt": rfc3339(monitor.updated_at),
    })
}
