//! Metric math: `IF`, `FILL`, `+` and `>`, over one period at a time.

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Id(String),
    Number(f64),
    /// Without data, that.
    Fill(Box<Expression>, f64),
    If(Box<Expression>, Box<Expression>, Box<Expression>),
    Sum(Box<Expression>, Box<Expression>),
    Above(Box<Expression>, Box<Expression>),
}

impl Expression {
    /// `None`: it can't be understood.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut tokens = tokens(text)?;
        tokens.reverse();
        let expression = comparison(&mut tokens)?;
        tokens.is_empty().then_some(expression)
    }

    /// The metrics that it names.
    pub(super) fn ids(&self) -> Vec<&str> {
        match self {
            Self::Id(id) => vec![id],
            Self::Number(_) => Vec::new(),
            Self::Fill(of, _) => of.ids(),
            Self::If(one, two, three) => [one, two, three].iter().flat_map(|it| it.ids()).collect(),
            Self::Sum(one, two) | Self::Above(one, two) => {
                [one, two].iter().flat_map(|it| it.ids()).collect()
            }
        }
    }

    /// Its value in a period in which the metrics have these; without data, none.
    pub(super) fn value(&self, of: &dyn Fn(&str) -> Option<f64>) -> Option<f64> {
        Some(match self {
            Self::Id(id) => return of(id),
            Self::Number(number) => *number,
            Self::Fill(inner, otherwise) => inner.value(of).unwrap_or(*otherwise),
            Self::If(condition, yes, no) => {
                let branch = if condition.value(of)? > 0.0 { yes } else { no };
                return branch.value(of);
            }
            Self::Sum(one, two) => one.value(of)? + two.value(of)?,
            Self::Above(one, two) => f64::from(u8::from(one.value(of)? > two.value(of)?)),
        })
    }
}

fn tokens(text: &str) -> Option<Vec<String>> {
    let (mut tokens, mut word) = (Vec::new(), String::new());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' || letter == '.' {
            word.push(letter);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        match letter {
            ' ' => {}
            '(' | ')' | ',' | '+' | '>' => tokens.push(letter.to_string()),
            _ => return None,
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    Some(tokens)
}

/// The next token stands last.
type Tokens = Vec<String>;

fn comparison(tokens: &mut Tokens) -> Option<Expression> {
    let left = sum(tokens)?;
    if !take(tokens, ">") {
        return Some(left);
    }
    Some(Expression::Above(left.into(), sum(tokens)?.into()))
}

fn sum(tokens: &mut Tokens) -> Option<Expression> {
    let mut left = term(tokens)?;
    while take(tokens, "+") {
        left = Expression::Sum(left.into(), term(tokens)?.into());
    }
    Some(left)
}

fn term(tokens: &mut Tokens) -> Option<Expression> {
    let token = tokens.pop()?;
    if let Ok(number) = token.parse() {
        return Some(Expression::Number(number));
    }
    match token.as_str() {
        "IF" => {
            let [one, two, three] = arguments(tokens)?.try_into().ok()?;
            Some(Expression::If(Box::new(one), Box::new(two), Box::new(three)))
        }
        "FILL" => match <[Expression; 2]>::try_from(arguments(tokens)?).ok()? {
            [inner, Expression::Number(otherwise)] => {
                Some(Expression::Fill(Box::new(inner), otherwise))
            }
            _ => None,
        },
        // Ids begin with a small letter, functions are in capitals.
        id if id.starts_with(|letter: char| letter.is_ascii_lowercase()) => {
            Some(Expression::Id(token))
        }
        _ => None,
    }
}

fn arguments(tokens: &mut Tokens) -> Option<Vec<Expression>> {
    if !take(tokens, "(") {
        return None;
    }
    let mut all = vec![comparison(tokens)?];
    while take(tokens, ",") {
        all.push(comparison(tokens)?);
    }
    take(tokens, ")").then_some(all)
}

fn take(tokens: &mut Tokens, wanted: &str) -> bool {
    let there = tokens.last().is_some_and(|token| token == wanted);
    if there {
        tokens.pop();
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, known: &[(&str, f64)]) -> Option<f64> {
        let of = |id: &str| known.iter().find(|(name, _)| *name == id).map(|(_, value)| *value);
        Expression::read(text).unwrap().value(&of)
    }

    #[test]
    fn what_the_template_computes_is_computed() {
        let fruitless = "IF(FILL(succeeded, 0) > 0, 0, FILL(failed, 0))";

        assert_eq!(value(fruitless, &[("failed", 3.0)]), Some(3.0));
        assert_eq!(value(fruitless, &[("failed", 3.0), ("succeeded", 1.0)]), Some(0.0));
        assert_eq!(value(fruitless, &[]), Some(0.0));
        assert_eq!(value("FILL(a, 0) + FILL(b, 0)", &[("b", 2.0)]), Some(2.0));
        assert_eq!(value("a + FILL(b, 0)", &[("b", 2.0)]), None);
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for text in ["RATE(a)", "a - b", "IF(a, b)", "FILL(a, REPEAT)", "a b", "", "SUM([a, b])"] {
            assert_eq!(Expression::read(text), None, "{text}");
        }
    }
}
