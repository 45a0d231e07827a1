//! What is stored, past every function: in plain JSON, or as text to look for something in.

use serde_json::{Value, json};
use shared::domain::ids::{AttemptId, RequestId};

use crate::{CAR, World};

impl World {
    /// Every item of a table, as DynamoDB writes it.
    pub async fn items(&self, table: &str) -> Vec<Value> {
        self.cloud.items(table).await.unwrap()
    }

    /// The same as one text.
    pub async fn text_of(&self, table: &str) -> String {
        format!("{:?}", self.items(table).await)
    }

    /// Fails if any table holds one of these texts.
    pub async fn assert_nowhere(&self, texts: &[&str]) {
        for table in ["Grants", "Records", "Outbox"] {
            let left = self.text_of(table).await;
            assert!(!texts.iter().any(|text| left.contains(text)), "{table}: {texts:?}: {left}");
        }
    }

    /// Has the car looked at now, as often as one likes: what the API asks for is one look in half a
    /// minute.
    pub async fn look(&self, enrollment: &str) {
        let (id, now) = (RequestId::random(), self.now());
        let request = json!({
            "pk": {"S": format!("ENR#{enrollment}")}, "sk": {"S": format!("REQ#{id}")},
            "schema": {"N": "1"}, "attempt": {"S": AttemptId::random()},
            "shard": {"S": self.cloud.shards().of_key("act", id.as_str())}, "due_at": {"N": now.as_second().to_string()},
            "expires_at": {"N": (now.as_second() + 86_400).to_string()},
            "body": {"M": {
                "id": {"S": id}, "enrollment": {"S": enrollment}, "asked_at": {"S": now},
                "ask": {"M": {"kind": {"S": "fetch"}, "vin": {"S": CAR}}},
                "progress": {"M": {"state": {"S": "pending"}}},
            }},
        });
        self.cloud.put_item("Records", request).await.unwrap();
        self.run("act").await;
    }

    /// The events told of an enrollment so far, oldest first.
    pub async fn events(&self, id: &str) -> Vec<Value> {
        let items = self.items("Outbox").await;
        let own = items.iter().filter(|item| item["pk"]["S"] == format!("ENR#{id}"));
        // Not those in lanes: each stands here once, handed on or not.
        let mut events: Vec<(&str, Value)> = own
            .filter_map(|item| {
                let (kind, order) = item["sk"]["S"].as_str()?.split_once('#')?;
                let stands = matches!(kind, "EVT" | "TOLD");
                stands.then(|| (order, plain(&item["event"])))
            })
            .collect();
        events.sort_by_key(|(order, _)| *order);
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// What those events say that are of one type.
    pub async fn told(&self, id: &str, kind: &str) -> Vec<Value> {
        let events = self.events(id).await.into_iter();
        events.map(|event| event["what"].clone()).filter(|what| what["type"] == kind).collect()
    }

    /// The types of all of them.
    pub async fn event_types(&self, id: &str) -> Vec<String> {
        let events = self.events(id).await;
        events.iter().map(|event| event["what"]["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// JSON without the types that DynamoDB's has.
fn plain(typed: &Value) -> Value {
    let Some((kind, value)) = typed.as_object().and_then(|typed| typed.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        ("M", Value::Object(fields)) => {
            fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        ("L", Value::Array(values)) => values.iter().map(plain).collect(),
        ("N", Value::String(number)) => serde_json::from_str(number).unwrap(),
        ("NULL", _) => Value::Null,
        _ => value.clone(),
    }
}
