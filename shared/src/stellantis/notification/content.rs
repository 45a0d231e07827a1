//! The name of a message. The maker gives none, repeats messages, and sends them alone or in
//! batches: a name is made of what the message says, without what is sent along with it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::vin_of;
use crate::{
    domain::{ids::EnrollmentId, vin::Vin},
    stellantis::wire::{self, Read},
};

/// How deep a message may be nested.
const DEEPEST: usize = 64;

/// A message as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its name: SHA-256, in hex, over the subscription and what it says.
    pub content: String,
    /// What it says: JSON with sorted keys, numbers as written, without its attributes.
    pub text: String,
    /// Whether the secret was among its attributes.
    pub secret: bool,
    /// The VIN among its attributes.
    pub vin: Option<Vin>,
}

/// It is no JSON, or no object where a message is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message")]
pub struct Unreadable;

type Raw<'a> = &'a RawValue;

/// The messages of a body: one, or a list of them.
///
/// # Errors
/// When the body is no JSON.
pub fn split(body: &[u8]) -> Result<Vec<Raw<'_>>, Unreadable> {
    let raw: Raw<'_> = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    if raw.get().starts_with('[') {
        return serde_json::from_str(raw.get()).map_err(|_| Unreadable);
    }
    Ok(vec![raw])
}

impl Incoming {
    /// Names a message to an enrollment's subscription; `is_secret` judges its attributes, which go
    /// no further.
    ///
    /// # Errors
    /// When it is no object, or nested too deep.
    pub fn read(
        raw: Raw<'_>,
        enrollment: &EnrollmentId,
        is_secret: impl Fn(&str) -> bool,
    ) -> Result<Self, Unreadable> {
        let mut members: BTreeMap<String, Raw<'_>> = parse(raw)?;
        let attributes = members.remove("attributes");
        let attributes = attributes.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let attributes: Vec<wire::Attribute> =
            attributes.as_ref().and_then(Read::read).unwrap_or_default();
        let mut text = String::with_capacity(raw.get().len());
        object(&members, &mut text, DEEPEST)?;
        let mut hash = Context::new(&SHA256);
        let subscription = enrollment.as_str();
        hash.update(&(subscription.len() as u64).to_le_bytes());
        hash.update(subscription.as_bytes());
        hash.update(text.as_bytes());
        // Every one is looked at, so that the time tells nothing of where the right one stands.
        let values = attributes.iter().filter_map(|attribute| attribute.value.as_deref());
        let secret = values.fold(false, |found, value| is_secret(value) | found);
        let vin = vin_of(&attributes);
        Ok(Self { content: HEXLOWER.encode(hash.finish().as_ref()), text, secret, vin })
    }
}

fn parse<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Result<T, Unreadable> {
    serde_json::from_str(raw.get()).map_err(|_| Unreadable)
}

fn canonical(raw: Raw<'_>, out: &mut String, depth: usize) -> Result<(), Unreadable> {
    let depth = depth.checked_sub(1).ok_or(Unreadable)?;
    match raw.get().as_bytes().first() {
        Some(b'{') => object(&parse(raw)?, out, depth),
        Some(b'[') => {
            out.push('[');
            for (index, item) in parse::<Vec<Raw<'_>>>(raw)?.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, out, depth)?;
            }
            out.push(']');
            Ok(())
        }
        // One text may be escaped in several ways.
        Some(b'"') => string(&parse::<String>(raw)?, out),
        _ => {
            out.push_str(raw.get());
            Ok(())
        }
    }
}

fn object(
    members: &BTreeMap<String, Raw<'_>>,
    out: &mut String,
    depth: usize,
) -> Result<(), Unreadable> {
    out.push('{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(key, out)?;
        out.push(':');
        canonical(value, out, depth)?;
    }
    out.push('}');
    Ok(())
}

fn string(text: &str, out: &mut String) -> Result<(), Unreadable> {
    out.push_str(&serde_json::to_string(text).map_err(|_| Unreadable)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Incoming, Unreadable> {
        let enrollment = "enr_00000000000000000000000000".parse().unwrap();
        let raw = split(text.as_bytes())?;
        Incoming::read(raw[0], &enrollment, |value| value == "right")
    }

    #[test]
    fn the_name_is_of_what_is_said_and_not_of_how() {
        let one = read(r#"{"b": [1, {"d": 1.0, "c": "é"}], "a": null}"#).unwrap();
        let other = read(
            r#"[{"a":null,"attributes":[{"key":"x","value":"y"}],"b":[1,{"c":"\u00e9","d":1.0}]}]"#,
        );

        assert_eq!(one.text, r#"{"a":null,"b":[1,{"c":"é","d":1.0}]}"#);
        assert_eq!(other.unwrap(), one);
        assert_ne!(
            read(r#"{"b": [1, {"d": 1, "c": "é"}], "a": null}"#).unwrap().content,
            one.content
        );
    }

    #[test]
    fn attributes_give_the_vin_and_a_verdict_on_the_secret() {
        let with = |value: &str| {
            let text = format!(
                r#"{{"attributes": [{{"key": "Vin", "value": "vr3uhzkxzpt000208"}}, 7, {{"key": "s", "value": "{value}"}}]}}"#
            );
            read(&text).unwrap()
        };

        let (right, wrong) = (with("right"), with("wrong"));
        assert!(right.secret && !wrong.secret);
        assert_eq!(right.vin.as_ref().map(Vin::as_str), Some("VR3UHZKXZPT000208"));
        assert_eq!((right.text.as_str(), right.content), ("{}", wrong.content));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in ["", "{", "7", "[7]", "\"x\"", "null", "{}{}", "[{}"] {
            assert!(read(text).is_err(), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100), "]".repeat(100));
        assert_eq!(read(&deep), Err(Unreadable));
        let abyss = format!("{{\"a\":{}{}}}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(read(&abyss), Err(Unreadable));
        assert!(split(b"[]").unwrap().is_empty());
        assert!(split(b"{\"a\": \"\xff\"}").is_err());
    }
}
