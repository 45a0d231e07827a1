//! Values told alone, and news in any order.

use proptest::{collection, prelude::*, sample};

use super::*;

fn alone(minute: i64, field: Field, value: Value) -> Snapshot {
    let mut snapshot = Snapshot::new();
    snapshot.put_alone(field, at(minute).unwrap(), value);
    snapshot
}

fn level_alone(minute: i64, percent: f64) -> Snapshot {
    alone(minute, Field::ElectricLevel, Value::Number(percent))
}

fn with_range(minute: i64, percent: f64, km: f64) -> Snapshot {
    let mut snapshot = Snapshot::new();
    let values =
        [(Field::ElectricLevel, Value::Number(percent)), (Field::ElectricRange, Value::Number(km))];
    snapshot.put(Block::Electric, at(minute), values);
    snapshot
}

#[test]
fn a_value_told_alone_is_newer_than_its_block_and_leaves_the_rest() {
    let (merged, changes) = with_range(0, 60.0, 200.0).merge(level_alone(5, 59.0));

    assert_eq!(merged.number(Field::ElectricLevel), Some(59.0));
    assert_eq!(merged.number(Field::ElectricRange), Some(200.0));
    assert_eq!(merged.observed_at(Block::Electric), at(0));
    assert_eq!(merged.last_told(Block::Electric), at(5));
    assert_eq!(merged.told_alone_at(Field::ElectricLevel), at(5));
    assert_eq!((changes.len(), changes[0].observed_at), (1, at(5)));
}

#[test]
fn a_block_told_later_takes_the_place_of_what_was_told_alone() {
    let (merged, _) = with_range(0, 60.0, 200.0).merge(level_alone(5, 59.0));

    assert_eq!(merged.clone().merge(with_range(6, 58.0, 190.0)).0, with_range(6, 58.0, 190.0));
    let (late, changes) = merged.merge(with_range(4, 61.0, 205.0));
    assert_eq!(late.number(Field::ElectricLevel), Some(59.0));
    assert_eq!(late.number(Field::ElectricRange), Some(205.0));
    assert_eq!(changes.len(), 1);
}

#[test]
fn the_only_value_of_a_block_is_the_block() {
    let told = alone(5, Field::OdometerMileage, Value::Number(7.0));

    assert_eq!(told, odometer(5, 7.0));
    assert_eq!(told.told_alone_at(Field::OdometerMileage), None);
}

#[test]
fn what_was_told_alone_is_stored_with_its_time() {
    let (merged, _) = with_range(0, 60.0, 200.0).merge(level_alone(5, 59.0));

    let stored = serde_json::to_string(&merged).unwrap();

    insta::assert_snapshot!(
        stored,
        @r#"{"electric":{"observed_at":"2023-11-14T22:13:20Z","values":{"level":59.0,"range":200.0},"alone":{"level":"2023-11-14T22:18:20Z"}}}"#
    );
    assert_eq!(serde_json::from_str::<Snapshot>(&stored).unwrap(), merged);
}

/// News of a moment: a block with some of its fields, or one value alone. Of one moment a block has
/// one truth; what is told alone, and the odometer, may say anything.
fn news() -> impl Strategy<Value = Snapshot> {
    let fields: &'static [Field] = &[Field::ElectricLevel, Field::ElectricRange];
    let block = (0..6_i64, sample::subsequence(fields, 1..=2)).prop_map(|(minute, fields)| {
        let mut snapshot = Snapshot::new();
        #[expect(clippy::cast_precision_loss, reason = "a few minutes")]
        let truth = |field| (field, Value::Number(10.0 * minute as f64));
        snapshot.put(Block::Electric, at(minute), fields.into_iter().map(truth));
        snapshot
    });
    let single = (0..6_i64, sample::select(fields), 0..4_u8)
        .prop_map(|(minute, field, value)| alone(minute, field, Value::Number(value.into())));
    let odometer = (0..6_i64, 0..4_u8).prop_map(|(minute, km)| odometer(minute, km.into()));
    prop_oneof![block, single, odometer]
}

fn all(news: impl IntoIterator<Item = Snapshot>) -> Snapshot {
    news.into_iter().fold(Snapshot::new(), |known, news| known.merge(news).0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn neither_order_nor_repetition_changes_what_is_known(
        (news, shuffled, twice) in collection::vec(news(), 1..12).prop_flat_map(|news| {
            let all: Vec<_> = (0..news.len()).collect();
            let shuffled = Just(all.clone()).prop_shuffle();
            (Just(news), shuffled, sample::subsequence(all.clone(), 0..=all.len()))
        })
    ) {
        let in_order = all(news.clone());
        let again = shuffled.into_iter().chain(twice).map(|index| news[index].clone());

        prop_assert_eq!(all(again), in_order);
    }

    #[test]
    fn a_pair_merged_first_is_as_good_as_one_after_the_other(
        one in news(), other in news(), third in news()
    ) {
        let pair = other.clone().merge(third.clone()).0;

        prop_assert_eq!(one.clone().merge(pair).0, all([one, other, third]));
    }
}
