//! The five brands, each with an identity provider and a realm of its own.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A brand whose drivers log in at the simulated maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Vauxhall.
    Vauxhall,
}

/// The text names no brand.
#[derive(Debug, thiserror::Error)]
#[error("not a brand of the simulated maker")]
pub struct UnknownBrand;

impl Brand {
    /// All of them, in the order of the maker's portal.
    pub const ALL: [Self; 5] = [Self::Peugeot, Self::Citroen, Self::Ds, Self::Opel, Self::Vauxhall];

    /// The name in addresses.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Peugeot => "peugeot",
            Self::Citroen => "citroen",
            Self::Ds => "ds",
            Self::Opel => "opel",
            Self::Vauxhall => "vauxhall",
        }
    }

    /// The name as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Peugeot => "Peugeot",
            Self::Citroen => "Citroën",
            Self::Ds => "DS",
            Self::Opel => "Opel",
            Self::Vauxhall => "Vauxhall",
        }
    }

    /// What `realm` and `x-introspect-realm` must say.
    #[must_use]
    pub fn realm(self) -> &'static str {
        match self {
            Self::Peugeot => "clientsB2CPeugeot",
            Self::Citroen => "clientsB2CCitroen",
            Self::Ds => "clientsB2CDS",
            Self::Opel => "clientsB2COpel",
            Self::Vauxhall => "clientsB2CVauxhall",
        }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

impl FromStr for Brand {
    type Err = UnknownBrand;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|brand| brand.slug() == text).ok_or(UnknownBrand)
    }
}
