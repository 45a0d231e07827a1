//! Values of a car that can't all be true. Both are kept and shown, since nobody can know which is
//! wrong; a reader is told which contradict each other.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Block, Field, Snapshot, Value};

/// Blocks told further apart than this may both be true.
const TOGETHER: SignedDuration = SignedDuration::from_mins(60);
/// Percentage points between a level and the share of the energy that is left. Makers count
/// reserves differently: up to ten are usual.
const SHARE_DIFFERS: f64 = 20.0;
/// From this level on a range of nothing makes no sense.
const SOME_LEVEL: f64 = 20.0;
/// From this range on, km, an empty battery or tank makes no sense.
const SOME_RANGE: f64 = 30.0;
/// A car that stands still may be told with so many km/h.
const STANDING: f64 = 5.0;
/// A battery may be told a little fuller than full.
const OVERFULL: f64 = 1.05;

type Contradictions = BTreeMap<Block, Vec<&'static str>>;

impl Snapshot {
    /// What contradicts each block: fields by name, and `observed_at` for a block that the maker
    /// dates in the future. Blocks that nothing contradicts are left out.
    #[must_use]
    pub fn contradictions(&self) -> BTreeMap<Block, Vec<&'static str>> {
        let mut found = Contradictions::new();
        for (block, state) in &self.blocks {
            if state.ahead {
                found.entry(*block).or_default().push("observed_at");
            }
            if state.told_less.is_some() {
                found.entry(*block).or_default().push(Field::OdometerMileage.name());
            }
        }
        for (one, other) in self.pairs() {
            let together = self.at(one).zip(self.at(other));
            let together = together.is_some_and(|(one, other)| (one - other).abs() <= TOGETHER);
            if one.block() == other.block() || together {
                add(&mut found, one.block(), other);
                add(&mut found, other.block(), one);
            }
        }
        found
    }

    fn at(&self, field: Field) -> Option<SignedDuration> {
        let block = self.blocks.get(&field.block())?;
        Some(SignedDuration::from_secs(block.told_at(field)?.as_second()))
    }

    /// Fields that contradict each other, if they were told together.
    fn pairs(&self) -> Vec<(Field, Field)> {
        let mut pairs = self.of_energies();
        pairs.extend(self.of_movement());
        pairs.extend(self.of_doors());
        pairs
    }

    fn both(&self, one: Field, other: Field) -> Option<(f64, f64)> {
        self.number(one).zip(self.number(other))
    }

    fn of_energies(&self) -> Vec<(Field, Field)> {
        use Field as F;
        let mut pairs = Vec::new();
        let share = self
            .both(F::ElectricEnergyResidual, F::ElectricEnergyCapacity)
            .filter(|(_, capacity)| *capacity > 0.0)
            .map(|(residual, capacity)| residual / capacity * 100.0);
        if share
            .zip(self.number(F::ElectricLevel))
            .is_some_and(|(share, level)| (share.min(100.0) - level).abs() > SHARE_DIFFERS)
        {
            pairs.push((F::ElectricLevel, F::ElectricEnergyResidual));
        }
        if share.is_some_and(|share| share > 100.0 * OVERFULL) {
            pairs.push((F::ElectricEnergyResidual, F::ElectricEnergyCapacity));
        }
        for (level, range) in [
            (F::ElectricLevel, F::ElectricRange),
            (F::FuelLevel, F::FuelRange),
            (F::HydrogenLevel, F::HydrogenRange),
        ] {
            if self.both(level, range).is_some_and(|(level, range)| {
                (level >= SOME_LEVEL && range <= 0.0) || (level <= 0.0 && range > SOME_RANGE)
            }) {
                pairs.push((level, range));
            }
        }
        pairs
    }

    fn of_movement(&self) -> Vec<(Field, Field)> {
        use Field as F;
        let mut pairs = Vec::new();
        let fast = self.number(F::KineticSpeed).is_some_and(|speed| speed > STANDING);
        let moving = match self.flag(F::KineticMoving) {
            Some(true) => Some(F::KineticMoving),
            _ => fast.then_some(F::KineticSpeed),
        };
        if self.flag(F::KineticMoving) == Some(false) && fast {
            pairs.push((F::KineticMoving, F::KineticSpeed));
        }
        if self.is_charging() && self.flag(F::ChargingPlugged) == Some(false) {
            pairs.push((F::ChargingStatus, F::ChargingPlugged));
        }
        let Some(moving) = moving else { return pairs };
        if self.is_charging() {
            pairs.push((F::ChargingStatus, moving));
        }
        if self.text(F::IgnitionState) == Some("stop") {
            pairs.push((F::IgnitionState, moving));
        }
        pairs
    }

    fn of_doors(&self) -> Vec<(Field, Field)> {
        use Field as F;
        let mut pairs = Vec::new();
        let closed = self.words(F::DoorsClosed);
        if self.words(F::DoorsOpen).iter().any(|door| closed.contains(door)) {
            pairs.push((F::DoorsOpen, F::DoorsClosed));
        }
        let has = |lock: &str| self.words(F::DoorsLocks).iter().any(|known| known == lock);
        if has("unlocked") && (has("locked") || has("super_locked")) {
            pairs.push((F::DoorsLocks, F::DoorsLocks));
        }
        pairs
    }

    fn words(&self, field: Field) -> &[String] {
        match self.get(field) {
            Some(Value::List(words)) => words,
            _ => &[],
        }
    }
}

fn add(found: &mut Contradictions, block: Block, field: Field) {
    let names = found.entry(block).or_default();
    if !names.contains(&field.name()) {
        names.push(field.name());
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(minute: i64) -> Option<Timestamp> {
        Timestamp::from_second(1_700_000_000 + minute * 60).ok()
    }

    fn of(told: &[(i64, Field, Value)]) -> Vec<String> {
        let mut snapshot = Snapshot::new();
        for (minute, field, value) in told {
            snapshot.put(field.block(), at(*minute), [(*field, value.clone())]);
        }
        lines(&snapshot)
    }

    fn lines(snapshot: &Snapshot) -> Vec<String> {
        let found = snapshot.contradictions();
        found.into_iter().map(|(block, names)| format!("{block}: {}", names.join(" "))).collect()
    }

    fn words(words: &[&str]) -> Value {
        Value::List(words.iter().map(|&word| word.to_owned()).collect())
    }

    #[test]
    fn a_full_battery_with_a_quarter_of_its_energy_is_marked() {
        use Field as F;
        let told = |level, minute| {
            let mut snapshot = Snapshot::new();
            snapshot.put(Block::Electric, at(minute), [(F::ElectricLevel, Value::Number(level))]);
            let energy = [
                (F::ElectricEnergyCapacity, Value::Number(39_232.0)),
                (F::ElectricEnergyResidual, Value::Number(9_056.0)),
            ];
            snapshot.put(Block::ElectricEnergy, at(0), energy);
            lines(&snapshot)
        };

        let marked = ["electric: electric_energy.residual", "electric_energy: electric.level"];
        assert_eq!(told(100.0, 0), marked);
        assert!(told(100.0, 120).is_empty(), "both may be true at their own time");
        assert!(told(28.0, 0).is_empty());
    }

    #[test]
    fn each_other_kind_is_marked() {
        use Field as F;
        let (n, flag) = (Value::Number, Value::Flag);
        let text = |text: &str| Value::Text(text.to_owned());

        let range = of(&[(0, F::ElectricLevel, n(90.0)), (0, F::ElectricRange, n(0.0))]);
        assert_eq!(range, ["electric: electric.range electric.level"]);
        let fuel = of(&[(0, F::FuelLevel, n(0.0)), (0, F::FuelRange, n(400.0))]);
        assert_eq!(fuel, ["fuel: fuel.range fuel.level"]);
        let energy =
            [(0, F::ElectricEnergyCapacity, n(40.0)), (0, F::ElectricEnergyResidual, n(90.0))];
        assert_eq!(of(&energy).len(), 1);
        let driving =
            of(&[(0, F::ChargingStatus, text("in_progress")), (0, F::KineticMoving, flag(true))]);
        assert_eq!(driving, ["kinetic: charging.status", "charging: kinetic.moving"]);
        let unplugged =
            [(0, F::ChargingStatus, text("in_progress")), (0, F::ChargingPlugged, flag(false))];
        assert_eq!(of(&unplugged), ["charging: charging.plugged charging.status"]);
        let doors =
            of(&[(0, F::DoorsOpen, words(&["trunk"])), (0, F::DoorsClosed, words(&["trunk"]))]);
        assert_eq!(doors, ["doors: doors.closed doors.open"]);
        let ignition = of(&[(0, F::IgnitionState, text("stop")), (0, F::KineticSpeed, n(80.0))]);
        assert_eq!(ignition, ["ignition: kinetic.speed", "kinetic: ignition.state"]);
        let sound = of(&[(0, F::DoorsOpen, words(&["trunk"])), (0, F::FuelLevel, n(0.0))]);
        assert!(sound.is_empty());
    }

    #[test]
    fn an_odometer_that_runs_backwards_keeps_the_highest_and_says_so() {
        let told = |minute, km| {
            let mut snapshot = Snapshot::new();
            let mileage = (Field::OdometerMileage, Value::Number(km));
            snapshot.put(Block::Odometer, at(minute), [mileage]);
            snapshot
        };

        let back = told(0, 1000.0).merge(told(5, 900.0)).0;
        assert_eq!(lines(&back), ["odometer: odometer.mileage"]);
        assert_eq!(back.number(Field::OdometerMileage), Some(1000.0));
        let stored = serde_json::to_string(&back).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), back);
        assert!(lines(&back.merge(told(9, 1001.0)).0).is_empty());
        let late = told(5, 1000.0).merge(told(0, 900.0)).0;
        assert!(lines(&late).is_empty(), "it only came late");
    }

    #[test]
    fn a_block_dated_in_the_future_is_as_old_as_its_values_are_known() {
        let ahead = |minute, percent| {
            let mut snapshot = Snapshot::new();
            let level = (Field::ElectricLevel, Value::Number(percent));
            snapshot.put_ahead(Block::Electric, at(minute).unwrap(), [level]);
            snapshot
        };

        let first = ahead(0, 60.0);
        let (again, changes) = first.clone().merge_answer(ahead(5, 60.0));
        assert_eq!((&again, changes.len()), (&first, 0));
        assert_eq!(lines(&again), ["electric: observed_at"]);
        let (moved, _) = again.merge_answer(ahead(9, 61.0));
        assert_eq!(moved.observed_at(Block::Electric), at(9));
        assert_eq!(
            ahead(0, 60.0).without_reception_times(),
            ahead(7, 60.0).without_reception_times()
        );
    }
}
