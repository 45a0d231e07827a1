//! Everything a car can tell: blocks that have one time, their fields, units and scopes. The
//! table is in `field/table.rs`; here is what it is made into.

use std::{fmt, str::FromStr};

use super::{unit::Unit, value::Kind};

/// No field or block has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such field")]
pub struct UnknownField;

macro_rules! table {
    (
        $(
            $(#[$block_doc:meta])*
            $block:ident $block_name:literal in $scope:literal {
                $( $(#[$doc:meta])* $field:ident $key:literal $kind:ident $($unit:ident)?, )+
            }
        )+
    ) => {
        /// A part of the car that reports at one time.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Block { $( $(#[$block_doc])* $block, )+ }

        /// One thing that a car tells, named `block.key`.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Field { $($( $(#[$doc])* $field, )+)+ }

        impl Block {
            /// Every block.
            pub const ALL: &'static [Self] = &[$(Self::$block,)+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$block => $block_name,)+ }
            }

            /// The scope under which the maker gives it.
            #[must_use]
            pub const fn scope(self) -> &'static str {
                match self { $(Self::$block => $scope,)+ }
            }
        }

        impl Field {
            /// Every field, block by block.
            pub const ALL: &'static [Self] = &[$($(Self::$field,)+)+];

            /// Its name: `block.key`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Self::$field => concat!($block_name, ".", $key),)+)+ }
            }

            /// Its name within its block.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $($(Self::$field => $key,)+)+ }
            }

            /// The block it belongs to.
            #[must_use]
            pub const fn block(self) -> Block {
                match self { $($(Self::$field => Block::$block,)+)+ }
            }

            /// What its values are.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $($(Self::$field => Kind::$kind,)+)+ }
            }

            /// The unit of its numbers.
            #[must_use]
            pub const fn unit(self) -> Option<Unit> {
                match self { $($(Self::$field => table!(@unit $($unit)?),)+)+ }
            }
        }
    };
    (@unit) => { None };
    (@unit $unit:ident) => { Some(Unit::$unit) };
}

mod table;

pub use table::{Block, Field};

macro_rules! named {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = UnknownField;

            fn from_str(text: &str) -> Result<Self, UnknownField> {
                Self::ALL.iter().copied().find(|one| one.name() == text).ok_or(UnknownField)
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownField;

            fn try_from(text: String) -> Result<Self, UnknownField> {
                text.parse()
            }
        }

        impl From<$name> for &'static str {
            fn from(one: $name) -> Self {
                one.name()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .enum_values(Some(Self::ALL.iter().map(|one| one.name())))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

named!(Block);
named!(Field);

impl Field {
    /// Whether it tells where the car is, so that the operator needs `read:position`.
    #[must_use]
    pub const fn is_position(self) -> bool {
        matches!(self.kind(), Kind::Position)
    }

    /// Whether its block holds nothing else.
    #[must_use]
    pub fn is_its_block(self) -> bool {
        Self::ALL.iter().filter(|other| other.block() == self.block()).count() == 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_is_its_own_and_reads_back() {
        for field in Field::ALL {
            assert_eq!(field.name().parse(), Ok(*field));
            assert_eq!(field.name(), format!("{}.{}", field.block(), field.key()));
        }
        let names: BTreeSet<_> = Field::ALL.iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), Field::ALL.len());
        assert!("odometer.colour".parse::<Field>().is_err());
    }

    #[test]
    fn every_number_has_a_unit_and_nothing_else_does() {
        for field in Field::ALL {
            assert_eq!(field.kind() == Kind::Number, field.unit().is_some(), "{field}");
        }
    }
}
