//! `boolExp`: names of triggers with `&`, `|`, `!` and parentheses. `&` binds closer than `|`.

/// How deep parentheses and negations may lie.
const DEEPEST: usize = 32;
/// How many tokens there may be.
const LONGEST: usize = 256;

/// An expression over triggers by their place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BoolExp {
    Trigger(usize),
    Not(Box<BoolExp>),
    And(Box<BoolExp>, Box<BoolExp>),
    Or(Box<BoolExp>, Box<BoolExp>),
}

/// Why an expression is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadExp {
    #[error("it does not follow the grammar")]
    Grammar,
    #[error("it names a trigger that is not declared")]
    Undeclared,
    #[error("it is always true or always false")]
    Constant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Sign(char),
}

impl BoolExp {
    /// Reads an expression over these names.
    pub(crate) fn parse(text: &str, names: &[&str]) -> Result<Self, BadExp> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, names };
        let expression = parser.either(0)?;
        if !parser.tokens.is_empty() {
            return Err(BadExp::Grammar);
        }
        if expression.is_constant(names.len()) {
            return Err(BadExp::Constant);
        }
        Ok(expression)
    }

    /// Its value.
    pub(crate) fn holds(&self, triggers: &[bool]) -> bool {
        match self {
            Self::Trigger(index) => triggers.get(*index).copied().unwrap_or_default(),
            Self::Not(inner) => !inner.holds(triggers),
            Self::And(one, other) => one.holds(triggers) && other.holds(triggers),
            Self::Or(one, other) => one.holds(triggers) || other.holds(triggers),
        }
    }

    /// Whether it has the same value whatever its triggers say; of these there are five at most.
    fn is_constant(&self, count: usize) -> bool {
        let value = |row: u32| {
            let triggers: Vec<bool> = (0..count).map(|bit| row >> bit & 1 == 1).collect();
            self.holds(&triggers)
        };
        (1..1_u32 << count).all(|row| value(row) == value(0))
    }
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    names: &'a [&'a str],
}

impl Parser<'_> {
    fn takes(&mut self, sign: char) -> bool {
        let found = self.tokens.first() == Some(&Token::Sign(sign));
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn either(&mut self, depth: usize) -> Result<BoolExp, BadExp> {
        let mut left = self.both(depth)?;
        while self.takes('|') {
            left = BoolExp::Or(Box::new(left), Box::new(self.both(depth)?));
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<BoolExp, BadExp> {
        let mut left = self.single(depth)?;
        while self.takes('&') {
            left = BoolExp::And(Box::new(left), Box::new(self.single(depth)?));
        }
        Ok(left)
    }

    fn single(&mut self, depth: usize) -> Result<BoolExp, BadExp> {
        if depth > DEEPEST {
            return Err(BadExp::Grammar);
        }
        if self.takes('!') {
            return Ok(BoolExp::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.takes('(') {
            let inner = self.either(depth + 1)?;
            return if self.takes(')') { Ok(inner) } else { Err(BadExp::Grammar) };
        }
        let Some((Token::Name(name), rest)) = self.tokens.split_first() else {
            return Err(BadExp::Grammar);
        };
        self.tokens = rest;
        let index = self.names.iter().position(|known| known == name);
        index.map(BoolExp::Trigger).ok_or(BadExp::Undeclared)
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, BadExp> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if tokens.len() == LONGEST {
            return Err(BadExp::Grammar);
        }
        let length = if "&|!()".contains(first) {
            tokens.push(Token::Sign(first));
            1
        } else {
            let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(BadExp::Grammar);
            }
            tokens.push(Token::Name(&rest[..end]));
            end
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Letters, then perhaps one of `.-_`, then perhaps digits: what the schema's pattern means.
pub(crate) fn is_name(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let digits = rest.strip_prefix(['.', '-', '_']).unwrap_or(rest);
    rest.len() < text.len() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, triggers: &[bool]) -> bool {
        BoolExp::parse(text, &["z1", "z2", "t"]).unwrap().holds(triggers)
    }

    #[test]
    fn expressions_follow_the_grammar_and_and_binds_closer_than_or() {
        assert!(holds("z1 | z2 & t", &[true, false, false]));
        assert!(!holds("(z1 | z2) & t", &[true, false, false]));
        assert!(holds("((z1 & !t) | (z2&t))", &[true, false, false]));
        assert!(!holds("!(z1)", &[true, false, false]));
        assert!(holds("!!z1", &[true, false, false]));
    }

    #[test]
    fn what_is_no_expression_over_the_declared_names_is_refused() {
        let parse = |text: &str| BoolExp::parse(text, &["a", "b"]).unwrap_err();

        for wrong in ["", "a b", "a &", "& a", "(a", "a)", "a && b", "a ^ b", "()", "!"] {
            assert_eq!(parse(wrong), BadExp::Grammar, "{wrong}");
        }
        assert_eq!(parse("a & c"), BadExp::Undeclared);
        assert_eq!(parse("a | !a"), BadExp::Constant);
        assert_eq!(parse("a & b & !a"), BadExp::Constant);
        assert_eq!(parse(&"(".repeat(200)), BadExp::Grammar);
        assert_eq!(parse(&"!".repeat(200)), BadExp::Grammar);
    }

    #[test]
    fn names_are_letters_a_sign_and_digits() {
        for right in ["z", "zone", "zone1", "zone_1", "zone-12", "zone."] {
            assert!(is_name(right), "{right}");
        }
        for wrong in ["", "1", "_1", "zone 1", "zone_1_2", "zone1a", "zöne"] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
