//! `/user/callbacks…`: where notifications go, for one client and one user.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use url::{Host, Url};

use super::{
    Answer,
    gate::Call,
    paging::collection,
    part::link,
    refusal::Refusal,
    write::{Body, Done, NotDone, done},
};
use crate::{
    random,
    world::callbacks::{Attribute, Callback, Kind, RunState},
};

/// What a callback may be owned with: any data scope, any remote's.
const SCOPES: [&str; 12] = [
    "data:telemetry",
    "data:position",
    "data:trip",
    "data:alert",
    "data:collision",
    "remote:door:write",
    "remote:preconditioning:write",
    "remote:horn:write",
    "remote:charging:write",
    "remote:lights:write",
    "remote:wakeup:write",
    "remote:navigation:write",
];

/// What is wrong with a callback.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadCallback {
    #[error("a member is missing, unknown or of another type")]
    Shape(#[from] serde_json::Error),
    #[error("its type is empty or names something twice")]
    Kinds,
    #[error("there must be one webhook: the simulated maker reaches nothing else")]
    Choice,
    #[error("the target must be an absolute https address (http on loopback only)")]
    Target,
    #[error("attributes may not be empty")]
    NoAttributes,
    #[error("an attribute's key or variable is wrong")]
    Attribute,
}

/// `CallbackSubscribe`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    label: Option<String>,
    #[serde(rename = "type")]
    kinds: Option<Vec<Kind>>,
    callback: Choice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    webhook: Option<Webhook>,
    pushnotif: Option<Value>,
    websocket: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    #[serde(rename = "name")]
    _name: String,
    target: String,
    attributes: Option<Vec<Attribute>>,
}

/// A body, read.
struct Wanted {
    label: Option<String>,
    kinds: Vec<Kind>,
    target: String,
    attributes: Vec<Attribute>,
    subscribe: Value,
}

fn wanted(subscribe: Value) -> Result<Wanted, BadCallback> {
    let read = Subscribe::deserialize(&subscribe)?;
    let kinds = read.kinds.unwrap_or_else(|| vec![Kind::Monitor, Kind::Remote]);
    if kinds.is_empty() || kinds.len() > 2 || kinds.len() == 2 && kinds[0] == kinds[1] {
        return Err(BadCallback::Kinds);
    }
    let Choice { webhook: Some(webhook), pushnotif: None, websocket: None } = read.callback else {
        return Err(BadCallback::Choice);
    };
    if !is_target(&webhook.target) {
        return Err(BadCallback::Target);
    }
    let attributes = webhook.attributes.unwrap_or_default();
    if attributes.is_empty() {
        return Err(BadCallback::NoAttributes);
    }
    if !attributes.iter().all(Attribute::is_sound) {
        return Err(BadCallback::Attribute);
    }
    Ok(Wanted { label: read.label, kinds, target: webhook.target, attributes, subscribe })
}

fn is_target(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return false,
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && (url.scheme() == "https" || url.scheme() == "http" && local)
}

/// The client that calls; the gateway has seen to it that it is the registered one.
pub(super) fn client(call: &Call<'_>) -> String {
    call.world.registration().client_id
}

fn allowed(call: &Call<'_>) -> Result<(), Refusal> {
    let any = SCOPES.iter().any(|scope| call.scopes.allow_some_of(scope));
    if any { Ok(()) } else { Err(Refusal::Scope) }
}

/// The callback in the address, if it is the caller's.
pub(super) fn own(call: &Call<'_>) -> Result<Callback, Refusal> {
    let (client, id) = (client(call), call.id("cbid").unwrap_or_default());
    call.world
        .look(|state| state.callback(&client, &call.account, id).cloned())
        .ok_or(Refusal::Unknown)
}

/// `GET /user/callbacks`.
pub(super) fn list(call: &Call<'_>) -> Answer {
    allowed(call)?;
    let kinds = call.params.get("types").map(|list| list.split(',').map(kind).collect());
    let kinds: Option<Vec<Kind>> = kinds.transpose()?;
    let client = client(call);
    let callbacks: Vec<Callback> = call.world.look(|state| {
        let mine = |callback: &&Callback| {
            callback.client == client
                && callback.account == call.account
                && kinds
                    .as_ref()
                    .is_none_or(|kinds| callback.kinds.iter().any(|kind| kinds.contains(kind)))
        };
        state.callbacks.iter().filter(mine).cloned().collect()
    });
    collection(call, "callbacks", 60, &callbacks, |callback| render(call, callback))
}

fn kind(name: &str) -> Result<Kind, Refusal> {
    match name {
        "Monitor" => Ok(Kind::Monitor),
        "Remote" => Ok(Kind::Remote),
        _ => Err(Refusal::InvalidParameter("types")),
    }
}

/// `GET /user/callbacks/{cbid}`.
pub(super) fn one(call: &Call<'_>) -> Answer {
    allowed(call)?;
    Ok(render(call, &own(call)?))
}

/// `POST /user/callbacks`: 200, as the paths of the description say.
pub(super) fn create(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    allowed(call)?;
    let wanted = wanted(body.json()?)?;
    let callback = Callback {
        id: random::token(),
        client: client(call),
        account: call.account.clone(),
        label: wanted.label,
        kinds: wanted.kinds,
        target: wanted.target,
        attributes: wanted.attributes,
        subscribe: wanted.subscribe,
        status: RunState::Running,
        created_at: call.world.now(),
        behind: false,
        retry_at: None,
    };
    let answer = reference(call, &callback);
    call.world.change(|state| state.callbacks.push(callback));
    Ok(done(StatusCode::OK, answer))
}

/// `PUT /user/callbacks/{cbid}`: all of it anew; it runs again.
pub(super) fn update(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    allowed(call)?;
    own(call)?;
    let wanted = wanted(body.json()?)?;
    change(call, |callback| {
        callback.label = wanted.label;
        callback.kinds = wanted.kinds;
        callback.target = wanted.target;
        callback.attributes = wanted.attributes;
        callback.subscribe = wanted.subscribe;
        callback.status = RunState::Running;
        callback.retry_at = None;
    })
}

/// `PUT /user/callbacks/{cbid}/status`.
pub(super) fn set_status(call: &Call<'_>, body: &Body<'_>) -> Result<Done, NotDone> {
    allowed(call)?;
    own(call)?;
    let status = body.status()?;
    change(call, |callback| {
        callback.status = status;
        callback.retry_at = None;
    })
}

fn change(call: &Call<'_>, change: impl FnOnce(&mut Callback)) -> Result<Done, NotDone> {
    let (client, id) = (client(call), call.id("cbid").unwrap_or_default());
    let changed = call.world.change(|state| {
        let callback = state.callback_mut(&client, &call.account, id)?;
        change(callback);
        Some(callback.clone())
    });
    Ok(done(StatusCode::ACCEPTED, reference(call, &changed.ok_or(Refusal::Unknown)?)))
}

/// `DELETE /user/callbacks/{cbid}`, with its monitors.
pub(super) fn delete(call: &Call<'_>, _: &Body<'_>) -> Result<Done, NotDone> {
    allowed(call)?;
    let id = own(call)?.id;
    call.world.change(|state| state.delete_callback(&id));
    Ok(Done { status: StatusCode::NO_CONTENT, body: None })
}

pub(super) fn address(callback: &str) -> String {
    format!("/user/callbacks/{callback}")
}

fn reference(call: &Call<'_>, callback: &Callback) -> Value {
    json!({
        "_links": {"callback": link(call, &address(&callback.id))},
        "callbackId": callback.id,
        "status": callback.status,
    })
}

fn render(call: &Call<'_>, callback: &Callback) -> Value {
    let mut body = json!({
        "_links": {"self": link(call, &address(&callback.id))},
        "id": callback.id,
        "subscribe": callback.subscribe,
        "status": callback.status,
    });
    if let Some(label) = &callback.label {
        body["label"] = json!(label);
    }
    body
}
