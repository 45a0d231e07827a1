//! Stream mappings: hands changes to functions as Lambda does. Records of one item stay in order,
//! those of others run beside them; each is delivered at least once, by a seed sometimes twice,
//! and forgotten after a day.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::Clock;

use crate::{
    database::{DatabaseError, Engine, STREAM_TABLE},
    front::Operation,
    functions::Functions,
    queue::Queues,
    template::Mapping,
};

/// Lanes of one mapping, each in order for itself: shards times parallelization.
const LANES: usize = 8;
const KEPT: i64 = 24 * 3600;
const PASSES: usize = 100;

/// All mappings.
pub(crate) struct Streams {
    pub(crate) engine: Engine,
    pub(crate) functions: Arc<Functions>,
    pub(crate) queues: Queues,
    pub(crate) clock: Clock,
    pub(crate) seed: Option<u64>,
    pub(crate) consumers: Vec<Consumer>,
}

/// One mapping and how far it got.
pub(crate) struct Consumer {
    id: String,
    function: String,
    mapping: Mapping,
    lanes: [tokio::sync::Mutex<()>; LANES],
    /// How often a record was tried in vain, by its sequence number.
    tries: Mutex<BTreeMap<String, u32>>,
    /// Batches handed over so far: what the seed draws by.
    batches: AtomicU64,
}

impl Consumer {
    pub(crate) fn new(id: String, function: String, mapping: Mapping) -> Self {
        let (lanes, tries, batches) = (Default::default(), Mutex::default(), AtomicU64::new(0));
        Self { id, function, mapping, lanes, tries, batches }
    }
}

impl Streams {
    /// Delivers until nothing waits, or until a mapping that tries for ever has tried enough.
    pub(crate) async fn settle(&self) -> Result<(), DatabaseError> {
        for _ in 0..PASSES {
            if self.pass().await? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// One attempt at whatever waits. Returns how many records were found waiting.
    pub(crate) async fn pass(&self) -> Result<usize, DatabaseError> {
        let lanes =
            self.consumers.iter().flat_map(|consumer| (0..LANES).map(move |lane| (consumer, lane)));
        let passes = join_all(lanes.map(|(consumer, lane)| self.lane(consumer, lane))).await;
        passes.into_iter().sum()
    }

    /// Starts what no one works at yet, without waiting.
    pub(crate) fn start(self: &Arc<Self>) {
        for (index, lane) in
            (0..self.consumers.len()).flat_map(|index| (0..LANES).map(move |lane| (index, lane)))
        {
            let streams = Arc::clone(self);
            tokio::spawn(async move {
                let Some(consumer) = streams.consumers.get(index) else { return };
                let free = consumer.lanes.get(lane).is_some_and(|lane| lane.try_lock().is_ok());
                if free && let Err(error) = streams.lane(consumer, lane).await {
                    tracing::debug!(error = %error, "a stream has stopped");
                }
            });
        }
    }

    /// One attempt at what waits in one lane, batch by batch, up to the first failure.
    async fn lane(&self, consumer: &Consumer, lane: usize) -> Result<usize, DatabaseError> {
        let Some(lock) = consumer.lanes.get(lane) else { return Ok(0) };
        let _alone = lock.lock().await;
        let waiting = self.waiting(consumer, lane).await?;
        let found = waiting.len();
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(rest.len().min(consumer.mapping.batch.max(1)));
            let done = self.batch(consumer, batch).await?;
            if done < batch.len() {
                break;
            }
            rest = later;
        }
        Ok(found)
    }

    /// Hands over one batch. Returns how many of its first records are done with.
    async fn batch(&self, consumer: &Consumer, batch: &[Value]) -> Result<usize, DatabaseError> {
        let mut done = self.hand_over(consumer, batch).await;
        if done == Some(batch.len()) && self.again(consumer) {
            done = self.hand_over(consumer, batch).await;
        }
        // A batch that failed as a whole is split, so that one bad record holds up itself alone.
        if done.is_none() && batch.len() > 1 && consumer.mapping.bisect {
            let (one, other) = batch.split_at(batch.len() / 2);
            let first = Box::pin(self.batch(consumer, one)).await?;
            if first < one.len() {
                return Ok(first);
            }
            return Ok(first + Box::pin(self.batch(consumer, other)).await?);
        }
        let done = done.unwrap_or_default();
        for record in batch.iter().take(done) {
            self.forget(consumer, record).await?;
        }
        match batch.get(done) {
            Some(failed) if self.give_up(consumer, failed).await? => Ok(done + 1),
            _ => Ok(done),
        }
    }

    /// How many of the first records the function took. None: it failed without saying.
    async fn hand_over(&self, consumer: &Consumer, batch: &[Value]) -> Option<usize> {
        let answer = self.functions.invoke(&consumer.function, json!({"Records": batch})).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(function = consumer.function, error = %error, "a batch failed");
                return None;
            }
        };
        let failures = answer["batchItemFailures"].as_array().filter(|_| consumer.mapping.partial);
        let failed = failures.into_iter().flatten().map(|failure| {
            let id = failure["itemIdentifier"].as_str();
            // An identifier that is not in the batch fails all of it.
            batch.iter().position(|record| Some(sequence(record)) == id).unwrap_or(0)
        });
        Some(failed.min().unwrap_or(batch.len()))
    }

    /// Counts a vain try. After the last one, or when it is too old, the record goes to the queue
    /// for what was given up: where it lies, not what it holds.
    async fn give_up(&self, consumer: &Consumer, record: &Value) -> Result<bool, DatabaseError> {
        let tried = {
            let mut all = consumer.tries.lock().unwrap_or_else(PoisonError::into_inner);
            let tries = all.entry(sequence(record).to_owned()).or_default();
            *tries += 1;
            *tries
        };
        let too_old = self.age(record)
            > i64::try_from(consumer.mapping.max_age.as_secs()).unwrap_or(i64::MAX);
        if tried <= consumer.mapping.retries && !too_old {
            return Ok(false);
        }
        if let Some(queue) = &consumer.mapping.on_failure {
            let condition = if too_old { "RecordAgeExceeded" } else { "RetryAttemptsExhausted" };
            let pointer = json!({
                "requestContext": {"functionArn": consumer.function, "condition": condition},
                "DDBStreamBatchInfo": {
                    "streamArn": consumer.mapping.stream,
                    "startSequenceNumber": sequence(record), "endSequenceNumber": sequence(record), "batchSize": 1,
                },
            });
            let sent = self.queues.send(queue, &pointer.to_string()).await;
            if let Err(refusal) = sent {
                tracing::error!(error = refusal.message, "a record given up could not be queued");
            }
        }
        self.forget(consumer, record).await?;
        Ok(true)
    }

    /// Whether the seed delivers this batch once more.
    fn again(&self, consumer: &Consumer) -> bool {
        let nth = consumer.batches.fetch_add(1, Ordering::Relaxed);
        self.seed
            .is_some_and(|seed| hash(&format!("{seed} {} {nth}", consumer.id)).is_multiple_of(4))
    }

    fn age(&self, record: &Value) -> i64 {
        let created =
            record["dynamodb"]["ApproximateCreationDateTime"].as_i64().unwrap_or_default();
        self.clock.now().as_second() - created
    }

    async fn waiting(&self, consumer: &Consumer, lane: usize) -> Result<Vec<Value>, DatabaseError> {
        let body = json!({
            "TableName": STREAM_TABLE, "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": consumer.id}},
        });
        let page = self.engine.run(move |core| core.own(Operation::Query, body)).await??;
        let items = page["Items"].as_array().into_iter().flatten();
        let records = items
            .filter_map(|item| serde_json::from_str::<Value>(item["record"]["S"].as_str()?).ok());
        let mut waiting = Vec::new();
        for record in records {
            if self.age(&record) > KEPT {
                self.forget(consumer, &record).await?;
            } else if hash(&record["dynamodb"]["Keys"].to_string()) % (LANES as u64) == lane as u64
            {
                waiting.push(record);
            }
        }
        Ok(waiting)
    }

    async fn forget(&self, consumer: &Consumer, record: &Value) -> Result<(), DatabaseError> {
        let sequence = sequence(record);
        consumer.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(sequence);
        let key = json!({"pk": {"S": consumer.id}, "sk": {"S": sequence}});
        let body = json!({"TableName": STREAM_TABLE, "Key": key});
        self.engine.run(move |core| core.own(Operation::DeleteItem, body)).await??;
        Ok(())
    }
}

fn sequence(record: &Value) -> &str {
    record["dynamodb"]["SequenceNumber"].as_str().unwrap_or_default()
}

fn hash(text: &str) -> u64 {
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
