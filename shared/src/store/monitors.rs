//! Rules on cars, and how they stand there.

use aws_sdk_dynamodb::types::Delete;
use serde::{Deserialize, Serialize};

use super::{
    Error, Item, SCHEMA, Store, Transaction, enrollments::partition, from_json, json, parse, text,
    to_item,
};
use crate::{
    aws::AwsError,
    domain::{
        ids::{EnrollmentId, RuleId},
        monitor::Watch,
        vin::Vin,
    },
};

#[derive(Serialize, Deserialize)]
struct WatchItem {
    pk: String,
    sk: String,
    schema: u8,
    /// By its rule.
    #[serde(default)]
    find: String,
    body: String,
}

fn watch_key(vin: &Vin, rule: &RuleId) -> String {
    format!("WATCH#{}#{rule}", vin.as_str())
}

fn read(item: Item) -> Result<Watch, Error> {
    from_json(&parse::<WatchItem>(item, "watch")?.body, "watch")
}

impl Store {
    /// Every rule on every car of an enrollment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watches(&self, enrollment: &EnrollmentId) -> Result<Vec<Watch>, Error> {
        let items = self.below(&self.tables.records, &partition(enrollment), "WATCH#").await?;
        items.into_iter().map(read).collect()
    }

    /// A page of the cars that a rule is on, by index, then read; `after` is where the page before
    /// ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn watches_of(
        &self,
        rule: &RuleId,
        after: Option<(EnrollmentId, Vin)>,
        limit: i32,
    ) -> Result<(Vec<(EnrollmentId, Watch)>, Option<(EnrollmentId, Vin)>), Error> {
        let find = format!("rule#{rule}");
        let start = after.map(|(enrollment, vin)| {
            Item::from([
                ("pk".into(), text(partition(&enrollment))),
                ("sk".into(), text(watch_key(&vin, rule))),
                ("find".into(), text(&find)),
            ])
        });
        let page = self
            .client
            .query()
            .table_name(&self.tables.records)
            .index_name("find")
            .key_condition_expression("#find = :find")
            .expression_attribute_names("#find", "find")
            .expression_attribute_values(":find", text(&find))
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let keys = page.items.unwrap_or_default().into_iter().map(|mut item| {
            item.retain(|name, _| matches!(name.as_str(), "pk" | "sk"));
            item
        });
        let mut found = Vec::new();
        for item in self.records(keys.collect()).await? {
            let of = item.get("pk").and_then(|pk| pk.as_s().ok());
            let of = of.and_then(|pk| super::enrollments::of_partition(pk));
            let of = of.ok_or(Error::Malformed("watch"))?;
            found.push((of, read(item)?));
        }
        found.sort_by(|(one, a), (other, b)| {
            (a.vin.as_str(), one.as_str()).cmp(&(b.vin.as_str(), other.as_str()))
        });
        let next = page.last_evaluated_key.as_ref().and_then(|key| {
            let part = |name| key.get(name)?.as_s().ok();
            let enrollment = super::enrollments::of_partition(part("pk")?)?;
            let vin = part("sk")?.split('#').nth(1)?.parse().ok()?;
            Some((enrollment, vin))
        });
        Ok((found, next))
    }

    /// Writes how a rule stands on a car, as long as the enrollment stands.
    ///
    /// # Errors
    /// When the database fails; [`Error::Conflict`] when the enrollment is not open any more.
    pub async fn save_watch(&self, enrollment: &EnrollmentId, watch: &Watch) -> Result<(), Error> {
        let item = WatchItem {
            pk: partition(enrollment),
            sk: watch_key(&watch.vin, &watch.rule),
            schema: SCHEMA,
            find: format!("rule#{}", watch.rule),
            body: json(watch, "watch")?,
        };
        let mut transaction = Transaction::new();
        self.demand_open_in(&mut transaction, enrollment)?;
        transaction.put(self.put_record(to_item(&item, "watch")?)?);
        self.commit(transaction).await
    }

    /// Takes a rule off a car.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_watch(
        &self,
        enrollment: &EnrollmentId,
        vin: &Vin,
        rule: &RuleId,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::new();
        self.remove_watch_in(&mut transaction, enrollment, vin, rule)?;
        self.commit(transaction).await
    }

    /// The same with whatever else the transaction does.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn remove_watch_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        vin: &Vin,
        rule: &RuleId,
    ) -> Result<(), Error> {
        let delete = Delete::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(watch_key(vin, rule)))
            .build()
            .map_err(|_| Error::Malformed("watch"))?;
        transaction.delete(delete);
        Ok(())
    }
}
