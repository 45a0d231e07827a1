//! Rules on cars.

use serde::{Deserialize, Serialize};

use super::{Error, Store, enrollments::partition, from_json, parse};
use crate::domain::{ids::EnrollmentId, monitor::Watch};

#[derive(Serialize, Deserialize)]
struct WatchItem {
    pk: String,
    sk: String,
    schema: u8,
    body: String,
}

impl Store {
    /// Every rule on every car of an enrollment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watches(&self, enrollment: &EnrollmentId) -> Result<Vec<Watch>, Error> {
        let items = self.below(&self.tables.records, &partition(enrollment), "WATCH#").await?;
        items
            .into_iter()
            .map(|item| from_json(&parse::<WatchItem>(item, "watch")?.body, "watch"))
            .collect()
    }
}
