//! Handing events on: to the bus, and into a lane of every endpoint that wants them. Always the
//! oldest of a partition first, so that a lane holds them in their order.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{
    App,
    bus::BusError,
    causes::causes,
    clock::Budget,
    domain::{
        enrollment::UserRef,
        event::{CloudEvent, Event, What},
        ids::AttemptId,
        webhook::Webhook,
    },
    metrics::{Metric, Outcome},
    store::{self, lanes::Lane},
};

use crate::endpoint::House;

/// What must remain for one event to be begun: what it may take, and the time for sending, or a
/// long backlog of one car would use up every run before anything is sent.
pub(crate) const NEEDED: Duration = Duration::from_secs(12 + 30);

/// Longer than this function may run: nobody else publishes what a run has claimed.
const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// What came of the oldest event of a partition.
enum Next {
    /// It was handed on, into these lanes.
    HandedOn(Vec<Lane>),
    /// Another run is publishing it, and goes on with those behind it.
    Claimed,
    /// There is none.
    Empty,
}

/// Hands on all events of a partition, while time remains. Gives the lanes that have news; whatever
/// goes wrong stays due.
pub(crate) async fn partition(app: &App, house: &House, pk: &str, budget: Budget) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    let run = AttemptId::random();
    while budget.allows(NEEDED) {
        match next(app, house, pk, &run).await {
            Ok(Next::HandedOn(touched)) => lanes.extend(touched),
            Ok(Next::Claimed | Next::Empty) => break,
            // Another run had it first, or its enrollment is being erased: look again.
            Err(store::Error::Conflict) => {}
            Err(error) => {
                tracing::warn!(error = %error, causes = ?causes(&error), "an event was not handed on; the sweep tries again");
                break;
            }
        }
    }
    lanes.sort();
    lanes.dedup();
    lanes
}

/// The oldest event of a partition. The stream wakes a run for each new event, and each run works
/// off the whole partition: whoever publishes an event claims it first, or the bus would have it twice.
/// If the run dies with its claim, the sweep goes on when the lease has ended.
async fn next(app: &App, house: &House, pk: &str, run: &AttemptId) -> Result<Next, store::Error> {
    let now = app.clock.now();
    let Some(untold) = app.store.oldest_untold(pk, now).await? else { return Ok(Next::Empty) };
    if untold.is_claimed_by_another(run, now) {
        return Ok(Next::Claimed);
    }
    let user = match whose(app, &untold.event).await? {
        Whose::User(user) => user,
        Whose::Nobody => {
            app.store.forget(&untold).await?;
            return Ok(Next::HandedOn(Vec::new()));
        }
    };
    let event = &untold.event;
    // What no bus is told can't be told twice: the transaction below hands it on once.
    if is_for_bus(app, event) && !app.store.claim_event(&untold, run, now, LEASE).await? {
        return Ok(Next::Claimed);
    }
    let bus_later = !put_on_bus(app, event).await;
    let wanted: Vec<&Webhook> =
        house.webhooks().filter(|it| wants(it, event, user.as_ref())).collect();
    let lanes = app.store.hand_on(&untold, &wanted, bus_later, now).await?;
    tracing::info!(event.id = %event.id, endpoints = wanted.len(), "an event was handed on");
    Ok(Next::HandedOn(lanes))
}

/// Whose an event is, as far as filters ask.
pub(crate) enum Whose {
    /// A user's, or of nobody known.
    User(Option<UserRef>),
    /// It must not be told: its enrollment is being erased, or gone.
    Nobody,
}

/// Nothing of an enrollment is told once its erasure was asked for, but that it is erased.
pub(crate) async fn whose(app: &App, event: &Event) -> Result<Whose, store::Error> {
    let Some(id) = event.silenced_with() else { return Ok(Whose::User(None)) };
    let told = app.store.told_of(id, app.clock.now()).await?;
    Ok(told.map_or(Whose::Nobody, |it| Whose::User(it.user)))
}

/// Whether an endpoint is sent an event. A test is for the one that is tried, whatever its filter.
fn wants(webhook: &Webhook, event: &Event, user: Option<&UserRef>) -> bool {
    match &event.what {
        What::WebhookTest { webhook: tried } => *tried == webhook.id,
        // It hears of its own pause when it is enabled again.
        what => {
            (webhook.positions || !what.is_about_places()) && webhook.filter.passes(event, user)
        }
    }
}

/// Whether an event is told to the bus, if there is one: all but tests, and what is about places.
fn is_for_bus(app: &App, event: &Event) -> bool {
    let for_others = matches!(event.what, What::WebhookTest { .. }) || event.what.is_about_places();
    app.bus.is_there() && !for_others
}

/// Puts an event on the bus, without places. `false`: it would not take it.
pub(crate) async fn put_on_bus(app: &App, event: &Event) -> bool {
    if !is_for_bus(app, event) {
        return true;
    }
    let cloud = CloudEvent::new(event.clone(), app.config.public_url.as_str(), false);
    let put = app.bus.put(&cloud, event.time, app.clock.now()).await;
    if !matches!(put, Err(BusError::Resting)) {
        app.metrics.add(Metric::BusDelivery(Outcome::of(&put)));
    }
    match put {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(event.id = %event.id, error = %error, causes = ?causes(&error), "the bus did not take an event; it is asked again");
            false
        }
    }
}
