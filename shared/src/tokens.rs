//! Access tokens for whoever is about to use one, and the life of every refresh token.
//!
//! A refresh token is good once. Whoever uses one holds the grant's lease, has noted the intent
//! before the call, and stores the answer before anything else happens, whatever became of the
//! lease meanwhile. The lock belongs to the grant, never to a car.

mod waits;

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
        Call, Cause, Client, TlsError,
        oauth::{TokenError, TokenSet},
    },
    store::{
        self, Applied, Transaction,
        grants::{Claim, ClaimFor, Grant, Renewal},
    },
};

use self::waits::{LONGEST_WAIT, try_again, urgency};

/// Longer than any function that renews may run: two never hold one lease.
const LEASE: SignedDuration = SignedDuration::from_secs(150);
/// What a renewal may take: the call to the maker, then a table that hangs, then the rescue queue,
/// each to its time-out. None begins without.
pub const NEEDED: Duration = Duration::from_secs(30);
/// A token this young is not renewed because the maker refuses it: then it refuses all of them.
const JUST_RENEWED: SignedDuration = SignedDuration::from_mins(10);
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
    /// The maker says that it has ended. That is believed once it says so again.
    #[error("the maker says that the grant has ended; it is asked once more")]
    Doubted,
    /// The maker ended it: the user must consent again. That is recorded.
    #[error("the maker ended the grant")]
    Ended(Reason),
    /// The maker refuses a token that it has just given: another one would fare no better.
    #[error("the maker refuses a token that it has just given")]
    JustRenewed,
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
    budget: Budget,
) -> Result<Access, Error> {
    let now = app.clock.now();
    let grant = app.store.grant(id).await?.ok_or(Error::Gone)?;
    if is_usable(&grant, refused, now) {
        return open(app, &grant).await.map(|(access, _)| access);
    }
    let age = now.as_second() - grant.renewed_at;
    if refused == Some(grant.version) && age < JUST_RENEWED.as_secs() {
        return Err(Error::JustRenewed);
    }
    // Before anything is claimed or written.
    if !budget.allows(NEEDED) || !may_renew(app, &grant).await? {
        return Err(Error::NotNow);
    }
    match app.store.claim_grant(id, ClaimFor::Use, now, LEASE).await? {
        Claim::Ours(grant) if is_usable(&grant, refused, now) => {
            app.store.release_grant(&grant, true, due_of(&grant, now)).await?;
            open(app, &grant).await.map(|(access, _)| access)
        }
        Claim::Ours(grant) => renew(app, *grant, budget).await,
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
    budget: Budget,
) -> Result<Option<Access>, Error> {
    if !budget.allows(NEEDED) {
        return Err(Error::NotNow);
    }
    if !app.limits.current().await?.is_clear(app.clock.now()) {
        let Some(grant) = app.store.grant(id).await? else { return Ok(None) };
        if !may_renew(app, &grant).await? {
            return Err(Error::NotNow);
        }
    }
    match app.store.claim_grant(id, ClaimFor::Schedule { due_at }, app.clock.now(), LEASE).await? {
        Claim::Ours(grant) => renew(app, *grant, budget).await.map(Some),
        Claim::Busy | Claim::Gone => Ok(None),
    }
}

/// Whether a grant's identity provider may be called for it now. The stop of an operator always
/// holds; a pause that the host asked for ends for a grant whose refresh token is about to end.
async fn may_renew(app: &App, grant: &Grant) -> Result<bool, store::Error> {
    let host = identity_host(app, grant.brand);
    let urgency = urgency(grant, app.clock.now());
    app.limits.allows(Call { brand: grant.brand, host, urgency }).await
}

/// The host that renews and revokes tokens of a brand.
#[must_use]
pub fn identity_host(app: &App, brand: Brand) -> &str {
    app.maker.settings().identity.get(brand).url.host_str().unwrap_or_default()
}

/// Renews a grant whose lease we hold.
async fn renew(app: &App, grant: Grant, budget: Budget) -> Result<Access, Error> {
    if let Some(again) = grant.asked_again_at().filter(|again| *again > app.clock.now()) {
        app.store.release_grant(&grant, true, again).await?;
        return Err(Error::Doubted);
    }
    let (refresh_token, ring, client) = match prepare(app, &grant).await {
        Ok(prepared) => prepared,
        Err(error) => {
            app.metrics.add(Metric::Renewal(Outcome::Failed));
            put_off(app, &grant, true, None).await?;
            return Err(error);
        }
    };
    // The secrets may have taken long.
    if !budget.allows(NEEDED) {
        return not_now(app, &grant).await;
    }
    let answer = call(app, client, &grant, &refresh_token, budget).await;
    if !matches!(answer, Err(TokenError::Transient { cause: Cause::NotNow, .. })) {
        app.metrics.add(Metric::Renewal(outcome(&answer)));
    }
    match answer {
        Ok(tokens) => keep(app, &grant, tokens, refresh_token, &ring).await,
        Err(TokenError::InvalidGrant) => refused(app, grant).await,
        Err(TokenError::Transient { cause: Cause::NotNow, .. }) => not_now(app, &grant).await,
        Err(error) => {
            let wait = match error {
                TokenError::Limited { retry_after } => retry_after,
                TokenError::Transient { retry_after, .. } => {
                    retry_after.map(|wait| wait.min(LONGEST_WAIT))
                }
                _ => None,
            };
            // First of all: an intent left open would look like a lost answer to the next run.
            put_off(app, &grant, !error.may_have_acted(), wait).await?;
            Err(Error::Maker(error))
        }
    }
}

/// Gives the lease back as if nothing had been: due when it was due before.
async fn not_now(app: &App, grant: &Grant) -> Result<Access, Error> {
    app.store.release_grant(grant, true, due_of(grant, app.clock.now())).await?;
    Err(Error::NotNow)
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
    grant: &Grant,
    refresh_token: &SecretString,
    budget: Budget,
) -> Result<TokenSet, TokenError> {
    let (brand, urgency) = (grant.brand, urgency(grant, app.clock.now()));
    let answer = client.renew(brand, refresh_token, urgency).await;
    if !matches!(&answer, Err(error) if error.doubts_our_secret()) {
        return answer;
    }
    let reread = app.secrets.maker_reread().await.ok();
    match reread.and_then(|secret| app.maker.with_credentials(&secret).ok()) {
        Some(client) if budget.allows(NEEDED) => client.renew(brand, refresh_token, urgency).await,
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

/// The maker says that the grant is dead. Unless somebody just renewed it, believe it the second time.
async fn refused(app: &App, grant: Grant) -> Result<Access, Error> {
    match believe(app, &grant).await {
        Err(error) if !matches!(error, Error::Ended(_) | Error::Gone | Error::Doubted) => {
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
    if stored.asked_again_at().is_none() {
        app.store.doubt_grant(grant, app.clock.now()).await?;
        tracing::warn!(grant.id = %grant.id, brand = %grant.brand, "the maker says that a grant has ended; it is asked once more");
        return Err(Error::Doubted);
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
    let mut owner = app.store.enrollment(&grant.enrollment, now).await?;
    // Its consent renewed an older enrollment, which it has just gone over to.
    if let Some(older) = owner.as_ref().and_then(|owner| owner.value.merged_into.clone()) {
        owner = app.store.enrollment(&older, now).await?;
    }
    if let Some(enrollment) = owner
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

/// Gives the lease back, to try again after a while: ever later, never in step, and never so late
/// that the refresh token ends for want of use, whatever the maker asks for.
async fn put_off(
    app: &App,
    grant: &Grant,
    settled: bool,
    wait: Option<Duration>,
) -> Result<(), Error> {
    let (now, jitter) = (app.clock.now(), Duration::from_secs(u64::from(random::below(120))));
    app.metrics.add(Metric::RenewalAge(now.as_second() - grant.renewed_at));
    let failed = Grant { failures: grant.failures.saturating_add(1), ..grant.clone() };
    let due = later(try_again(&failed, wait, now), jitter);
    app.store.release_grant(&failed, settled, due).await?;
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
