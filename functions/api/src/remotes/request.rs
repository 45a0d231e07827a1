//! Making a command: read, permitted, then written with all that belongs to it, or not at all.

use axum::http::HeaderMap;
use jiff::Timestamp;
use serde::Deserialize;
use shared::{
    App,
    domain::{
        enrollment::{Enrollment, UserRef},
        ids::{EnrollmentId, RemoteId},
        remote::{
            Action, Charging, Door, Kind, LONGEST_WAIT, NOT_AFTER, Navigation, Preconditioning,
            Remote, Switch, WakeUp, Wish,
        },
        vin::Vin,
    },
    remotes,
    store::{self, Transaction, counters::Counter},
};
use utoipa::ToSchema;

use super::permit;
use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    enrollments, idempotency,
};

/// How often a command is tried that others change something of at the same moment.
const TRIES: u32 = 3;

/// A command: exactly one of the seven actions, and for whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// The user who wants it: the enrollment's own.
    on_behalf_of: UserRef,
    /// Later than this it is not sent any more: within 15 minutes; by default in 60 s.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_after: Option<Timestamp>,
    door: Option<Door>,
    horn: Option<Switch>,
    lights: Option<Switch>,
    charging: Option<Charging>,
    preconditioning: Option<Preconditioning>,
    wake_up: Option<WakeUp>,
    navigation: Option<Navigation>,
}

impl Ask {
    /// The one action.
    fn action(self, now: Timestamp) -> Result<Action, Error> {
        let all = [
            self.door.map(Action::Door),
            self.horn.map(Action::Horn),
            self.lights.map(Action::Lights),
            self.charging.map(Action::Charging),
            self.preconditioning.map(Action::Preconditioning),
            self.wake_up.map(Action::WakeUp),
            self.navigation.map(Action::Navigation),
        ];
        let mut given = all.into_iter().flatten();
        let (Some(action), None) = (given.next(), given.next()) else {
            let names = Kind::ALL.map(Kind::as_str).join(", ");
            return Err(Error::unprocessable("body", format!("expected exactly one of {names}")));
        };
        action.check(now).map_err(|error| Error::unprocessable(error.field, error))?;
        Ok(action)
    }
}

/// The command that was made, now or by an earlier request under the same key.
pub(super) async fn make(
    app: &App,
    key: &Key,
    id: &EnrollmentId,
    vin: Vin,
    headers: &HeaderMap,
    body: Body<Ask>,
) -> Result<Remote, Error> {
    let now = app.clock.now();
    let (user, until) = (body.value.on_behalf_of.clone(), body.value.not_after);
    let action = body.value.action(now)?;
    key.require(Scope::Remote(action.kind()))?;
    let enrollment = enrollments::one(app, id).await?.value;
    permit::user(&enrollment, &user)?;
    let header = headers.get("idempotency-key").ok_or_else(|| {
        Error::invalid("Idempotency-Key", "needed, so that no command is given twice")
    })?;
    let path = format!("POST remotes {} {}", enrollment.id, vin.as_str());
    let request = [path.as_str(), &String::from_utf8_lossy(&body.bytes)];
    let remote = idempotency::first(app, key, header, &request, RemoteId::at(now)).await?;
    // Whatever is permitted now: what was made before is shown as it is.
    if let Some(found) = app.store.remote(&enrollment.id, &vin, &remote, now).await? {
        permit::shown(&enrollment)?;
        return Ok(found.remote.value);
    }
    let not_after = until.unwrap_or(now + NOT_AFTER);
    if !(not_after > now && not_after <= now + LONGEST_WAIT) {
        return Err(Error::unprocessable(
            "not_after",
            "expected a time within the next 15 minutes",
        ));
    }
    let wish = Wish {
        enrollment: enrollment.id.clone(),
        vin,
        action,
        key: key.id.clone(),
        on_behalf_of: user,
        not_after,
    };
    create(app, &enrollment, Remote::new(remote, wish, now)).await
}

async fn create(app: &App, enrollment: &Enrollment, remote: Remote) -> Result<Remote, Error> {
    let now = remote.requested_at;
    let mut tries = 0;
    loop {
        let before = permit::all(app, enrollment, &remote).await?;
        let Err(error) = write(app, &remote, before.as_ref()).await else {
            tracing::info!(enrollment.id = %remote.enrollment, remote.id = %remote.id, kind = %remote.kind, "a car is to be commanded");
            return Ok(remote);
        };
        // Written by an earlier try whose answer was lost, or by a request at the same moment.
        let (id, vin) = (&remote.enrollment, &remote.vin);
        if let Ok(Some(found)) = app.store.remote(id, vin, &remote.id, now).await {
            return Ok(found.remote.value);
        }
        tries += 1;
        if tries == TRIES || !matches!(error, store::Error::Conflict) {
            return Err(error.into());
        }
    }
}

/// The command, its place in the line of its kind, its counts, its event and its audit entry.
async fn write(app: &App, remote: &Remote, before: Option<&RemoteId>) -> Result<(), store::Error> {
    let (store, limits, now) = (&app.store, &app.config.remotes, remote.requested_at);
    let (id, vin) = (&remote.enrollment, &remote.vin);
    let mut transaction = Transaction::new();
    store.demand_open_in(&mut transaction, id)?;
    store.save_remote_in(&mut transaction, remote, 0)?;
    store.follow_in(&mut transaction, remote, before)?;
    let counts = [
        (Counter::OfCar(id, vin), limits.per_car),
        (Counter::OfKey(&remote.key), limits.per_key),
        (Counter::All, limits.per_hour),
    ];
    for (counter, most) in counts {
        store.count_in(&mut transaction, counter, Some(most), now)?;
    }
    if remote.kind == Kind::WakeUp {
        let counter = Counter::WakeUps(id, vin);
        store.count_in(&mut transaction, counter, Some(limits.wake_ups), now)?;
    }
    remotes::tell_in(app, &mut transaction, remote, now)?;
    store.commit(transaction).await
}
