//! Rules: what the operator wants to be told of, declared once for many cars.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    domain::{
        enrollment::Status,
        ids::{EnrollmentId, RuleId},
        monitor::{self, Watch},
        rule::{Extra, Rule, Target, When, Wish},
        vin::Vin,
    },
    http::Problem,
    store::{
        Transaction,
        listing::ListBy,
        requests::{Among, Ask, Request},
    },
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    enrollments,
    error::Thing,
    idempotency,
    path::{CarPath, Id},
    query::{Paging, Query},
    views::Page,
};

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MonitorView {
    id: RuleId,
    name: String,
    target: Target,
    when: When,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    extend: BTreeSet<Extra>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_s: Option<u32>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Rule> for MonitorView {
    fn from(rule: Rule) -> Self {
        let Rule { id, wish, created_at, updated_at } = rule;
        let Wish { name, target, when, extend, refresh_s } = wish;
        Self { id, name, target, when, extend, refresh_s, created_at, updated_at }
    }
}

/// How a rule stands on a car.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchView {
    enrollment: EnrollmentId,
    vin: Vin,
    /// The rule.
    monitor: RuleId,
    name: String,
    state: monitor::State,
    /// Why it is not active: `scope`, `capability`, `plan`, `too_many`, `refused`, `malformed`.
    why: Option<String>,
}

impl WatchView {
    pub(crate) fn new((enrollment, watch): (EnrollmentId, Watch)) -> Self {
        let Watch { vin, rule, name, state, why, .. } = watch;
        Self { enrollment, vin, monitor: rule, name, state, why }
    }
}

/// Declares a rule: within minutes every car that it is for is monitored, or says why not. One
/// about places needs `read:position`, too.
#[utoipa::path(
    post, path = "/v1/monitors", operation_id = "monitors.post",
    tag = "monitors", security(("key" = ["admin"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same rule, for a day")),
    request_body = Wish,
    responses(
        (status = 201, body = MonitorView), (status = 400, body = Problem),
        (status = 404, body = Problem, description = "No such enrollment or car"),
        (status = 409, body = Problem, description = "The idempotency key was used for another body"),
    )
)]
#[tracing::instrument(name = "monitors.post", skip_all)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    key: Key,
    headers: HeaderMap,
    body: Body<Wish>,
) -> Result<(StatusCode, Json<MonitorView>), Error> {
    key.require(Scope::Admin)?;
    let wish = checked(&key, body.value)?;
    if let Target::Car(car) = &wish.target {
        enrollments::open(&app, &car.enrollment).await?;
        app.store.known(&car.enrollment, &car.vin).await?.ok_or(Error::NotFound(Thing::Vehicle))?;
    }
    let request = ("POST /v1/monitors", &body.bytes[..]);
    let id = idempotency::id(&app, &key, &headers, request, RuleId::random()).await?;
    if let Some(made) = app.store.rule(&id).await? {
        return Ok((StatusCode::CREATED, Json(made.into())));
    }
    let now = app.clock.now();
    let rule = Rule { id, wish, created_at: now, updated_at: now };
    let mut transaction = Transaction::new();
    app.store.add_rule_in(&mut transaction, &rule)?;
    spread_in(&app, &mut transaction, &rule).await?;
    app.store.commit(transaction).await?;
    tracing::info!(rule.id = %rule.id, key.id = %key.id, "a rule was declared");
    Ok((StatusCode::CREATED, Json(rule.into())))
}

/// All rules; those about places are told to a key with `read:position` alone.
#[utoipa::path(
    get, path = "/v1/monitors", operation_id = "monitors.list",
    tag = "monitors", security(("key" = ["admin"])),
    params(
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<MonitorView>), (status = 400, body = Problem))
)]
#[tracing::instrument(name = "monitors.list", skip_all)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    key: Key,
    query: Query,
) -> Result<Json<Page<MonitorView>>, Error> {
    key.require(Scope::Admin)?;
    let paging = Paging::read(&app, "monitors", &query).await?;
    let (rules, next) = app.store.list_rules(paging.after.clone(), paging.limit).await?;
    let places = key.has(Scope::ReadPosition);
    let rules = rules.into_iter().filter(|rule| places || !rule.wish.is_about_places());
    Ok(Json(paging.page(&app, rules.map(MonitorView::from), next).await?))
}

/// One rule.
#[utoipa::path(
    get, path = "/v1/monitors/{id}", operation_id = "monitors.get",
    tag = "monitors", security(("key" = ["admin"])),
    params(("id" = RuleId, Path)),
    responses((status = 200, body = MonitorView), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "monitors.get", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<RuleId>,
) -> Result<Json<MonitorView>, Error> {
    key.require(Scope::Admin)?;
    Ok(Json(shown(&app, &key, &id).await?.into()))
}

/// Says a rule anew, all of it; whom it is for stays.
#[utoipa::path(
    put, path = "/v1/monitors/{id}", operation_id = "monitors.put",
    tag = "monitors", security(("key" = ["admin"])),
    params(("id" = RuleId, Path)), request_body = Wish,
    responses((status = 200, body = MonitorView), (status = 400, body = Problem), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "monitors.put", skip_all)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<RuleId>,
    body: Body<Wish>,
) -> Result<Json<MonitorView>, Error> {
    key.require(Scope::Admin)?;
    let wish = checked(&key, body.value)?;
    let old = shown(&app, &key, &id).await?;
    if wish.target != old.wish.target {
        let wanted = "a rule stays with whom it is for: delete it and declare another";
        return Err(Error::unprocessable("target", wanted));
    }
    let rule = Rule { wish, updated_at: app.clock.now(), ..old };
    let mut transaction = Transaction::new();
    app.store.change_rule_in(&mut transaction, &rule)?;
    spread_in(&app, &mut transaction, &rule).await?;
    app.store.commit(transaction).await?;
    tracing::info!(rule.id = %rule.id, key.id = %key.id, "a rule was changed");
    Ok(Json(rule.into()))
}

/// Deletes a rule; its monitors at the maker follow within minutes.
#[utoipa::path(
    delete, path = "/v1/monitors/{id}", operation_id = "monitors.delete",
    tag = "monitors", security(("key" = ["admin"])),
    params(("id" = RuleId, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "monitors.delete", skip_all)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<RuleId>,
) -> Result<StatusCode, Error> {
    key.require(Scope::Admin)?;
    let rule = one(&app, &id).await?;
    let mut transaction = Transaction::new();
    app.store.remove_rule_in(&mut transaction, &rule)?;
    spread_in(&app, &mut transaction, &rule).await?;
    app.store.commit(transaction).await?;
    tracing::info!(rule.id = %rule.id, key.id = %key.id, "a rule was deleted");
    Ok(StatusCode::NO_CONTENT)
}

/// How a rule stands on each car that it has reached.
#[utoipa::path(
    get, path = "/v1/monitors/{id}/vehicles", operation_id = "monitors.vehicles",
    tag = "monitors", security(("key" = ["admin"])),
    params(
        ("id" = RuleId, Path),
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<WatchView>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "monitors.vehicles", skip_all)]
pub(crate) async fn vehicles(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<RuleId>,
    query: Query,
) -> Result<Json<Page<WatchView>>, Error> {
    key.require(Scope::Admin)?;
    let rule = one(&app, &id).await?;
    let paging = Paging::read(&app, format!("monitors/{}", rule.id), &query).await?;
    let after = paging.after.as_deref().map(read_after).transpose()?;
    let (found, next) = app.store.watches_of(&rule.id, after, paging.limit).await?;
    let next = next.map(|(enrollment, vin)| format!("{enrollment} {}", vin.as_str()));
    let closed = enrollments::closed(&app, found.iter().map(|(id, _)| id)).await?;
    let found = found.into_iter().filter(|(id, _)| !closed.contains(id));
    Ok(Json(paging.page(&app, found.map(WatchView::new), next).await?))
}

/// How every rule stands on a car; those about places are told to a key with `read:position` alone.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/vehicles/{vin}/monitors", operation_id = "monitors.of_vehicle",
    tag = "monitors", security(("key" = ["read"])),
    params(("id" = EnrollmentId, Path), ("vin" = Vin, Path)),
    responses((status = 200, body = Page<WatchView>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "monitors.of_vehicle", skip_all)]
pub(crate) async fn of_vehicle(
    State(app): State<Arc<App>>,
    key: Key,
    CarPath { id, vin }: CarPath,
) -> Result<Json<Page<WatchView>>, Error> {
    key.require(Scope::Read)?;
    let enrollment = enrollments::open(&app, &id).await?.value.id;
    app.store.known(&enrollment, &vin).await?.ok_or(Error::NotFound(Thing::Vehicle))?;
    let places = key.has(Scope::ReadPosition);
    let watches = app.store.watches(&enrollment).await?.into_iter();
    let items = watches
        .filter(|watch| watch.vin == vin && (places || !watch.about_places))
        .map(|watch| WatchView::new((enrollment.clone(), watch)))
        .collect();
    Ok(Json(Page { items, next: None }))
}

/// A rule about places tells where cars are: so whoever makes it must be allowed to know.
fn checked(key: &Key, wish: Wish) -> Result<Wish, Error> {
    wish.check().map_err(|invalid| Error::unprocessable(&invalid.field, invalid.wrong))?;
    if wish.is_about_places() {
        key.require(Scope::ReadPosition)?;
    }
    Ok(wish)
}

/// A rule that this key may see.
async fn shown(app: &App, key: &Key, id: &RuleId) -> Result<Rule, Error> {
    let rule = one(app, id).await?;
    if rule.wish.is_about_places() {
        key.require(Scope::ReadPosition)?;
    }
    Ok(rule)
}

async fn one(app: &App, id: &RuleId) -> Result<Rule, Error> {
    app.store.rule(id).await?.ok_or(Error::NotFound(Thing::Monitor))
}

fn read_after(text: &str) -> Result<(EnrollmentId, Vin), Error> {
    let parts = text.split_once(' ');
    let read = parts.and_then(|(id, vin)| Some((id.parse().ok()?, vin.parse().ok()?)));
    read.ok_or_else(|| Error::unprocessable("cursor", "expected the `next` of the page before"))
}

/// Asks, in the transaction that changes the rule, that those it is for are looked after.
async fn spread_in(app: &App, transaction: &mut Transaction, rule: &Rule) -> Result<(), Error> {
    let now = app.clock.now();
    let among = match &rule.wish.target {
        Target::All => Among::All { after: None, page: 0 },
        Target::Car(car) => Among::These { enrollments: vec![car.enrollment.clone()] },
        Target::UserRef(user) => {
            let (by, mut enrollments, mut after) = (ListBy::User(user.clone()), Vec::new(), None);
            loop {
                let (found, next) = app.store.list_enrollments(&by, after, 100, now).await?;
                let active = found.into_iter().filter(|found| found.status == Status::Active);
                enrollments.extend(active.map(|found| found.id));
                after = next;
                if after.is_none() {
                    break;
                }
            }
            Among::These { enrollments }
        }
    };
    Ok(app.store.ask_in(transaction, &Request::new(None, Ask::Spread { among }, now))?)
}
