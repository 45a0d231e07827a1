//! Rules by which the maker watches cars for us, and how they stand on each car.

use serde::{Deserialize, Serialize};

use super::{ids::RuleId, vin::Vin};

/// A rule on one car.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Which car.
    pub vin: Vin,
    /// By which rule.
    pub rule: RuleId,
    /// What the operator calls the rule.
    pub name: String,
    /// Whether the rule says where a car is: then nobody is told of it who may not know that.
    #[serde(default)]
    pub about_places: bool,
    /// How it stands.
    pub state: State,
    /// Why it is not active, in a word.
    pub why: Option<String>,
    /// The maker's id of the monitor; none before it was created.
    pub monitor: Option<String>,
    /// SHA-256, in hex, of what the maker was told last.
    pub told: Option<String>,
    /// How many were made one after the other of which none was found again in the maker's list.
    #[serde(default, skip_serializing_if = "super::subscription::is_none")]
    pub made: u8,
}

/// How a rule stands on a car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MonitorState)]
pub enum State {
    /// The maker is to be asked, or its answer is not known.
    Pending,
    /// The maker watches.
    Active,
    /// The car or the consent does not offer it.
    Unsupported,
    /// The maker would not, or it stopped; it is tried again.
    Failed,
}
