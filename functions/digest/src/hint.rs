//! What is not proven: a hint that something may have happened to a car. It is kept for a week,
//! never merged or told; the car is asked itself.

use jiff::SignedDuration;
use shared::{
    App,
    domain::{pace::Kind, vin::Vin},
    metrics::Metric,
    store::{Applied, Error, Transaction, inbox::Message},
};

/// The least time between two looks that hints cause.
const PAUSE: SignedDuration = SignedDuration::from_mins(5);
/// Attempts before giving up: other looks are under way already.
const TRIES: u32 = 3;

/// Takes a hint. About no car of this enrollment it is of no use.
pub(crate) async fn take(app: &App, message: &Message, vin: Option<&Vin>) -> Result<(), Error> {
    let known = match vin {
        Some(vin) => hasten(app, message, vin).await?,
        None => false,
    };
    let mut transaction = Transaction::new();
    app.store.demand_open_in(&mut transaction, &message.enrollment)?;
    if known {
        app.store.lay_aside_in(&mut transaction, message)?;
    } else {
        app.store.finish_message_in(&mut transaction, message)?;
    }
    app.store.commit(transaction).await?;
    let outcome = if known { "hint" } else { "dropped" };
    app.metrics.record(Metric::Notification(outcome));
    tracing::warn!(enrollment.id = %message.enrollment, outcome, "a notification is not proven");
    Ok(())
}

/// Makes the car due. `false`: it is no car of this enrollment.
async fn hasten(app: &App, message: &Message, vin: &Vin) -> Result<bool, Error> {
    let (id, now) = (&message.enrollment, app.clock.now());
    for _ in 0..TRIES {
        let Some((mut car, due_at)) = app.store.car(id, vin).await? else { return Ok(false) };
        let look = car.look_mut(Kind::Status);
        if look.due <= now {
            break;
        }
        look.due = now;
        match app.store.hasten_car(id, &car, due_at, (now, PAUSE)).await? {
            Applied::Yes => break,
            Applied::No(item) => {
                let hinted = item.as_ref().is_some_and(|item| was_hinted(item, now - PAUSE));
                if hinted {
                    break;
                }
            }
        }
    }
    Ok(true)
}

fn was_hinted(item: &shared::store::Item, since: jiff::Timestamp) -> bool {
    let at = item.get("hinted_at").and_then(|at| at.as_n().ok()?.parse::<i64>().ok());
    at.is_some_and(|at| at > since.as_second())
}
