//! The state, and its one JSON file: replaced whole, so that a crash leaves the old one.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{
    accounts::Account,
    callbacks::Callback,
    grants::{AuthorizationRequest, Code, Grant},
    messages::Message,
    monitors::Monitor,
    remotes::{AllWakeUps, Remote},
};
use crate::cars::Car;

/// All that outlives a restart. Of tokens it holds fingerprints only.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) cars: BTreeMap<String, Car>,
    pub(crate) requests: BTreeMap<String, AuthorizationRequest>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) grants: BTreeMap<u64, Grant>,
    /// Refresh attempts with a token that never was.
    pub(crate) unknown_tokens: u64,
    #[serde(default)]
    pub(crate) callbacks: Vec<Callback>,
    #[serde(default)]
    pub(crate) monitors: Vec<Monitor>,
    #[serde(default)]
    pub(crate) remotes: Vec<Remote>,
    /// What waits to be sent, in the order it was made.
    #[serde(default)]
    pub(crate) outbox: Vec<Message>,
    #[serde(default)]
    pub(crate) messages_made: u64,
    /// Messages deleted because nobody took them in time.
    #[serde(default)]
    pub(crate) messages_lost: u64,
    #[serde(default)]
    pub(crate) wake_ups: AllWakeUps,
}

/// The state file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is there and cannot be read, or cannot be written.
    #[error("the state file cannot be read or written")]
    File(#[source] io::Error),
    /// The file holds something else.
    #[error("the state file is not a state of the simulated maker")]
    Format(#[source] serde_json::Error),
}

impl State {
    /// The state in the file; none if there is no file.
    pub(crate) fn load(file: &Path) -> Result<Option<Self>, StoreError> {
        match fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(StoreError::Format),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::File(error)),
        }
    }

    /// Writes a neighbour, then puts it in the file's place.
    pub(crate) fn save(&self, file: &Path) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(self).map_err(StoreError::Format)?;
        let neighbour = file.with_extension("new");
        fs::write(&neighbour, bytes)
            .and_then(|()| fs::rename(&neighbour, file))
            .map_err(StoreError::File)
    }
}
