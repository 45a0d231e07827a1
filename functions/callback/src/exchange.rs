//! Claims the attempt, then sends the code: once, whoever else holds the same link.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use shared::{
    App,
    clock::Budget,
    domain::enrollment::{Enrollment, Reason, UserRef},
    metrics::{Metric, Outcome as Counted},
    round_trip::Attempt,
    seal::KeyRing,
    stellantis::{
        Client, MakerSecret,
        id_token::{self, Expected, Subject},
        oauth::{TokenError, TokenSet},
    },
    store::{self, Versioned},
    tokens,
};

use crate::{
    again,
    answer::Error,
    browser::Browser,
    complete,
    outcome::{Ending, Outcome},
};

/// What the exchange, storing what it brings and, if that fails, revoking it may take: the link is
/// not claimed with less time left.
const NEEDED: Duration = Duration::from_secs(20);

/// Who won the attempt.
enum Claimed {
    Ours(Versioned<Enrollment>),
    /// Another request has it, or had it: this is how things stand.
    Another(Versioned<Enrollment>),
    Gone,
    /// The maker may not be called now: nothing is claimed, so the same link can be opened again.
    NotNow,
}

/// All that can fail before a link is spent, done before it is.
struct Prepared {
    secret: Arc<MakerSecret>,
    client: Client,
    ring: Arc<KeyRing>,
}

impl Prepared {
    async fn new(app: &App) -> Result<Self, Error> {
        let (secret, ring) = (app.secrets.maker().await?, app.secrets.seal_ring().await?);
        let client = app.maker.with_credentials(&secret)?;
        Ok(Self { secret, client, ring })
    }
}

pub(crate) async fn run(
    app: &App,
    attempt: &Attempt,
    browser: &Browser<'_>,
    code: SecretString,
    budget: Budget,
) -> Result<Ending, Error> {
    let prepared = Prepared::new(app).await?;
    if !budget.allows(NEEDED) {
        return Err(Error::Late);
    }
    match claim(app, attempt).await? {
        Claimed::Ours(enrollment) => {
            let ended = exchange(app, &prepared, attempt, enrollment, code).await;
            let connected = matches!(&ended, Ok(it) if it.outcome == Outcome::Connected);
            let counted = if connected { Counted::Succeeded } else { Counted::Failed };
            app.metrics.record(Metric::Login(counted));
            ended
        }
        Claimed::Another(enrollment) => again::run(app, attempt, browser, enrollment).await,
        Claimed::Gone => Ok(Ending::new(Outcome::Expired)),
        Claimed::NotNow => {
            tracing::info!(brand = %attempt.ticket.brand, "a code was not exchanged: the maker may not be called now");
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
            return Ok(Claimed::Another(Versioned { value: known, version }));
        };
        let (brand, control) = (attempt.ticket.brand, app.limits.read().await?);
        if !control.allows(brand, tokens::identity_host(app, brand), now) {
            return Ok(Claimed::NotNow);
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

async fn exchange(
    app: &App,
    prepared: &Prepared,
    attempt: &Attempt,
    enrollment: Versioned<Enrollment>,
    code: SecretString,
) -> Result<Ending, Error> {
    let (brand, client) = (attempt.ticket.brand, &prepared.client);
    let redirect_uri = app.config.redirect_uri(brand);
    let verifier = attempt.verifier.clone().into();
    let tokens = match client.exchange(brand, code, &redirect_uri, verifier).await {
        Ok(tokens) => tokens,
        Err(error) => return refused(app, enrollment, error).await,
    };

    let provider = app.maker.settings().identity.get(brand);
    let client_id = prepared.secret.client_id(brand);
    let expected = Expected { provider, client_id, nonce: &attempt.nonce };
    let Some(id_token) = &tokens.id_token else {
        tracing::warn!(brand = %brand, "the maker sent no id token");
        return refuse_identity(app, client, enrollment, &tokens).await;
    };
    match id_token::validate(id_token, &expected, app.clock.now()) {
        Ok(subject) => store_grant(app, prepared, attempt, enrollment, tokens, subject).await,
        Err(error) => {
            tracing::warn!(brand = %brand, error = %error, "the id token was refused");
            refuse_identity(app, client, enrollment, &tokens).await
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
    prepared: &Prepared,
    attempt: &Attempt,
    enrollment: Versioned<Enrollment>,
    tokens: TokenSet,
    subject: Option<Subject>,
) -> Result<Ending, Error> {
    let (ring, subject) = (&prepared.ring, subject.as_ref());
    let stored = complete::store(app, attempt, &enrollment, &tokens, ring, subject).await;
    match stored {
        Ok(owner) => Ok(complete::connected(attempt, &owner)),
        Err(error) => {
            tracing::error!(enrollment.id = %enrollment.value.id, error = %error, "new tokens could not be stored; they are revoked");
            complete::revoke(&prepared.client, enrollment.value.brand, &tokens).await;
            complete::fail(app, enrollment, Reason::NotStored).await
        }
    }
}
