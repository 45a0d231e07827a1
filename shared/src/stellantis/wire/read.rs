//! Reading a value of a JSON document as what it should be, or not at all.

use serde_json::{Map, Value};

/// Something that a JSON value may be.
pub(crate) trait Read: Sized {
    /// The value as this, if it is this.
    fn read(value: &Value) -> Option<Self>;

    /// One of those that stand under several names of a field: the first.
    fn choose(mut found: impl Iterator<Item = Self>) -> Option<Self> {
        found.next()
    }
}

impl Read for Value {
    fn read(value: &Value) -> Option<Self> {
        (!value.is_null()).then(|| value.clone())
    }
}

/// A number, or one in a string: with a point or, as some examples have it, a comma.
impl Read for f64 {
    fn read(value: &Value) -> Option<Self> {
        let number = match value {
            Value::String(text) => text.trim().replacen(',', ".", 1).parse().ok()?,
            other => other.as_f64()?,
        };
        number.is_finite().then_some(number)
    }
}

impl Read for bool {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

impl Read for String {
    fn read(value: &Value) -> Option<Self> {
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

/// A list; what it holds of a wrong kind is left out. A single thing is a list of one.
impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(T::read).collect()),
            single => Some(vec![T::read(single)?]),
        }
    }
}

/// What an object holds of the right kind under any of several names.
pub(super) fn field<T: Read>(object: &Map<String, Value>, names: &[&str]) -> Option<T> {
    T::choose(names.iter().filter_map(|name| object.get(*name).and_then(T::read)))
}

/// An identifier: a string of any form, or a whole number.
pub(crate) struct Id(pub(crate) String);

impl Read for Id {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) if number.is_i64() || number.is_u64() => {
                Some(Self(number.to_string()))
            }
            other => String::read(other).map(Self),
        }
    }
}

/// A word of an enumeration, or an object that holds one under the name of its type, as
/// `{"RemoteDoneEventStatus": "Success"}`.
pub(crate) struct Word(pub(crate) String);

impl Read for Word {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Object(members) => {
                let named = members.iter().find(|(name, _)| name.ends_with("Status"));
                let (_, word) = named.or_else(|| members.iter().next())?;
                String::read(word).map(Self)
            }
            other => String::read(other).map(Self),
        }
    }
}

/// Documents whose every field may be missing, each with the names it goes by.
macro_rules! document {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$field_doc:meta])* $field:ident : $kind:ty = $($key:literal)|+ ),* $(,)?
        }
    )+) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name {
            $( $(#[$field_doc])* pub(crate) $field: Option<$kind>, )*
        }

        impl $crate::stellantis::wire::read::Read for $name {
            fn read(value: &serde_json::Value) -> Option<Self> {
                let object = value.as_object()?;
                Some(Self {
                    $( $field: $crate::stellantis::wire::read::field(object, &[$($key),+]), )*
                })
            }
        }
    )+};
}

pub(super) use document;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    document! {
        /// For the tests.
        Thing { count: f64 = "count" | "Count", flags: Vec<bool> = "flags" }
    }

    fn thing(value: &Value) -> Thing {
        Thing::read(value).unwrap()
    }

    #[test]
    fn a_wrong_type_costs_only_its_own_field() {
        let thing = thing(&json!({"count": {"no": "number"}, "flags": [true, 7, "false"]}));

        assert_eq!(thing.count, None);
        assert_eq!(thing.flags, Some(vec![true, false]));
    }

    #[test]
    fn an_old_name_holds_where_the_new_one_says_nothing() {
        assert_eq!(thing(&json!({"count": null, "Count": "33,3"})).count, Some(33.3));
        assert_eq!(thing(&json!({"count": 1, "Count": 2})).count, Some(1.0));
    }

    #[test]
    fn a_single_thing_is_a_list_of_one() {
        assert_eq!(thing(&json!({"flags": true})).flags, Some(vec![true]));
        assert_eq!(thing(&json!({"flags": 1})).flags, None);
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for value in [json!("NaN"), json!("inf"), json!(""), json!(true)] {
            assert_eq!(f64::read(&value), None, "{value}");
        }
    }
}
