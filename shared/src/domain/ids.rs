//! Identifiers of ours: a prefix that names the kind, then 128 random bits.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{Context, Digest, SHA256};
use data_encoding::BASE32HEX_NOPAD;
use serde::{Deserialize, Serialize};

use super::text::text_schema;

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {prefix} followed by 26 characters")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! id {
    ($(#[doc = $doc:literal])* $name:ident, $prefix:literal) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        text_schema!($name, concat!($($doc),*), concat!("^", $prefix, "[0-9a-z]{26}$"));

        impl $name {
            /// A new, random one.
            #[must_use]
            pub fn random() -> Self {
                Self(format!(concat!($prefix, "{}"), crate::random::id()))
            }

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let body = text.strip_prefix($prefix).unwrap_or_default();
                let well_formed = body.len() == 26
                    && body.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
                well_formed.then(|| Self(text.to_owned())).ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One user's consent for one brand account.
    EnrollmentId, "enr_"
);
id!(
    /// The tokens of one consent; a new consent has a new one.
    GrantId, "gr_"
);
id!(
    /// One thing the operator's API asked `act` to do.
    RequestId, "req_"
);
id!(
    /// One thing we tell the operator.
    EventId, "evt_"
);
id!(
    /// A rule of the operator's by which cars are monitored.
    RuleId, "mon_"
);
id!(
    /// One command to a car.
    RemoteId, "rem_"
);
id!(
    /// One endpoint of the operator's that is told events.
    WebhookId, "whk_"
);
id!(
    /// One try at one conditional write: finding one's own is success.
    AttemptId, "try_"
);

impl RemoteId {
    /// A new, random one that sorts behind all made in an earlier second: so that the commands to
    /// a car are listed as they came.
    #[must_use]
    pub fn at(now: jiff::Timestamp) -> Self {
        let mut bytes: [u8; 16] = crate::random::bytes();
        let seconds = now.as_second().to_be_bytes();
        for (byte, second) in bytes.iter_mut().zip(seconds.iter().skip(2)) {
            *byte = *second;
        }
        Self(format!("rem_{}", BASE32HEX_NOPAD.encode(&bytes).to_ascii_lowercase()))
    }
}

impl EventId {
    /// The one id of a thing that these parts name, whoever tells of it and however often.
    #[must_use]
    pub fn derived(parts: &[&str]) -> Self {
        Self(format!("evt_{}", body_of(parts)))
    }
}

impl RequestId {
    /// The one id of what these parts ask, whoever asks it.
    #[must_use]
    pub fn derived(parts: &[&str]) -> Self {
        Self(format!("req_{}", body_of(parts)))
    }
}

/// The body of an id that is derived from its parts.
fn body_of(parts: &[&str]) -> String {
    let digest = digest_of(parts);
    let body = digest.as_ref().get(..16).unwrap_or_default();
    BASE32HEX_NOPAD.encode(body).to_ascii_lowercase()
}

/// SHA-256 over several texts.
pub(super) fn digest_of(parts: &[&str]) -> Digest {
    // Length first, or the border between two parts could move unseen.
    let mut hash = Context::new(&SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_is_the_same_for_the_same_parts_and_looks_like_any_other() {
        let id = EventId::derived(&["ab", "c"]);

        assert_eq!(id, EventId::derived(&["ab", "c"]));
        assert_ne!(id, EventId::derived(&["a", "bc"]));
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn the_id_of_a_command_sorts_by_its_time() {
        let at = |second| RemoteId::at(jiff::Timestamp::from_second(second).unwrap());
        let (first, second, later) = (at(1), at(1_790_000_000), at(1_790_000_001));

        assert!(first < second && second < later);
        assert_ne!(second, at(1_790_000_000));
        assert_eq!(second.as_str().parse(), Ok(second));
    }

    #[test]
    fn an_identifier_parses_only_with_its_own_prefix() {
        let id = EnrollmentId::random();

        assert_eq!(id.as_str().parse::<EnrollmentId>(), Ok(id.clone()));
        assert!(id.as_str().parse::<GrantId>().is_err());
        assert!("enr_UPPERCASE0000000000000000A".parse::<EnrollmentId>().is_err());
        assert!("".parse::<EnrollmentId>().is_err());
    }
}
