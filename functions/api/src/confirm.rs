use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    App,
    confirmed::follow_up_in,
    domain::{
        enrollment::{ConfirmedBy, Enrollment, Status, UserRef},
        event::{Event, What},
        ids::EnrollmentId,
    },
    http::Problem,
    round_trip::confirmation_sha256,
    store::Transaction,
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

/// Confirms that the account is the user's own: from here on data flows.
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
    let waiting = found.value.status == Status::AwaitingConfirmation;
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
    let confirmed = found.value.confirm(ConfirmedBy::Backend, now)?;
    commit(&app, &confirmed, found.version).await?;
    tracing::info!(enrollment.id = %confirmed.id, "an enrollment was confirmed");
    Ok(Json(EnrollmentView::new(confirmed, now)))
}

async fn commit(app: &App, confirmed: &Enrollment, version: u64) -> Result<(), Error> {
    let now = app.clock.now();
    let mut transaction = Transaction::new();
    app.store.save_enrollment_in(&mut transaction, confirmed, version)?;
    if let Some(identity) = &confirmed.identity {
        app.store.claim_identity_in(&mut transaction, identity, &confirmed.id)?;
    }
    follow_up_in(app, &mut transaction, &confirmed.id, now)?;
    app.store.tell_in(&mut transaction, Event::new(&confirmed.id, What::Confirmed, now))?;
    Ok(app.store.commit(transaction).await?)
}
