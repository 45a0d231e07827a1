//! Counts that may not exceed a limit: remotes an hour, wake-ups a month.

use aws_sdk_dynamodb::types::Update;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Error, SCHEMA, Store, Transaction, enrollments::partition, live, number, text};
use crate::domain::{ids::EnrollmentId, vin::Vin};

/// What is counted, and over which time.
#[derive(Debug, Clone, Copy)]
pub enum Counter<'a> {
    /// Remotes of one car in an hour.
    OfCar(&'a EnrollmentId, &'a Vin),
    /// Remotes by one API key in an hour.
    OfKey(&'a str),
    /// All remotes in an hour.
    All,
    /// Wake-ups of a car in a month.
    WakeUps(&'a EnrollmentId, &'a Vin),
}

#[derive(Serialize, Deserialize)]
struct CounterItem {
    pk: String,
    sk: String,
    count: u32,
    expires_at: i64,
}

impl Counter<'_> {
    /// Key, and when it is of no use any more. A car's stand below its enrollment, to be erased
    /// with it.
    fn place(&self, now: Timestamp) -> (String, String, Timestamp) {
        let time = TimeZone::UTC.to_datetime(now);
        let hour = time.strftime("%Y-%m-%dT%H");
        let soon = now + SignedDuration::from_hours(2);
        match self {
            Self::OfCar(id, vin) => (partition(id), format!("COUNT#{}#{hour}", vin.as_str()), soon),
            Self::OfKey(key) => ("SYS".into(), format!("COUNT#key#{key}#{hour}"), soon),
            Self::All => ("SYS".into(), format!("COUNT#all#{hour}"), soon),
            Self::WakeUps(id, vin) => {
                let sk = format!("WAKE#{}#{}", vin.as_str(), time.strftime("%Y-%m"));
                (partition(id), sk, now + SignedDuration::from_hours(32 * 24))
            }
        }
    }
}

impl Store {
    /// How many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counted(&self, counter: Counter<'_>, now: Timestamp) -> Result<u32, Error> {
        let (pk, sk, _) = counter.place(now);
        let Some(item) = self.record(&pk, &sk).await? else { return Ok(0) };
        let item: Option<CounterItem> = live(item, "counter", now)?;
        Ok(item.map_or(0, |item| item.count))
    }

    /// Counts one more, unless there were `most` already; without a limit, in any case.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn count_in(
        &self,
        transaction: &mut Transaction,
        counter: Counter<'_>,
        most: Option<u16>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let (pk, sk, until) = counter.place(now);
        let update = Update::builder()
            .table_name(&self.tables.records)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression("SET expires_at = :until, #schema = :schema ADD #count :one")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":until", number(until.as_second()))
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":one", number(1));
        let update = match most {
            None => update,
            Some(most) => update
                .condition_expression("attribute_not_exists(#count) OR #count < :most")
                .expression_attribute_values(":most", number(most)),
        };
        transaction.update(update.build().map_err(|_| Error::Malformed("counter"))?);
        Ok(())
    }
}
