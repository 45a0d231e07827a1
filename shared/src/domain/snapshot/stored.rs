//! How a snapshot is stored and shown: blocks by name, each with its time and its values by key.
//! What an older or newer version of this code wrote and this one doesn't know is left out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{RefOr, Schema};

use super::{Block, Field, Snapshot, Value, state::State};

#[derive(Serialize)]
struct Written<'a> {
    observed_at: Option<Timestamp>,
    values: BTreeMap<&'static str, &'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    alone: BTreeMap<&'static str, Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contradicts: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ahead: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    told_less: Option<f64>,
}

#[derive(Deserialize)]
struct Read {
    observed_at: Option<Timestamp>,
    values: BTreeMap<String, Known>,
    #[serde(default)]
    alone: BTreeMap<String, Timestamp>,
    #[serde(default)]
    ahead: bool,
    #[serde(default)]
    told_less: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Known {
    Value(Value),
    Other(serde::de::IgnoredAny),
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut contradictions = self.contradictions();
        serializer.collect_map(self.blocks.iter().map(|(block, state)| {
            let values = state.values.iter().map(|(field, value)| (field.key(), value));
            let written = Written {
                observed_at: state.observed_at,
                values: values.collect(),
                alone: state.alone.iter().map(|(field, at)| (field.key(), *at)).collect(),
                contradicts: contradictions.remove(block).unwrap_or_default(),
                ahead: state.ahead,
                told_less: state.told_less,
            };
            (block.name(), written)
        }))
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = BTreeMap::<String, Read>::deserialize(deserializer)?;
        let blocks = read.into_iter().filter_map(|(name, read)| state(&name, read));
        Ok(Self { blocks: blocks.collect() })
    }
}

fn state(name: &str, read: Read) -> Option<(Block, State)> {
    let block: Block = name.parse().ok()?;
    let Read { observed_at, values, alone, ahead, told_less } = read;
    let values = values.into_iter().filter_map(|(key, known)| {
        let Known::Value(value) = known else { return None };
        let field: Field = format!("{name}.{key}").parse().ok()?;
        (field.kind() == value.kind()).then_some((field, value))
    });
    let values: BTreeMap<_, _> = values.collect();
    let alone = alone.into_iter().filter_map(|(key, at)| {
        let field: Field = format!("{name}.{key}").parse().ok()?;
        values.contains_key(&field).then_some((field, at))
    });
    let alone = alone.collect();
    let state = State { observed_at, values, alone, ahead, told_less };
    (!state.values.is_empty()).then_some((block, state))
}

/// A block as it is stored and shown, for the API's description.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes what `Written` writes")]
struct BlockState {
    /// When the car told it, if the maker says when.
    #[schema(value_type = Option<String>, format = DateTime)]
    observed_at: Option<Timestamp>,
    /// The values by the second half of their fields' names.
    values: BTreeMap<String, Value>,
    /// When those values were told that were told alone, later than `observed_at`.
    #[schema(value_type = BTreeMap<String, String>)]
    alone: BTreeMap<String, Timestamp>,
    /// What contradicts this block: fields by name, or `observed_at` for a block that the maker
    /// dates in the future. Absent where nothing does.
    contradicts: Vec<String>,
    /// Whether the maker dated it in the future; then `observed_at` is when it was first received.
    ahead: bool,
    /// What the odometer told last, where that is less than what it had told before, km.
    told_less: Option<f64>,
}

impl utoipa::PartialSchema for Snapshot {
    fn schema() -> RefOr<Schema> {
        BTreeMap::<String, BlockState>::schema()
    }
}

impl utoipa::ToSchema for Snapshot {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        BTreeMap::<String, BlockState>::schemas(schemas);
    }
}
