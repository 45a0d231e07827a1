//! Cars and their latest state, all below their enrollment.

use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnValuesOnConditionCheckFailure, Update,
    builders::UpdateBuilder,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Applied, Error, Item, SCHEMA, Store, Transaction, Versioned, applied, enrollments::partition,
    from_json, json, number, parse, text, to_item,
};
use crate::domain::{
    ids::{AttemptId, EnrollmentId},
    pace::Car,
    snapshot::Snapshot,
    vehicle::Vehicle,
    vin::Vin,
};

/// A car's item: `body` is JSON, which DynamoDB need not take apart.
#[derive(Serialize, Deserialize)]
struct CarItem {
    pk: String,
    sk: String,
    schema: u8,
    attempt: AttemptId,
    find: String,
    shard: String,
    due_at: i64,
    /// As in the body: here a condition can see it.
    #[serde(default)]
    silent: bool,
    body: String,
}

#[derive(Serialize, Deserialize)]
struct SnapshotItem {
    pk: String,
    sk: String,
    schema: u8,
    version: u64,
    vehicle: String,
    snapshot: String,
}

/// What the API shows of a car.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// As the maker lists it.
    pub vehicle: Vehicle,
    /// Its latest state.
    pub snapshot: Snapshot,
}

fn car_key(vin: &Vin) -> String {
    format!("CAR#{}", vin.as_str())
}

fn snapshot_key(vin: &Vin) -> String {
    format!("SNAP#{}", vin.as_str())
}

impl Store {
    fn car_item(&self, enrollment: &EnrollmentId, car: &Car) -> Result<Item, Error> {
        let pk = partition(enrollment);
        let sk = car_key(&car.vin);
        let item = CarItem {
            schema: SCHEMA,
            attempt: AttemptId::random(),
            find: format!("vin#{}", car.vin.as_str()),
            shard: self.shard("fetch", &format!("{pk}{sk}")),
            due_at: car.next_due().as_second(),
            silent: car.silent,
            body: json(car, "car")?,
            pk,
            sk,
        };
        to_item(&item, "car")
    }

    /// The cars of an enrollment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cars(&self, enrollment: &EnrollmentId) -> Result<Vec<Car>, Error> {
        let items = self.below(&self.tables.records, &partition(enrollment), "CAR#").await?;
        items
            .into_iter()
            .map(|item| from_json(&parse::<CarItem>(item, "car")?.body, "car"))
            .collect()
    }

    /// One car, and when it is due in the index.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn car(
        &self,
        enrollment: &EnrollmentId,
        vin: &Vin,
    ) -> Result<Option<(Car, i64)>, Error> {
        let item = self.record(&partition(enrollment), &car_key(vin)).await?;
        item.map(|item| {
            let item: CarItem = parse(item, "car")?;
            Ok((from_json(&item.body, "car")?, item.due_at))
        })
        .transpose()
    }

    /// Writes a car's next look, if it is still due at the time read: the claim.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_car(
        &self,
        enrollment: &EnrollmentId,
        car: &Car,
        due_at: i64,
    ) -> Result<Applied, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(car_key(&car.vin)))
            .condition_expression("due_at = :read")
            .update_expression("SET due_at = :next, body = :body, attempt = :attempt")
            .expression_attribute_values(":read", number(due_at))
            .expression_attribute_values(":next", number(car.next_due().as_second()))
            .expression_attribute_values(":body", text(json(car, "car")?))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt)
    }

    /// Adds a car, or gives a known one back its place: discovery alone creates cars.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn add_car_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        car: &Car,
    ) -> Result<(), Error> {
        transaction.put(self.put_record(self.car_item(enrollment, car)?)?);
        Ok(())
    }

    /// Writes what was learnt of a car, if it stands as it was read; or, without that, if it is there.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn update_car_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        read: Option<&Car>,
        car: &Car,
    ) -> Result<(), Error> {
        let update = self.car_update(enrollment, car)?;
        let update = match read {
            Some(read) => update
                .condition_expression("body = :read")
                .expression_attribute_values(":read", text(json(read, "car")?)),
            None => update.condition_expression("attribute_exists(pk)"),
        };
        transaction.update(update.build().map_err(|_| Error::Malformed("car"))?);
        Ok(())
    }

    fn car_update(&self, enrollment: &EnrollmentId, car: &Car) -> Result<UpdateBuilder, Error> {
        Ok(Update::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(car_key(&car.vin)))
            .update_expression("SET due_at = :due, silent = :silent, body = :body")
            .expression_attribute_values(":silent", AttributeValue::Bool(car.silent))
            .expression_attribute_values(":due", number(car.next_due().as_second()))
            .expression_attribute_values(":body", text(json(car, "car")?)))
    }

    /// Takes a car away: it left the account, and is fetched no more.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn remove_car_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        vin: &Vin,
    ) -> Result<(), Error> {
        let delete = |sk| {
            Delete::builder()
                .table_name(&self.tables.records)
                .key("pk", text(partition(enrollment)))
                .key("sk", text(sk))
        };
        // Only one of two that find it gone takes it away, and tells of it.
        let car = delete(car_key(vin)).condition_expression("attribute_exists(pk)");
        for delete in [car, delete(snapshot_key(vin))] {
            transaction.delete(delete.build().map_err(|_| Error::Malformed("car"))?);
        }
        Ok(())
    }

    /// Demands that the enrollment still stands, in whatever else the transaction does.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn demand_open_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
    ) -> Result<(), Error> {
        transaction.check(self.anchor_stands(&partition(enrollment))?);
        Ok(())
    }

    /// What is known of a car.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn known(
        &self,
        enrollment: &EnrollmentId,
        vin: &Vin,
    ) -> Result<Option<Versioned<Known>>, Error> {
        let item = self.record(&partition(enrollment), &snapshot_key(vin)).await?;
        item.map(known).transpose()
    }

    /// What is known of every car of an enrollment.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all_known(&self, enrollment: &EnrollmentId) -> Result<Vec<Known>, Error> {
        let items = self.below(&self.tables.records, &partition(enrollment), "SNAP#").await?;
        items.into_iter().map(|item| known(item).map(|known| known.value)).collect()
    }

    /// A page of what is known of the cars of an enrollment, and the key to go on from.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn some_known(
        &self,
        enrollment: &EnrollmentId,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Known>, Option<String>), Error> {
        let pk = partition(enrollment);
        let (items, next) = self.part(&self.tables.records, (&pk, "SNAP#"), after, limit).await?;
        let known = items.into_iter().map(|item| known(item).map(|known| known.value));
        Ok((known.collect::<Result<_, _>>()?, next))
    }

    /// Writes what is known of a car; `version` is the one read, 0 for a new one.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn save_known_in(
        &self,
        transaction: &mut Transaction,
        enrollment: &EnrollmentId,
        known: &Known,
        version: u64,
    ) -> Result<(), Error> {
        let item = SnapshotItem {
            pk: partition(enrollment),
            sk: snapshot_key(&known.vehicle.vin),
            schema: SCHEMA,
            version: version + 1,
            vehicle: json(&known.vehicle, "vehicle")?,
            snapshot: json(&known.snapshot, "snapshot")?,
        };
        let put = Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(&item, "snapshot")?));
        let put = if version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("version = :version")
                .expression_attribute_values(":version", number(version))
        };
        transaction.put(put.build().map_err(|_| Error::Malformed("snapshot"))?);
        Ok(())
    }

    /// Makes a hint's car due at once, if none did within the last `pause`. `No`: one did, or the
    /// car is at another time by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hasten_car(
        &self,
        enrollment: &EnrollmentId,
        car: &Car,
        due_at: i64,
        (now, pause): (Timestamp, SignedDuration),
    ) -> Result<Applied, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(enrollment)))
            .key("sk", text(car_key(&car.vin)))
            .condition_expression(
                "due_at = :read AND (attribute_not_exists(hinted_at) OR hinted_at <= :before)",
            )
            .update_expression(
                "SET due_at = :next, body = :body, attempt = :attempt, hinted_at = :now",
            )
            .expression_attribute_values(":read", number(due_at))
            .expression_attribute_values(":before", number((now - pause).as_second()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":next", number(car.next_due().as_second()))
            .expression_attribute_values(":body", text(json(car, "car")?))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt)
    }
}

pub(super) fn known(item: Item) -> Result<Versioned<Known>, Error> {
    let item: SnapshotItem = parse(item, "snapshot")?;
    let value = Known {
        vehicle: from_json(&item.vehicle, "vehicle")?,
        snapshot: from_json(&item.snapshot, "snapshot")?,
    };
    Ok(Versioned { value, version: item.version })
}
