//! One brand account under two users: nothing moves, and an event says so.

use jiff::Timestamp;
use shared::{
    App,
    domain::{
        enrollment::{Enrollment, Status, sha256},
        event::{Event, What},
    },
    stellantis::id_token::Subject,
    store::{Error, Transaction, accounts::Account},
};

/// How many other enrollments are looked at: a login must not take longer for an account that
/// very many share, and one of another user is among the first of those.
const LOOKED_AT: usize = 20;

/// The account of a new enrollment, and whether another user has it too.
pub(crate) struct Shared {
    hash: String,
    account: Account,
    by_another: bool,
}

impl Shared {
    /// Looks at the enrollments that have the account already. No subject: it can't be told.
    pub(crate) async fn find(
        app: &App,
        new: &Enrollment,
        subject: Option<&Subject>,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let Some(subject) = subject else { return Ok(None) };
        let hash = sha256(&[new.brand.as_str(), subject.as_str()]);
        let account = app.store.account(&hash).await?;
        let mut by_another = false;
        for id in account.enrollments().filter(|id| *id != new.id).take(LOOKED_AT) {
            let other = app.store.enrollment(&id, now).await?;
            if other.is_some_and(|other| is_of_another(&other.value, new)) {
                by_another = true;
                break;
            }
        }
        Ok(Some(Self { hash, account, by_another }))
    }

    /// Adds the enrollment to the account, and tells it if another user has it.
    pub(crate) fn join_in(
        &self,
        app: &App,
        transaction: &mut Transaction,
        new: &Enrollment,
        now: Timestamp,
    ) -> Result<(), Error> {
        app.store.join_account_in(transaction, &self.account, &new.id)?;
        if self.by_another {
            app.store.tell_in(transaction, Event::new(&new.id, What::AccountShared, now))?;
        }
        Ok(())
    }

    /// SHA-256 of brand and subject.
    pub(crate) fn hash(self) -> String {
        self.hash
    }
}

fn is_of_another(other: &Enrollment, new: &Enrollment) -> bool {
    let stands = other.is_open() || other.status == Status::AwaitingConfirmation;
    stands && other.user_ref != new.user_ref
}
