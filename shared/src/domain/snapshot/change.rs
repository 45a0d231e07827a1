//! What one document changed, and one value on its own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Field, Unit, Value, state::State};

/// A field whose value is another one now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Change {
    /// Which field.
    pub field: Field,
    /// What it was; nothing, if it was not known.
    pub old: Option<Value>,
    /// What it is; nothing, if the car doesn't tell it any more.
    pub new: Option<Value>,
    /// When the car told it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub observed_at: Option<Timestamp>,
}

/// A field's value with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reading {
    /// Which field.
    pub field: Field,
    /// Its value.
    pub value: Value,
    /// The unit of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// When the car told it, if the maker says when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub observed_at: Option<Timestamp>,
}

/// Adds the differences between two states of one block.
pub(super) fn compare(old: &State, new: &State, changes: &mut Vec<Change>) {
    let gone = old.values.iter().filter(|(field, _)| !new.values.contains_key(field));
    changes.extend(gone.map(|(field, value)| Change {
        field: *field,
        old: Some(value.clone()),
        new: None,
        observed_at: new.observed_at,
    }));
    let other = new.values.iter().filter(|(field, value)| old.values.get(field) != Some(value));
    changes.extend(other.map(|(field, value)| Change {
        field: *field,
        old: old.values.get(field).cloned(),
        new: Some(value.clone()),
        observed_at: new.told_at(*field),
    }));
}
