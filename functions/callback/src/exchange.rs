//! Claims the attempt, then sends the code: once, whoever else holds the same link.

use std::time::Duration;

use secrecy::SecretString;
use shared::{
    App,
    domain::enrollment::{Enrollment, Reason, Status, UserRef},
    metrics::{Metric, Outcome as Counted},
    round_trip::Attempt,
    stellantis::{
        Client,
        id_token::{self, Expected, Subject},
        oauth::{TokenError, TokenSet},
    },
    store::{self, Versioned},
};

use crate::{
    answer::Error,
    complete,
    outcome::{Ending, Outcome},
};

/// How long a second request waits for the first one's outcome.
const PATIENCE: u32 = 20;

/// Who won the attempt.
enum Claimed {
    Ours(Versioned<Enrollment>),
    /// Another request has it: this is how things stand.
    Another(Enrollment),
    Gone,
    /// The operator stopped this brand: nothing is claimed, so the same link can be opened again.
    Stopped,
}

pub(crate) async fn run(app: &App, attempt: &Attempt, code: SecretString) -> Result<Ending, Error> {
    match claim(app, attempt).await? {
        Claimed::Ours(enrollment) => {
            let ended = exchange(app, attempt, enrollment, code).await;
            let connected = matches!(&ended, Ok(it) if it.outcome == Outcome::Connected);
            let counted = if connected { Counted::Succeeded } else { Counted::Failed };
            app.metrics.record(Metric::Login(counted));
            ended
        }
        Claimed::Another(enrollment) => second(app, attempt, enrollment).await,
        Claimed::Gone => Ok(Ending::new(Outcome::Expired)),
        Claimed::Stopped => {
            tracing::info!(brand = %attempt.ticket.brand, "a code was not exchanged: the brand is stopped");
            Ok(Ending::new(Outcome::Unavailable))
        }
    }
}

/// One conditional write decides. It spends the ticket, too: opening the link did not.
async fn claim(app: &App, attempt: &Attempt) -> Result<Claimed, Error> {
    for _ in 0..2 {
        let now = app.clock.now();
        let (known, version) = match app.store.enrollment(&attempt.ticket.enrollment, now).await? {
            Some(found) => (found.value, found.version),
            None => match attempt.open_user() {
                Some(user) => (open_enrollment(attempt, user, now), 0),
                None => return Ok(Claimed::Gone),
            },
        };
        let Ok(claimed) = known.clone().claim(attempt.state_sha256.clone(), now) else {
            return Ok(Claimed::Another(known));
        };
        if app.store.control().await?.stops(attempt.ticket.brand) {
            return Ok(Claimed::Stopped);
        }
        match app.store.save_enrollment(&claimed, version).await {
            Ok(()) => return Ok(Claimed::Ours(Versioned { value: claimed, version: version + 1 })),
            Err(store::Error::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Claimed::Gone)
}

/// In open mode nobody announced it.
fn open_enrollment(attempt: &Attempt, user: UserRef, now: jiff::Timestamp) -> Enrollment {
    let ticket = &attempt.ticket;
    Enrollment::begin(ticket.enrollment.clone(), user, ticket.brand, ticket.scopes.clone(), now)
}

/// A second request with the same state sees the first one's outcome; one with another state
/// finds the link spent.
async fn second(app: &App, attempt: &Attempt, mut known: Enrollment) -> Result<Ending, Error> {
    if known.claimed_by.as_deref() != Some(&attempt.state_sha256) {
        return Ok(Ending::new(Outcome::Expired));
    }
    for _ in 0..PATIENCE {
        if known.status != Status::Exchanging {
            break;
        }
        pause().await;
        match app.store.enrollment(&known.id, app.clock.now()).await? {
            Some(found) => known = found.value,
            None => return Ok(Ending::new(Outcome::Expired)),
        }
    }
    Ok(match known.status {
        Status::Active | Status::Merged => Ending::new(Outcome::Connected),
        Status::AwaitingConfirmation => complete::connected(attempt),
        Status::Exchanging => Ending::new(Outcome::Unavailable),
        _ => Ending::new(Outcome::of(known.reason)),
    })
}

#[expect(clippy::disallowed_methods, reason = "the browser waits for another request's outcome")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(500)).await;
}

async fn exchange(
    app: &App,
    attempt: &Attempt,
    enrollment: Versioned<Enrollment>,
    code: SecretString,
) -> Result<Ending, Error> {
    let brand = attempt.ticket.brand;
    let secret = app.secrets.maker().await?;
    let client = match app.maker.with_credentials(&secret) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(error = %error, "the client for the maker can't be built");
            return complete::fail(app, enrollment, Reason::ProviderUnavailable).await;
        }
    };
    let redirect_uri = app.config.redirect_uri(brand);
    let verifier = attempt.verifier.clone().into();
    let tokens = match client.exchange(brand, code, &redirect_uri, verifier).await {
        Ok(tokens) => tokens,
        Err(error) => return refused(app, enrollment, error).await,
    };

    let provider = app.maker.settings().identity.get(brand);
    let client_id = secret.client_id(brand);
    let expected = Expected { provider, client_id, nonce: &attempt.nonce };
    let Some(id_token) = &tokens.id_token else {
        tracing::warn!(brand = %brand, "the maker sent no id token");
        return refuse_identity(app, &client, enrollment, &tokens).await;
    };
    match id_token::validate(id_token, &expected, app.clock.now()) {
        Ok(subject) => store_grant(app, &client, attempt, enrollment, tokens, subject).await,
        Err(error) => {
            tracing::warn!(brand = %brand, error = %error, "the id token was refused");
            refuse_identity(app, &client, enrollment, &tokens).await
        }
    }
}

async fn refused(
    app: &App,
    enrollment: Versioned<Enrollment>,
    error: TokenError,
) -> Result<Ending, Error> {
    tracing::warn!(enrollment.id = %enrollment.value.id, error = %error, "the code was not exchanged");
    if error.doubts_our_secret() {
        // For the next one: this code is spent.
        app.secrets.maker_reread().await?;
    }
    let reason = match error {
        TokenError::Transient { .. } | TokenError::Limited { .. } => Reason::ProviderUnavailable,
        _ => Reason::ProviderError,
    };
    complete::fail(app, enrollment, reason).await
}

async fn refuse_identity(
    app: &App,
    client: &Client,
    enrollment: Versioned<Enrollment>,
    tokens: &TokenSet,
) -> Result<Ending, Error> {
    complete::revoke(client, enrollment.value.brand, tokens).await;
    complete::fail(app, enrollment, Reason::IdentityRefused).await
}

async fn store_grant(
    app: &App,
    client: &Client,
    attempt: &Attempt,
    enrollment: Versioned<Enrollment>,
    tokens: TokenSet,
    subject: Option<Subject>,
) -> Result<Ending, Error> {
    let stored = complete::store(app, attempt, &enrollment, &tokens, subject.as_ref()).await;
    match stored {
        Ok(()) => Ok(complete::connected(attempt)),
        Err(error) => {
            tracing::error!(enrollment.id = %enrollment.value.id, error = %error, "new tokens could not be stored; they are revoked");
            complete::revoke(client, enrollment.value.brand, &tokens).await;
            complete::fail(app, enrollment, Reason::NotStored).await
        }
    }
}
