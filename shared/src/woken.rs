//! What wakes a function that no request wakes: records of a DynamoDB stream (keys only), or a
//! schedule's input.

use serde::Deserialize;
use serde_json::Value;

use crate::{due::Share, store::DueKey};

/// Why a function runs.
#[derive(Debug)]
pub enum Woken {
    /// New items: a wake-up, not the record of what is to be done.
    ByStream(Vec<Record>),
    /// It is time to look for what is due.
    BySchedule(Share),
}

/// A new item.
#[derive(Debug)]
pub struct Record {
    /// Its key; what is due of it, the item itself says.
    pub key: DueKey,
    /// The name by which a failure of this record is told.
    pub sequence: String,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(rename = "Records")]
    records: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    dynamodb: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(rename = "Keys")]
    keys: Keys,
    #[serde(rename = "SequenceNumber", default)]
    sequence: String,
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
    /// From what Lambda hands over. An input of another shape is that of the only worker.
    #[must_use]
    pub fn read(event: Value) -> Self {
        match serde_json::from_value::<Stream>(event.clone()) {
            Ok(stream) => Self::ByStream(stream.records.into_iter().map(record).collect()),
            Err(_) => Self::BySchedule(serde_json::from_value(event).unwrap_or_default()),
        }
    }
}

fn record(change: Change) -> Record {
    let Detail { keys, sequence } = change.dynamodb;
    Record { key: DueKey { pk: keys.pk.text, sk: keys.sk.text, due_at: 0 }, sequence }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_and_a_schedule_are_told_apart() {
        let stream = json!({"Records": [{"eventName": "INSERT", "dynamodb": {"SequenceNumber": "7",
            "Keys": {"pk": {"S": "IN#1"}, "sk": {"S": "MSG#1"}}}}]});

        let Woken::ByStream(records) = Woken::read(stream) else { panic!("a stream") };
        let record = &records[0];
        assert_eq!((record.key.pk.as_str(), record.key.sk.as_str()), ("IN#1", "MSG#1"));
        assert_eq!(record.sequence, "7");
        let Woken::BySchedule(share) = Woken::read(json!({"worker": 1, "workers": 4})) else {
            panic!("a schedule")
        };
        assert_eq!((share.worker, share.workers), (1, 4));
    }
}
