//! The due indexes: what is to be done, and when.

use jiff::Timestamp;

use super::{Error, Item, Store, as_number, number, text};
use crate::aws::AwsError;

/// A key found in a due index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueKey {
    /// Partition key.
    pub pk: String,
    /// Sort key; empty in Grants.
    pub sk: String,
    /// The due time read: the claim tests that it still holds.
    pub due_at: i64,
}

impl DueKey {
    /// As the index has it: its own key and the table's.
    fn in_index(&self, shard: &str) -> Item {
        let own =
            [("shard", text(shard)), ("due_at", number(self.due_at)), ("pk", text(&*self.pk))];
        let sort = (!self.sk.is_empty()).then(|| ("sk", text(&*self.sk)));
        own.into_iter().chain(sort).map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Which table's due index.
#[derive(Debug, Clone, Copy)]
pub enum DueTable {
    /// Renewals.
    Grants,
    /// Looks at cars, and what `act` and `digest` have to do.
    Records,
    /// Events to hand on, and lanes of endpoints.
    Outbox,
}

impl Store {
    /// Keys due at `now` in one shard (`refresh#07`), oldest first, at most `limit`. The index
    /// answers from a moment ago: claim before acting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due(
        &self,
        table: DueTable,
        shard: &str,
        now: Timestamp,
        limit: i32,
    ) -> Result<Vec<DueKey>, Error> {
        self.due_after(table, shard, now, limit, None).await
    }

    /// The same, from behind the last key of the page before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn due_after(
        &self,
        table: DueTable,
        shard: &str,
        now: Timestamp,
        limit: i32,
        after: Option<&DueKey>,
    ) -> Result<Vec<DueKey>, Error> {
        let name = match table {
            DueTable::Grants => &self.tables.grants,
            DueTable::Records => &self.tables.records,
            DueTable::Outbox => &self.tables.outbox,
        };
        let mut keys = Vec::new();
        let mut from = after.map(|key| key.in_index(shard));
        loop {
            let page = self
                .client
                .query()
                .table_name(name)
                .index_name("due")
                .key_condition_expression("#shard = :shard AND due_at <= :now")
                .expression_attribute_names("#shard", "shard")
                .expression_attribute_values(":shard", text(shard))
                .expression_attribute_values(":now", number(now.as_second()))
                .limit(limit)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            keys.extend(page.items().iter().filter_map(due_key));
            from = page.last_evaluated_key;
            if from.is_none() || i32::try_from(keys.len()).is_ok_and(|found| found >= limit) {
                return Ok(keys);
            }
        }
    }
}

pub(super) fn due_key(item: &Item) -> Option<DueKey> {
    Some(DueKey {
        pk: item.get("pk")?.as_s().ok()?.clone(),
        sk: item.get("sk").and_then(|sk| sk.as_s().ok()).cloned().unwrap_or_default(),
        due_at: as_number(item.get("due_at")?)?,
    })
}
