//! Monitors: when a message is due. At most five for a vehicle, client and user.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{callbacks::RunState, store::State};

/// How many there may be for one vehicle, client and user.
pub(crate) const MOST: usize = 5;

/// A monitor and what it remembers.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Monitor {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) callback: String,
    pub(crate) vin: String,
    pub(crate) label: String,
    /// As it was sent.
    pub(crate) parameter: Value,
    /// What its creator may see, for extensions.
    pub(crate) scopes: Vec<String>,
    pub(crate) status: RunState,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// How often it fired, reminders left out.
    pub(crate) fired: u64,
    pub(crate) memory: Memory,
}

/// How far a monitor was followed, and how things stood then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// It was judged up to here.
    pub(crate) at: Timestamp,
    /// What was read last, by operand; none before the first time.
    pub(crate) readings: Option<BTreeMap<String, String>>,
    /// What of it was read before that.
    pub(crate) previous: BTreeMap<String, String>,
    /// How each trigger stood, in order.
    pub(crate) held: Vec<bool>,
    /// Whether the whole condition held.
    pub(crate) holds: bool,
    /// When it last spoke while it held.
    pub(crate) spoke_at: Option<Timestamp>,
}

impl Memory {
    /// Nothing is remembered, and the past does not count.
    pub(crate) fn from(now: Timestamp) -> Self {
        Self {
            at: now,
            readings: None,
            previous: BTreeMap::new(),
            held: Vec::new(),
            holds: false,
            spoke_at: None,
        }
    }
}

impl State {
    /// The monitors of one callback and vehicle.
    pub(crate) fn monitors_of(&self, callback: &str, vin: &str) -> impl Iterator<Item = &Monitor> {
        self.monitors
            .iter()
            .filter(move |monitor| monitor.callback == callback && monitor.vin == vin)
    }

    /// How many there are for a vehicle, client and user.
    pub(crate) fn count_monitors(&self, client: &str, account: &str, vin: &str) -> usize {
        let same = |monitor: &&Monitor| {
            monitor.client == client && monitor.account == account && monitor.vin == vin
        };
        self.monitors.iter().filter(same).count()
    }

    /// Deletes it and what it still had to say.
    pub(crate) fn delete_monitor(&mut self, id: &str) {
        self.monitors.retain(|monitor| monitor.id != id);
        self.outbox.retain(|message| message.monitor.as_deref() != Some(id));
    }
}
