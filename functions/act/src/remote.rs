//! A remote: sent once or not at all, then asked about until the maker says how it ended.

mod ask;
mod send;

use shared::{
    App,
    clock::Budget,
    domain::remote::{Remote, State},
    remotes,
    store::{self, DueKey, Transaction, Versioned},
    visit::Error,
};

/// How often an outcome is written before it is left to be asked for.
const TRIES: u32 = 3;

/// Whether nothing is left to do for it now.
pub(crate) async fn run(app: &App, key: &DueKey, budget: Budget) -> Result<bool, Error> {
    let now = app.clock.now();
    let Some(found) = app.store.remote_at(&key.pk, &key.sk, now).await? else { return Ok(true) };
    let found = found.remote;
    // Settled, or somebody else has just seen to it.
    if found.value.due_at.is_none_or(|due| due > now) {
        return Ok(true);
    }
    match found.value.state {
        State::Requested => send::run(app, found, budget).await,
        // Its sender did not live to tell. It may have been sent, and never will be again.
        State::Sending => {
            tracing::warn!(remote.id = %found.value.id, "a remote has lost its sender");
            keep(app, found, |remote| remote.advance(State::Unknown, None, now)).await?;
            Ok(true)
        }
        _ => ask::run(app, found, budget).await,
    }
}

/// Writes what became of a remote; if it moved meanwhile, what becomes of it from there. Where
/// that is no step forward, or nothing is left of it, there is nothing to write.
async fn keep(
    app: &App,
    mut found: Versioned<Remote>,
    next: impl Fn(&Remote) -> Option<Remote>,
) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        let Some(next) = next(&found.value) else { return Ok(()) };
        let mut transaction = Transaction::new();
        app.store.demand_open_in(&mut transaction, &next.enrollment)?;
        remotes::step_in(app, &mut transaction, &found, &next)?;
        let Err(error) = app.store.commit(transaction).await else { return Ok(()) };
        tries += 1;
        if tries == TRIES {
            return Err(error.into());
        }
        let (id, now) = (&found.value.enrollment, app.clock.now());
        let again = app.store.remote(id, &found.value.vin, &found.value.id, now).await;
        match (again, error) {
            (Ok(Some(again)), store::Error::Conflict) if again.remote.version == found.version => {
                // Not the remote changed but the enrollment: it is not open any more.
                return Ok(());
            }
            (Ok(Some(again)), _) => found = again.remote,
            (Ok(None), _) => return Ok(()),
            (Err(again), error) => {
                tracing::warn!(remote.id = %found.value.id, error = %error, again = %again, "what became of a remote was not written yet");
            }
        }
    }
}
