//! One message, once.

use serde_json::Value;
use shared::{
    App,
    domain::{
        event::{Event, What},
        ids::EventId,
        monitor::Watch,
        pace::Car,
    },
    metrics::Metric,
    remotes::{self, Concerns, Notified},
    stellantis::notification::{Commanded, Notification, Told, Triggered},
    store::{Error, Transaction, inbox::Message},
    visit::{
        merge::merge_in,
        news::{self, About, Kept},
    },
};

use crate::{
    hint,
    proof::{self, Verdict},
};

/// How often one that collides with another writer is begun anew.
const TRIES: u32 = 6;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digested {
    /// It is done, now or before.
    Done,
    /// What it is about is not known yet; it stays due.
    NotYet,
}

/// How many leftover items of an erased enrollment one pass deletes.
pub(crate) const AT_ONCE: usize = 100;

/// Digests a message by its key.
#[tracing::instrument(name = "digest.message", skip_all)]
pub(crate) async fn digest(app: &App, pk: &str, sk: &str) -> Result<Digested, Error> {
    let mut tries = 0;
    loop {
        let Some(message) = app.store.message(pk, sk, app.clock.now()).await? else {
            return Ok(Digested::Done);
        };
        match once(app, &message).await {
            // Its car's state, or the message itself, was changed in between: decide anew.
            Err(Error::Conflict) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

async fn once(app: &App, message: &Message) -> Result<Digested, Error> {
    if !app.store.stands(&message.enrollment).await? {
        // It came while its enrollment was being erased: nothing of that stays.
        app.store.empty_inbox(&message.enrollment, AT_ONCE).await?;
        app.metrics.record(Metric::Notification("unknown_enrollment"));
        return Ok(Digested::Done);
    }
    let text = app.store.text_of(message).await?;
    let value: Value =
        serde_json::from_slice(&text).map_err(|_| Error::Malformed("notification"))?;
    let notification =
        Notification::read(&value, message.received_at).ok_or(Error::Malformed("notification"))?;
    match (proof::judge(app, message, &notification).await?, &notification.told) {
        (Verdict::Monitor(watch, car), Told::Monitor(event)) => {
            triggered(app, message, &notification, (&watch, &car), event).await
        }
        (Verdict::Remote, Told::Remote(event)) => {
            commanded(app, message, &notification, event).await
        }
        (Verdict::Hint(vin), _) => {
            hint::take(app, message, vin.as_ref()).await?;
            Ok(Digested::Done)
        }
        // It waits for what it may be about to be stored.
        _ => Ok(Digested::NotYet),
    }
}

/// A proven monitor: the event of it, and what it says of the car's state.
async fn triggered(
    app: &App,
    message: &Message,
    notification: &Notification,
    (watch, car): (&Watch, &Car),
    event: &Triggered,
) -> Result<Digested, Error> {
    let (store, id) = (&app.store, &message.enrollment);
    let mut transaction = Transaction::new();
    store.demand_open_in(&mut transaction, id)?;
    store.finish_message_in(&mut transaction, message)?;
    // A car that was just sold, or not found yet, has no state to merge into.
    if let Some(known) = store.known(id, &watch.vin).await? {
        let content = Some(message.content.as_str());
        merge_in(app, &mut transaction, id, known, event.state.clone(), content)?;
    }
    store.tell_in(&mut transaction, told(message, notification, watch, event))?;
    if !(event.trips.is_empty() && event.alerts.is_empty())
        && let Some(enrollment) = store.enrollment(id, app.clock.now()).await?
    {
        let since = news::news_since(car, &enrollment.value);
        let about = About { enrollment: id, vin: &watch.vin, since };
        news::keep_in(app, &mut transaction, about, &allowed(app, &event.trips)).await?;
        news::keep_in(app, &mut transaction, about, &allowed(app, &event.alerts)).await?;
    }
    store.commit(transaction).await?;
    app.metrics.record(Metric::Notification("proven"));
    Ok(Digested::Done)
}

/// Trips or alerts without places, unless those are kept.
fn allowed<T: Kept + Clone>(app: &App, entries: &[T]) -> Vec<T> {
    let places = app.config.retention.positions;
    let entries = entries.iter().cloned();
    if places { entries.collect() } else { entries.map(Kept::without_places).collect() }
}

/// The event of a monitor that came true: its id and time follow from the message alone.
fn told(message: &Message, notification: &Notification, watch: &Watch, event: &Triggered) -> Event {
    let what = What::MonitorTriggered {
        vin: watch.vin.clone(),
        rule: watch.rule.clone(),
        name: watch.name.clone(),
        about_places: watch.about_places,
        at: notification.date,
        refresh: event.refresh,
        readings: event.state.readings().filter(|it| !it.field.is_position()).collect(),
        maker_values: event.values.clone(),
    };
    let parts = [message.enrollment.as_str(), "monitor.triggered", message.content.as_str()];
    Event {
        id: EventId::derived(&parts),
        ..Event::new(&message.enrollment, what, notification.date)
    }
}

/// A command that got further. `remotes` decides whether it is one of ours.
async fn commanded(
    app: &App,
    message: &Message,
    notification: &Notification,
    event: &Commanded,
) -> Result<Digested, Error> {
    let (store, id) = (&app.store, &message.enrollment);
    let Commanded { action, kind, phase, status, failure_cause } = event.clone();
    let at = notification.date;
    let vin = message.vin.clone();
    let notified = Notified { vin, action, kind, phase, status, failure_cause, at };
    let mut transaction = Transaction::new();
    store.demand_open_in(&mut transaction, id)?;
    store.finish_message_in(&mut transaction, message)?;
    match remotes::notified(app, id, &notified, &mut transaction).await? {
        Concerns::Known => {
            store.commit(transaction).await?;
            app.metrics.record(Metric::Notification("proven"));
            Ok(Digested::Done)
        }
        Concerns::Unknown if proof::is_young(app, message) => Ok(Digested::NotYet),
        Concerns::Unknown => {
            hint::take(app, message, message.vin.as_ref()).await?;
            Ok(Digested::Done)
        }
    }
}
