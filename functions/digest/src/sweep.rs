//! What the stream did not bring to an end, and what is looked at once in any case.

use jiff::SignedDuration;
use shared::{
    App,
    metrics::Metric,
    store::{
        DueKey, Error, Transaction,
        inbox::{self, Message},
    },
};

use crate::message::{self, Digested};

/// A message that was tried so often is put aside: it may be what kills those who try.
const TRIES: u32 = 8;
/// How long after a vain try comes the next, at first.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// The longest time until the next.
const SELDOM: SignedDuration = SignedDuration::from_hours(1);

/// Tends to whatever is due. Says whether it came to an end.
pub(crate) async fn tend(app: &App, key: &DueKey) -> Result<bool, Error> {
    let Some(enrollment) = inbox::of_partition(&key.pk) else {
        tracing::error!("an item of another kind stands among the notifications");
        return Ok(false);
    };
    if key.sk.starts_with("MSG#") {
        return swept(app, key).await;
    }
    if !app.store.stands(&enrollment).await? {
        app.store.empty_inbox(&enrollment, message::AT_ONCE).await?;
    } else if key.sk.starts_with("PART#") {
        app.store.tend_part(key, app.clock.now()).await?;
    } else {
        app.store.tend_bad(&key.pk, &key.sk).await?;
    }
    Ok(true)
}

/// A try is counted before it is made, so that one that kills is counted too.
async fn swept(app: &App, key: &DueKey) -> Result<bool, Error> {
    let now = app.clock.now();
    let Some(message) = app.store.message(&key.pk, &key.sk, now).await? else { return Ok(true) };
    if message.due_at != key.due_at {
        // The index is from a moment ago: somebody was here.
        return Ok(true);
    }
    if message.tries >= TRIES {
        put_aside(app, &message).await?;
        return Ok(true);
    }
    let tries = message.tries + 1;
    let pause = AGAIN * (1 << tries.min(6));
    let claimed = app.store.claim_message(message, tries, now + pause.min(SELDOM)).await?;
    let Some(message) = claimed else { return Ok(true) };
    match Box::pin(message::digest(app, &key.pk, &key.sk)).await {
        // It waits for an answer of the maker's to be stored: that is no fault of its own.
        Ok(Digested::NotYet) => {
            let message = app.store.message(&key.pk, &key.sk, now).await?;
            if let Some(message) = message {
                app.store.claim_message(message, 0, now + AGAIN).await?;
            }
            Ok(true)
        }
        Ok(Digested::Done) => Ok(true),
        // The database's bad day, or a race, is not the message's fault either.
        Err(error @ (Error::Database(_) | Error::Conflict)) => {
            app.store.claim_message(message, tries - 1, now + AGAIN).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

async fn put_aside(app: &App, message: &Message) -> Result<(), Error> {
    let mut transaction = Transaction::new();
    app.store.quarantine_in(&mut transaction, message, app.clock.now())?;
    match app.store.commit(transaction).await {
        Ok(()) => {
            app.metrics.record(Metric::Quarantined);
            tracing::error!(
                enrollment.id = %message.enrollment,
                "a notification can't be digested; it is in quarantine"
            );
            Ok(())
        }
        Err(Error::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}
