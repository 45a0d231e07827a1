//! `…/callbacks/{cbid}/remotes…`: what a car is asked to do, one action each.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer,
    callbacks::{address, client, own},
    gate::{Call, Seen},
    paging::collection,
    part::{link, of_vehicle},
    refusal::Refusal,
    remote_body,
    write::{Body, Done, NotDone, done},
};
use crate::{
    random,
    world::{
        callbacks::{Callback, Kind},
        remotes::{Action, Remote, RemoteStatus},
    },
};

pub(super) use super::remote_body::BadRemote;

/// The car and the callback of the address, for whoever may send any remote.
fn enter(call: &Call<'_>) -> Result<(Seen, Callback), Refusal> {
    if !Action::ALL.iter().any(|action| call.scopes.allow(action.scope())) {
        return Err(Refusal::Scope);
    }
    let seen = call.seen()?;
    Ok((seen, own(call)?))
}

/// `GET …/remotes`, the newest first.
pub(super) fn list(call: &Call<'_>) -> Answer {
    let (seen, callback) = enter(call)?;
    let mut remotes: Vec<Remote> =
        call.world.look(|state| state.remotes_of(&callback.id, &seen.car.vin).cloned().collect());
    remotes.retain(|remote| remote.account == call.account);
    remotes.reverse();
    collection(call, "remoteActions", 60, &remotes, |remote| render(call, &seen, remote))
}

/// `GET …/remotes/{rid}`.
pub(super) fn one(call: &Call<'_>) -> Answer {
    let (seen, callback) = enter(call)?;
    let id = call.id("rid").unwrap_or_default();
    let remote = call.world.look(|state| {
        state.remotes_of(&callback.id, &seen.car.vin).find(|remote| remote.id == id).cloned()
    });
    Ok(render(call, &seen, &remote.ok_or(Refusal::Unknown)?))
}

/// `POST …/remotes`.
pub(super) fn send(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    let (seen, callback) = enter(call)?;
    if !callback.kinds.contains(&Kind::Remote) {
        return Err(NotDone::Kind);
    }
    let body = body.json()?;
    let wanted = remote_body::read(&body)?;
    if !call.scopes.allow(wanted.action.scope()) {
        return Err(Refusal::Scope.into());
    }
    let remote = Remote {
        id: random::token(),
        client: client(call),
        account: call.account.clone(),
        callback: callback.id,
        vin: seen.car.vin.clone(),
        label: wanted.label,
        action: wanted.action,
        change: wanted.change,
        body,
        attributes: wanted.attributes,
        accepted_at: call.world.now(),
        fate: call.world.take_fate(&seen.car.vin, wanted.action),
        steps: Vec::new(),
        status: RemoteStatus::Accepted,
        cause: None,
        done_at: None,
    };
    let answer = json!({
        "_links": {
            "callback": link(call, &address(&remote.callback)),
            "remote": link(call, &place(&seen, &remote)),
        },
        "remoteActionId": remote.id,
        "type": remote.action.remote_type(),
    });
    let most = call.world.settings().wake_ups_per_month;
    let world = call.world;
    world.change(|state| state.take_on(world.seed(), most, remote));
    Ok(done(StatusCode::ACCEPTED, answer))
}

fn place(seen: &Seen, remote: &Remote) -> String {
    of_vehicle(seen, &format!("/callbacks/{}/remotes/{}", remote.callback, remote.id))
}

fn render(call: &Call<'_>, seen: &Seen, remote: &Remote) -> Value {
    let mut body = json!({
        "_links": {
            "self": link(call, &place(seen, remote)),
            "callback": link(call, &address(&remote.callback)),
        },
        "remoteActionId": remote.id,
        "type": remote.action.remote_type(),
        "status": remote.status,
        "remote": remote.body,
    });
    if let Some(cause) = remote.cause {
        body["failureCause"] = json!(cause);
    }
    if let Some(detail) = remote.detail(remote.status) {
        body["feedbackDetail"] = json!(detail);
    }
    body
}
