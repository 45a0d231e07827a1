//! JSON in, with an error that names the field.

use std::borrow::Cow;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{StatusCode, header},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use shared::http::Problem;

use crate::{
    Error,
    json::{Document, Strict},
};

/// The longest name of a field that is said again.
const LONGEST_NAME: usize = 64;

/// A body of a known shape, and its bytes.
pub(crate) struct Body<T> {
    pub(crate) value: T,
    pub(crate) bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let essence = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if essence != Some("application/json") {
            let problem =
                Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
            return Err(Error::Request(problem.detail("Send JSON as application/json.")));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|error| too_long(&error))?;
        let value = read(&bytes)?;
        Ok(Self { value, bytes })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    if body.trim_ascii().is_empty() {
        return Err(Error::invalid("body", "expected a JSON object, and the body is empty"));
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
        return Err(Error::invalid("body", no_json(&error)));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let Document(document) =
        serde_path_to_error::deserialize(&mut json).map_err(|error| refused(&error))?;
    serde_path_to_error::deserialize(Strict(document)).map_err(|error| refused(&error))
}

/// Where it stops being JSON. The error quotes nothing of it.
fn no_json(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => format!("not JSON: it ends too early, at line {line}, column {column}"),
        _ => format!("not JSON at line {line}, column {column}"),
    }
}

/// Names the field and what would be right, never what was sent. What is read twice, as a rule's
/// `when` is, has a name only as a whole.
fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let text = error.inner().to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let path = path(error.path());
    let named = [("missing field `", "is missing"), ("duplicate field `", "is given twice")];
    let named = named.iter().find_map(|(start, what)| {
        let name = text.strip_prefix(start)?.strip_suffix('`')?;
        is_name(name).then_some((name, what))
    });
    match (path.as_str(), named) {
        ("", Some((name, what))) => Error::invalid(name, what),
        (path, Some((name, what))) => Error::invalid(path, format!("`{name}` {what}")),
        ("", None) => Error::invalid("body", wanted(text)),
        (path, None) => Error::invalid(path, wanted(text)),
    }
}

/// `target.car.vin`, as far as its names look like names: others are whatever somebody sent.
fn path(path: &Path) -> String {
    let names = path.iter().map_while(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key: name } | Segment::Enum { variant: name } => {
            is_name(name).then(|| name.clone())
        }
        Segment::Unknown => None,
    });
    names.collect::<Vec<_>>().join(".")
}

/// Whether a name that we were sent looks like one: others are not said again. No name of ours has a
/// digit; VINs, ids and secrets have.
pub(crate) fn is_name(text: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-');
    text.len() <= LONGEST_NAME
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(of_name)
}

/// The part of an error that says what would be right: in front of it serde quotes what was sent,
/// and other readers quote it where they like.
fn wanted(text: &str) -> String {
    let of_serde = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    let expected = text.rsplit_once(", expected ").map(|(_, expected)| expected);
    match expected {
        Some(names) if text.starts_with("unknown field ") => {
            format!("no such field; expected {names}")
        }
        _ if text.starts_with("unknown field ") => "no such field".to_owned(),
        Some(expected) if of_serde.iter().any(|start| text.starts_with(start)) => {
            format!("expected {}", in_words_of_json(expected))
        }
        // Our own types say what they take, and nothing else. Of a word the parser says this.
        _ if text.starts_with("expected ") && text != "expected value" => text.to_owned(),
        _ => "not of the form that this field takes".to_owned(),
    }
}

/// What serde expects, in Rust's words, as whoever writes JSON calls it.
fn in_words_of_json(expected: &str) -> Cow<'_, str> {
    let whole = |most: u64| Cow::Owned(format!("a whole number from 0 to {most}"));
    let object = ["struct ", "internally tagged enum ", "enum ", "a map"];
    match expected {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" => whole(u32::MAX.into()),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a JSON array".into(),
        _ if object.iter().any(|start| expected.starts_with(start)) => "a JSON object".into(),
        _ => expected.into(),
    }
}

fn too_long(error: &BytesRejection) -> Error {
    let problem = Problem::new(error.status(), "body_not_read");
    Error::Request(problem.detail("At most 64 KiB are taken."))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use serde::Deserialize;
    use shared::domain::{rule::Wish, vin::Vin};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read, and nothing else")]
    struct Sent {
        vin: Vin,
        at: Option<Timestamp>,
        named: Option<BTreeMap<String, Vec<u8>>>,
        day: Option<Day>,
        flag: Option<Flag>,
        share: Option<f64>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "read, and nothing else")]
    struct Flag {
        on: bool,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Day {
        Sat,
        Sun,
    }

    /// The field that is named, and what is said of it.
    fn problem<T: DeserializeOwned>(body: &str) -> (String, String) {
        let Err(Error::Request(problem)) = read::<T>(body.as_bytes()) else { panic!("{body}") };
        (problem.field.unwrap().into(), problem.detail.unwrap())
    }

    #[test]
    fn the_field_at_fault_is_named_and_what_was_sent_is_not_said_again() {
        let long = format!(r#"{{"named": {{"{}": 1}}}}"#, "x".repeat(65));
        let cases = [
            (r#"{"vin": "SECRET"}"#, "vin", "expected a VIN: 17 "),
            (r#"{"vin": 4711}"#, "vin", "expected a string"),
            (r#"{"at": "2026-01-31 SECRET"}"#, "at", "not of the form that this field takes"),
            (r#"{"at": "SECRET, expected SECRET"}"#, "at", "not of the form"),
            (
                r#"{"named": {"one": [1, 4711]}}"#,
                "named.one.1",
                "expected a whole number from 0 to 255",
            ),
            (r#"{"named": {"one": "SECRET, expected"}}"#, "named.one", "expected a JSON array"),
            (r#"{"named": {"a secret's name": 1}}"#, "named", "expected a JSON array"),
            (&long, "named", "expected a JSON array"),
            (r#"{"surprise": "SECRET"}"#, "surprise", "no such field; expected one of `vin`, "),
            (r#"{"at": null, "at": null}"#, "at", "is given twice"),
            (r#"{"at": null}"#, "vin", "is missing"),
            (r"[]", "body", "expected a JSON object"),
            (r#"["VF3ABCDE0FG123456", null, null, null, []]"#, "body", "expected a JSON object"),
            (r#""text""#, "body", "expected a JSON object"),
            ("", "body", "expected a JSON object, and the body is empty"),
            (" ", "body", "expected a JSON object, and the body is empty"),
            (r#"{"vin" "SECRET"}"#, "body", "not JSON at line 1, column "),
            (r#"{"flag": {"on": 4711}}"#, "flag.on", "expected true or false"),
            (r#"{"flag": [true]}"#, "flag", "expected a JSON object"),
            (r#"{"flag": "SECRET"}"#, "flag", "expected a JSON object"),
            (r#"{"share": "SECRET"}"#, "share", "expected a number"),
            (r#"{"named": {"one": [], "one": []}}"#, "named", "`one` is given twice"),
            (r#"{"day": 4711}"#, "day", "expected a name, or a JSON object with one member"),
            (r#"{"day": "SECRET"}"#, "day", "expected `sat` or `sun`"),
            (r#"{"vin": "SECRET"#, "body", "not JSON: it ends too early, at line 1, "),
        ];
        for (body, field, said) in cases {
            let (named, detail) = problem::<Sent>(body);
            assert_eq!(named, field, "{body}: {detail}");
            assert!(detail.starts_with(said), "{body}: {detail}");
            for sent in ["SECRET", "4711", "secret"] {
                assert!(!detail.contains(sent), "{body}: {detail}");
            }
        }
    }

    #[test]
    fn number_without_a_fraction_is_whole_however_it_is_written() {
        let value: BTreeMap<String, u8> =
            super::read(br#"{"a": 3.0, "b": 3, "c": 0.3e1}"#).unwrap();
        assert!(value.into_values().all(|value| value == 3));
        assert!(super::read::<BTreeMap<String, u8>>(br#"{"a": 3.5}"#).is_err());
    }

    #[test]
    fn what_a_rule_watches_for_is_named_as_a_whole() {
        let cases = [
            (r#"{"name": "a", "when": {"use": "SECRET"}}"#, "when", "expected one of `battery_b"),
            (r#"{"name": "a", "when": {"use": "battery_below"}}"#, "when", "`level` is missing"),
            (
                r#"{"name": "a", "when": {"use": "battery_below", "level": "SECRET"}}"#,
                "when",
                "expected a whole number from 0 to 4294967295",
            ),
            (r#"{"name": "a", "when": [{}, "a"]}"#, "when", "expected a JSON object"),
            (
                r#"{"name": "a", "when": {"use": "left_place", "circle": [48.1, 2.3, 1]}}"#,
                "when",
                "expected a JSON object",
            ),
            (r#"{"name": "a", "when": {}}"#, "when", "`triggers` is missing"),
            (r#"{"target": {"car": {"vin": "SECRET"}}}"#, "target.car.vin", "expected a VIN"),
        ];
        for (body, field, said) in cases {
            let (named, detail) = problem::<Wish>(body);
            assert_eq!(named, field, "{body}: {detail}");
            assert!(detail.starts_with(said) && !detail.contains("SECRET"), "{body}: {detail}");
        }
    }
}
