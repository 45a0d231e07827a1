//! Why a value is missing, and when one is too old to be taken as the present.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Block, Field, Snapshot};
use crate::domain::vehicle::{Capabilities, covers};

/// A car that drives or charges tells something within minutes, a parked one at times once a
/// day: what is older than this says little about now.
const QUIET: SignedDuration = SignedDuration::from_hours(24);
/// While the maker doesn't answer, what is older than this may have changed unseen.
const UNSEEN: SignedDuration = SignedDuration::from_hours(1);

/// Why a block is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nobody has asked for it yet: the car was found a moment ago, or no look at it succeeded.
    NotFetchedYet,
    /// The car can tell it, and has not yet.
    NeverReported,
    /// The driver hides it on purpose.
    Privacy,
    /// The user was not asked for it, or refused.
    Scope,
    /// This model doesn't tell it.
    NotSupported,
}

/// Why a block is old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stale {
    /// The car sleeps: nothing may have changed.
    Asleep,
    /// The driver hides it on purpose since.
    Privacy,
    /// The maker doesn't answer: the last good data are kept.
    MakerDown,
}

/// Whether the maker answers our calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MakerState {
    /// The last call was answered.
    Answers,
    /// The last calls failed.
    Down,
}

impl Snapshot {
    /// Why a block is missing; `None` if it is there. `granted` are the scopes asked for and
    /// consented to, `capabilities` what the vehicle can tell, if known; `asked`: whether the maker
    /// has ever answered for the car's state.
    #[must_use]
    pub fn missing<S: AsRef<str>>(
        &self,
        block: Block,
        granted: &[S],
        capabilities: Option<&Capabilities>,
        asked: bool,
    ) -> Option<Missing> {
        let scope = block.scope();
        let is_granted = granted.iter().any(|granted| covers(granted.as_ref(), scope));
        if self.blocks.contains_key(&block) {
            None
        } else if !is_granted {
            Some(Missing::Scope)
        } else if capabilities.is_some_and(|known| !known.produces(scope)) {
            Some(Missing::NotSupported)
        } else if self.hides(block) {
            Some(Missing::Privacy)
        } else if !asked {
            Some(Missing::NotFetchedYet)
        } else {
            Some(Missing::NeverReported)
        }
    }

    /// Why what a block tells is not to be taken as the present; `None` if it may be, or if the
    /// block is missing.
    #[must_use]
    pub fn stale(&self, block: Block, maker: MakerState, now: Timestamp) -> Option<Stale> {
        let observed_at = self.last_told(block)?;
        let age = now.duration_since(observed_at);
        let hidden_since = self.observed_at(Block::Privacy).filter(|_| self.hides(block));
        if hidden_since.is_some_and(|since| observed_at <= since) {
            Some(Stale::Privacy)
        } else if maker == MakerState::Down && age > UNSEEN {
            Some(Stale::MakerDown)
        } else if age > QUIET {
            Some(Stale::Asleep)
        } else {
            None
        }
    }

    /// Whether the driver's privacy mode hides a block.
    fn hides(&self, block: Block) -> bool {
        match self.text(Field::PrivacyState) {
            Some("full") => block != Block::Privacy,
            Some("geolocation") => block == Block::Position,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::snapshot::Value;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap()
    }

    fn snapshot(privacy: &str) -> Snapshot {
        let mut snapshot = Snapshot::new();
        let state = Value::Text(privacy.to_owned());
        snapshot.put(Block::Privacy, Some(at(10)), [(Field::PrivacyState, state)]);
        let level = Value::Number(63.0);
        snapshot.put(Block::Electric, Some(at(0)), [(Field::ElectricLevel, level)]);
        snapshot
    }

    fn missing(snapshot: &Snapshot, block: Block, granted: &[&str]) -> Option<Missing> {
        let data = ["data:telemetry:vehicle:energies".into(), "data:position".into()].into();
        let capabilities = Capabilities { data, ..Capabilities::default() };
        snapshot.missing(block, granted, Some(&capabilities), true)
    }

    #[test]
    fn what_was_never_asked_for_is_not_called_never_reported() {
        let (none, all) = (Snapshot::new(), ["data:telemetry", "data:position"]);
        let why = |granted: &[&str]| none.missing(Block::Position, granted, None, false);

        assert_eq!(why(&all), Some(Missing::NotFetchedYet));
        assert_eq!(why(&["data:telemetry"]), Some(Missing::Scope));
        assert_eq!(missing(&none, Block::Position, &all), Some(Missing::NeverReported));
    }

    #[test]
    fn each_missing_block_has_its_reason() {
        let open = snapshot("none");
        let all = ["data:telemetry", "data:position"];

        assert_eq!(missing(&open, Block::Electric, &all), None);
        assert_eq!(missing(&open, Block::Position, &["data:telemetry"]), Some(Missing::Scope));
        assert_eq!(missing(&open, Block::Doors, &all), Some(Missing::NotSupported));
        assert_eq!(missing(&open, Block::Position, &all), Some(Missing::NeverReported));
        let hidden = snapshot("geolocation");
        assert_eq!(missing(&hidden, Block::Position, &all), Some(Missing::Privacy));
        assert_eq!(missing(&hidden, Block::Fuel, &all), Some(Missing::NeverReported));
    }

    #[test]
    fn age_is_judged_by_block_and_by_who_is_silent() {
        let open = snapshot("none");
        let (answers, down) = (MakerState::Answers, MakerState::Down);

        assert_eq!(open.stale(Block::Electric, answers, at(24)), None);
        assert_eq!(open.stale(Block::Electric, answers, at(25)), Some(Stale::Asleep));
        assert_eq!(open.stale(Block::Electric, down, at(1)), None);
        assert_eq!(open.stale(Block::Electric, down, at(2)), Some(Stale::MakerDown));
        assert_eq!(open.stale(Block::Privacy, answers, at(25)), None);
        assert_eq!(open.stale(Block::Doors, answers, at(25)), None);
    }

    #[test]
    fn what_the_driver_hides_is_not_called_asleep() {
        let hidden = snapshot("full");

        let stale = hidden.stale(Block::Electric, MakerState::Answers, at(11));

        assert_eq!(stale, Some(Stale::Privacy));
    }
}
