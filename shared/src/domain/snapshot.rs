//! The latest state of a car, and how a newer document changes it.

mod change;
mod contradictions;
mod field;
mod freshness;
mod state;
mod stored;
mod unit;
mod value;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use self::state::{State, Tie};

pub use self::{
    change::{Change, Reading},
    field::{Block, Field, UnknownField},
    freshness::{MakerState, Missing, Stale},
    unit::Unit,
    value::{Kind, Program, Value},
};

/// What is known of a car: blocks of fields, each block with the time at which the car told it.
/// Blocks of one document can be years apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    blocks: BTreeMap<Block, State>,
}

impl Snapshot {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds what a block of a document told at a time. A block that is there already came under
    /// another name: see [`Snapshot::merge`] for the rest. Values of another kind than their
    /// field's, or of another block, are left out.
    pub fn put(
        &mut self,
        block: Block,
        observed_at: Option<Timestamp>,
        values: impl IntoIterator<Item = (Field, Value)>,
    ) {
        self.put_state(block, State::whole(observed_at, fitting(block, values)));
    }

    /// The same for a block that the maker dates in the future, received at a time: it is as old
    /// as the same values are known to be.
    pub fn put_ahead(
        &mut self,
        block: Block,
        received: Timestamp,
        values: impl IntoIterator<Item = (Field, Value)>,
    ) {
        let state = State::whole(Some(received), fitting(block, values));
        self.put_state(block, State { ahead: true, ..state });
    }

    fn put_state(&mut self, block: Block, state: State) {
        if state.values.is_empty() {
            return;
        }
        let state = match self.blocks.remove(&block) {
            Some(twin) => twin.with_twin(state),
            None => state,
        };
        self.blocks.insert(block, state);
    }

    /// Adds one value that was told alone at a time, not with the rest of its block: it holds until
    /// its block is told later. A value of another kind than its field's is left out.
    pub fn put_alone(&mut self, field: Field, at: Timestamp, value: Value) {
        if field.kind() == value.kind() {
            let single = State::single(field, at, value);
            self.absorb(field.block(), single, Tie::Known, &mut Vec::new());
        }
    }

    /// Takes over what a newer document tells, block by block, each by its own time: what comes
    /// late never overwrites what is newer; of one moment, only what was unknown is added. A
    /// block is taken whole: a field that it doesn't hold any more is gone (the remaining time
    /// of a charge that ended), unless it was told alone since. The odometer never runs backwards.
    #[must_use]
    pub fn merge(self, newer: Self) -> (Self, Vec<Change>) {
        self.merged(newer, Tie::Known)
    }

    /// The same for a document that was just asked for: of one moment it holds, since the maker
    /// at times leaves a block's time as it was while the values move.
    #[must_use]
    pub fn merge_answer(self, newer: Self) -> (Self, Vec<Change>) {
        self.merged(newer, Tie::Newer)
    }

    fn merged(mut self, newer: Self, tie: Tie) -> (Self, Vec<Change>) {
        let mut changes = Vec::new();
        for (block, state) in newer.blocks {
            self.absorb(block, state, tie, &mut changes);
        }
        (self, changes)
    }

    fn absorb(&mut self, block: Block, news: State, tie: Tie, changes: &mut Vec<Change>) {
        if news.values.is_empty() {
            return;
        }
        let old = self.blocks.remove(&block).unwrap_or_default();
        let state = old.with(block, news, tie);
        change::compare(&old, &state, changes);
        self.blocks.insert(block, state);
    }

    /// Everything known, flat: for history, the API and events.
    pub fn readings(&self) -> impl Iterator<Item = Reading> + '_ {
        self.blocks.values().flat_map(|state| {
            state.values.iter().map(|(field, value)| Reading {
                field: *field,
                value: value.clone(),
                unit: field.unit(),
                observed_at: state.told_at(*field),
            })
        })
    }

    /// A field's value.
    #[must_use]
    pub fn get(&self, field: Field) -> Option<&Value> {
        self.blocks.get(&field.block())?.values.get(&field)
    }

    /// A field's number.
    #[must_use]
    pub fn number(&self, field: Field) -> Option<f64> {
        match self.get(field)? {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A field's word.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.get(field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A field's yes or no.
    #[must_use]
    pub fn flag(&self, field: Field) -> Option<bool> {
        match self.get(field)? {
            Value::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The blocks that have told something.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        self.blocks.keys().copied()
    }

    /// When a block told what it holds, if it did and the time is known. Single values of it may
    /// have been told since.
    #[must_use]
    pub fn observed_at(&self, block: Block) -> Option<Timestamp> {
        let state = self.blocks.get(&block)?;
        state.observed_at.or_else(|| state.latest())
    }

    /// When a block told anything last.
    #[must_use]
    pub fn last_told(&self, block: Block) -> Option<Timestamp> {
        self.blocks.get(&block)?.latest()
    }

    /// When a field's value was told, if it was told alone, after the rest of its block.
    #[must_use]
    pub fn told_alone_at(&self, field: Field) -> Option<Timestamp> {
        self.blocks.get(&field.block())?.alone.get(&field).copied()
    }

    /// When the car told anything last.
    #[must_use]
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.blocks.values().filter_map(State::latest).max()
    }

    /// When the car told anything last, as far as its clock is not ahead.
    #[must_use]
    pub fn last_seen_by_its_clock(&self) -> Option<Timestamp> {
        let timed = self.blocks.values().filter(|state| !state.ahead);
        timed.filter_map(State::latest).max()
    }

    /// The same without the times at which blocks that are dated in the future were received: of
    /// two answers that say the same, the same.
    #[must_use]
    pub fn without_reception_times(mut self) -> Self {
        for state in self.blocks.values_mut().filter(|state| state.ahead) {
            state.observed_at = None;
        }
        self
    }

    /// Without some blocks: the position for a reader without `read:position`, for instance.
    #[must_use]
    pub fn without(mut self, unwanted: impl Fn(Block) -> bool) -> Self {
        self.blocks.retain(|block, _| !unwanted(*block));
        self
    }

    /// Without any place.
    #[must_use]
    pub fn without_positions(mut self) -> Self {
        for state in self.blocks.values_mut() {
            state.values.retain(|field, _| !field.is_position());
            state.alone.retain(|field, _| !field.is_position());
        }
        self.blocks.retain(|_, state| !state.values.is_empty());
        self
    }

    /// Whether the car is being driven, as far as it told: news are to be expected soon.
    #[must_use]
    pub fn is_driving(&self) -> bool {
        self.flag(Field::KineticMoving) == Some(true)
            || matches!(self.text(Field::IgnitionState), Some("start" | "start_up"))
    }

    /// Whether the traction battery is being charged, as far as the car told.
    #[must_use]
    pub fn is_charging(&self) -> bool {
        self.text(Field::ChargingStatus) == Some("in_progress")
    }

    /// When the charge in progress will be complete: the remaining time counts from the moment
    /// at which the car told it.
    #[must_use]
    pub fn charged_at(&self) -> Option<Timestamp> {
        let remaining = self.number(Field::ChargingRemaining).filter(|_| self.is_charging())?;
        let remaining = SignedDuration::try_from_secs_f64(remaining).ok()?;
        let told_at = self.blocks.get(&Block::Charging)?.told_at(Field::ChargingRemaining)?;
        told_at.checked_add(remaining).ok()
    }
}

fn fitting(
    block: Block,
    values: impl IntoIterator<Item = (Field, Value)>,
) -> BTreeMap<Field, Value> {
    let fits =
        |(field, value): &(Field, Value)| field.block() == block && field.kind() == value.kind();
    values.into_iter().filter(fits).collect()
}

#[cfg(test)]
mod tests;
