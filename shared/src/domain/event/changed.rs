//! A field's change as an event tells it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::snapshot::{Change, Field, Unit, Value};

/// A field whose value is another one now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Which field.
    pub field: Field,
    /// What it was; nothing, if it was not known.
    pub old: Option<Value>,
    /// What it is; nothing, if the car doesn't tell it any more.
    pub new: Option<Value>,
    /// The unit of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// When the car told it.
    pub observed_at: Option<Timestamp>,
    /// Whether the values are left out, as a place's are where no past place is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

impl Changed {
    /// As an event tells it; a place only if `positions` are kept.
    #[must_use]
    pub fn new(change: &Change, positions: bool) -> Self {
        let withheld = change.field.is_position() && !positions;
        let told = |value: &Option<Value>| value.as_ref().filter(|_| !withheld).cloned();
        Self {
            field: change.field,
            old: told(&change.old),
            new: told(&change.new),
            unit: change.field.unit(),
            observed_at: change.observed_at,
            withheld,
        }
    }

    /// The same without a place.
    pub(super) fn without_position(self) -> Self {
        if self.field.is_position() {
            Self { old: None, new: None, withheld: true, ..self }
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::position::Position;

    fn change(field: Field, value: Value) -> Change {
        Change { field, old: None, new: Some(value), observed_at: None }
    }

    #[test]
    fn a_place_is_told_only_where_places_are_kept() {
        let place: Position =
            serde_json::from_str(r#"{"latitude": 48.8, "longitude": 2.3}"#).unwrap();
        let field = *Field::ALL.iter().find(|field| field.is_position()).unwrap();
        let moved = change(field, Value::Position(place));

        let hidden = Changed::new(&moved, false);
        assert!(hidden.withheld && hidden.new.is_none() && hidden.old.is_none());
        assert!(!serde_json::to_string(&hidden).unwrap().contains("48.8"));
        assert_eq!(Changed::new(&moved, true).new, moved.new);
    }
}
