//! What wakes this function: records of a DynamoDB stream (keys only), or a schedule's input.

use serde::Deserialize;
use serde_json::Value;
use shared::{due::Share, store::DueKey};

pub(crate) enum Woken {
    ByStream(Vec<DueKey>),
    BySchedule(Share),
}

#[derive(Deserialize)]
struct Stream {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    pk: Text,
    sk: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl Woken {
    pub(crate) fn read(event: Value) -> Self {
        match serde_json::from_value::<Stream>(event.clone()) {
            Ok(stream) => Self::ByStream(stream.records.into_iter().map(key).collect()),
            Err(_) => Self::BySchedule(serde_json::from_value(event).unwrap_or_default()),
        }
    }
}

fn key(record: Record) -> DueKey {
    let Keys { pk, sk } = record.dynamodb.keys;
    DueKey { pk: pk.text, sk: sk.text, due_at: 0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_and_a_schedule_are_told_apart() {
        let stream = json!({"Records": [{"eventName": "INSERT", "dynamodb": {
            "Keys": {"pk": {"S": "SYS"}, "sk": {"S": "REQ#1"}}}}]});

        let Woken::ByStream(keys) = Woken::read(stream) else { panic!("a stream") };
        assert_eq!((keys[0].pk.as_str(), keys[0].sk.as_str()), ("SYS", "REQ#1"));
        let Woken::BySchedule(share) = Woken::read(json!({"worker": 1, "workers": 4})) else {
            panic!("a schedule")
        };
        assert_eq!((share.worker, share.workers), (1, 4));
    }
}
