//! Subscriptions at the maker, one an enrollment.

use serde::{Deserialize, Serialize};

use super::{Error, Store, Versioned, enrollments::partition, from_json, parse};
use crate::domain::{ids::EnrollmentId, subscription::Subscription};

const KEY: &str = "SUB";

#[derive(Serialize, Deserialize)]
struct SubscriptionItem {
    pk: String,
    sk: String,
    schema: u8,
    version: u64,
    body: String,
}

impl Store {
    /// An enrollment's subscription.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscription(
        &self,
        enrollment: &EnrollmentId,
    ) -> Result<Option<Versioned<Subscription>>, Error> {
        let item = self.record(&partition(enrollment), KEY).await?;
        item.map(|item| {
            let item: SubscriptionItem = parse(item, "subscription")?;
            let value = from_json(&item.body, "subscription")?;
            Ok(Versioned { value, version: item.version })
        })
        .transpose()
    }
}
