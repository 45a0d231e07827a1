//! SQS's stand-in: messages lie in a table beside the others, so that they outlive a restart.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::{Clock, random};

use crate::{
    database::{DatabaseError, Engine, QUEUE_TABLE},
    front::{Caller, Operation, Refusal},
    template::Queue,
};

/// All queues; clones share them.
#[derive(Clone)]
pub struct Queues {
    engine: Engine,
    known: Arc<BTreeMap<String, Queue>>,
    clock: Clock,
}

impl Queues {
    pub(crate) fn new(engine: Engine, known: &BTreeMap<String, Queue>, clock: Clock) -> Self {
        Self { engine, known: Arc::new(known.clone()), clock }
    }

    /// The bodies of all messages on the queue of this logical id, oldest first, hidden ones too.
    ///
    /// # Errors
    /// When the database has stopped.
    pub async fn peek(&self, id: &str) -> Result<Vec<String>, DatabaseError> {
        let url = self.known.keys().find(|url| url.rsplit('/').next() == Some(id));
        let messages = self.messages(url.cloned().unwrap_or_default()).await?;
        Ok(messages.iter().map(|message| text(message, "body").to_owned()).collect())
    }

    /// Puts a message on a queue in the house's own name.
    pub(crate) async fn send(&self, url: &str, body: &str) -> Result<String, Refusal> {
        let now = self.clock.now();
        let id = format!("{:020}-{}", now.as_second(), random::id());
        let item = json!({
            "pk": {"S": url}, "sk": {"S": id}, "body": {"S": body},
            "sent_at": {"N": now.as_second().to_string()}, "visible_at": {"N": "0"}, "receives": {"N": "0"},
        });
        self.write(Operation::PutItem, json!({"TableName": QUEUE_TABLE, "Item": item})).await?;
        Ok(id)
    }

    pub(crate) fn authorise(
        &self,
        caller: &Caller<'_>,
        operation: Operation,
        body: &Value,
    ) -> Result<(), Refusal> {
        let (_, queue) = self.find(body)?;
        caller.may(&format!("sqs:{}", operation.name()), &queue.arn, &[])
    }

    pub(crate) async fn call(&self, operation: Operation, body: &Value) -> Result<Value, Refusal> {
        let (url, queue) = self.find(body)?;
        match operation {
            Operation::SendMessage => {
                let text = body["MessageBody"].as_str().unwrap_or_default();
                let id = self.send(url, text).await?;
                Ok(json!({"MessageId": id}))
            }
            Operation::ReceiveMessage => self.receive(url, queue, body).await,
            Operation::DeleteMessage => {
                // A receipt handle is `{id} {visible_at}`: one that has run out deletes nothing.
                let handle = body["ReceiptHandle"].as_str().unwrap_or_default();
                let (id, until) = handle.split_once(' ').unwrap_or_default();
                let key = json!({"pk": {"S": url}, "sk": {"S": id}});
                let body = json!({
                    "TableName": QUEUE_TABLE, "Key": key, "ConditionExpression": "visible_at = :until",
                    "ExpressionAttributeValues": {":until": {"N": until}},
                });
                // Already gone, or received again since: no error at SQS either.
                let _ = self.write(Operation::DeleteItem, body).await;
                Ok(json!({}))
            }
            _ => Ok(json!({"QueueUrl": url})),
        }
    }

    async fn receive(&self, url: &str, queue: &Queue, body: &Value) -> Result<Value, Refusal> {
        let now = self.clock.now();
        let most = usize::try_from(body["MaxNumberOfMessages"].as_u64().unwrap_or(1)).unwrap_or(1);
        let hidden = body["VisibilityTimeout"].as_u64().unwrap_or(queue.visibility.as_secs());
        let until = later(now, hidden).to_string();
        let mut received = Vec::new();
        for message in
            self.messages(url.to_owned()).await.map_err(|error| Refusal::internal(&error))?
        {
            let id = text(&message, "sk");
            let gone = later(at(number(&message, "sent_at")), queue.retention.as_secs())
                <= now.as_second();
            let key = json!({"pk": {"S": url}, "sk": {"S": id}});
            if gone {
                self.write(Operation::DeleteItem, json!({"TableName": QUEUE_TABLE, "Key": key}))
                    .await?;
            } else if number(&message, "visible_at") <= now.as_second() && received.len() < most {
                let update = json!({
                    "TableName": QUEUE_TABLE, "Key": key,
                    "UpdateExpression": "SET visible_at = :until ADD receives :one",
                    "ConditionExpression": "visible_at = :was",
                    "ExpressionAttributeValues": {
                        ":until": {"N": until}, ":one": {"N": "1"}, ":was": message["visible_at"],
                    },
                });
                if self.write(Operation::UpdateItem, update).await.is_ok() {
                    let handle = format!("{id} {until}");
                    let body = text(&message, "body");
                    received.push(json!({"MessageId": id, "ReceiptHandle": handle, "Body": body}));
                }
            }
        }
        Ok(if received.is_empty() { json!({}) } else { json!({"Messages": received}) })
    }

    async fn messages(&self, url: String) -> Result<Vec<Value>, DatabaseError> {
        let body = json!({
            "TableName": QUEUE_TABLE, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": url}},
        });
        let page = self.engine.run(move |core| core.own(Operation::Query, body)).await??;
        Ok(page["Items"].as_array().cloned().unwrap_or_default())
    }

    async fn write(&self, operation: Operation, body: Value) -> Result<Value, Refusal> {
        let done = self.engine.run(move |core| core.own(operation, body)).await;
        done.map_err(|error| Refusal::internal(&error))?.map_err(|error| Refusal::of(&error))
    }

    fn find(&self, body: &Value) -> Result<(&String, &Queue), Refusal> {
        let url = body["QueueUrl"].as_str().unwrap_or_default();
        let name = body["QueueName"].as_str();
        let mut queues = self.known.iter();
        queues
            .find(|(known, _)| *known == url || name.is_some() && known.rsplit('/').next() == name)
            .ok_or_else(|| {
                Refusal::new(
                    400,
                    "com.amazonaws.sqs#QueueDoesNotExist",
                    "The specified queue does not exist.",
                )
            })
    }
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

fn number(item: &Value, name: &str) -> i64 {
    item[name]["N"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

fn later(from: Timestamp, seconds: u64) -> i64 {
    let seconds = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    from.checked_add(seconds).unwrap_or(Timestamp::MAX).as_second()
}
