//! What is written when a login has come back.

use std::time::Duration;

use jiff::Timestamp;
use shared::{
    App,
    clock::{Budget, later},
    confirmed::follow_up_in,
    domain::{
        brand::Brand,
        enrollment::{
            CONFIRM_WITHIN, CONSENT_TEXT, Confirmation, ConfirmedBy, Consent, Enrollment, Reason,
            Status, sha256,
        },
        event::{Event, What},
        ids::GrantId,
    },
    round_trip::{Attempt, Confirm, confirmation_sha256},
    secrets::SecretError,
    stellantis::{Client, id_token::Subject, oauth::TokenSet},
    store::{self, Transaction, Versioned, grants::Grant},
    tokens,
};

use crate::{
    account::Shared,
    answer::Error,
    outcome::{Ending, Outcome},
};

/// No further try to store begins after this long: to revoke what can't be kept takes time, too.
const STORING: Duration = Duration::from_secs(5);

/// New tokens could not be stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the tokens can't be sealed")]
    Seal(#[from] SecretError),
    #[error("the store failed")]
    Store(#[from] store::Error),
}

/// The answer to a browser whose consent is stored.
pub(crate) fn connected(attempt: &Attempt) -> Ending {
    let confirmation = (attempt.ticket.confirm == Confirm::Session).then(|| attempt.confirmation());
    Ending { confirmation, ..Ending::new(Outcome::Connected) }
}

/// The user declined, or the provider reported an error: if the operator knows of this login,
/// it is told.
pub(crate) async fn give_up(app: &App, attempt: &Attempt, reason: Reason) -> Result<(), Error> {
    match app.store.enrollment(&attempt.ticket.enrollment, app.clock.now()).await? {
        Some(enrollment) if enrollment.value.status == Status::Begun => {
            fail(app, enrollment, reason).await.map(|_| ())
        }
        _ => Ok(()),
    }
}

/// Ends an enrollment that came to nothing.
pub(crate) async fn fail(
    app: &App,
    enrollment: Versioned<Enrollment>,
    reason: Reason,
) -> Result<Ending, Error> {
    let now = app.clock.now();
    if let Ok(failed) = enrollment.value.fail(reason, now) {
        let mut transaction = Transaction::new();
        app.store.save_enrollment_in(&mut transaction, &failed, enrollment.version)?;
        let event = Event::new(&failed.id, What::Declined { reason }, now);
        app.store.tell_in(&mut transaction, event)?;
        match app.store.commit(transaction).await {
            Ok(()) | Err(store::Error::Conflict) => {}
            Err(error) => {
                tracing::warn!(enrollment.id = %failed.id, error = %error, "a failed login could not be recorded; the sweep will");
            }
        }
    }
    Ok(Ending::new(Outcome::of(Some(reason))))
}

/// Best effort: tokens that nobody keeps should not live on.
pub(crate) async fn revoke(client: &Client, brand: Brand, tokens: &TokenSet) {
    let token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
    if let Err(error) = client.revoke(brand, token).await {
        tracing::warn!(brand = %brand, error = %error, "tokens that could not be kept were not revoked either");
    }
}

/// Stores the grant, sealed, together with all that follows from it.
pub(crate) async fn store(
    app: &App,
    attempt: &Attempt,
    enrollment: &Versioned<Enrollment>,
    tokens: &TokenSet,
    subject: Option<&Subject>,
) -> Result<(), StoreError> {
    let (id, budget) = (GrantId::random(), Budget::lasting(STORING));
    let mut last = Ok(());
    for _ in 0..3 {
        last = try_store(app, attempt, enrollment, tokens, subject, &id).await;
        let Err(error) = &last else { return last };
        tracing::warn!(enrollment.id = %enrollment.value.id, error = %error, "storing a grant failed");
        // The answer may have been lost after the work was done.
        if let Ok(Some(_)) = app.store.grant(&id).await {
            return Ok(());
        }
        if !budget.allows(Duration::from_millis(1)) {
            break;
        }
    }
    last
}

async fn try_store(
    app: &App,
    attempt: &Attempt,
    enrollment: &Versioned<Enrollment>,
    tokens: &TokenSet,
    subject: Option<&Subject>,
    id: &GrantId,
) -> Result<(), StoreError> {
    let now = app.clock.now();
    let new = &enrollment.value;
    let user = new.user_ref.as_ref().map_or("", |user| user.as_str());
    let identity = subject.map(|subject| sha256(&[user, new.brand.as_str(), subject.as_str()]));
    let older = older_enrollment(app, identity.as_deref(), new, now).await?;

    let mut transaction = Transaction::new();
    let owner = older.as_ref().map_or(&new.id, |older| &older.value.id).clone();
    let access_ends = later(now, tokens.expires_in);
    let refresh_token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
    let ring = app.secrets.seal_ring().await?;
    let sealed = tokens::seal(&ring, id, 1, &tokens.access_token, refresh_token);
    let grant = Grant::new(id.clone(), owner.clone(), new.brand, sealed, access_ends, now);
    app.store.add_grant_in(&mut transaction, &grant)?;

    let consent = consent(app, new, tokens, now);
    let consented = Consented { app, attempt, enrollment, grant: id.clone(), consent, now };
    if let Some(older) = older {
        consented.renew(&mut transaction, older).await?;
    } else {
        let account = Shared::find(app, new, subject, now).await?;
        if let Some(account) = &account {
            account.join_in(app, &mut transaction, new, now)?;
        }
        consented.begin(&mut transaction, identity, account.map(Shared::hash))?;
    }
    app.store.tell_in(&mut transaction, Event::new(&owner, What::Completed, now))?;
    Ok(app.store.commit(transaction).await?)
}

/// The confirmed enrollment that this consent renews: same user, brand and subject.
async fn older_enrollment(
    app: &App,
    identity: Option<&str>,
    new: &Enrollment,
    now: Timestamp,
) -> Result<Option<Versioned<Enrollment>>, store::Error> {
    let Some(identity) = identity else { return Ok(None) };
    let Some(id) = app.store.enrollment_of(identity).await? else { return Ok(None) };
    let older = app.store.enrollment(&id, now).await?;
    Ok(older.filter(|older| older.value.is_open() && older.value.id != new.id))
}

fn consent(app: &App, new: &Enrollment, tokens: &TokenSet, now: Timestamp) -> Consent {
    Consent {
        at: now,
        asked: new.scopes.clone(),
        granted: tokens.scope.clone(),
        text_version: CONSENT_TEXT.to_owned(),
        purpose: format!("vehicle data for {}", app.config.operator_name),
    }
}

/// What the maker gave, about to be stored.
struct Consented<'a> {
    app: &'a App,
    attempt: &'a Attempt,
    enrollment: &'a Versioned<Enrollment>,
    grant: GrantId,
    consent: Consent,
    now: Timestamp,
}

impl Consented<'_> {
    /// A first consent: awaits confirmation, or is active at once.
    fn begin(
        self,
        transaction: &mut Transaction,
        identity: Option<String>,
        account: Option<String>,
    ) -> Result<(), store::Error> {
        let Self { app, attempt, enrollment, grant, consent, now } = self;
        let confirmation = Confirmation {
            sha256: confirmation_sha256(&attempt.confirmation()),
            until: now + CONFIRM_WITHIN,
        };
        let new = enrollment.value.clone();
        let mut stored = new
            .await_confirmation(grant, identity.clone(), account, consent, confirmation, now)
            .map_err(|_| store::Error::Conflict)?;
        if attempt.ticket.confirm != Confirm::Session {
            if let Some(identity) = identity {
                app.store.claim_identity_in(transaction, &identity, &stored.id)?;
            }
            follow_up_in(app, transaction, &stored.id, now)?;
            stored = stored.confirm(ConfirmedBy::Link, now).map_err(|_| store::Error::Conflict)?;
        }
        app.store.save_enrollment_in(transaction, &stored, enrollment.version)
    }

    /// A consent that renews an older, confirmed enrollment: the old refresh token will be revoked.
    async fn renew(
        self,
        transaction: &mut Transaction,
        older: Versioned<Enrollment>,
    ) -> Result<(), store::Error> {
        let Self { app, enrollment, grant, consent, now, .. } = self;
        let conflict = |_| store::Error::Conflict;
        if let Some(old) = &older.value.grant
            && app.store.grant(old).await?.is_some()
        {
            app.store.retire_grant_in(transaction, old)?;
        }
        let new = enrollment.value.clone();
        let merged = new.merge_into(older.value.id.clone(), now).map_err(conflict)?;
        let renewed = older.value.renew(grant, consent, now).map_err(conflict)?;
        app.store.save_enrollment_in(transaction, &merged, enrollment.version)?;
        app.store.save_enrollment_in(transaction, &renewed, older.version)?;
        follow_up_in(app, transaction, &renewed.id, now)
    }
}
