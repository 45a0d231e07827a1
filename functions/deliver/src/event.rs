//! What wakes this function: records of a DynamoDB stream (keys only), or a schedule's input.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;
use shared::due::Share;

pub(crate) enum Woken {
    /// Partitions that have new events.
    ByStream(BTreeSet<String>),
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
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

impl Woken {
    pub(crate) fn read(event: Value) -> Self {
        match serde_json::from_value::<Stream>(event.clone()) {
            Ok(stream) => {
                let records = stream.records.into_iter();
                Self::ByStream(records.map(|record| record.dynamodb.keys.pk.text).collect())
            }
            Err(_) => Self::BySchedule(serde_json::from_value(event).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stream_and_a_schedule_are_told_apart_and_a_partition_is_looked_at_once() {
        let record = json!({"eventName": "INSERT", "dynamodb": {
            "Keys": {"pk": {"S": "SYS"}, "sk": {"S": "EVT#1"}}}});

        let Woken::ByStream(partitions) = Woken::read(json!({"Records": [record, record]})) else {
            panic!("a stream")
        };
        assert_eq!(partitions.into_iter().collect::<Vec<_>>(), ["SYS"]);
        let Woken::BySchedule(share) = Woken::read(json!({"worker": 1, "workers": 4})) else {
            panic!("a schedule")
        };
        assert_eq!((share.worker, share.workers), (1, 4));
    }
}
