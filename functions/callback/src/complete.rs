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
        ids::{EnrollmentId, GrantId},
    },
    round_trip::{Attempt, Confirm, confirmation_sha256},
    seal::KeyRing,
    stellantis::{Client, id_token::Subject, oauth::TokenSet},
    store::{self, Transaction, Versioned, grants::Grant, identities::Holder},
    tokens,
};

use crate::{
    account::Shared,
    again,
    answer::Error,
    browser::Browser,
    outcome::{Ending, Outcome},
};

/// No further try to store begins after this long: to revoke what can't be kept takes time, too.
const STORING: Duration = Duration::from_secs(5);

/// The answer to a browser whose consent is stored in `enrollment`: its own, or the older one that
/// it renewed. With a confirmation only where the backend has something to confirm.
pub(crate) fn connected(attempt: &Attempt, enrollment: &Enrollment) -> Ending {
    let confirmation = attempt.confirmation();
    let sha256 = confirmation_sha256(&confirmation);
    let waits = enrollment.confirmation.as_ref().is_some_and(|waits| waits.sha256 == sha256);
    let by_backend = attempt.ticket.confirm == Confirm::Session;
    Ending {
        enrollment: Some(enrollment.id.clone()),
        confirmation: (by_backend && waits).then_some(confirmation),
        ..Ending::new(Outcome::Connected)
    }
}

/// The user declined, or the provider reported an error: if the operator knows of this login,
/// it is told.
pub(crate) async fn give_up(
    app: &App,
    attempt: &Attempt,
    browser: &Browser<'_>,
    reason: Reason,
) -> Result<Ending, Error> {
    match app.store.enrollment(&attempt.ticket.enrollment, app.clock.now()).await? {
        Some(known) if known.value.status == Status::Begun => fail(app, known, reason).await,
        // It came to an end before: what the user does at the maker now changes nothing of that.
        Some(known) => again::run(app, attempt, browser, known).await,
        // In open mode nobody announced it.
        None => Ok(Ending::new(Outcome::of(Some(reason)))),
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

/// Stores the grant, sealed, together with all that follows from it. Returns the enrollment that
/// has it now.
pub(crate) async fn store(
    app: &App,
    attempt: &Attempt,
    enrollment: &Versioned<Enrollment>,
    tokens: &TokenSet,
    ring: &KeyRing,
    subject: Option<&Subject>,
) -> Result<Enrollment, store::Error> {
    let (budget, mut tries) = (Budget::lasting(STORING), 0);
    let given = Given { app, attempt, enrollment, tokens, ring, subject, id: GrantId::random() };
    loop {
        let error = match given.try_store().await {
            Ok(stored) => return Ok(stored),
            Err(error) => error,
        };
        tracing::warn!(enrollment.id = %enrollment.value.id, error = %error, "storing a grant failed");
        // The answer may have been lost after the work was done.
        if let Ok(Some(grant)) = app.store.grant(&given.id).await
            && let Ok(Some(owner)) = app.store.enrollment(&grant.enrollment, app.clock.now()).await
        {
            return Ok(owner.value);
        }
        tries += 1;
        if tries == 3 || !budget.allows(Duration::from_millis(1)) {
            return Err(error);
        }
    }
}

/// What the maker gave, about to be stored.
struct Given<'a> {
    app: &'a App,
    attempt: &'a Attempt,
    enrollment: &'a Versioned<Enrollment>,
    tokens: &'a TokenSet,
    ring: &'a KeyRing,
    subject: Option<&'a Subject>,
    /// Under which they are stored.
    id: GrantId,
}

impl Given<'_> {
    async fn try_store(&self) -> Result<Enrollment, store::Error> {
        let (app, new, now) = (self.app, &self.enrollment.value, self.app.clock.now());
        let identity = self.subject.map(|subject| {
            let user = new.user_ref.as_ref().map_or("", |user| user.as_str());
            sha256(&[user, new.brand.as_str(), subject.as_str()])
        });
        let holder = match &identity {
            Some(identity) => app.store.holder(identity, now).await?,
            // It can't be told whose account it is: every consent is a new enrollment.
            None => Holder::Nobody,
        };

        let mut transaction = Transaction::new();
        let stored = match holder {
            Holder::Open(older) => self.renew_in(&mut transaction, *older, now).await?,
            holder => {
                let former = holder.former();
                self.begin_in(&mut transaction, identity, former, now).await?
            }
        };
        app.store.add_grant_in(&mut transaction, &self.grant(&stored.id, now))?;
        app.store.tell_in(&mut transaction, Event::new(&stored.id, What::Completed, now))?;
        app.store.commit(transaction).await?;
        Ok(stored)
    }

    fn grant(&self, owner: &EnrollmentId, now: Timestamp) -> Grant {
        let tokens = self.tokens;
        let access_ends = later(now, tokens.expires_in);
        let refresh_token = tokens.refresh_token.as_ref().unwrap_or(&tokens.access_token);
        let sealed = tokens::seal(self.ring, &self.id, 1, &tokens.access_token, refresh_token);
        let brand = self.enrollment.value.brand;
        Grant::new(self.id.clone(), owner.clone(), brand, sealed, access_ends, now)
    }

    fn consent(&self, now: Timestamp) -> Consent {
        Consent {
            at: now,
            asked: self.enrollment.value.scopes.clone(),
            granted: self.tokens.scope.clone(),
            text_version: CONSENT_TEXT.to_owned(),
            purpose: format!("vehicle data for {}", self.app.config.operator_name),
        }
    }

    fn confirmation(&self, now: Timestamp) -> Confirmation {
        Confirmation {
            sha256: confirmation_sha256(&self.attempt.confirmation()),
            until: now + CONFIRM_WITHIN,
        }
    }

    /// A first consent: awaits confirmation, or is active at once.
    async fn begin_in(
        &self,
        transaction: &mut Transaction,
        identity: Option<String>,
        former: Option<&EnrollmentId>,
        now: Timestamp,
    ) -> Result<Enrollment, store::Error> {
        let (app, new) = (self.app, self.enrollment.value.clone());
        let account = Shared::find(app, &new, self.subject, now).await?;
        if let Some(account) = &account {
            account.join_in(app, transaction, &new, now)?;
        }
        let (grant, account) = (self.id.clone(), account.map(Shared::hash));
        let (consent, confirmation) = (self.consent(now), self.confirmation(now));
        let mut stored = new
            .await_confirmation(grant, identity.clone(), account, consent, confirmation, now)
            .map_err(|_| store::Error::Conflict)?;
        if self.attempt.ticket.confirm != Confirm::Session {
            if let Some(identity) = identity {
                app.store.claim_identity_in(transaction, &identity, former, &stored.id)?;
            }
            follow_up_in(app, transaction, &stored.id, now)?;
            stored = stored.confirm(ConfirmedBy::Link, now).map_err(|_| store::Error::Conflict)?;
        }
        app.store.save_enrollment_in(transaction, &stored, self.enrollment.version)?;
        Ok(stored)
    }

    /// A consent that renews an older, confirmed enrollment: the old refresh token will be revoked.
    /// If only a link vouched for that one, the operator's backend may do it now.
    async fn renew_in(
        &self,
        transaction: &mut Transaction,
        older: Versioned<Enrollment>,
        now: Timestamp,
    ) -> Result<Enrollment, store::Error> {
        let app = self.app;
        if let Some(old) = &older.value.grant
            && app.store.grant(old).await?.is_some()
        {
            app.store.retire_grant_in(transaction, old)?;
        }
        let in_session = self.attempt.ticket.confirm == Confirm::Session;
        let confirmation = in_session.then(|| self.confirmation(now));
        let merged = self.enrollment.value.clone().merge_into(older.value.id.clone(), now);
        let renewed = older.value.renew(self.id.clone(), self.consent(now), confirmation, now);
        let (merged, renewed) =
            merged.and_then(|merged| Ok((merged, renewed?))).map_err(|_| store::Error::Conflict)?;
        app.store.save_enrollment_in(transaction, &merged, self.enrollment.version)?;
        app.store.save_enrollment_in(transaction, &renewed, older.version)?;
        follow_up_in(app, transaction, &renewed.id, now)?;
        Ok(renewed)
    }
}
