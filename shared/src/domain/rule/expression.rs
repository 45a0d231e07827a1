//! `boolExp`: triggers by name, with `&`, `|`, `!` and parentheses.
//!
//! Read without recursion, so that no text can exhaust the stack. What is kept is the canonical text:
//! the maker gives its operators no precedence, so every mixture gets its parentheses. `!` binds
//! closest, then `&`, then `|`.

/// The longest text, as written and as sent.
const LONGEST: usize = 2_000;
/// Triggers that a rule may have; so a truth table has 32 rows, the bits of a word.
pub const MOST_TRIGGERS: usize = 5;

/// In which rows of the truth table the n-th trigger is true.
const COLUMNS: [u32; MOST_TRIGGERS] =
    [0xAAAA_AAAA, 0xCCCC_CCCC, 0xF0F0_F0F0, 0xFF00_FF00, 0xFFFF_0000];

/// Why a text is no expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// Too long.
    #[error("expected at most 2000 characters, with the parentheses that make its order plain")]
    TooLong,
    /// It breaks the grammar.
    #[error("expected names of triggers with &, |, ! and parentheses, at character {0}")]
    Grammar(usize),
    /// It names a trigger that there is not.
    #[error("the name at character {0} is none of the triggers")]
    Undeclared(usize),
    /// A trigger takes no part.
    #[error("expected every trigger to be used")]
    Unused,
    /// The maker refuses what is always true or always false.
    #[error("it is always true or always false")]
    Constant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Not,
    And,
    Or,
    Open,
}

impl Sign {
    const fn binds(self) -> u8 {
        match self {
            Self::Not => 3,
            Self::And => 2,
            Self::Or => 1,
            Self::Open => 0,
        }
    }
}

/// A part that is complete: its text, what holds it together, and its truth table.
struct Part {
    text: String,
    by: Option<Sign>,
    rows: u32,
}

impl Part {
    /// Its text as an operand of `sign`.
    fn within(self, sign: Sign) -> String {
        if self.by.is_none_or(|by| by == sign && sign != Sign::Not) {
            self.text
        } else {
            format!("({})", self.text)
        }
    }
}

/// Checks an expression over these names, and gives its canonical text.
///
/// # Errors
/// See [`InvalidExpression`].
pub(super) fn canonical(text: &str, names: &[&str]) -> Result<String, InvalidExpression> {
    if text.len() > LONGEST {
        return Err(InvalidExpression::TooLong);
    }
    let mut reader = Reader { names, parts: Vec::new(), signs: Vec::new(), used: 0 };
    let mut at = 0;
    let mut wants_operand = true;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let wrong = InvalidExpression::Grammar(at);
        let length = match first {
            ' ' | '\t' | '\n' | '\r' => first.len_utf8(),
            '!' | '(' if wants_operand => {
                reader.signs.push(if first == '!' { Sign::Not } else { Sign::Open });
                1
            }
            '&' | '|' if !wants_operand => {
                reader.binary(if first == '&' { Sign::And } else { Sign::Or }).ok_or(wrong)?;
                wants_operand = true;
                1
            }
            ')' if !wants_operand => {
                reader.close().ok_or(wrong)?;
                1
            }
            _ if wants_operand => {
                wants_operand = false;
                reader.name(text, at)?
            }
            _ => return Err(wrong),
        };
        at += length;
    }
    if wants_operand {
        return Err(InvalidExpression::Grammar(at));
    }
    reader.finish().ok_or(InvalidExpression::Grammar(at))?
}

struct Reader<'a> {
    names: &'a [&'a str],
    parts: Vec<Part>,
    signs: Vec<Sign>,
    used: usize,
}

impl Reader<'_> {
    /// Reads a name; returns its length.
    fn name(&mut self, text: &str, at: usize) -> Result<usize, InvalidExpression> {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
        let name = rest.get(..end).filter(|name| !name.is_empty());
        let name = name.ok_or(InvalidExpression::Grammar(at))?;
        let known = self.names.iter().zip(COLUMNS).enumerate().find(|(_, (own, _))| **own == name);
        let (index, (_, rows)) = known.ok_or(InvalidExpression::Undeclared(at))?;
        self.used |= 1 << index;
        self.parts.push(Part { text: name.to_owned(), by: None, rows });
        Ok(end)
    }

    /// Puts together what binds at least as closely, then remembers this sign.
    fn binary(&mut self, sign: Sign) -> Option<()> {
        while self.signs.last().is_some_and(|top| top.binds() >= sign.binds()) {
            self.reduce()?;
        }
        self.signs.push(sign);
        Some(())
    }

    /// Puts together what stands since the open parenthesis.
    fn close(&mut self) -> Option<()> {
        while *self.signs.last()? != Sign::Open {
            self.reduce()?;
        }
        self.signs.pop();
        Some(())
    }

    fn reduce(&mut self) -> Option<()> {
        let sign = self.signs.pop()?;
        let right = self.parts.pop()?;
        let part = match sign {
            Sign::Open => return None,
            Sign::Not => {
                let rows = !right.rows;
                Part { text: format!("!{}", right.within(sign)), by: Some(sign), rows }
            }
            Sign::And | Sign::Or => {
                let left = self.parts.pop()?;
                let (rows, between) = match sign {
                    Sign::And => (left.rows & right.rows, "&"),
                    _ => (left.rows | right.rows, "|"),
                };
                let text = format!("{} {between} {}", left.within(sign), right.within(sign));
                Part { text, by: Some(sign), rows }
            }
        };
        self.parts.push(part);
        Some(())
    }

    /// `None`: a parenthesis is open.
    fn finish(mut self) -> Option<Result<String, InvalidExpression>> {
        while !self.signs.is_empty() {
            self.reduce()?;
        }
        let whole = self.parts.pop()?;
        Some(if self.used.count_ones() as usize != self.names.len() {
            Err(InvalidExpression::Unused)
        } else if whole.rows == 0 || whole.rows == u32::MAX {
            Err(InvalidExpression::Constant)
        } else if whole.text.len() > LONGEST {
            Err(InvalidExpression::TooLong)
        } else {
            Ok(whole.text)
        })
    }
}

const fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Whether a text can name a trigger: letters, then perhaps one of `.-_`, then perhaps digits, which
/// is what the schema's pattern means.
pub(super) fn is_name(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let digits = rest.strip_prefix(['.', '-', '_']).unwrap_or(rest);
    text.len() <= 40 && rest.len() < text.len() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, InvalidExpression> {
        canonical(text, &["a", "b"])
    }

    #[test]
    fn mixtures_get_the_parentheses_that_make_their_order_plain() {
        let three = |text| canonical(text, &["a", "b", "c"]).unwrap();

        assert_eq!(three("a|b & c"), "a | (b & c)");
        assert_eq!(three("(a | b) & c"), "(a | b) & c");
        assert_eq!(three("((a)) & (b & c)"), "a & b & c");
        assert_eq!(three("!a & !(b | c)"), "(!a) & (!(b | c))");
        assert_eq!(three("!!a|b|c"), "(!(!a)) | b | c");
    }

    #[test]
    fn what_is_no_expression_is_refused_at_its_place() {
        for (text, at) in [
            ("", 0),
            ("a b", 2),
            ("a &", 3),
            ("& a", 0),
            ("(a | b", 6),
            ("a | b)", 5),
            ("a && b", 3),
            ("a ^ b", 2),
            ("()", 1),
            ("!", 1),
            ("a | é", 4),
        ] {
            assert_eq!(read(text), Err(InvalidExpression::Grammar(at)), "{text}");
        }
        assert_eq!(read("a | other"), Err(InvalidExpression::Undeclared(4)));
        assert_eq!(read("a | !a"), Err(InvalidExpression::Unused));
        assert_eq!(read("a & b & !a"), Err(InvalidExpression::Constant));
        assert_eq!(read("a | b | !a"), Err(InvalidExpression::Constant));
        assert_eq!(read(&format!("a{}", " ".repeat(2_000))), Err(InvalidExpression::TooLong));
        let short_as_written = vec!["a|b&a"; 333].join("|");
        assert_eq!(read(&short_as_written), Err(InvalidExpression::TooLong));
    }

    #[test]
    fn no_depth_exhausts_the_stack() {
        assert!(read(&"(".repeat(2_000)).is_err());
        assert!(read(&format!("{}a{} | b", "(".repeat(900), ")".repeat(900))).is_ok());
        assert_eq!(read(&format!("{}a|b", "!".repeat(1_900))), Err(InvalidExpression::TooLong));
    }

    #[test]
    fn names_are_letters_a_sign_and_digits() {
        for right in ["z", "zone", "zone1", "zone_1", "zone-12", "zone."] {
            assert!(is_name(right), "{right}");
        }
        for wrong in ["", "1", "_1", "zone 1", "zone_1_2", "zone1a", "zöne", &"z".repeat(41)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_canonical_stays(text in "[ab&|!() ]{0,60}") {
            if let Ok(once) = read(&text) {
                prop_assert_eq!(read(&once), Ok(once));
            }
        }
    }
}
