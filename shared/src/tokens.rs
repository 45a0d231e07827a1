//! Access tokens for whoever is about to use one, and the life of every refresh token.
//!
//! A refresh token is good once. Whoever uses one holds the grant's lease, has noted the intent
//! before the call, and stores the answer before anything else happens, whatever became of the
//! lease meanwhile. The lock belongs to the grant, never to a car.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    clock::{Budget, later},
    domain::{
        brand::Brand,
        enrollment::Reason,
        event::{Event, What},
        ids::GrantId,
    },
    metrics::{Metric, Outcome},
    random,
    rescue::RescueError,
    seal::{KeyRing, Purpose},
    secrets::SecretError,
    stellantis::{
        Client, TlsError,
        oauth::{TokenError, TokenSet},
    },
    store::{
        self, Applied, Transaction,
        control::Control,
        grants::{Claim, ClaimFor, Grant, Renewal},
    },
};

/// Longer than any function that renews may run: two never hold one lease.
const LEASE: SignedDuration = SignedDuration::from_secs(150);
/// What a renewal may take: the call to the maker, then a table that hangs, then the rescue queue,
/// each to its time-out. None begins without.
pub const NEEDED: Duration = Duration::from_secs(30);
/// An access token this near its end is renewed first.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// A grant's access token.
#[derive(Debug, Clone)]
pub struct Access {
    /// The token, for the API alone.
    pub token: SecretString,
    /// Which version of the grant it is: to say so when the maker refuses it.
    pub version: u64,
}

/// The tokens as they are sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    a: String,
    r: String,
}

/// No access token can be had now.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such grant.
    #[error("the grant is gone")]
    Gone,
    /// Somebody else is renewing it; its outcome will be there shortly.
    #[error("the grant is being renewed by another run")]
    Busy,
    /// The maker ended it: the user must consent again. That is recorded.
    #[error("the maker ended the grant")]
    Ended(Reason),
    /// Calls are stopped or paused, or too little time is left.
    #[error("no call to the maker may begin now")]
    NotNow,
    /// The maker did not renew it this time. It is tried again.
    #[error("the maker did not renew the grant")]
    Maker(#[source] TokenError),
    /// Our certificate is unusable.
    #[error("the client for the maker can't be built")]
    Tls(#[from] TlsError),
    /// A secret is missing, or a sealed value won't open: ours, never the grant's.
    #[error("the tokens can't be opened")]
    Secret(#[from] SecretError),
    /// The database failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// Neither the table nor the rescue queue took the new tokens.
    #[error("renewed tokens could not be kept")]
    Lost(#[source] RescueError),
}

/// An access token of a grant, renewed first if it is near its end, or is the one (`refused`) that
/// the maker just refused.
///
/// # Errors
/// [`Error`] says whether to wait, to stop, or to ask the user.
pub async fn access(
    app: &App,
    id: &GrantId,
    refused: Option<u64>,
    control: &Control,
    budget: Budget,
) -> Result<Access, Error> {
    let now = app.clock.now();
    let grant = app.store.grant(id).await?.ok_or(Error::Gone)?;
    if is_usable(&grant, refused, now) {
        return open(app, &grant).await.map(|(access, _)| access);
    }
    match app.store.claim_grant(id, ClaimFor::Use, now, LEASE).await? {
        Claim::Ours(grant) if is_usable(&grant, refused, now) => {
            app.store.release_grant(&grant, true, due_of(&grant, now)).await?;
            open(app, &grant).await.map(|(access, _)| access)
        }
        Claim::Ours(grant) => renew(app, grant, control, budget).await,
        Claim::Busy => {
            let grant = app.store.grant(id).await?.ok_or(Error::Gone)?;
            if is_usable(&grant, refused, now) {
                return open(app, &grant).await.map(|(access, _)| access);
            }
            Err(Error::Busy)
        }
        Claim::Gone => Err(Error::Gone),
    }
}

/// The scheduled renewal of a grant found due at `due_at`. `None`: not due any more, or somebody
/// else has it.
///
/// # Errors
/// As [`access`].
pub async fn renew_due(
    app: &App,
    id: &GrantId,
    due_at: i64,
    control: &Control,
    budget: Budget,
) -> Result<Option<Access>, Error> {
    if !budget.allows(NEEDED) {
        return Err(Error::NotNow);
    }
    match app.store.claim_grant(id, ClaimFor::Schedule { due_at }, app.clock.now(), LEASE).await? {
        Claim::Ours(grant) => renew(app, grant, control, budget).await.map(Some),
        Claim::Busy | Claim::Gone => Ok(None),
    }
}

/// Renews a grant whose lease we hold.
async fn renew(
    app: &App,
    grant: Grant,
    control: &Control,
    budget: Budget,
) -> Result<Access, Error> {
    let host = app
        .maker
        .settings()
        .identity
        .get(grant.brand)
        .url
        .host_str()
        .unwrap_or_default()
        .to_owned();
    if !budget.allows(NEEDED) || !control.allows(grant.brand, &host, app.clock.now()) {
        put_off(app, &grant, true, None).await?;
        return Err(Error::NotNow);
    }
    let (refresh_token, ring, client) = match prepare(app, &grant).await {
        Ok(prepared) => prepared,
        Err(error) => {
            app.metrics.add(Metric::Renewal(Outcome::Failed));
            put_off(app, &grant, true, None).await?;
            return Err(error);
        }
    };
    let answer = call(app, client, grant.brand, &refresh_token, budget).await;
    app.metrics.add(Metric::Renewal(outcome(&answer)));
    match answer {
        Ok(tokens) => keep(app, &grant, tokens, refresh_token, &ring).await,
        Err(TokenError::InvalidGrant) => refused(app, grant).await,
        Err(error) => {
            let wait = match error {
                TokenError::Limited { retry_after } => {
                    app.metrics.record(Metric::MakerLimited);
                    Some(retry_after.unwrap_or(Duration::from_mins(1)))
                }
                TokenError::Transient { retry_after, .. } => retry_after,
                _ => None,
            };
            // First of all: an intent left open would look like a lost answer to the next run.
            put_off(app, &grant, !error.may_have_acted(), wait).await?;
            if let (TokenError::Limited { .. }, Some(wait)) = (error, wait) {
                app.store.pause(&host, later(app.clock.now(), wait)).await?;
            }
            Err(Error::Maker(error))
        }
    }
}

/// What came of a renewal, as alarms count it: a grant that the maker ended is counted by itself.
const fn outcome(answer: &Result<TokenSet, TokenError>) -> Outcome {
    match answer {
        Err(TokenError::InvalidGrant) => Outcome::Refused,
        other => Outcome::of(other),
    }
}

/// All that may fail before the call, done before it: once the maker has answered, nothing but
/// storing stands between the new tokens and their place.
async fn prepare(app: &App, grant: &Grant) -> Result<(SecretString, Arc<KeyRing>, Client), Error> {
    let (_, refresh_token) = open(app, grant).await?;
    let ring = app.secrets.seal_ring().await?;
    let client = app.maker.with_credentials(&app.secrets.maker().await?)?;
    Ok((refresh_token, ring, client))
}

/// Calls the maker; once more with the secret read anew, if it doubts our credentials.
async fn call(
    app: &App,
    client: Client,
    brand: Brand,
    refresh_token: &SecretString,
    budget: Budget,
) -> Result<TokenSet, TokenError> {
    let answer = client.renew(brand, refresh_token).await;
    if !matches!(&answer, Err(error) if error.doubts_our_secret()) {
        return answer;
    }
    let reread = app.secrets.maker_reread().await.ok();
    match reread.and_then(|secret| app.maker.with_credentials(&secret).ok()) {
        Some(client) if budget.allows(NEEDED) => client.renew(brand, refresh_token).await,
        _ => answer,
    }
}

/// Stores new tokens before anything else happens; if the table will not have them, in the rescue
/// queue.
async fn keep(
    app: &App,
    grant: &Grant,
    tokens: TokenSet,
    old_refresh_token: SecretString,
    ring: &KeyRing,
) -> Result<Access, Error> {
    let now = app.clock.now();
    let access = Access { token: tokens.access_token.clone(), version: grant.version + 1 };
    let refresh_token = tokens.refresh_token.unwrap_or(old_refresh_token);
    let sealed = seal(ring, &grant.id, access.version, &tokens.access_token, &refresh_token);
    let renewal = Renewal {
        grant: grant.id.clone(),
        used_version: grant.version,
        sealed,
        access_ends: later(now, tokens.expires_in).as_second(),
        renewed_at: now.as_second(),
    };
    match store(app, &renewal).await {
        Ok(()) => Ok(access),
        Err(error) => {
            app.metrics.record(Metric::RescueFailure);
            Err(Error::Lost(error))
        }
    }
}

/// The queue right after the table's first failure: there may be no time for a second try.
async fn store(app: &App, renewal: &Renewal) -> Result<(), RescueError> {
    let Err(error) = store_in_table(app, renewal).await else { return Ok(()) };
    tracing::warn!(grant.id = %renewal.grant, error = %error, "the table did not take renewed tokens");
    let Err(rescue) = app.rescue.keep(renewal).await else { return Ok(()) };
    tracing::warn!(grant.id = %renewal.grant, error = %rescue, "nor did the rescue queue");
    store_in_table(app, renewal).await.map_err(|_| rescue)
}

async fn store_in_table(app: &App, renewal: &Renewal) -> Result<(), store::Error> {
    // Erased meanwhile, or renewed by somebody who thought our lease had ended: the tokens in our
    // hands still are the newest that the maker gave.
    if let Applied::No(_) = app.store.store_renewal(renewal, app.clock.now()).await? {
        tracing::warn!(grant.id = %renewal.grant, "renewed tokens found another version stored");
    }
    Ok(())
}

/// The maker says that the grant is dead. Unless somebody just renewed it, believe it.
async fn refused(app: &App, grant: Grant) -> Result<Access, Error> {
    match believe(app, &grant).await {
        Err(error) if !matches!(error, Error::Ended(_) | Error::Gone) => {
            // The maker did answer: this intent must not look like a lost answer to the next run.
            put_off(app, &grant, true, None).await?;
            Err(error)
        }
        settled => settled,
    }
}

async fn believe(app: &App, grant: &Grant) -> Result<Access, Error> {
    let stored = app.store.grant(&grant.id).await?.ok_or(Error::Gone)?;
    if stored.version != grant.version {
        return open(app, &stored).await.map(|(access, _)| access);
    }
    // Our own intent is one; one more was never answered.
    let reason = if grant.open_intents > 1 { Reason::LostAnswer } else { Reason::Withdrawn };
    end(app, grant, reason).await?;
    Err(Error::Ended(reason))
}

/// Records that a grant has ended: grant, enrollment and event in one transaction.
async fn end(app: &App, grant: &Grant, reason: Reason) -> Result<(), Error> {
    let now = app.clock.now();
    let mut transaction = Transaction::new();
    app.store.end_grant_in(&mut transaction, grant)?;
    if let Some(enrollment) = app.store.enrollment(&grant.enrollment, now).await?
        && enrollment.value.grant.as_ref() == Some(&grant.id)
        && let Ok(ended) = enrollment.value.require_reauthorization(reason, now)
    {
        app.store.save_enrollment_in(&mut transaction, &ended, enrollment.version)?;
        let event = Event::new(&ended.id, What::ReauthorizationRequired { reason }, now);
        app.store.tell_in(&mut transaction, event)?;
    }
    app.store.commit(transaction).await?;
    let name = if reason == Reason::LostAnswer { "lost_answer" } else { "withdrawn" };
    app.metrics.record(Metric::GrantLost(name));
    tracing::warn!(grant.id = %grant.id, enrollment.id = %grant.enrollment, brand = %grant.brand, reason = name, "a grant has ended");
    Ok(())
}

/// Gives the lease back, to try again after a while; sooner or later, never in step.
async fn put_off(
    app: &App,
    grant: &Grant,
    settled: bool,
    wait: Option<Duration>,
) -> Result<(), Error> {
    app.metrics.add(Metric::RenewalAge(app.clock.now().as_second() - grant.renewed_at));
    let jitter = Duration::from_secs(u64::from(random::below(120)));
    let due = later(app.clock.now(), wait.unwrap_or(Duration::from_mins(5)) + jitter);
    app.store.release_grant(grant, settled, due).await?;
    Ok(())
}

/// Seals a pair of tokens for a grant's version.
#[must_use]
pub fn seal(
    ring: &KeyRing,
    id: &GrantId,
    version: u64,
    access_token: &SecretString,
    refresh_token: &SecretString,
) -> Vec<u8> {
    let plain = Plain {
        a: access_token.expose_secret().to_owned(),
        r: refresh_token.expose_secret().to_owned(),
    };
    let plain = serde_json::to_vec(&plain).unwrap_or_default();
    ring.seal(Purpose::Token { grant: id.as_str(), version }, &plain)
}

/// Opens a grant's tokens: access, then refresh.
///
/// # Errors
/// [`Error::Secret`], counted: ours, never a dead grant.
pub async fn open(app: &App, grant: &Grant) -> Result<(Access, SecretString), Error> {
    let purpose = Purpose::Token { grant: grant.id.as_str(), version: grant.version };
    let opened = app.secrets.open_token(purpose, &grant.sealed).await;
    let plain = opened.and_then(|plain| {
        serde_json::from_slice::<Plain>(&plain)
            .map_err(|_| SecretError::Open(crate::seal::OpenError::Forged))
    });
    match plain {
        Ok(plain) => Ok((Access { token: plain.a.into(), version: grant.version }, plain.r.into())),
        Err(error) => {
            app.metrics.record(Metric::SealFailure);
            Err(error.into())
        }
    }
}

fn is_usable(grant: &Grant, refused: Option<u64>, now: Timestamp) -> bool {
    let fresh = grant.access_ends > (now + MARGIN).as_second();
    fresh && refused.is_none_or(|version| grant.version > version)
}

fn due_of(grant: &Grant, now: Timestamp) -> Timestamp {
    grant.due_at.and_then(|due| Timestamp::from_second(due).ok()).unwrap_or(now)
}
