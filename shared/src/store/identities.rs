//! Which enrollment an identity belongs to: one user's account at one brand, as a hash.

use aws_sdk_dynamodb::types::{Delete, Put};
use jiff::Timestamp;

use super::{Error, Store, Transaction, Versioned, text};
use crate::domain::{enrollment::Enrollment, ids::EnrollmentId};

/// Who has an identity.
#[derive(Debug)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// An open enrollment: a new consent of the same identity renews it.
    Open(Box<Versioned<Enrollment>>),
    /// One that is not open any more, such as one that is being erased: it never comes back, so a
    /// new enrollment takes its place at once.
    Former(EnrollmentId),
}

impl Holder {
    /// The one whose place a new enrollment takes.
    #[must_use]
    pub fn former(&self) -> Option<&EnrollmentId> {
        match self {
            Self::Former(id) => Some(id),
            Self::Nobody | Self::Open(_) => None,
        }
    }
}

fn pk(identity: &str) -> String {
    format!("IDENT#{identity}")
}

impl Store {
    /// Who has an identity (a hash of user, brand and subject).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holder(&self, identity: &str, now: Timestamp) -> Result<Holder, Error> {
        let item = self.record(&pk(identity), "-").await?;
        let id =
            item.as_ref().and_then(|item| item.get("enrollment")).and_then(|id| id.as_s().ok());
        let Some(id) = id.and_then(|id| id.parse::<EnrollmentId>().ok()) else {
            return Ok(Holder::Nobody);
        };
        let enrollment = self.enrollment(&id, now).await?;
        let open = enrollment.filter(|found| found.value.is_open());
        Ok(open.map_or(Holder::Former(id), |found| Holder::Open(Box::new(found))))
    }

    /// Gives an identity its enrollment, unless another has it than the `former` one read.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn claim_identity_in(
        &self,
        transaction: &mut Transaction,
        identity: &str,
        former: Option<&EnrollmentId>,
        id: &EnrollmentId,
    ) -> Result<(), Error> {
        let free = "attribute_not_exists(pk) OR enrollment = :enrollment OR enrollment = :former";
        let put = Put::builder()
            .table_name(&self.tables.records)
            .item("pk", text(pk(identity)))
            .item("sk", text("-"))
            .item("enrollment", text(id.as_str()))
            .condition_expression(free)
            .expression_attribute_values(":enrollment", text(id.as_str()))
            .expression_attribute_values(":former", text(former.unwrap_or(id).as_str()))
            .build()
            .map_err(|_| Error::Malformed("identity"))?;
        transaction.put(put);
        Ok(())
    }

    /// Frees an identity, if it is still this enrollment's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_identity(&self, identity: &str, id: &EnrollmentId) -> Result<(), Error> {
        let delete = Delete::builder()
            .table_name(&self.tables.records)
            .key("pk", text(pk(identity)))
            .key("sk", text("-"))
            .condition_expression("attribute_not_exists(pk) OR enrollment = :enrollment")
            .expression_attribute_values(":enrollment", text(id.as_str()))
            .build()
            .map_err(|_| Error::Malformed("identity"))?;
        let mut transaction = Transaction::new();
        transaction.delete(delete);
        match self.commit(transaction).await {
            Err(Error::Conflict) => Ok(()),
            other => other,
        }
    }
}
