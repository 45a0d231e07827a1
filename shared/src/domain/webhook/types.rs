//! Which types of events are meant.

use std::{collections::BTreeSet, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::domain::event::TYPES;

/// A type of event, or all that begin alike: `vehicle.state.changed`, `vehicle.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Types(String);

impl PartialSchema for Types {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A type of event, or all that begin alike."))
            .enum_values(Some(Self::all()))
            .examples(["vehicle.*"])
            .into()
    }
}

impl ToSchema for Types {}

/// No event has such a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a type of event such as vehicle.state.changed, or a prefix such as vehicle.*")]
pub struct InvalidTypes;

impl Types {
    /// Every type, and every prefix that holds some.
    fn all() -> BTreeSet<String> {
        let prefixes = |name: &'static str| {
            name.match_indices('.').filter_map(|(dot, _)| Some(format!("{}.*", name.get(..dot)?)))
        };
        let named = TYPES.iter().map(|name| (*name).to_owned());
        named.chain(TYPES.iter().flat_map(|name| prefixes(name))).collect()
    }

    /// Whether the type `name` is among them.
    #[must_use]
    pub fn hold(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => name == self.0,
        }
    }
}

impl FromStr for Types {
    type Err = InvalidTypes;

    fn from_str(text: &str) -> Result<Self, InvalidTypes> {
        let types = Self(text.to_owned());
        let well_formed = !text.contains('*') || text.ends_with(".*");
        // A type that nobody tells would be waited for in vain.
        let known = well_formed && TYPES.iter().any(|name| types.hold(name));
        known.then_some(types).ok_or(InvalidTypes)
    }
}

impl TryFrom<String> for Types {
    type Error = InvalidTypes;

    fn try_from(text: String) -> Result<Self, InvalidTypes> {
        text.parse()
    }
}

impl From<Types> for String {
    fn from(types: Types) -> Self {
        types.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_or_a_prefix_is_taken_and_what_nobody_tells_is_not() {
        for good in ["vehicle.state.changed", "vehicle.*", "vehicle.charging.*"] {
            assert!(good.parse::<Types>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "*",
            "vehicle",
            "vehicle*",
            "vehicles.*",
            "vehicle.*.changed",
            "vehicle.state.change",
        ] {
            assert!(bad.parse::<Types>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_filter_that_is_described_is_taken() {
        let all = Types::all();

        assert!(all.len() > TYPES.len() && all.contains("vehicle.charging.*"));
        assert!(all.iter().all(|name| name.parse::<Types>().is_ok()), "{all:?}");
    }

    #[test]
    fn a_prefix_holds_what_begins_so_and_a_type_itself_alone() {
        let (charging, state): (Types, Types) =
            ("vehicle.charging.*".parse().unwrap(), "vehicle.state.changed".parse().unwrap());

        assert!(charging.hold("vehicle.charging.ended") && !charging.hold("vehicle.state.changed"));
        assert!(state.hold("vehicle.state.changed") && !state.hold("vehicle.state"));
    }
}
