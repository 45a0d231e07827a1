//! Faults on demand: what a maker on a bad day does, as often as a test asks for it.

use std::{collections::VecDeque, future::Future, io, sync::Mutex};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{App, api::refusal::Refusal, lock, operation::Operation};

/// A fault waiting for its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which operation it befalls; none means whichever comes next.
    #[serde(default)]
    pub operation: Option<Operation>,
    /// How many calls are let through before it begins.
    #[serde(default)]
    pub skip: u32,
    /// How often it happens.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub kind: FaultKind,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// This status, with the error body that the maker would send with it. No work is done.
    Status(u16),
    /// No work and no answer: the call hangs until the caller gives up.
    Timeout,
    /// A page of HTML with status 200 where JSON is due. No work is done.
    Html,
    /// JSON that ends in the middle, with status 200. No work is done.
    BrokenJson,
    /// The work is done, then the connection drops without an answer.
    LostAnswer,
    /// The work is done, and the answer held back until [`World::release`](crate::World::release).
    Hold,
    /// 302 to the identity provider's proxy page, as under load. No work is done.
    Detour,
    /// 429 with `Retry-After` of so many seconds. No work is done.
    RetryAfter(u32),
    /// 400 "Invalid parameter" to a call that asks for an `extension`; others pass untouched.
    RefusedExtension,
    /// An OAuth error (`invalid_client` with 401, others with 400). No work is done.
    Oauth(String),
    /// Exactly this answer. No work is done.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The `Content-Type`.
        content_type: String,
        /// The body.
        body: String,
    },
    /// The work is done, and its JSON answer changed in one place: what else the description allows.
    Edit {
        /// Where: member names and indexes after `/`; `*` is every one.
        at: String,
        /// What stands there then; without, nothing does.
        #[serde(default)]
        value: Option<Value>,
    },
    /// The work is done, and the answer is called something else.
    ContentType(String),
    /// The work is done, and the id token has this flaw.
    IdToken(Flaw),
}

/// What can be wrong with an id token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// There is none.
    Missing,
    /// It is not a JWT.
    Garbage,
    /// `nonce` is another one.
    WrongNonce,
    /// `nonce` is left out.
    NoNonce,
    /// `iss` is another brand's.
    WrongIssuer,
    /// `aud` is another client.
    WrongAudience,
    /// `azp` is another client.
    WrongParty,
    /// `exp` is an hour ago.
    Expired,
    /// `sub` is left out.
    NoSubject,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Befalls the next call of this operation.
    #[must_use]
    pub fn once(operation: Operation, kind: FaultKind) -> Self {
        Self::times(operation, 1, kind)
    }

    /// Befalls the next calls of this operation.
    #[must_use]
    pub fn times(operation: Operation, times: u32, kind: FaultKind) -> Self {
        Self { operation: Some(operation), skip: 0, times, kind }
    }

    /// The same, after letting some calls through.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }
}

/// The faults still to happen, in the order they were asked for.
#[derive(Default)]
pub(crate) struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    pub(crate) fn push(&self, fault: Fault) {
        lock(&self.0).push_back(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn pending(&self) -> Vec<Fault> {
        lock(&self.0).iter().cloned().collect()
    }

    /// The fault for this call, if one is due.
    fn take(&self, operation: Operation, extended: bool) -> Option<FaultKind> {
        self.take_if(operation, |kind| match kind {
            FaultKind::IdToken(_) => false,
            FaultKind::RefusedExtension => extended,
            _ => true,
        })
    }

    /// The flaw for the id token about to be made, if one is due.
    pub(crate) fn take_flaw(&self, operation: Operation) -> Option<Flaw> {
        match self.take_if(operation, |kind| matches!(kind, FaultKind::IdToken(_))) {
            Some(FaultKind::IdToken(flaw)) => Some(flaw),
            _ => None,
        }
    }

    fn take_if(
        &self,
        operation: Operation,
        fits: impl Fn(&FaultKind) -> bool,
    ) -> Option<FaultKind> {
        let mut faults = lock(&self.0);
        let index = faults.iter().position(|fault| {
            fault.operation.is_none_or(|wanted| wanted == operation) && fits(&fault.kind)
        })?;
        let fault = faults.get_mut(index)?;
        if fault.skip > 0 {
            fault.skip -= 1;
            return None;
        }
        let kind = fault.kind.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(kind)
    }
}

/// Counts the call, then lets the fault that is due, or else the work, make the answer.
pub(crate) async fn meet<F: Future<Output = Response>>(
    app: &App,
    operation: Operation,
    extended: bool,
    work: impl FnOnce() -> F,
) -> Response {
    app.world.count(operation);
    let response = answered(app, operation, extended, work).await;
    tracing::debug!(?operation, status = response.status().as_u16(), "call to the simulated maker");
    response
}

async fn answered<F: Future<Output = Response>>(
    app: &App,
    operation: Operation,
    extended: bool,
    work: impl FnOnce() -> F,
) -> Response {
    let Some(kind) = app.world.faults().take(operation, extended) else {
        return work().await;
    };
    let now = app.world.now();
    match kind {
        FaultKind::LostAnswer => {
            drop(work().await);
            lost()
        }
        FaultKind::Hold => {
            let response = work().await;
            app.world.hold().await;
            response
        }
        FaultKind::Timeout => {
            app.world.hang().await;
            lost()
        }
        FaultKind::IdToken(_) => work().await,
        FaultKind::Edit { at, value } => edited(work().await, &at, value.as_ref()).await,
        FaultKind::ContentType(name) => named(work().await, &name),
        FaultKind::Status(status) if operation.is_identity() => oauth(status, "server_error"),
        FaultKind::Status(status) => Refusal::of_status(status).answer(now),
        FaultKind::RefusedExtension => Refusal::InvalidParameter("extension").answer(now),
        FaultKind::RetryAfter(seconds) => Refusal::TooMany { seconds }.answer(now),
        FaultKind::Oauth(error) if error == "invalid_client" => oauth(401, &error),
        FaultKind::Oauth(error) => oauth(400, &error),
        FaultKind::Html => answer(200, "text/html; charset=utf-8", HTML),
        FaultKind::BrokenJson => answer(200, "application/json", r#"{"_links":{"self":{"hr"#),
        FaultKind::Answer { status, content_type, body } => answer(status, &content_type, body),
        FaultKind::Detour => {
            (StatusCode::FOUND, [(header::LOCATION, "/am/oauth2c/OAuthProxy.jsp")]).into_response()
        }
    }
}

const HTML: &str = "<!doctype html><html><head><title>Please wait</title></head><body>\
    <p>The service is busy. Please enable JavaScript.</p></body></html>";

fn answer(status: u16, content_type: &str, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, content_type.to_owned())], body.into()).into_response()
}

fn oauth(status: u16, error: &str) -> Response {
    let body = json!({"error": error, "error_description": "raised on demand"});
    answer(status, "application/json;charset=UTF-8", body.to_string())
}

/// The same response with its JSON changed.
async fn edited(response: Response, at: &str, value: Option<&Value>) -> Response {
    let (head, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(mut document) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    let path: Vec<&str> = at.split('/').filter(|step| !step.is_empty()).collect();
    edit(&mut document, &path, value);
    let mut head = head;
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(document.to_string()))
}

fn edit(document: &mut Value, path: &[&str], value: Option<&Value>) {
    match (path, document) {
        ([name], Value::Object(members)) if *name != "*" => match value {
            Some(value) => drop(members.insert((*name).to_owned(), value.clone())),
            None => drop(members.remove(*name)),
        },
        (["*", rest @ ..], Value::Array(items)) => {
            for item in items {
                edit(item, rest, value);
            }
        }
        (["*", rest @ ..], Value::Object(members)) => {
            for member in members.values_mut() {
                edit(member, rest, value);
            }
        }
        ([name, rest @ ..], Value::Object(members)) => {
            if let Some(member) = members.get_mut(*name) {
                edit(member, rest, value);
            }
        }
        ([index, rest @ ..], Value::Array(items)) => {
            if let Some(item) = index.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                match (rest, value) {
                    ([], Some(value)) => *item = value.clone(),
                    _ => edit(item, rest, value),
                }
            }
        }
        _ => (),
    }
}

fn named(mut response: Response, name: &str) -> Response {
    if let Ok(name) = name.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, name);
    }
    response
}

/// An answer whose body fails at once, upon which the server drops the connection.
fn lost() -> Response {
    let failure = Err::<&str, _>(io::Error::from(io::ErrorKind::ConnectionAborted));
    Response::new(Body::from_stream(futures_util::stream::iter([failure])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_then_strikes_as_often_as_asked_and_only_its_operation() {
        let faults = Faults::default();
        faults.push(Fault::times(Operation::Refresh, 2, FaultKind::Html).after(1));

        assert_eq!(faults.take(Operation::Status, false), None);
        assert_eq!(faults.take(Operation::Refresh, false), None);
        assert_eq!(faults.take(Operation::Refresh, false), Some(FaultKind::Html));
        assert_eq!(faults.take(Operation::Refresh, false), Some(FaultKind::Html));
        assert_eq!(faults.take(Operation::Refresh, false), None);
        assert!(faults.pending().is_empty());
    }

    #[test]
    fn an_edit_reaches_every_place_that_it_names() {
        let mut document = json!({"a": [{"id": "x", "label": "l"}, {"id": "y"}], "b": {"c": 1}});

        edit(&mut document, &["a", "*", "label"], None);
        edit(&mut document, &["a", "1", "id"], Some(&json!(7)));
        edit(&mut document, &["b", "c"], Some(&json!(2)));
        edit(&mut document, &["no", "such"], Some(&json!(2)));

        assert_eq!(document, json!({"a": [{"id": "x"}, {"id": 7}], "b": {"c": 2}}));
    }

    #[test]
    fn a_refused_extension_lets_calls_without_one_pass() {
        let faults = Faults::default();
        faults.push(Fault::once(Operation::Vehicles, FaultKind::RefusedExtension));

        assert_eq!(faults.take(Operation::Vehicles, false), None);
        assert_eq!(faults.take(Operation::Vehicles, true), Some(FaultKind::RefusedExtension));
    }
}
