//! What happened to a car: trips and what belongs to them, alerts, alarms, collisions, telemetry.

use jiff::Timestamp;

use super::{
    super::{normalise, wire::Read},
    Answer, Api, ApiError, Found, Period, TelemetryQuery, TripQuery,
};
use crate::domain::{
    alert::{Alarm, Alert, Collision},
    position::Position,
    snapshot::Snapshot,
    trip::Trip,
    vehicle::{UpstreamId, VehicleAddress},
};

type Many<T> = Result<Answer<Vec<T>>, ApiError>;
type One<T> = Result<Answer<Option<T>>, ApiError>;

const ALERTS: [&str; 2] = ["alerts", "Alerts"];
const COLLISIONS: [&str; 2] = ["Collisions", "collisions"];
const TELEMETRIES: [&str; 3] = ["telemetries", "Telemetries", "telemetry"];

/// Each operation's errors: see [`ApiError`].
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
impl Api<'_> {
    /// `GET …/trips`, the pending one included.
    pub async fn trips(&self, vehicle: &VehicleAddress, query: &TripQuery) -> Many<Trip> {
        let path = ["user", "vehicles", vehicle.as_str(), "trips"];
        let found = self.list(&path, &query.query(), &["trips", "Trips"]).await?;
        Ok(many(found, normalise::trip))
    }

    /// `GET …/trips/{tid}`
    pub async fn trip(&self, vehicle: &VehicleAddress, trip: &UpstreamId) -> One<Trip> {
        let path = ["user", "vehicles", vehicle.as_str(), "trips", trip.as_str()];
        Ok(one(self.find(&path).await?, normalise::trip))
    }

    /// `GET …/trips/{tid}/alerts`
    pub async fn trip_alerts(&self, vehicle: &VehicleAddress, trip: &UpstreamId) -> Many<Alert> {
        let path = ["user", "vehicles", vehicle.as_str(), "trips", trip.as_str(), "alerts"];
        Ok(many(self.list(&path, &[], &ALERTS).await?, normalise::alert))
    }

    /// `GET …/trips/{tid}/alerts/{aid}`
    pub async fn trip_alert(
        &self,
        vehicle: &VehicleAddress,
        trip: &UpstreamId,
        alert: &UpstreamId,
    ) -> One<Alert> {
        let (vehicle, trip) = (vehicle.as_str(), trip.as_str());
        let path = ["user", "vehicles", vehicle, "trips", trip, "alerts", alert.as_str()];
        Ok(one(self.find(&path).await?, normalise::alert))
    }

    /// `GET …/trips/{tid}/collisions` (deprecated)
    pub async fn trip_collisions(
        &self,
        vehicle: &VehicleAddress,
        trip: &UpstreamId,
    ) -> Many<Collision> {
        let path = ["user", "vehicles", vehicle.as_str(), "trips", trip.as_str(), "collisions"];
        Ok(many(self.list(&path, &[], &COLLISIONS).await?, normalise::collision))
    }

    /// `GET …/trips/{tid}/collisions/{cid}` (deprecated)
    pub async fn trip_collision(
        &self,
        vehicle: &VehicleAddress,
        trip: &UpstreamId,
        collision: &UpstreamId,
    ) -> One<Collision> {
        let (vehicle, trip) = (vehicle.as_str(), trip.as_str());
        let path = ["user", "vehicles", vehicle, "trips", trip, "collisions", collision.as_str()];
        Ok(one(self.find(&path).await?, normalise::collision))
    }

    /// `GET …/trips/{tid}/wayPoints` (deprecated): the places passed, in order.
    pub async fn way_points(&self, vehicle: &VehicleAddress, trip: &UpstreamId) -> Many<Position> {
        let path = ["user", "vehicles", vehicle.as_str(), "trips", trip.as_str(), "wayPoints"];
        let names = ["positions", "wayPoints", "waypoints"];
        Ok(many(self.list(&path, &[], &names).await?, normalise::position))
    }

    /// `GET …/trips/{tid}/telemetry` (deprecated)
    pub async fn trip_telemetry(
        &self,
        vehicle: &VehicleAddress,
        trip: &UpstreamId,
        query: &TelemetryQuery,
        now: Timestamp,
    ) -> Many<Snapshot> {
        let path = ["user", "vehicles", vehicle.as_str(), "trips", trip.as_str(), "telemetry"];
        let found = self.list(&path, &query.query(), &TELEMETRIES).await?;
        Ok(many(found, |document| Some(normalise::snapshot(document, now))))
    }

    /// `GET …/telemetry` (deprecated): states, each with one time.
    pub async fn telemetry(
        &self,
        vehicle: &VehicleAddress,
        query: &TelemetryQuery,
        now: Timestamp,
    ) -> Many<Snapshot> {
        let path = ["user", "vehicles", vehicle.as_str(), "telemetry"];
        let found = self.list(&path, &query.query(), &TELEMETRIES).await?;
        Ok(many(found, |document| Some(normalise::snapshot(document, now))))
    }

    /// `GET …/alerts`, active and past.
    pub async fn alerts(&self, vehicle: &VehicleAddress, period: Period) -> Many<Alert> {
        let path = ["user", "vehicles", vehicle.as_str(), "alerts"];
        Ok(many(self.list(&path, &period.query(), &ALERTS).await?, normalise::alert))
    }

    /// `GET …/alerts/{aid}`
    pub async fn alert(&self, vehicle: &VehicleAddress, alert: &UpstreamId) -> One<Alert> {
        let path = ["user", "vehicles", vehicle.as_str(), "alerts", alert.as_str()];
        Ok(one(self.find(&path).await?, normalise::alert))
    }

    /// `GET …/alarms`
    pub async fn alarms(&self, vehicle: &VehicleAddress, period: Period) -> Many<Alarm> {
        let path = ["user", "vehicles", vehicle.as_str(), "alarms"];
        let found = self.list(&path, &period.query(), &["alarms", "Alarms"]).await?;
        Ok(many(found, normalise::alarm))
    }

    /// `GET …/alarms/{aid}`
    pub async fn alarm(&self, vehicle: &VehicleAddress, alarm: &UpstreamId) -> One<Alarm> {
        let path = ["user", "vehicles", vehicle.as_str(), "alarms", alarm.as_str()];
        Ok(one(self.find(&path).await?, normalise::alarm))
    }

    /// `GET …/collisions` (deprecated)
    pub async fn collisions(&self, vehicle: &VehicleAddress, period: Period) -> Many<Collision> {
        let path = ["user", "vehicles", vehicle.as_str(), "collisions"];
        Ok(many(self.list(&path, &period.query(), &COLLISIONS).await?, normalise::collision))
    }

    /// `GET …/collisions/{cid}` (deprecated)
    pub async fn collision(
        &self,
        vehicle: &VehicleAddress,
        collision: &UpstreamId,
    ) -> One<Collision> {
        let path = ["user", "vehicles", vehicle.as_str(), "collisions", collision.as_str()];
        Ok(one(self.find(&path).await?, normalise::collision))
    }
}

fn many<W, T>(found: Answer<Vec<W>>, normalise: impl Fn(&W) -> Option<T>) -> Answer<Vec<T>> {
    found.map(|items| items.iter().filter_map(normalise).collect())
}

fn one<W: Read, T>(found: Found, normalise: impl Fn(&W) -> Option<T>) -> Answer<Option<T>> {
    found.map(|value| normalise(&W::read(&value?)?))
}
