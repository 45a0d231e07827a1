//! dynoxide on a thread of its own. It serialises all access by a lock that many callers wear out:
//! one caller writes several times as fast, and what belongs together stays together.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
};

use dynoxide::{Database, DynoxideError};
use serde_json::{Value, json};
use shared::Clock;
use tokio::sync::{Notify, oneshot};

use super::{
    changes::{Changes, Watcher},
    dispatch::{dispatch, request},
    lag::Lag,
    request::touched,
};
use crate::{front::Operation, template::Table};

/// Tables of our own, beside those of the template. No logical id has a dot in it.
pub(crate) const STREAM_TABLE: &str = "local.stream";
pub(crate) const QUEUE_TABLE: &str = "local.queue";

/// How the engine is set up.
pub(crate) struct Setup {
    /// The file; none: memory.
    pub(crate) file: Option<PathBuf>,
    pub(crate) tables: BTreeMap<String, Table>,
    pub(crate) watchers: Vec<Watcher>,
    /// Whether an index can lag behind.
    pub(crate) lagging: bool,
    pub(crate) clock: Clock,
    /// Told when a stream has something new.
    pub(crate) news: Arc<Notify>,
}

/// The database can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file can't be read or written, or is no database.
    #[error("the database can't be opened: {0}")]
    Open(#[from] DynoxideError),
    /// The file is there, and is something else.
    #[error(
        "{} is no database, or is damaged; put a copy of it back, or begin in another folder with --data", .0.display()
    )]
    NotADatabase(PathBuf),
    /// A table stands there with another key or other indexes than the template says.
    #[error(
        "the database holds a table {0} of another shape: it was made by another version; use another data folder"
    )]
    Shape(String),
    /// The thread can't be started, or has ended.
    #[error("the database has stopped")]
    Stopped,
}

type Job = Box<dyn FnOnce(&mut Core) + Send>;

/// The handle; clones share one database.
#[derive(Clone)]
pub(crate) struct Engine {
    jobs: mpsc::Sender<Job>,
}

impl Engine {
    /// Opens the database and creates what tables are missing.
    pub(crate) async fn start(setup: Setup) -> Result<(Self, JoinHandle<()>), DatabaseError> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (ready, opened) = oneshot::channel();
        let work = move || match Core::open(setup) {
            Ok(mut core) => {
                let _ = ready.send(Ok(()));
                while let Ok(job) = inbox.recv() {
                    job(&mut core);
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("database".to_owned()).spawn(work);
        let thread = thread.map_err(|_| DatabaseError::Stopped)?;
        opened.await.map_err(|_| DatabaseError::Stopped)??;
        Ok((Self { jobs }, thread))
    }

    /// Does a piece of work with nothing in between.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Core) -> T + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |core| drop(done.send(job(core))));
        self.jobs.send(job).map_err(|_| DatabaseError::Stopped)?;
        result.await.map_err(|_| DatabaseError::Stopped)
    }
}

/// Whether a file is an SQLite database, or none yet. SQLite's own complaint is about encryption.
fn is_database(file: &std::path::Path) -> bool {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let mut begin = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| {
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 16), &mut begin)
    });
    read.is_err() || begin.is_empty() || begin == MAGIC
}

/// An answer and what it cost.
pub(crate) struct Reply {
    pub(crate) body: Value,
    pub(crate) units: f64,
}

/// The database itself, on its thread.
pub(crate) struct Core {
    db: Database,
    keys: BTreeMap<String, Vec<String>>,
    changes: Changes,
    lag: Option<Lag>,
}

impl Core {
    fn open(setup: Setup) -> Result<Self, DatabaseError> {
        if let Some(file) = setup.file.as_deref().filter(|file| !is_database(file)) {
            return Err(DatabaseError::NotADatabase(file.to_owned()));
        }
        let db = match setup.file.as_deref().and_then(std::path::Path::to_str) {
            Some(file) => Database::new(file)?,
            None => Database::memory()?,
        };
        let creations: Vec<Value> =
            setup.tables.values().map(|table| table.create.clone()).collect();
        for creation in creations.iter().cloned().chain([STREAM_TABLE, QUEUE_TABLE].map(own_table))
        {
            ensure(&db, creation)?;
        }
        let lag = if setup.lagging { Some(Lag::open(&db, &creations)?) } else { None };
        let keys = creations.iter().map(|table| (name(table), key_names(table))).collect();
        let changes = Changes::new(setup.watchers, setup.clock, setup.news);
        Ok(Self { db, keys, changes, lag })
    }

    /// The key attributes of a table of the template.
    pub(crate) fn keys(&self, table: &str) -> &[String] {
        self.keys.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    /// A call as DynamoDB would do it, and all that follows from it. With `behind`, an index
    /// answers from before so many of the last writes.
    pub(crate) fn call(
        &mut self,
        operation: Operation,
        mut body: Value,
        behind: Option<usize>,
    ) -> Result<Reply, DynoxideError> {
        let asked = body.get("ReturnConsumedCapacity").is_some();
        if let Some(body) = body.as_object_mut().filter(|_| !asked) {
            body.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
        }
        let written = touched(operation, &body, &self.keys);
        let watched = self.changes.before(&self.db, &written)?;
        let answer = match (behind, &mut self.lag) {
            (Some(behind), Some(lag)) => lag.query(body, behind)?,
            _ => dispatch(&self.db, operation, body)?,
        };
        self.changes.after(&self.db, watched)?;
        if let Some(lag) = &mut self.lag {
            lag.follow(&self.db, written)?;
        }
        Ok(priced(answer, asked))
    }

    /// A call of the house's own: no faults, no streams, no price.
    pub(crate) fn own(&self, operation: Operation, body: Value) -> Result<Value, DynoxideError> {
        dispatch(&self.db, operation, body)
    }
}

/// Reads the capacity off an answer, and takes it away if it was not asked for.
fn priced(mut body: Value, asked: bool) -> Reply {
    let consumed = match body.as_object_mut().filter(|_| !asked) {
        Some(body) => body.remove("ConsumedCapacity"),
        None => body.get("ConsumedCapacity").cloned(),
    };
    let units = |consumed: &Value| consumed["CapacityUnits"].as_f64().unwrap_or_default();
    let units = match &consumed {
        Some(Value::Array(tables)) => tables.iter().map(units).sum(),
        Some(one) => units(one),
        None => 0.0,
    };
    Reply { body, units }
}

/// Creates a table, or makes sure that the one there is the same.
fn ensure(db: &Database, creation: Value) -> Result<(), DatabaseError> {
    let name = name(&creation);
    match db.describe_table(request(json!({"TableName": name}))?) {
        Ok(there) => {
            let there = serde_json::to_value(there).unwrap_or_default();
            let same = shape(&there["Table"]) == shape(&creation);
            if same { Ok(()) } else { Err(DatabaseError::Shape(name)) }
        }
        Err(DynoxideError::ResourceNotFoundException(_)) => {
            db.create_table(request(creation)?)?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// What can't be changed under data: the key, and the keys of the indexes.
fn shape(table: &Value) -> Vec<(String, Vec<String>)> {
    let indexes = table["GlobalSecondaryIndexes"].as_array().into_iter().flatten();
    let named = indexes.map(|index| {
        (index["IndexName"].as_str().unwrap_or_default().to_owned(), key_names(index))
    });
    let mut shape: Vec<_> = named.chain([(String::new(), key_names(table))]).collect();
    shape.sort();
    shape
}

fn name(table: &Value) -> String {
    table["TableName"].as_str().unwrap_or_default().to_owned()
}

fn key_names(table: &Value) -> Vec<String> {
    let keys = table["KeySchema"].as_array().into_iter().flatten();
    keys.filter_map(|key| key["AttributeName"].as_str().map(str::to_owned)).collect()
}

fn own_table(name: &str) -> Value {
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    })
}
