//! Whose an enrollment is, in the operator's words.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::text::text_schema;

/// The operator's own name for a user: opaque to us, and no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserRef(String);

text_schema!(
    UserRef,
    "Your own name for a user: opaque to us, and no e-mail address.",
    "^[0-9A-Za-z._:-]{1,128}$",
    "user-4711"
);

/// Not a `user_ref`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 128 letters, digits or any of . _ : - (an e-mail address is refused)")]
pub struct InvalidUserRef;

impl UserRef {
    /// The user of open mode, where nobody names one.
    #[must_use]
    pub fn open() -> Self {
        Self("open".into())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserRef {
    type Err = InvalidUserRef;

    fn from_str(text: &str) -> Result<Self, InvalidUserRef> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        let well_formed = (1..=128).contains(&text.len()) && text.bytes().all(allowed);
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidUserRef)
    }
}

impl TryFrom<String> for UserRef {
    type Error = InvalidUserRef;

    fn try_from(text: String) -> Result<Self, InvalidUserRef> {
        text.parse()
    }
}

impl From<UserRef> for String {
    fn from(user: UserRef) -> Self {
        user.0
    }
}
