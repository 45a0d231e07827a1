//! The whole of it: gateway, functions, schedules, streams, tables, secrets, queues and a simulated
//! maker, started and stopped as one.

mod background;
mod build;
mod ground;
mod options;
mod sweep;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{Clock, store::Shards};
use simulator::Simulator;
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

pub use self::options::{CloudOptions, Drive, Maker, StartError};
use crate::{
    bus::Bus,
    credentials::Identity,
    database::DatabaseError,
    faults::Faults,
    folder::Folder,
    front::{AccessKey, Front, Operation, Usage},
    queue::Queues,
    scheduler::Scheduler,
    secrets::SecretStore,
    streams::Streams,
};

/// Clock time between two sweeps of expired items.
const SWEEP_EVERY: i64 = 6 * 3600;

/// A running cloud.
pub struct Cloud {
    gateway_addr: SocketAddr,
    public_url: Url,
    front_addr: SocketAddr,
    shards: Shards,
    api_key: Option<SecretString>,
    control_token: Option<SecretString>,
    clock: Clock,
    faults: Faults,
    identity: Option<Identity>,
    simulator: Option<Simulator>,
    front: Arc<Front>,
    scheduler: Arc<Scheduler>,
    streams: Arc<Streams>,
    swept: Mutex<Option<Timestamp>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    database: std::thread::JoinHandle<()>,
    /// Held until the end.
    _folder: Option<Folder>,
}

impl Cloud {
    /// Starts everything.
    ///
    /// # Errors
    /// The first part that does not start, in one line that says what to do.
    pub async fn start(options: CloudOptions) -> Result<Self, StartError> {
        build::start(options).await
    }

    /// The gateway's own address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway_addr)
    }

    /// Where the world reaches us, without a trailing slash.
    #[must_use]
    pub fn public_url(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// The address of tables, secrets, queues and the bus.
    #[must_use]
    pub fn front_url(&self) -> String {
        format!("http://{}", self.front_addr)
    }

    /// The simulated maker, if it is a simulated one.
    #[must_use]
    pub fn simulator(&self) -> Option<&Simulator> {
        self.simulator.as_ref()
    }

    /// What the simulated maker's controls want to hear.
    #[must_use]
    pub fn control_token(&self) -> Option<&SecretString> {
        self.control_token.as_ref()
    }

    /// How many shards the due indexes have.
    #[must_use]
    pub fn shards(&self) -> Shards {
        self.shards
    }

    /// The API key that was made on the first run.
    #[must_use]
    pub fn api_key(&self) -> Option<&SecretString> {
        self.api_key.as_ref()
    }

    /// Who we are to a real maker, by the client certificate.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What befalls calls to the database.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What the functions used.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.front.usage
    }

    /// The secrets.
    #[must_use]
    pub fn secrets(&self) -> &SecretStore {
        &self.front.secrets
    }

    /// The queues.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.front.queues
    }

    /// The event bus.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.front.bus
    }

    /// A key to the front in a function's name, with the rights of its role.
    #[must_use]
    pub fn access_key(&self, function: &str) -> AccessKey {
        self.front.keys.issue(function)
    }

    /// Runs the schedules that are due, then the streams until nothing waits. Returns how many
    /// scheduled runs there were.
    ///
    /// # Errors
    /// When the database has stopped.
    pub async fn tick(&self) -> Result<usize, DatabaseError> {
        let ran = self.scheduler.tick(self.clock.now(), |function, event| {
            let functions = Arc::clone(&self.streams.functions);
            async move { functions.invoke(&function, event).await }
        });
        let ran = ran.await;
        self.settle().await?;
        self.sweep_now_and_then().await?;
        Ok(ran)
    }

    /// When the next schedule is due: a manual clock may be set so far without passing one.
    #[must_use]
    pub fn next_schedule(&self) -> Option<Timestamp> {
        self.scheduler.next()
    }

    /// Delivers changes until nothing waits.
    ///
    /// # Errors
    /// When the database has stopped.
    pub async fn settle(&self) -> Result<(), DatabaseError> {
        self.streams.settle().await
    }

    /// One scheduled or streamed invocation with an event of one's own.
    ///
    /// # Errors
    /// When the function fails, dies or runs out of time.
    pub async fn invoke(
        &self,
        function: &str,
        event: Value,
    ) -> Result<Value, crate::functions::InvokeError> {
        self.streams.functions.invoke(function, event).await
    }

    /// Every item of a table, past front and faults: for looking, not for working.
    ///
    /// # Errors
    /// When the database has stopped, or has no such table.
    pub async fn items(&self, table: &str) -> Result<Vec<Value>, DatabaseError> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({"TableName": table});
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let page =
                self.front.tables.engine.run(move |core| core.own(Operation::Scan, scan)).await??;
            items.extend(page["Items"].as_array().cloned().unwrap_or_default());
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// Puts an item, past front and faults: what a later version, or a function that a test leaves
    /// out, would have written.
    ///
    /// # Errors
    /// When the database has stopped, or has no such table.
    pub async fn put_item(&self, table: &str, item: Value) -> Result<(), DatabaseError> {
        let put = json!({"TableName": table, "Item": item});
        self.front.tables.engine.run(move |core| core.own(Operation::PutItem, put)).await??;
        Ok(())
    }

    /// Ends everything: requests under way are answered, the database is closed.
    pub async fn shutdown(self) {
        let Self { stop, tasks, database, simulator, front, scheduler, streams, .. } = self;
        stop.send_replace(true);
        for task in tasks {
            // One that panicked has said so.
            let _ = task.await;
        }
        if let Some(simulator) = simulator {
            simulator.shutdown().await;
        }
        streams.functions.end();
        drop((front, scheduler, streams));
        // Work that was started and not awaited may hold the database a little longer.
        let _ = tokio::task::spawn_blocking(move || database.join()).await;
    }

    async fn sweep_now_and_then(&self) -> Result<(), DatabaseError> {
        let now = self.clock.now();
        let due = {
            let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
            let due = swept.is_none_or(|last| now.as_second() - last.as_second() >= SWEEP_EVERY);
            if due {
                *swept = Some(now);
            }
            due
        };
        if due {
            sweep::sweep(&self.front.tables, now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
