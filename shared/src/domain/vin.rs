//! The number that names a car (ISO 3779), never the right to it: cars are sold and shared.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::text::text_schema;

/// A vehicle identification number: 17 characters, upper case. It is personal data: `Debug` and
/// `Display` hide it; [`Vin::as_str`] shows it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vin(String);

text_schema!(
    Vin,
    "A vehicle identification number (ISO 3779); letters may be lower case.",
    "^[0-9A-HJ-NPR-Za-hj-npr-z]{17}$",
    "VF3ABCDE0FG123456"
);

/// The text is not a VIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a VIN: 17 letters and digits without I, O and Q")]
pub struct InvalidVin;

impl Vin {
    /// The number itself. For keys, requests to the maker and the operator; never for logs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first three characters: the world manufacturer identifier.
    #[must_use]
    pub fn manufacturer(&self) -> &str {
        self.0.get(..3).unwrap_or_default()
    }
}

impl FromStr for Vin {
    type Err = InvalidVin;

    fn from_str(text: &str) -> Result<Self, InvalidVin> {
        // The maker sends VINs in either case.
        let vin = text.to_ascii_uppercase();
        let well_formed = vin.len() == 17
            && vin.bytes().all(|b| {
                b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'O' | b'Q'))
            });
        well_formed.then_some(Self(vin)).ok_or(InvalidVin)
    }
}

impl TryFrom<String> for Vin {
    type Error = InvalidVin;

    fn try_from(text: String) -> Result<Self, InvalidVin> {
        text.parse()
    }
}

impl From<Vin> for String {
    fn from(vin: Vin) -> Self {
        vin.0
    }
}

impl fmt::Debug for Vin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vin(hidden)")
    }
}

impl fmt::Display for Vin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden VIN)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vin_is_upper_cased_on_the_way_in() {
        let vin: Vin = "vf3abcde0fg123456".parse().unwrap();

        assert_eq!(vin.as_str(), "VF3ABCDE0FG123456");
        assert_eq!(vin.manufacturer(), "VF3");
    }

    #[test]
    fn what_is_no_vin_is_refused() {
        for text in [
            "",
            "VF3ABCDE0FG12345",
            "VF3ABCDE0FG1234567",
            "VF3ABCDE0FG12345O",
            "VF3ABCDE0FG12345 ",
            "VF3ABCDE0FG1234é",
        ] {
            assert_eq!(text.parse::<Vin>(), Err(InvalidVin), "{text}");
        }
    }

    #[test]
    fn a_vin_never_shows_itself_unasked() {
        let vin: Vin = "VF3ABCDE0FG123456".parse().unwrap();

        assert!(!format!("{vin:?} {vin}").contains("123456"));
    }

    #[test]
    fn a_vin_survives_storage() {
        let vin: Vin = "VF3ABCDE0FG123456".parse().unwrap();

        let stored = serde_json::to_string(&vin).unwrap();

        assert_eq!(serde_json::from_str::<Vin>(&stored).unwrap(), vin);
    }
}
