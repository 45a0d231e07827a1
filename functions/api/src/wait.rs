//! Waiting for `act`, since somebody waits for us.

use std::time::Duration;

use shared::{
    App,
    store::requests::{Progress, Request},
};

use crate::{Error, error::Thing};

/// With the pause between them 20 s, well within the 29 s that this function has.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);

/// What became of a request within 20 s; pending if nothing did.
pub(crate) async fn outcome(app: &App, request: &Request) -> Result<Progress, Error> {
    for _ in 0..TRIES {
        pause().await;
        let found = app.store.request(&request.pk(), &request.sk(), app.clock.now()).await?;
        match found.map(|found| found.progress) {
            Some(Progress::Pending) => {}
            Some(settled) => return Ok(settled),
            None => return Err(Error::NotFound(Thing::Enrollment)),
        }
    }
    Ok(Progress::Pending)
}

#[expect(clippy::disallowed_methods, reason = "the operator asked to wait for the maker's answer")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
