//! A vehicle as the maker lists it in a user's account.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{text::text_schema, vin::Vin};

macro_rules! opaque {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        text_schema!($name, concat!($($doc),*), "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,512}$");

        impl $name {
            /// As the maker gave it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidAddress;

            fn from_str(text: &str) -> Result<Self, InvalidAddress> {
                is_identifier(text).then(|| Self(text.to_owned())).ok_or(InvalidAddress)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidAddress;

            fn try_from(text: String) -> Result<Self, InvalidAddress> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(address: $name) -> Self {
                address.0
            }
        }

        /// Long and of no use to a reader: only its beginning.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({}…)", stringify!($name), self.0.get(..4).unwrap_or_default())
            }
        }
    };
}

opaque!(
    /// Where a vehicle is found in the maker's API: long and opaque. It **can change for the same
    /// car**: look it up again on 403 or 404, and never use it as a key.
    VehicleAddress
);
opaque!(
    /// The maker's own id of a trip, an alert, an alarm or a collision.
    UpstreamId
);

/// The reference says of an identifier that it is a string, and no more. It becomes one segment of
/// a path, percent-encoded, and part of a key: so it must have a length, be one line, and not lead
/// to another place, encoded or not.
fn is_identifier(text: &str) -> bool {
    let leads_elsewhere = text.split(['/', '\\']).any(|part| matches!(part, "." | ".."));
    (1..=512).contains(&text.len()) && !text.chars().any(char::is_control) && !leads_elsewhere
}

/// The text is not an identifier of the maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 512 bytes without control characters that are no relative path")]
pub struct InvalidAddress;

/// A vehicle of a user's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Vehicle {
    /// Which car.
    pub vin: Vin,
    /// Where it is found now.
    pub address: VehicleAddress,
    /// The brand's name as the maker writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// The model's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What drives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motorization: Option<Motorization>,
    /// What it can tell and do, if that was asked and answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// Addresses of pictures, https only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub pictures: Vec<url::Url>,
}

impl Vehicle {
    /// With what only extensions tell taken from what was known, where they were refused.
    #[must_use]
    pub fn with_extensions_of(self, known: &Self) -> Self {
        Self {
            brand: self.brand.or_else(|| known.brand.clone()),
            label: self.label.or_else(|| known.label.clone()),
            capabilities: self.capabilities.or_else(|| known.capabilities.clone()),
            pictures: if self.pictures.is_empty() { known.pictures.clone() } else { self.pictures },
            ..self
        }
    }
}

/// What drives a vehicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Motorization {
    /// A battery alone.
    Electric,
    /// A battery and an engine.
    Hybrid,
    /// An engine alone.
    Thermic,
    /// A fuel cell.
    Hydrogen,
    /// Something newer than this code.
    #[serde(other)]
    Other,
}

/// What a vehicle can tell and do (`onboardCapabilities`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Capabilities {
    /// The scopes of the data it produces, such as `data:telemetry:vehicle:energies`.
    pub data: BTreeSet<String>,
    /// The remote functions it takes, such as `door`.
    pub remotes: BTreeSet<String>,
}

impl Capabilities {
    /// Whether the vehicle produces what a scope covers, itself or a part of it.
    #[must_use]
    pub fn produces(&self, scope: &str) -> bool {
        self.data.iter().any(|own| covers(own, scope) || covers(scope, own))
    }
}

/// Whether a scope includes another: they are hierarchical, level by level.
#[must_use]
pub fn covers(granted: &str, wanted: &str) -> bool {
    let rest = wanted.strip_prefix(granted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_be_nothing_but_one_plain_path_segment() {
        assert!("01234a91598cf0c57e85-_".parse::<VehicleAddress>().is_ok());
        for text in ["", ".", "..", "../a", "a/..", "a\\..\\b", "a\nb", "a\0", &"a".repeat(513)] {
            assert_eq!(text.parse::<VehicleAddress>(), Err(InvalidAddress), "{text}");
        }
    }

    #[test]
    fn an_address_of_any_form_is_taken_since_the_reference_allows_any() {
        for text in ["a.b=", "a/b", "a b", "é", "{a-b}", "42", "a%2Fb?c#d", "…", "urn:car:1~"] {
            assert!(text.parse::<VehicleAddress>().is_ok(), "{text}");
        }
    }

    #[test]
    fn scopes_are_hierarchical_by_level() {
        assert!(covers("data:telemetry", "data:telemetry:vehicle:energies"));
        assert!(covers("data:position", "data:position"));
        assert!(!covers("data:telemetry:vehicle", "data:telemetry"));
        assert!(!covers("data:tele", "data:telemetry"));
    }

    #[test]
    fn a_vehicle_produces_what_any_of_its_scopes_touches() {
        let data = BTreeSet::from(["data:telemetry:vehicle:odometer".to_owned()]);
        let capabilities = Capabilities { data, ..Capabilities::default() };

        assert!(capabilities.produces("data:telemetry"));
        assert!(capabilities.produces("data:telemetry:vehicle:odometer"));
        assert!(!capabilities.produces("data:telemetry:vehicle:energies"));
    }

    #[test]
    fn a_motorization_newer_than_this_code_is_still_read() {
        let read: Motorization = serde_json::from_str(r#""steam""#).unwrap();

        assert_eq!(read, Motorization::Other);
    }
}
