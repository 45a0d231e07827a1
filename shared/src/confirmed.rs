//! What follows once an enrollment is confirmed: by its operator's backend, by the page, or because
//! a new consent renewed one that was.

use jiff::Timestamp;

use crate::{
    app::App,
    config::Notifications,
    domain::ids::EnrollmentId,
    store::{
        Error, Transaction,
        requests::{Ask, Request},
    },
};

/// Asks for its cars and, if the operator wants to be told by the maker, for its subscription.
///
/// # Errors
/// When it can't be expressed.
pub fn follow_up_in(
    app: &App,
    transaction: &mut Transaction,
    enrollment: &EnrollmentId,
    now: Timestamp,
) -> Result<(), Error> {
    let discover = Request::new(Some(enrollment.clone()), Ask::Discover, now);
    app.store.ask_in(transaction, &discover)?;
    if app.config.notifications == Notifications::On {
        app.store.want_subscription_in(transaction, enrollment, now)?;
    }
    Ok(())
}
