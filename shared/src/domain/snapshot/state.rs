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
    /// The maker dated it in the future: `observed_at` is when these values were first received.
    pub(super) ahead: bool,
    /// What the odometer told last, where that is less than what it had told before.
    pub(super) told_less: Option<f64>,
}

/// Which of two blocks of one moment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tie {
    /// The known one, completed by what only the other tells: it may have come late.
    Known,
    /// The newer one, as a whole: it was just asked for, and its time may stand still.
    Newer,
}

impl State {
    /// A block told as a whole.
    pub(super) fn whole(observed_at: Option<Timestamp>, values: BTreeMap<Field, Value>) -> Self {
        Self { observed_at, values, ..Self::default() }
    }

    /// This block of a document with the same one told under another name. Where both speak they
    /// agree: then they are one, as recent as the later. Or else the later one holds.
    pub(super) fn with_twin(mut self, twin: Self) -> Self {
        let agree = twin
            .values
            .iter()
            .all(|(field, value)| self.values.get(field).is_none_or(|known| known == value));
        if agree || twin.observed_at == self.observed_at {
            if twin.observed_at > self.observed_at {
                (self.observed_at, self.ahead) = (twin.observed_at, twin.ahead);
            }
            for (field, value) in twin.values {
                self.values.entry(field).or_insert(value);
            }
            return self;
        }
        if twin.observed_at > self.observed_at { twin } else { self }
    }

    /// One value told alone. The only field of its block is the whole block.
    pub(super) fn single(field: Field, at: Timestamp, value: Value) -> Self {
        let values = BTreeMap::from([(field, value)]);
        if field.is_its_block() {
            return Self::whole(Some(at), values);
        }
        Self { values, alone: BTreeMap::from([(field, at)]), ..Self::default() }
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
    pub(super) fn with(&self, block: Block, news: Self, tie: Tie) -> Self {
        let (old, old_alone) = self.clone().parts();
        let (new, new_alone) = news.parts();
        let mut state = old.merged(block, new, tie);
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
    fn merged(self, block: Block, new: Self, tie: Tie) -> Self {
        // A whole may be hidden behind what was told alone since, and yet have its time.
        if new.values.is_empty() && new.observed_at.is_none() {
            return self;
        }
        if block == Block::Odometer
            && let Some(state) = self.further(&new)
        {
            return state;
        }
        // Its time says nothing but that it came: the same values are no news.
        if new.ahead && self.observed_at.is_some() && new.values == self.values {
            return Self { ahead: true, ..self };
        }
        match new.observed_at.cmp(&self.observed_at) {
            Ordering::Less => self,
            Ordering::Equal if new.observed_at.is_some() && tie == Tie::Known => {
                let mut values = new.values;
                values.extend(self.values);
                Self { values, ..self }
            }
            Ordering::Equal | Ordering::Greater => new,
        }
    }

    /// The odometer never runs backwards: the highest holds, whenever it was told, and is as recent
    /// as the latest that was told. Where the latest is lower, that is remembered.
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
        let (known_last, told_last) =
            (self.told_less.unwrap_or(known), new.told_less.unwrap_or(told));
        let last = match new.observed_at.cmp(&self.observed_at) {
            Ordering::Less => known_last,
            Ordering::Equal => known_last.max(told_last),
            Ordering::Greater => told_last,
        };
        let values = if told > known { &new.values } else { &self.values };
        Some(Self {
            ahead: if new.observed_at > self.observed_at { new.ahead } else { self.ahead },
            told_less: (last < known.max(told)).then_some(last),
            ..Self::whole(self.observed_at.max(new.observed_at), values.clone())
        })
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
