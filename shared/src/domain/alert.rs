//! What a car warns its driver of, and what happens to it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{position::Position, vehicle::UpstreamId};

/// A warning, active or past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// The maker's id.
    pub id: UpstreamId,
    /// Of about 110 kinds: `fuel_level_low`, `left_front_tire_puncture`, …
    pub kind: Option<String>,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// Whether it still holds.
    pub active: Option<bool>,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// When the maker changed what it tells about it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    /// When the maker heard of it: what it is found again by where it has no beginning.
    #[serde(skip)]
    pub reported_at: Option<Timestamp>,
    /// The car's last known place when it began.
    pub start_place: Option<Position>,
    /// The car's last known place when it ended.
    pub end_place: Option<Position>,
}

impl Alert {
    /// Whether it holds no more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended_at.is_some() || self.active == Some(false)
    }

    /// The time under which it is kept: for one thing always the same, whenever it is read. `None`:
    /// the maker gives no time at all.
    #[must_use]
    pub fn kept_at(&self) -> Option<Timestamp> {
        self.started_at.or(self.reported_at).or(self.ended_at)
    }

    /// Without any place.
    #[must_use]
    pub fn without_positions(self) -> Self {
        Self { start_place: None, end_place: None, ..self }
    }
}

/// How grave an alert is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Better mended, but the car works.
    Information,
    /// To be mended soon.
    Warning,
    /// Not to be started before it is mended.
    Critical,
}

/// A message of the anti-theft alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alarm {
    /// The maker's id.
    pub id: UpstreamId,
    /// When the maker heard of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// What it says.
    pub message: AlarmMessage,
}

/// What an anti-theft alarm says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmMessage {
    /// It was armed or disarmed: `active` or `inactive`.
    Status(String),
    /// It went off.
    Trigger {
        /// What it noticed: `front_left_door_break_in`, `vehicle_lifting`, …
        kind: String,
        /// When it began.
        #[schema(value_type = Option<String>, format = DateTime)]
        started_at: Option<Timestamp>,
        /// The car's last known place.
        place: Option<Position>,
    },
}

/// A crash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Collision {
    /// The maker's id.
    pub id: UpstreamId,
    /// When the maker heard of it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Timestamp>,
    /// Where the car was hit.
    #[serde(default)]
    pub impacts: Vec<Impact>,
    /// Whether the car tipped over; only some cars can tell.
    pub tipped_over: Option<bool>,
    /// Whether a pedestrian was involved; only some cars can tell.
    pub pedestrian: Option<bool>,
}

/// One side that was hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Impact {
    /// `front`, `rear` or `lateral`.
    pub side: Option<String>,
    /// `minimal`, `minor` or `major`.
    pub severity: Option<String>,
}
