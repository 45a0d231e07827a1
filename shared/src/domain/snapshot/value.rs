//! What a field can hold.

use serde::{Deserialize, Serialize};

use crate::domain::position::Position;

/// A value. Its unit is its field's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A finite number.
    Number(f64),
    /// A word in snake case, a time of day (`22:30`) or a time (RFC 3339).
    Text(String),
    /// Words, in the maker's order.
    List(Vec<String>),
    /// A place.
    Position(Position),
    /// Recurring actions; never empty.
    Programs(Vec<Program>),
}

/// The kind of a field's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Flag`]
    Flag,
    /// [`Value::Number`]
    Number,
    /// [`Value::Text`]
    Text,
    /// [`Value::List`]
    List,
    /// [`Value::Position`]
    Position,
    /// [`Value::Programs`]
    Programs,
}

impl Value {
    /// Which kind it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Flag(_) => Kind::Flag,
            Self::Number(_) => Kind::Number,
            Self::Text(_) => Kind::Text,
            Self::List(_) => Kind::List,
            Self::Position(_) => Kind::Position,
            Self::Programs(_) => Kind::Programs,
        }
    }
}

/// A recurring charge or preconditioning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Program {
    /// Its number in the car.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    /// Whether it is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// When it starts, the car's time of day: `06:30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// When it ends, the car's time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// On which days: `mon` to `sun`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<String>,
    /// How it recurs: `daily` or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<String>,
    /// Whether it charges until the battery is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_full: Option<bool>,
}
