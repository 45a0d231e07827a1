//! Ending grants at the maker: those that newer consents replaced, and those of an erasure.

use jiff::{SignedDuration, Timestamp};
use shared::{
    App,
    config::RevokeReplaced,
    domain::{
        brand::Brand,
        enrollment::{Enrollment, Revocation},
        ids::GrantId,
    },
    stellantis::{Call, Urgency, oauth::TokenError},
    store::{
        Versioned,
        grants::{Claim, ClaimFor, Grant},
    },
    tokens,
    visit::Error,
};

/// How long the maker is asked before what it did not confirm is given up.
pub(crate) const ASK_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A grant's lease: longer than any renewal in flight.
const LEASE: SignedDuration = SignedDuration::from_secs(150);

/// Whether the maker was asked long enough.
pub(crate) fn is_overdue(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| now.duration_since(since) > ASK_FOR)
}

/// Deletes the grants that newer consents replaced, revoked before where the operator wants that: a
/// provider that ties tokens to user and client alone would end the new grant with them. `false`:
/// not all of them yet.
pub(crate) async fn end_former(
    app: &App,
    enrollment: &Versioned<Enrollment>,
) -> Result<bool, Error> {
    let now = app.clock.now();
    adopt(app, &enrollment.value).await?;
    let since = enrollment.value.consent.as_ref().map(|consent| consent.at);
    for id in &enrollment.value.former_grants {
        let ended = match app.config.revoke_replaced {
            RevokeReplaced::On => {
                let overdue = is_overdue(since, now);
                end(app, id, enrollment.value.brand, overdue).await?.is_some()
            }
            RevokeReplaced::Off => is_free(app, id).await?,
        };
        if !ended {
            return Ok(false);
        }
        app.store.delete_grant(id).await?;
    }
    let value = Enrollment { former_grants: Vec::new(), ..enrollment.value.clone() };
    app.store.save_enrollment(&value, enrollment.version).await?;
    Ok(true)
}

/// A grant whose enrollment was merged at its confirmation still names that one, which is gone after
/// a while.
async fn adopt(app: &App, enrollment: &Enrollment) -> Result<(), Error> {
    let Some(id) = &enrollment.grant else { return Ok(()) };
    let Some(grant) = app.store.grant(id).await? else { return Ok(()) };
    if grant.enrollment == enrollment.id {
        return Ok(());
    }
    let merged = app.store.enrollment(&grant.enrollment, app.clock.now()).await?;
    if let Some(account) = merged.and_then(|merged| merged.value.account) {
        app.store.leave_account(&account, &grant.enrollment).await?;
    }
    Ok(app.store.assign_grant(id, &enrollment.id).await?)
}

/// Takes the lease, and so waits for a renewal in flight. `false`: not yet.
async fn is_free(app: &App, id: &GrantId) -> Result<bool, Error> {
    let claim = app.store.claim_grant(id, ClaimFor::End, app.clock.now(), LEASE).await?;
    Ok(!matches!(claim, Claim::Busy))
}

/// Revokes all grants of an enrollment; those before the last one are deleted too. `None`: not yet.
pub(crate) async fn end_all(
    app: &App,
    enrollment: &Enrollment,
    overdue: bool,
) -> Result<Option<Revocation>, Error> {
    let mut confirmed = true;
    for id in &enrollment.former_grants {
        let Some(ended) = end(app, id, enrollment.brand, overdue).await? else { return Ok(None) };
        confirmed &= ended != Revocation::Unconfirmed;
        app.store.delete_grant(id).await?;
    }
    let Some(id) = &enrollment.grant else { return Ok(Some(Revocation::NothingToRevoke)) };
    let ended = end(app, id, enrollment.brand, overdue).await?;
    Ok(ended.map(|ended| if confirmed { ended } else { Revocation::Unconfirmed }))
}

/// Takes the lease (and so waits for a renewal in flight), revokes. `None`: not yet.
async fn end(
    app: &App,
    id: &GrantId,
    brand: Brand,
    overdue: bool,
) -> Result<Option<Revocation>, Error> {
    let now = app.clock.now();
    let host = tokens::identity_host(app, brand);
    let call = Call { brand, host, urgency: Urgency::Normal };
    // While calls are stopped nothing is claimed either; what is overdue ends without the maker.
    if !overdue && !app.limits.allows(call).await? {
        return Ok(None);
    }
    match app.store.claim_grant(id, ClaimFor::End, now, LEASE).await? {
        Claim::Gone => Ok(Some(Revocation::NothingToRevoke)),
        Claim::Busy => Ok(None),
        Claim::Ours(grant) => match revoke(app, &grant).await {
            // Done, or the maker does not know it any more. After a renewal whose answer never came,
            // it may know a later token than the one revoked.
            Ok(()) | Err(tokens::Error::Maker(TokenError::InvalidGrant)) => {
                let known = grant.open_intents == 0;
                Ok(Some(if known { Revocation::Confirmed } else { Revocation::Unconfirmed }))
            }
            Err(_) if overdue => Ok(Some(Revocation::Unconfirmed)),
            Err(error) => {
                tracing::warn!(grant.id = %id, error = %error, "a grant was not revoked yet");
                app.store.release_grant(&grant, false, now + LEASE).await?;
                Ok(None)
            }
        },
    }
}

async fn revoke(app: &App, grant: &Grant) -> Result<(), tokens::Error> {
    let (_, refresh_token) = tokens::open(app, grant).await?;
    let client = app.maker.with_credentials(&app.secrets.maker().await?)?;
    client.revoke(grant.brand, &refresh_token).await.map_err(tokens::Error::Maker)
}
