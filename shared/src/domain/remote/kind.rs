//! The seven kinds of remotes, and what each needs.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which of the seven.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Lock or unlock.
    Door,
    /// Sound the horn.
    Horn,
    /// Switch the lights.
    Lights,
    /// Charge.
    Charging,
    /// Heat or cool.
    Preconditioning,
    /// Wake up.
    WakeUp,
    /// Take a destination.
    Navigation,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Door,
        Self::Horn,
        Self::Lights,
        Self::Charging,
        Self::Preconditioning,
        Self::WakeUp,
        Self::Navigation,
    ];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Door => "door",
            Self::Horn => "horn",
            Self::Lights => "lights",
            Self::Charging => "charging",
            Self::Preconditioning => "preconditioning",
            Self::WakeUp => "wake_up",
            Self::Navigation => "navigation",
        }
    }

    /// The scope of an API key that may ask for it.
    #[must_use]
    pub const fn key_scope(self) -> &'static str {
        match self {
            Self::Door => "remote:door",
            Self::Horn => "remote:horn",
            Self::Lights => "remote:lights",
            Self::Charging => "remote:charging",
            Self::Preconditioning => "remote:preconditioning",
            Self::WakeUp => "remote:wake_up",
            Self::Navigation => "remote:navigation",
        }
    }

    /// The scope of the maker's that the user must have granted.
    #[must_use]
    pub const fn user_scope(self) -> &'static str {
        match self {
            Self::Door => "remote:door:write",
            Self::Horn => "remote:horn:write",
            Self::Lights => "remote:lights:write",
            Self::Charging => "remote:charging:write",
            Self::Preconditioning => "remote:preconditioning:write",
            Self::WakeUp => "remote:wakeup:write",
            Self::Navigation => "remote:navigation:write",
        }
    }

    /// Whether it is what a car's capabilities call this, spelt one way or another.
    #[must_use]
    pub fn is_named(self, capability: &str) -> bool {
        let letters = |text: &str| -> String { text.chars().filter(|c| *c != '_').collect() };
        letters(capability).eq_ignore_ascii_case(&letters(self.as_str()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_known_however_it_is_spelt() {
        assert!(Kind::WakeUp.is_named("wakeup") && Kind::WakeUp.is_named("wake_up"));
        assert!(!Kind::Door.is_named("doors"));
    }
}
