//! Whose account a mailed link is for, in words that its receiver knows.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::text::text_schema;

/// What the operator calls the account that a car will be seen in. It travels sealed in the ticket
/// and is shown on our page; it is stored nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountLabel(String);

text_schema!(
    AccountLabel,
    "What you call the account that a car will be seen in: 1 to 80 printable characters, without a \
     space at either end.",
    r"^[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069 \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]([^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]{0,78}[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069 \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000])?$",
    "Family Miller's account"
);

/// Not a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 80 printable characters, without a space at either end")]
pub struct InvalidAccountLabel;

impl FromStr for AccountLabel {
    type Err = InvalidAccountLabel;

    fn from_str(text: &str) -> Result<Self, InvalidAccountLabel> {
        let well_formed = (1..=80).contains(&text.chars().count())
            && text.trim() == text
            && text.chars().all(is_printable);
        well_formed.then(|| Self(text.to_owned())).ok_or(InvalidAccountLabel)
    }
}

/// Neither a control character nor one that breaks lines or turns the direction of the words
/// around it: the sentence on the page must read as we wrote it.
fn is_printable(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl TryFrom<String> for AccountLabel {
    type Error = InvalidAccountLabel;

    fn try_from(text: String) -> Result<Self, InvalidAccountLabel> {
        text.parse()
    }
}

impl From<AccountLabel> for String {
    fn from(label: AccountLabel) -> Self {
        label.0
    }
}

impl fmt::Display for AccountLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_short_line_that_turns_no_other_words_around() {
        for text in [
            "F",
            "Family Miller's account",
            "Konto \u{201e}Müller & <Söhne>\u{201c}",
            &"é".repeat(80),
        ] {
            assert_eq!(text.parse::<AccountLabel>().unwrap().to_string(), text);
        }
        for text in
            ["", " ", " a", "a\n", "a\nb", "a\u{0}b", "a\u{202e}b", "a\u{2028}b", &"a".repeat(81)]
        {
            assert_eq!(text.parse::<AccountLabel>(), Err(InvalidAccountLabel), "{text:?}");
        }
    }
}
