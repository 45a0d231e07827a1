mod order;

use super::*;

fn at(minute: i64) -> Option<Timestamp> {
    Timestamp::from_second(1_700_000_000 + minute * 60).ok()
}

fn level(minute: Option<Timestamp>, percent: f64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    snapshot.put(Block::Electric, minute, [(Field::ElectricLevel, Value::Number(percent))]);
    snapshot
}

fn charging(minute: i64, status: &str, remaining: Option<f64>) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let status = (Field::ChargingStatus, Value::Text(status.to_owned()));
    let remaining = remaining.map(|s| (Field::ChargingRemaining, Value::Number(s)));
    snapshot.put(Block::Charging, at(minute), [status].into_iter().chain(remaining));
    snapshot
}

fn odometer(minute: i64, km: f64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    snapshot.put(Block::Odometer, at(minute), [(Field::OdometerMileage, Value::Number(km))]);
    snapshot
}

#[test]
fn a_newer_block_changes_what_differs_and_moves_its_time() {
    let (merged, changes) = level(at(0), 60.0).merge(level(at(5), 61.0));

    assert_eq!(merged, level(at(5), 61.0));
    assert_eq!(
        changes,
        [Change {
            field: Field::ElectricLevel,
            old: Some(Value::Number(60.0)),
            new: Some(Value::Number(61.0)),
            observed_at: at(5),
        }]
    );
}

#[test]
fn a_newer_block_with_the_same_values_only_moves_its_time() {
    let (merged, changes) = level(at(0), 60.0).merge(level(at(5), 60.0));

    assert_eq!(merged.observed_at(Block::Electric), at(5));
    assert!(changes.is_empty());
}

#[test]
fn what_comes_late_never_overwrites_what_is_newer() {
    let (merged, changes) = level(at(5), 61.0).merge(level(at(0), 60.0));

    assert_eq!(merged, level(at(5), 61.0));
    assert!(changes.is_empty());
}

#[test]
fn the_same_document_twice_changes_nothing() {
    let (merged, changes) = level(at(5), 61.0).merge(level(at(5), 61.0));

    assert_eq!(merged, level(at(5), 61.0));
    assert!(changes.is_empty());
}

#[test]
fn two_documents_of_one_moment_complete_each_other() {
    let mut other = Snapshot::new();
    let range = (Field::ElectricRange, Value::Number(200.0));
    let contrary = (Field::ElectricLevel, Value::Number(1.0));
    other.put(Block::Electric, at(5), [range, contrary]);

    let (merged, changes) = level(at(5), 61.0).merge(other);

    assert_eq!(merged.number(Field::ElectricLevel), Some(61.0));
    assert_eq!(merged.number(Field::ElectricRange), Some(200.0));
    assert_eq!(changes.len(), 1);
}

#[test]
fn blocks_are_merged_by_their_own_times() {
    let (mut old, _) = level(at(9), 50.0).merge(odometer(0, 100.0));
    old = old.merge(charging(9, "finished", None)).0;
    let (new, _) = level(at(5), 61.0).merge(odometer(5, 120.0));

    let (merged, changes) = old.merge(new);

    assert_eq!(merged.number(Field::ElectricLevel), Some(50.0));
    assert_eq!(merged.number(Field::OdometerMileage), Some(120.0));
    assert_eq!(merged.text(Field::ChargingStatus), Some("finished"));
    assert_eq!(changes.len(), 1);
}

#[test]
fn a_field_that_a_newer_block_does_not_hold_is_gone() {
    let old = charging(0, "in_progress", Some(3600.0));

    let (merged, changes) = old.merge(charging(5, "disconnected", None));

    assert_eq!(merged.get(Field::ChargingRemaining), None);
    assert_eq!(changes.len(), 2);
    assert!(changes.iter().any(|c| c.field == Field::ChargingRemaining && c.new.is_none()));
}

#[test]
fn the_odometer_never_runs_backwards() {
    let (merged, changes) = odometer(0, 1000.0).merge(odometer(5, 999.9));

    assert_eq!(merged.number(Field::OdometerMileage), Some(1000.0));
    assert_eq!(merged.observed_at(Block::Odometer), at(5));
    assert!(changes.is_empty());
    // That it did is shown, and forgotten once it goes on.
    assert_ne!(merged, odometer(5, 1000.0));
    assert_eq!(merged.merge(odometer(9, 1001.0)).0, odometer(9, 1001.0));
}

#[test]
fn a_block_without_time_yields_to_any_that_has_one() {
    assert_eq!(level(None, 1.0).merge(level(at(0), 2.0)).0, level(at(0), 2.0));
    assert_eq!(level(at(0), 2.0).merge(level(None, 1.0)).0, level(at(0), 2.0));
    assert_eq!(level(None, 1.0).merge(level(None, 2.0)).0, level(None, 2.0));
}

#[test]
fn the_end_of_a_charge_counts_from_the_moment_it_was_told() {
    assert_eq!(charging(0, "in_progress", Some(5400.0)).charged_at(), at(90));
    assert_eq!(charging(0, "stopped", Some(5400.0)).charged_at(), None);
    assert_eq!(charging(0, "in_progress", Some(f64::MAX)).charged_at(), None);
}

#[test]
fn values_of_a_wrong_kind_or_block_are_left_out() {
    let mut snapshot = Snapshot::new();
    let wrong = [(Field::ElectricLevel, Value::Flag(true)), (Field::FuelLevel, Value::Number(1.0))];

    snapshot.put(Block::Electric, at(0), wrong);

    assert!(snapshot.is_empty());
}

#[test]
fn a_reader_without_the_right_sees_no_place() {
    let place = crate::domain::position::Position::new(48.0, 2.0).unwrap();
    let mut snapshot = level(at(0), 60.0);
    snapshot.put(Block::Position, at(0), [(Field::PositionPlace, Value::Position(place))]);

    let seen = snapshot.clone().without_positions();

    assert_eq!(seen, level(at(0), 60.0));
    assert_eq!(snapshot.without(|block| block == Block::Position), seen);
}

#[test]
fn what_is_stored_is_small_and_reads_back() {
    let (snapshot, _) = level(at(0), 60.0).merge(charging(5, "in_progress", Some(60.0)));

    let stored = serde_json::to_string(&snapshot).unwrap();

    insta::assert_snapshot!(
        stored,
        @r#"{"electric":{"observed_at":"2023-11-14T22:13:20Z","values":{"level":60.0}},"charging":{"observed_at":"2023-11-14T22:18:20Z","values":{"remaining":60.0,"status":"in_progress"}}}"#
    );
    assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), snapshot);
}

#[test]
fn what_another_version_stored_is_read_as_far_as_it_is_known() {
    let stored = r#"{
        "electric":{"observed_at":null,"values":{"level":60,"colour":"red","range":"far"}},
        "warp_drive":{"observed_at":null,"values":{"factor":9}}
    }"#;

    let read: Snapshot = serde_json::from_str(stored).unwrap();

    assert_eq!(read, level(None, 60.0));
}
