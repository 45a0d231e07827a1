//! Which enrollments share one brand account, whoever their users are: a set of ids, nothing else.

use aws_sdk_dynamodb::types::{AttributeValue, Update};

use super::{ConditionFailure, Error, Item, SCHEMA, Store, Transaction, number, text};
use crate::{aws::AwsError, domain::ids::EnrollmentId};

/// The enrollments of an account, as read: who joins them says so, and fails if they changed.
#[derive(Debug, Clone)]
pub struct Account {
    hash: String,
    enrollments: Vec<String>,
}

impl Account {
    /// The enrollments that were there.
    pub fn enrollments(&self) -> impl Iterator<Item = EnrollmentId> {
        self.enrollments.iter().filter_map(|id| id.parse().ok())
    }
}

impl Store {
    /// The enrollments of an account (a hash of brand and subject).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account(&self, hash: &str) -> Result<Account, Error> {
        let item = self.record(&pk(hash), "-").await?;
        let ids = item.as_ref().and_then(|item| item.get("enrollments"));
        let enrollments = ids.and_then(|ids| ids.as_ss().ok()).cloned().unwrap_or_default();
        Ok(Account { hash: hash.to_owned(), enrollments })
    }

    /// Adds an enrollment to those read: of two that come at once, the later one sees the other.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn join_account_in(
        &self,
        transaction: &mut Transaction,
        account: &Account,
        id: &EnrollmentId,
    ) -> Result<(), Error> {
        let update = Update::builder()
            .table_name(&self.tables.records)
            .set_key(Some(key(&account.hash)))
            .update_expression("SET #schema = :schema ADD enrollments :own")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":own", ids([id.to_string()]));
        let update = if account.enrollments.is_empty() {
            update.condition_expression("attribute_not_exists(enrollments)")
        } else {
            update
                .condition_expression("enrollments = :seen")
                .expression_attribute_values(":seen", ids(account.enrollments.clone()))
        };
        transaction.update(update.build().map_err(|_| Error::Malformed("account"))?);
        Ok(())
    }

    /// Takes an enrollment out, and the item away with its last one. May be done again, and by
    /// two at once; what is gone is not made anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn leave_account(&self, hash: &str, id: &EnrollmentId) -> Result<(), Error> {
        let left = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .set_key(Some(key(hash)))
            .update_expression("DELETE enrollments :own")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":own", ids([id.to_string()]))
            .send()
            .await;
        if let Err(error) = left {
            let gone = error.as_service_error().and_then(ConditionFailure::failure).is_some();
            return if gone { Ok(()) } else { Err(AwsError::from_sdk(&error).into()) };
        }
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.records)
            .set_key(Some(key(hash)))
            .condition_expression("attribute_not_exists(enrollments)")
            .send()
            .await;
        match deleted {
            Err(error)
                if error.as_service_error().and_then(ConditionFailure::failure).is_none() =>
            {
                Err(AwsError::from_sdk(&error).into())
            }
            // Done, or others are left.
            _ => Ok(()),
        }
    }
}

fn pk(hash: &str) -> String {
    format!("ACCT#{hash}")
}

fn key(hash: &str) -> Item {
    Item::from([("pk".into(), text(pk(hash))), ("sk".into(), text("-"))])
}

fn ids(ids: impl Into<Vec<String>>) -> AttributeValue {
    AttributeValue::Ss(ids.into())
}
