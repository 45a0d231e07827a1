//! Deleting what lies below an enrollment: by key and by page, however much it is.

use super::{Error, Store, enrollments, inbox, text};
use crate::{aws::AwsError, domain::ids::EnrollmentId};

impl Store {
    /// Deletes everything below an enrollment but its anchor, and every event of it: at most
    /// `limit` items, so that a long erasure goes on in the next run. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_below(
        &self,
        enrollment: &EnrollmentId,
        limit: usize,
    ) -> Result<usize, Error> {
        let pk = enrollments::partition(enrollment);
        let mut deleted = self.empty_inbox(enrollment, limit).await?;
        for table in [&self.tables.records, &self.tables.outbox] {
            deleted += self.empty(table, &pk, limit - deleted).await?;
        }
        Ok(deleted)
    }

    /// Deletes what came for an enrollment, at most `limit` items. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn empty_inbox(
        &self,
        enrollment: &EnrollmentId,
        limit: usize,
    ) -> Result<usize, Error> {
        self.empty(&self.tables.records, &inbox::partition(enrollment), limit).await
    }

    async fn empty(&self, table: &str, pk: &str, limit: usize) -> Result<usize, Error> {
        let keys = self.keys_of(table, pk, limit).await?;
        for sk in &keys {
            self.client
                .delete_item()
                .table_name(table)
                .key("pk", text(pk))
                .key("sk", text(sk))
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
        }
        Ok(keys.len())
    }

    /// The first keys of a partition, without its anchor. Keys alone: a partition may be larger
    /// than a function's memory.
    async fn keys_of(&self, table: &str, pk: &str, limit: usize) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        let mut from = None;
        while keys.len() < limit {
            let page = self
                .client
                .query()
                .table_name(table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(pk))
                .projection_expression("sk")
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| AwsError::from_sdk(&error))?;
            let found = page.items().iter().filter_map(|item| item.get("sk")?.as_s().ok());
            keys.extend(found.filter(|sk| *sk != "META").cloned());
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        keys.truncate(limit);
        Ok(keys)
    }
}
