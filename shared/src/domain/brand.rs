//! The five brands of the maker, and what a brand alone decides.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::vin::Vin;

/// A brand: users have an account with one, and each has an identity provider of its own.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Brand {
    /// Peugeot.
    Peugeot,
    /// Citroën.
    Citroen,
    /// DS Automobiles.
    Ds,
    /// Opel.
    Opel,
    /// Vauxhall, Opel's name in the United Kingdom.
    Vauxhall,
}

/// The text names no brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of peugeot, citroen, ds, opel, vauxhall")]
pub struct UnknownBrand;

/// World manufacturer identifiers (the first three characters of a VIN) and whose they may be.
/// General knowledge, not the maker's word: a caller who knows better names the brand.
const MANUFACTURERS: [(&str, &[Brand]); 8] = [
    ("VF3", &[Brand::Peugeot]),
    ("VR3", &[Brand::Peugeot]),
    ("VF7", &[Brand::Citroen]),
    ("VR7", &[Brand::Citroen]),
    ("VR1", &[Brand::Ds]),
    ("W0L", &[Brand::Opel, Brand::Vauxhall]),
    ("W0V", &[Brand::Opel, Brand::Vauxhall]),
    ("VXK", &[Brand::Opel, Brand::Vauxhall]),
];

impl Brand {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Peugeot, Self::Citroen, Self::Ds, Self::Opel, Self::Vauxhall];

    /// The name in addresses, keys and JSON: lower case, ASCII.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Peugeot => "peugeot",
            Self::Citroen => "citroen",
            Self::Ds => "ds",
            Self::Opel => "opel",
            Self::Vauxhall => "vauxhall",
        }
    }

    /// The name as the brand writes it, for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Peugeot => "Peugeot",
            Self::Citroen => "Citroën",
            Self::Ds => "DS",
            Self::Opel => "Opel",
            Self::Vauxhall => "Vauxhall",
        }
    }

    /// The realm of the brand's customers, sent as `x-introspect-realm` and when renewing.
    #[must_use]
    pub const fn realm(self) -> &'static str {
        match self {
            Self::Peugeot => "clientsB2CPeugeot",
            Self::Citroen => "clientsB2CCitroen",
            Self::Ds => "clientsB2CDS",
            Self::Opel => "clientsB2COpel",
            Self::Vauxhall => "clientsB2CVauxhall",
        }
    }

    /// The host of the brand's identity provider.
    #[must_use]
    pub const fn idp_host(self) -> &'static str {
        match self {
            Self::Peugeot => "idpcvs.peugeot.com",
            Self::Citroen => "idpcvs.citroen.com",
            Self::Ds => "idpcvs.driveds.com",
            Self::Opel => "idpcvs.opel.com",
            Self::Vauxhall => "idpcvs.vauxhall.co.uk",
        }
    }

    /// The brands that a VIN may belong to; none when its manufacturer is unknown.
    #[must_use]
    pub fn candidates(vin: &Vin) -> &'static [Self] {
        let known = MANUFACTURERS.iter().find(|(wmi, _)| *wmi == vin.manufacturer());
        known.map_or(&[], |(_, brands)| brands)
    }

    /// The brand that a VIN tells, if it tells one: Opel and Vauxhall share theirs.
    #[must_use]
    pub fn from_vin(vin: &Vin) -> Option<Self> {
        match Self::candidates(vin) {
            [brand] => Some(*brand),
            _ => None,
        }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Brand {
    type Err = UnknownBrand;

    fn from_str(text: &str) -> Result<Self, UnknownBrand> {
        Self::ALL.into_iter().find(|brand| brand.as_str() == text).ok_or(UnknownBrand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brand_of(vin: &str) -> Option<Brand> {
        Brand::from_vin(&vin.parse().unwrap())
    }

    #[test]
    fn a_brand_reads_what_it_writes() {
        for brand in Brand::ALL {
            assert_eq!(brand.to_string().parse(), Ok(brand));
            assert_eq!(serde_json::to_value(brand).unwrap(), brand.as_str());
        }
        assert_eq!("Peugeot".parse::<Brand>(), Err(UnknownBrand));
    }

    #[test]
    fn a_vin_tells_its_brand_only_where_one_brand_uses_that_manufacturer() {
        assert_eq!(brand_of("VF3ABCDE0FG123456"), Some(Brand::Peugeot));
        assert_eq!(brand_of("VR7ABCDE0FG123456"), Some(Brand::Citroen));
        assert_eq!(brand_of("VR1ABCDE0FG123456"), Some(Brand::Ds));
        assert_eq!(brand_of("W0LABCDE0FG123456"), None);
        assert_eq!(brand_of("WAUABCDE0FG123456"), None);
    }

    #[test]
    fn opel_and_vauxhall_are_both_candidates_for_their_vin() {
        let vin = "VXKABCDE0FG123456".parse().unwrap();

        assert_eq!(Brand::candidates(&vin), [Brand::Opel, Brand::Vauxhall]);
    }
}
