//! Entries of a history that may be news: read as they stand, and written only over what was read,
//! so that the entry's own item decides who tells of it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::Put;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Error, Store, Transaction,
    enrollments::partition,
    from_json,
    history::{BEHIND_EVERY_ID, EntryItem, History},
    json, text, to_item,
};
use crate::{
    aws::AwsError,
    domain::{ids::EnrollmentId, vin::Vin},
};

/// Entries as they stand, by their keys, expired ones that were not yet cleared away included.
#[derive(Debug, Default)]
pub struct Standing(BTreeMap<String, String>);

impl Standing {
    /// An entry as it stands.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.0.get(key).map(|body| from_json(body, "entry")).transpose()
    }
}

impl Store {
    /// What stands in a history between two times.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn standing(
        &self,
        enrollment: &EnrollmentId,
        history: History,
        vin: &Vin,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Standing, Error> {
        let (mut standing, mut start) = (Standing::default(), None);
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.records)
                .consistent_read(true)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", text(partition(enrollment)))
                .expression_attribute_values(":from", text(history.key(vin, from, "")))
                .expression_attribute_values(":to", text(history.key(vin, to, BEHIND_EVERY_ID)))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            standing.0.extend(page.items.unwrap_or_default().iter().filter_map(|item| {
                let part = |name: &str| item.get(name)?.as_s().ok().cloned();
                Some((part("sk")?, part("body")?))
            }));
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(standing);
            }
        }
    }

    /// Writes an entry if it stands as it was read. `false`: it says what it said, nothing is
    /// written.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn renew_entry_in<T: Serialize>(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        key: &str,
        entry: &T,
        expires_at: Timestamp,
        standing: &Standing,
    ) -> Result<bool, Error> {
        let (body, old) = (json(entry, "entry")?, standing.0.get(key));
        if old == Some(&body) {
            return Ok(false);
        }
        let item = EntryItem::new(enrollment, key.to_owned(), expires_at, body);
        let put = Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(&item, "entry")?));
        let put = match old {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(old) => put
                .condition_expression("body = :read")
                .expression_attribute_values(":read", text(old)),
        };
        transaction.put(put.build().map_err(|_| Error::Malformed("entry"))?);
        Ok(true)
    }
}
