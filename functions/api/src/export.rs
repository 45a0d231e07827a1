use std::sync::Arc;

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    domain::{
        alert::Alert,
        enrollment::{Enrollment, UserRef},
        event::CloudEvent,
        ids::{EnrollmentId, RemoteId},
        rule::Target,
        snapshot::Snapshot,
        trip::Trip,
        vehicle::Vehicle,
        vin::Vin,
    },
    http::Problem,
    store::held::{Held, Part},
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    enrollments,
    error::Thing,
    history::ChangeView,
    monitors::{MonitorView, WatchView},
    path::Id,
    query::{Paging, Query},
    remotes::RemoteView,
    views::{EnrollmentView, Page},
};

/// How often one page looks further for something that is held.
const LOOKS: usize = 20;

/// One thing that is held of an enrollment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Exported {
    /// The enrollment itself, with the record of the consent.
    Enrollment { enrollment: Box<EnrollmentView> },
    /// A rule for this user, or for one of these cars alone.
    Rule { rule: MonitorView },
    /// A car of the account, as the maker lists it, and its latest state.
    Vehicle {
        vehicle: Vehicle,
        #[schema(value_type = serde_json::Value)]
        state: Snapshot,
    },
    /// What changed of a car at one moment.
    Changes { vin: Vin, changes: Vec<ChangeView> },
    /// A journey of a car.
    Trip { vin: Vin, trip: Box<Trip> },
    /// A warning of a car.
    Alert { vin: Vin, alert: Box<Alert> },
    /// How a rule stands on a car.
    Monitor { monitor: WatchView },
    /// A command to a car.
    Remote { remote: Box<RemoteView> },
    /// For whom a command was, and to which car: kept for 13 months, the command for 30 days.
    CommandedFor { remote: RemoteId, on_behalf_of: UserRef, vin: Vin },
    /// An event, as it is sent. One that an endpoint did not take stands here once more.
    Event {
        #[schema(value_type = serde_json::Value)]
        event: Box<CloudEvent>,
    },
    /// What the maker sent about a car, as long as it is not done with.
    Message {
        #[schema(value_type = String, format = DateTime)]
        received_at: Timestamp,
        /// Whether the maker's own secret was in it: if not, anybody who knows the address sent it.
        proven: bool,
        /// Absent where it is neither proven nor can be read, or too long for an answer (4 MB).
        text: Option<String>,
        /// How long the text is, bytes.
        length: usize,
    },
}

/// Everything we hold of this enrollment (GDPR, article 15 and 20), whatever became of it, until its
/// erasure is asked for. The first page has the enrollment and its rules. Those behind it have the
/// cars, what they did, commands, events and messages, each page of one kind; what a car did stays,
/// though the car has left the account. Left out are tokens, of no use to anybody, and what is about
/// our own work alone: schedules, counts and marks. A page may hold less than `limit`, even nothing,
/// and yet give a `next`: only its absence says that this was all.
#[utoipa::path(
    get, path = "/v1/enrollments/{id}/export", operation_id = "enrollments.export",
    tag = "enrollments", security(("key" = ["read", "read:position"])),
    params(
        ("id" = EnrollmentId, Path),
        ("limit" = Option<u8>, Query),
        ("cursor" = Option<String>, Query),
    ),
    responses((status = 200, body = Page<Exported>), (status = 404, body = Problem))
)]
#[tracing::instrument(name = "enrollments.export", skip_all)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
    query: Query,
) -> Result<Json<Page<Exported>>, Error> {
    key.require(Scope::Read)?;
    key.require(Scope::ReadPosition)?;
    let found = enrollments::one(&app, &id).await?.value;
    if !found.may_be_told() {
        return Err(Error::NotFound(Thing::Enrollment));
    }
    let paging = Paging::read(&app, format!("export {id}"), &query).await?;
    let after = paging.after.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let (items, next) = match after {
        None => (first(&app, found).await?, Part::ALL.first().map(|part| (*part, None))),
        Some(after) => behind(&app, &id, after, paging.limit).await?,
    };
    let next = next.and_then(|next: End| serde_json::to_string(&next).ok());
    Ok(Json(paging.page(&app, items, next).await?))
}

/// Where a page ended: before a part, or within it, behind this key.
type End = (Part, Option<String>);

/// The enrollment and its rules.
async fn first(app: &App, enrollment: Enrollment) -> Result<Vec<Exported>, Error> {
    // Those for all cars say nothing of this user.
    let rules = app.store.rules_for(&enrollment).await?.into_iter();
    let rules = rules.filter(|rule| rule.wish.target != Target::All);
    let subscription = app.store.subscription(&enrollment.id).await?.map(|found| found.value);
    let view = EnrollmentView::new(enrollment, app.clock.now()).with_subscription(subscription);
    let mut items = vec![Exported::Enrollment { enrollment: Box::new(view) }];
    items.extend(rules.map(|rule| Exported::Rule { rule: rule.into() }));
    Ok(items)
}

/// The next page of a part that holds anything, as far as a few looks can tell.
async fn behind(
    app: &App,
    id: &EnrollmentId,
    end: End,
    limit: i32,
) -> Result<(Vec<Exported>, Option<End>), Error> {
    let now = app.clock.now();
    let source = app.config.public_url.as_str();
    let (mut part, mut after) = end;
    for _ in 0..LOOKS {
        let (held, next) = app.store.held(id, part, after, limit, now).await?;
        let next = match next {
            Some(key) => Some((part, Some(key))),
            None => part.next().map(|part| (part, None)),
        };
        let items: Vec<_> = held.into_iter().map(|held| exported(held, id, source)).collect();
        match next {
            Some(next) if items.is_empty() => (part, after) = next,
            next => return Ok((items, next)),
        }
    }
    Ok((Vec::new(), Some((part, after))))
}

fn exported(held: Held, id: &EnrollmentId, source: &str) -> Exported {
    match held {
        Held::Vehicle(known) => Exported::Vehicle { vehicle: known.vehicle, state: known.snapshot },
        Held::Changes(vin, changes) => {
            let changes = changes.into_iter().map(ChangeView::new).collect();
            Exported::Changes { vin, changes }
        }
        Held::Trip(vin, trip) => Exported::Trip { vin, trip: Box::new(trip) },
        Held::Alert(vin, alert) => Exported::Alert { vin, alert: Box::new(alert) },
        Held::Watch(watch) => Exported::Monitor { monitor: WatchView::new((id.clone(), watch)) },
        Held::Remote(remote) => Exported::Remote { remote: Box::new(RemoteView::new(remote)) },
        Held::Person(remote, person) => {
            let (on_behalf_of, vin) = (person.on_behalf_of, person.vin);
            Exported::CommandedFor { remote, on_behalf_of, vin }
        }
        Held::Event(event) => {
            Exported::Event { event: Box::new(CloudEvent::new(event, source, true)) }
        }
        Held::Message(message) => Exported::Message {
            received_at: message.received_at,
            proven: message.proven,
            text: message.text,
            length: message.length,
        },
    }
}
