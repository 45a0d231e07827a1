//! One lane: its events are sent one by one in their order, and none before the one in front of it
//! was taken or given up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use shared::{
    App,
    clock::Budget,
    domain::{event::CloudEvent, webhook::Attempt},
    metrics::{Metric, Outcome},
    secrets::SecretError,
    store::{
        self,
        lanes::{Head, Lane, Sending, Tries},
    },
    webhooks::{Message, PostError, StatusCode, TRY},
};

use crate::{
    backoff::{self, Next},
    dispatch::{self, Whose},
    endpoint::{Door, Patience},
};

/// Longer than this function may run: nobody else sends while we do.
const LEASE: SignedDuration = SignedDuration::from_secs(90);
/// What one try may take, its bookkeeping included; none begins without.
pub(crate) const NEEDED: Duration = TRY.saturating_add(Duration::from_secs(8));

/// A lane could not be worked off. It is due again when its lease ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the store failed")]
    Store(#[from] store::Error),
    #[error("the secrets of an endpoint can't be had")]
    Secret(#[from] SecretError),
}

/// What became of an event.
enum Sent {
    /// It is out of the lane.
    Done,
    /// The lane waits.
    Waits,
}

/// Works off a lane that is due, while time remains and the endpoint is waited for.
pub(crate) async fn run(
    app: &App,
    door: &Door,
    lane: &Lane,
    (budget, patience): (Budget, Patience),
) -> Result<(), Error> {
    // Whoever asks for a test looks at what becomes of it.
    let is_waited_for = || lane.is_of_test() || door.is_waited_for(app, patience);
    let may_begin = || budget.allows(NEEDED) && is_waited_for();
    while may_begin() {
        let now = app.clock.now();
        let Some(head) = app.store.claim_lane(lane, now, LEASE).await? else { return Ok(()) };
        if !door.is_open() {
            app.store.park(lane, &head, now).await?;
            return Ok(());
        }
        let secrets = door.secrets(app, now).await?;
        loop {
            let front = app.store.front_of(lane, now).await?;
            if front.is_empty() {
                break;
            }
            for sending in front {
                if !may_begin() {
                    app.store.give_back(lane, &head, now).await?;
                    return Ok(());
                }
                if let Sent::Waits = send(app, door, lane, &head, &sending, &secrets).await? {
                    return Ok(());
                }
            }
        }
        if app.store.end_lane(lane, &head).await? {
            return Ok(());
        }
        // An event came between the last look and the end: once more from the beginning.
        app.store.give_back(lane, &head, now).await?;
    }
    Ok(())
}

async fn send(
    app: &App,
    door: &Door,
    lane: &Lane,
    head: &Head,
    sending: &Sending,
    secrets: &[SecretString],
) -> Result<Sent, Error> {
    let now = app.clock.now();
    if !door.is_open() {
        app.store.park(lane, head, now).await?;
        return Ok(Sent::Waits);
    }
    if let Whose::Nobody = dispatch::whose(app, &sending.event).await? {
        app.store.sent(sending).await?;
        return Ok(Sent::Done);
    }
    let at = app.clock.now();
    let posted = post(app, door, sending, secrets).await;
    app.webhooks.attempts.add(door.id(), attempt(at, sending, &posted));
    app.metrics.add(Metric::Delivery(Outcome::of(&posted)));
    match posted {
        Ok(_) => {
            app.store.sent(sending).await?;
            door.is_well(app).await?;
            Ok(Sent::Done)
        }
        Err(error) => {
            tracing::info!(webhook.id = %door.id(), event.id = %sending.event.id, error = error.word(), "an event was not taken");
            failed(app, door, (lane, head), sending, &error).await
        }
    }
}

/// What the operator may see of it.
fn attempt(at: Timestamp, sending: &Sending, posted: &Result<StatusCode, PostError>) -> Attempt {
    let status = posted.as_ref().map_or_else(PostError::status, |status| Some(*status));
    Attempt {
        at,
        event: sending.event.id.clone(),
        kind: sending.event.what.name(),
        status: status.map(|status| status.as_u16()),
        error: posted.as_ref().err().map(PostError::failure),
    }
}

async fn post(
    app: &App,
    door: &Door,
    sending: &Sending,
    secrets: &[SecretString],
) -> Result<StatusCode, PostError> {
    let webhook = &door.webhook.value;
    let source = app.config.public_url.as_str();
    let mut cloud = CloudEvent::new(sending.event.clone(), source, webhook.positions);
    cloud.replayed = sending.replayed;
    let message = Message {
        id: sending.event.id.as_str(),
        at: app.wall.now(),
        body: serde_json::to_string(&cloud).map_err(|_| PostError::Client)?,
        replayed: sending.replayed,
        secrets,
    };
    app.webhooks.post(&webhook.url, message).await
}

async fn failed(
    app: &App,
    door: &Door,
    (lane, head): (&Lane, &Head),
    sending: &Sending,
    error: &PostError,
) -> Result<Sent, Error> {
    let now = app.clock.now();
    let before = head.tries_of(&sending.event.id, now);
    let tries = Tries { count: before.count + 1, since: before.since };
    door.has_failed(app, error).await?;
    if !door.is_open() {
        app.store.park(lane, head, now).await?;
        return Ok(Sent::Waits);
    }
    match backoff::next(tries, sending.queued_at, now) {
        Next::Try { at } => {
            app.store.put_off(lane, head, &sending.event.id, tries, at).await?;
            Ok(Sent::Waits)
        }
        Next::GiveUp => {
            app.store.bury(lane, head, sending, tries, (&error.word(), now)).await?;
            tracing::error!(webhook.id = %door.id(), event.id = %sending.event.id, "an event was given up");
            Ok(Sent::Done)
        }
    }
}
