//! What one block told last, and how something newer changes it. Whatever the order in which timed
//! news arrive, and however often, the same remains.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;

use super::{Block, Field, Value};

/// What one block told last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    /// When it was told as a whole. `None`: the maker gave no time, so anything with a time is
    /// newer.
    pub(super) observed_at: Option<Timestamp>,
    /// What it holds.
    pub(super) values: BTreeMap<Field, Value>,
    /// The values that were told alone after the whole, or of which the whole said nothing, and
    /// when. A later whole takes their place.
    pub(super) alone: BTreeMap<Field, Timestamp>,
}

impl State {
    /// A block told as a whole.
    pub(super) fn whole(observed_at: Option<Timestamp>, values: BTreeMap<Field, Value>) -> Self {
        Self { observed_at, values, alone: BTreeMap::new() }
    }

    /// One value told alone. The only field of its block is the whole block.
    pub(super) fn single(field: Field, at: Timestamp, value: Value) -> Self {
        let values = BTreeMap::from([(field, value)]);
        if field.is_its_block() {
            return Self::whole(Some(at), values);
        }
        Self { observed_at: None, values, alone: BTreeMap::from([(field, at)]) }
    }

    /// When a field was told.
    pub(super) fn told_at(&self, field: Field) -> Option<Timestamp> {
        self.alone.get(&field).copied().or(self.observed_at)
    }

    /// When anything of it was told last.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.alone.values().copied().max().max(self.observed_at)
    }

    /// This state with news of the block.
    pub(super) fn with(&self, block: Block, news: Self) -> Self {
        let (old, old_alone) = self.clone().parts();
        let (new, new_alone) = news.parts();
        let mut state = old.merged(block, new);
        for (field, (at, value)) in joined(old_alone, new_alone) {
            // Of one moment, the whole holds; it may yet have said nothing of this field.
            let newer = state.observed_at.is_none_or(|whole| at > whole);
            let missing = state.observed_at == Some(at) && !state.values.contains_key(&field);
            if newer || missing {
                state.values.insert(field, value);
                state.alone.insert(field, at);
            }
        }
        state
    }

    /// What was told as a whole, and what alone.
    fn parts(mut self) -> (Self, Singles) {
        let mut singles = Singles::new();
        for (field, at) in std::mem::take(&mut self.alone) {
            if let Some(value) = self.values.remove(&field) {
                singles.insert(field, (at, value));
            }
        }
        (self, singles)
    }

    /// Wholes alone: a newer one takes the place of an older one, of which it holds everything. Two
    /// of one moment complete each other. Without times there is no order: what came last holds.
    fn merged(self, block: Block, new: Self) -> Self {
        // A whole may be hidden behind what was told alone since, and yet have its time.
        if new.values.is_empty() && new.observed_at.is_none() {
            return self;
        }
        if block == Block::Odometer
            && let Some(state) = self.further(&new)
        {
            return state;
        }
        match new.observed_at.cmp(&self.observed_at) {
            Ordering::Less => self,
            Ordering::Equal if new.observed_at.is_some() => {
                let mut values = new.values;
                values.extend(self.values);
                Self { values, ..self }
            }
            Ordering::Equal | Ordering::Greater => new,
        }
    }

    /// The odometer never runs backwards: the higher one holds, whenever it was told, and is as
    /// recent as the latest that was told.
    fn further(&self, new: &Self) -> Option<Self> {
        let mileage = |state: &Self| match state.values.get(&Field::OdometerMileage) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let (known, told) = (mileage(self)?, mileage(new)?);
        let timed = self.observed_at.is_some() && new.observed_at.is_some();
        if !timed {
            return (told < known).then(|| self.clone());
        }
        let values = if told > known { &new.values } else { &self.values };
        Some(Self::whole(self.observed_at.max(new.observed_at), values.clone()))
    }
}

type Singles = BTreeMap<Field, (Timestamp, Value)>;

/// The later of each; of one moment, always the same one of two that differ.
fn joined(mut known: Singles, news: Singles) -> Singles {
    let rank = |value: &Value| serde_json::to_string(value).unwrap_or_default();
    for (field, (at, value)) in news {
        let wins = known.get(&field).is_none_or(|(known_at, known)| {
            at > *known_at || (at == *known_at && rank(&value) > rank(known))
        });
        if wins {
            known.insert(field, (at, value));
        }
    }
    known
}
