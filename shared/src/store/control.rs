//! One item stops all calls to the maker, or to one brand, without a deployment; and remembers
//! until when a host asked to be left alone.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::Update;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Item, SCHEMA, Store, Transaction, applied, number, parse, text};
use crate::{
    aws::AwsError,
    domain::{
        brand::Brand,
        event::{Event, What},
        ids::AttemptId,
    },
};

/// What may be called now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Brands whose calls are stopped by the operator.
    #[serde(default)]
    pub stopped: Vec<Brand>,
    /// Host of the maker → epoch second until which it limits us (429).
    #[serde(default)]
    pub paused: BTreeMap<String, i64>,
    /// No command is sent to any car.
    #[serde(default)]
    pub remotes_stopped: bool,
    /// The day, counted from 1970, on which the operator was told last that few calls are left.
    #[serde(default)]
    pub quota_told: Option<i64>,
}

impl Control {
    /// Whether the operator stopped all calls for `brand`.
    #[must_use]
    pub fn stops(&self, brand: Brand) -> bool {
        self.stopped.contains(&brand)
    }

    /// Whether the operator was told on this day already that few calls are left.
    #[must_use]
    pub fn told_quota(&self, now: Timestamp) -> bool {
        self.quota_told == Some(day_of(now))
    }

    /// How many hosts are not called at `now`, because they limited us.
    #[must_use]
    pub fn paused_hosts(&self, now: Timestamp) -> usize {
        self.paused.values().filter(|until| **until > now.as_second()).count()
    }

    /// Whether `host` may be called for `brand`.
    #[must_use]
    pub fn allows(&self, brand: Brand, host: &str, now: Timestamp) -> bool {
        !self.stops(brand) && self.paused.get(host).is_none_or(|until| *until <= now.as_second())
    }

    /// Whether nothing is stopped and no host is left alone.
    #[must_use]
    pub fn is_clear(&self, now: Timestamp) -> bool {
        self.stopped.is_empty() && self.paused.values().all(|until| *until <= now.as_second())
    }

    /// Whether `host` may be called for any brand.
    #[must_use]
    pub fn allows_any(&self, host: &str, now: Timestamp) -> bool {
        Brand::ALL.iter().any(|brand| self.allows(*brand, host, now))
    }
}

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(24 * 60 * 60)
}

fn key() -> Item {
    Item::from([("pk".into(), text("SYS")), ("sk".into(), text("CONTROL"))])
}

impl Store {
    /// What may be called now. Every run reads it once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn control(&self) -> Result<Control, Error> {
        let item = self.record("SYS", "CONTROL").await?;
        item.map_or_else(|| Ok(Control::default()), |item| parse(item, "control"))
    }

    /// Notes that `host` limits us until then; a longer pause that is noted already stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pause(&self, host: &str, until: Timestamp) -> Result<(), Error> {
        self.ensure_control().await?;
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .set_key(Some(key()))
            .condition_expression("attribute_not_exists(paused.#host) OR paused.#host < :until")
            .update_expression("SET paused.#host = :until")
            .expression_attribute_names("#host", host)
            .expression_attribute_values(":until", number(until.as_second()))
            .send()
            .await;
        // To do it once more changes nothing, so it needs no attempt of its own.
        applied(result, &AttemptId::random()).map(|_| ())
    }

    /// Tells the operator that few calls are left, unless that was done on this day.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tell_quota_low(&self, percent_left: u8, now: Timestamp) -> Result<(), Error> {
        let mut transaction = Transaction::new();
        let update = Update::builder()
            .table_name(&self.tables.records)
            .set_key(Some(key()))
            .update_expression("SET quota_told = :day, #schema = :schema")
            .condition_expression("attribute_not_exists(quota_told) OR quota_told <> :day")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":day", number(day_of(now)))
            .expression_attribute_values(":schema", number(SCHEMA));
        transaction.update(update.build().map_err(|_| Error::Malformed("control"))?);
        self.tell_in(&mut transaction, Event::of_deployment(What::QuotaLow { percent_left }, now))?;
        match self.commit(transaction).await {
            // Somebody else has just told it.
            Err(Error::Conflict) => Ok(()),
            other => other,
        }
    }

    /// Stops or resumes brands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stop(&self, brands: &[Brand]) -> Result<(), Error> {
        self.ensure_control().await?;
        let list = brands.iter().map(|brand| text(brand.as_str())).collect();
        self.client
            .update_item()
            .table_name(&self.tables.records)
            .set_key(Some(key()))
            .update_expression("SET stopped = :stopped")
            .expression_attribute_values(
                ":stopped",
                aws_sdk_dynamodb::types::AttributeValue::L(list),
            )
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(())
    }

    /// Stops or resumes all commands to cars.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stop_remotes(&self, stopped: bool) -> Result<(), Error> {
        self.ensure_control().await?;
        self.client
            .update_item()
            .table_name(&self.tables.records)
            .set_key(Some(key()))
            .update_expression("SET remotes_stopped = :stopped")
            .expression_attribute_values(
                ":stopped",
                aws_sdk_dynamodb::types::AttributeValue::Bool(stopped),
            )
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(())
    }

    /// The map must be there before a value can be put into it.
    async fn ensure_control(&self) -> Result<(), Error> {
        let empty = aws_sdk_dynamodb::types::AttributeValue::M(Item::new());
        self.client
            .update_item()
            .table_name(&self.tables.records)
            .set_key(Some(key()))
            .update_expression("SET paused = if_not_exists(paused, :empty), #schema = :schema")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":empty", empty)
            .expression_attribute_values(":schema", number(SCHEMA))
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        Ok(())
    }
}
