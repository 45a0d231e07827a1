//! What the API shows, apart from how it is stored.

use jiff::Timestamp;
use serde::Serialize;
use shared::{
    domain::{
        brand::Brand,
        enrollment::{ConfirmedBy, Consent, Enrollment, Reason, Status, UserRef},
        ids::EnrollmentId,
        pace::{Car, PollError},
        snapshot::{Block, MakerState, Missing, Reading, Snapshot, Stale, Unit, Value},
        subscription::{self, Subscription},
        vehicle::{Capabilities, Motorization},
        vin::Vin,
    },
    store::vehicles::Known,
};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An enrollment: one user's consent for one brand account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnrollmentView {
    id: EnrollmentId,
    user_ref: Option<UserRef>,
    brand: Brand,
    status: Status,
    /// The link ran out unused: remind the user, or begin anew.
    abandoned: bool,
    /// Why it stands so.
    reason: Option<Reason>,
    /// What was asked for.
    scopes: Vec<String>,
    /// What the user agreed to.
    consent: Option<Consent>,
    /// With status `merged`: the older enrollment of the same user and account, which this consent
    /// has renewed. It has the cars and is the one to go on with; this one is gone after 30 days.
    merged_into: Option<EnrollmentId>,
    /// How many cars the account has; absent before the first look.
    vehicles: Option<u32>,
    /// Whether the maker tells us what happens; absent before it was asked, and in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<SubscriptionView>,
    #[schema(value_type = String, format = DateTime)]
    begun_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    link_expires_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    confirmed_at: Option<Timestamp>,
    /// By whom: only what your backend confirmed may be commanded.
    confirmed_by: Option<ConfirmedBy>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl EnrollmentView {
    pub(crate) fn new(enrollment: Enrollment, now: Timestamp) -> Self {
        Self {
            abandoned: enrollment.is_abandoned(now),
            id: enrollment.id,
            user_ref: enrollment.user_ref,
            brand: enrollment.brand,
            status: enrollment.status,
            reason: enrollment.reason,
            scopes: enrollment.scopes,
            consent: enrollment.consent,
            merged_into: enrollment.merged_into,
            vehicles: enrollment.vehicles,
            subscription: None,
            begun_at: enrollment.begun_at,
            link_expires_at: enrollment.link_expires_at,
            confirmed_at: enrollment.confirmed_at,
            confirmed_by: enrollment.confirmed_by,
            updated_at: enrollment.updated_at,
        }
    }
}

impl EnrollmentView {
    /// The same, with how its subscription stands.
    pub(crate) fn with_subscription(self, subscription: Option<Subscription>) -> Self {
        let view = subscription.map(|subscription| SubscriptionView {
            state: subscription.state,
            why: subscription.why,
            checked_at: subscription.checked_at,
        });
        Self { subscription: view, ..self }
    }
}

/// How an enrollment's subscription at the maker stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SubscriptionView {
    state: subscription::State,
    /// Why it is not active, or why the last look at it came to nothing, in a word.
    why: Option<String>,
    /// When the maker last said how it stands.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
}

/// A page of things.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Give it as `cursor` for the next page; absent on the last one.
    pub(crate) next: Option<String>,
}

/// A car, as far as it has no state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VehicleView {
    enrollment: EnrollmentId,
    vin: Vin,
    brand: Option<String>,
    label: Option<String>,
    motorization: Option<Motorization>,
    capabilities: Option<Capabilities>,
    /// Addresses of its pictures at the maker, https only.
    #[schema(value_type = Vec<String>)]
    pictures: Vec<url::Url>,
    /// When the car told anything last.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
}

/// A car with its normalised latest state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VehicleState {
    #[serde(flatten)]
    vehicle: VehicleView,
    /// By block; each with its values, or the reason why there are none. The car tells a block as
    /// a whole, so the reasons (`missing`, `stale`) stand with the block and are those of every
    /// value in it.
    state: BTreeMap<&'static str, BlockView>,
    /// When the maker is asked about it.
    poll: PollView,
}

/// When the maker is asked about a car.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PollView {
    /// When it was asked last; absent before the first time.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_polled_at: Option<Timestamp>,
    /// When it is asked next, or soon after.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_poll_at: Option<Timestamp>,
    /// Why the last time brought nothing, if so.
    last_error: Option<PollError>,
}

impl PollView {
    pub(crate) fn new(car: Option<&Car>) -> Self {
        Self {
            last_polled_at: car.and_then(|car| car.polled_at),
            next_poll_at: car.map(Car::next_due),
            last_error: car.and_then(|car| car.poll_error.clone()),
        }
    }
}

/// One block of a car's state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlockView {
    /// When the car told it as a whole.
    #[schema(value_type = Option<String>, format = DateTime)]
    observed_at: Option<Timestamp>,
    /// Why every value of it is missing.
    missing: Option<Missing>,
    /// Why its values may not be the present any more.
    stale: Option<Stale>,
    /// What contradicts this block, if anything does: fields by name (`electric_energy.residual`
    /// beside a level that can't be), or `observed_at` for a block that the maker dates in the
    /// future. All of it is shown as the car told it: nobody can know which is wrong.
    contradicts: Vec<&'static str>,
    /// By name. One that is not here, where the block is, was not told with the rest.
    values: BTreeMap<&'static str, Measured>,
}

/// A value, its unit and its time. Whether it may be stale, and why, its block says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Measured {
    value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Unit>,
    /// When the car told it: with its block, or alone since. Null, if the maker gave no time.
    #[schema(value_type = Option<String>, format = DateTime)]
    observed_at: Option<Timestamp>,
}

impl VehicleView {
    pub(crate) fn new(enrollment: &EnrollmentId, known: Known) -> Self {
        let Known { vehicle, snapshot } = known;
        Self {
            enrollment: enrollment.clone(),
            vin: vehicle.vin,
            brand: vehicle.brand,
            label: vehicle.label,
            motorization: vehicle.motorization,
            capabilities: vehicle.capabilities,
            pictures: vehicle.pictures,
            last_seen: snapshot.last_seen(),
        }
    }
}

impl VehicleState {
    /// `asked`: whether the maker has ever answered for the car's state; `positions`: whether the
    /// reader may see places.
    pub(crate) fn new(
        enrollment: &Enrollment,
        known: Known,
        asked: bool,
        positions: bool,
        (maker, poll): (MakerState, PollView),
        now: Timestamp,
    ) -> Self {
        let snapshot = known.snapshot.clone();
        let shown = if positions { snapshot.clone() } else { snapshot.clone().without_positions() };
        let capabilities = known.vehicle.capabilities.clone();
        let mut contradictions = shown.contradictions();
        let mut block = |block: Block| {
            let view = BlockView {
                observed_at: shown.observed_at(block),
                missing: shown.missing(block, &enrollment.scopes, capabilities.as_ref(), asked),
                stale: shown.stale(block, maker, now),
                contradicts: contradictions.remove(&block).unwrap_or_default(),
                values: values(&shown, block),
            };
            (block.name(), view)
        };
        let visible = |block: &&Block| positions || **block != Block::Position;
        let state = Block::ALL.iter().filter(visible).copied().map(&mut block).collect();
        Self { vehicle: VehicleView::new(&enrollment.id, known), state, poll }
    }
}

fn values(snapshot: &Snapshot, block: Block) -> BTreeMap<&'static str, Measured> {
    snapshot
        .readings()
        .filter(|reading| reading.field.block() == block)
        .map(|reading| {
            let Reading { field, value, unit, observed_at } = reading;
            (field.key(), Measured { value, unit, observed_at })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use shared::domain::snapshot::Field;

    use super::*;

    #[test]
    fn every_value_says_when_the_car_told_it_with_its_block_or_alone() {
        let at = |hour: i64| Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap();
        let mut snapshot = Snapshot::new();
        let told = [
            (Field::ElectricLevel, Value::Number(63.0)),
            (Field::ElectricRange, Value::Number(210.0)),
        ];
        snapshot.put(Block::Electric, Some(at(0)), told);
        snapshot.put_alone(Field::ElectricLevel, at(2), Value::Number(62.0));
        snapshot.put(Block::Alarm, None, [(Field::AlarmActivation, Value::Text("active".into()))]);

        let (electric, alarm) =
            (values(&snapshot, Block::Electric), values(&snapshot, Block::Alarm));

        assert_eq!(electric["level"].observed_at, Some(at(2)));
        assert_eq!(electric["range"].observed_at, Some(at(0)));
        let untimed = serde_json::to_value(&alarm["activation"]).unwrap();
        assert_eq!(untimed, serde_json::json!({"value": "active", "observed_at": null}));
    }
}
