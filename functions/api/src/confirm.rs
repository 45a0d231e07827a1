use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use shared::{
    App,
    confirmed::follow_up_in,
    domain::{
        enrollment::{ConfirmedBy, Enrollment, InvalidTransition, Status, UserRef},
        event::{Event, What},
        ids::EnrollmentId,
    },
    http::Problem,
    round_trip::confirmation_sha256,
    store::{Transaction, Versioned, identities::Holder},
};
use utoipa::ToSchema;

use crate::{
    Error,
    auth::{Key, Scope},
    body::Body,
    enrollments,
    path::Id,
    views::EnrollmentView,
};

/// What reached `return_to` in the browser of your user's own session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Confirmation)]
pub(crate) struct Confirm {
    /// Whose session it was, by your own session: a link that was passed on brings a stranger's
    /// account to `return_to`, in the stranger's session.
    user_ref: UserRef,
    /// The parameter of `return_to`.
    #[schema(max_length = 128)]
    confirmation: String,
}

/// Confirms that the account is the user's own: from here on data flows. If the same user has
/// confirmed the same account by another link meanwhile, the answer's status is `merged`: the
/// consent has renewed the enrollment named in `merged_into`, which is the one to go on with.
#[utoipa::path(
    post, path = "/v1/enrollments/{id}/confirm", operation_id = "enrollments.confirm",
    tag = "enrollments", security(("key" = ["enroll"])),
    params(("id" = EnrollmentId, Path)), request_body = Confirm,
    responses(
        (status = 200, body = EnrollmentView), (status = 403, body = Problem, description = "Not the confirmation of this enrollment, or not its user"),
        (status = 404, body = Problem), (status = 409, body = Problem, description = "It does not await one"),
    )
)]
#[tracing::instrument(name = "enrollments.confirm", skip_all)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    key: Key,
    Id(id): Id<EnrollmentId>,
    body: Body<Confirm>,
) -> Result<Json<EnrollmentView>, Error> {
    key.require(Scope::Enroll)?;
    let found = enrollments::one(&app, &id).await?;
    let now = app.clock.now();
    let given = confirmation_sha256(&body.value.confirmation);
    let waiting = found.value.awaits_confirmation();
    if waiting && found.value.user_ref.as_ref() != Some(&body.value.user_ref) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "wrong_user").field("user_ref");
        let advice = "The link was opened in another user's session: do not connect this account.";
        return Err(Error::Request(problem.detail(advice)));
    }
    let right = found.value.confirmation.as_ref().is_some_and(|wanted| {
        wanted.until > now
            && verify_slices_are_equal(wanted.sha256.as_bytes(), given.as_bytes()).is_ok()
    });
    if waiting && !right {
        let problem = Problem::new(StatusCode::FORBIDDEN, "wrong_confirmation");
        let advice = "Post what reached return_to in this user's own session, within 15 minutes.";
        return Err(Error::Request(problem.field("confirmation").detail(advice)));
    }
    let confirmed = settle(&app, found, now).await?;
    tracing::info!(enrollment.id = %confirmed.id, status = %confirmed.status, "an enrollment was confirmed");
    Ok(Json(EnrollmentView::new(confirmed, now)))
}

/// Confirms it; or, if another link of the same user was confirmed with the same account while this
/// one was open, lets its consent renew that enrollment.
async fn settle(
    app: &App,
    found: Versioned<Enrollment>,
    now: Timestamp,
) -> Result<Enrollment, Error> {
    // One that is active has its identity already.
    let waits = found.value.status == Status::AwaitingConfirmation;
    let holder = match found.value.identity.as_deref().filter(|_| waits) {
        Some(identity) => app.store.holder(identity, now).await?,
        None => Holder::Nobody,
    };
    match holder {
        Holder::Open(older) => merge(app, found, *older, now).await,
        holder => confirm(app, found, holder.former(), now).await,
    }
}

async fn confirm(
    app: &App,
    found: Versioned<Enrollment>,
    former: Option<&EnrollmentId>,
    now: Timestamp,
) -> Result<Enrollment, Error> {
    let confirmed = found.value.confirm(ConfirmedBy::Backend, now)?;
    let mut transaction = Transaction::new();
    app.store.save_enrollment_in(&mut transaction, &confirmed, found.version)?;
    if let Some(identity) = &confirmed.identity {
        app.store.claim_identity_in(&mut transaction, identity, former, &confirmed.id)?;
    }
    follow_up_in(app, &mut transaction, &confirmed.id, now)?;
    app.store.tell_in(&mut transaction, Event::new(&confirmed.id, What::Confirmed, now))?;
    app.store.commit(transaction).await?;
    Ok(confirmed)
}

/// Gives the older enrollment the new tokens. `act` revokes those that it had.
async fn merge(
    app: &App,
    found: Versioned<Enrollment>,
    older: Versioned<Enrollment>,
    now: Timestamp,
) -> Result<Enrollment, Error> {
    let Enrollment { grant, consent, confirmation, .. } = found.value.clone();
    let merged = found.value.merge_into(older.value.id.clone(), now)?;
    let (Some(grant), Some(consent)) = (grant, consent) else {
        return Err(InvalidTransition { from: merged.status }.into());
    };
    let mut renewed = older.value.renew(grant, consent, confirmation, now)?;
    let mut transaction = Transaction::new();
    if renewed.awaits_confirmation() {
        renewed = renewed.confirm(ConfirmedBy::Backend, now)?;
        app.store.tell_in(&mut transaction, Event::new(&renewed.id, What::Confirmed, now))?;
    }
    app.store.save_enrollment_in(&mut transaction, &merged, found.version)?;
    app.store.save_enrollment_in(&mut transaction, &renewed, older.version)?;
    follow_up_in(app, &mut transaction, &renewed.id, now)?;
    app.store.tell_in(&mut transaction, Event::new(&renewed.id, What::Completed, now))?;
    app.store.commit(transaction).await?;
    Ok(merged)
}
