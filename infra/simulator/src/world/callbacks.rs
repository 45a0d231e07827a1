//! Callbacks: where notifications go. One belongs to a client and a user.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::State;

/// What may be sent to a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Events of monitors.
    Monitor,
    /// Events of remotes.
    Remote,
}

/// Whether something runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// It does.
    Running,
    /// The client stopped it.
    Paused,
    /// The maker gave it up.
    Failed,
}

/// What is added to each message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attribute {
    #[serde(rename = "type")]
    pub(crate) place: Place,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// Where an attribute goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    Header,
    Body,
    Query,
}

/// A callback.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Callback {
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) account: String,
    pub(crate) label: Option<String>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) target: String,
    pub(crate) attributes: Vec<Attribute>,
    /// As it was sent.
    pub(crate) subscribe: Value,
    pub(crate) status: RunState,
    pub(crate) created_at: Timestamp,
    /// Messages failed and wait: they go in batches until none is left.
    pub(crate) behind: bool,
    /// No attempt before this.
    pub(crate) retry_at: Option<Timestamp>,
}

impl State {
    /// The callback, if it is this client's and user's.
    pub(crate) fn callback(&self, client: &str, account: &str, id: &str) -> Option<&Callback> {
        self.callbacks.iter().find(|callback| callback.is(client, account, id))
    }

    /// The same, to change it.
    pub(crate) fn callback_mut(
        &mut self,
        client: &str,
        account: &str,
        id: &str,
    ) -> Option<&mut Callback> {
        self.callbacks.iter_mut().find(|callback| callback.is(client, account, id))
    }

    /// Deletes it, its monitors, and all that waits for it. What its remotes still do is told to
    /// nobody.
    pub(crate) fn delete_callback(&mut self, id: &str) {
        self.callbacks.retain(|callback| callback.id != id);
        self.monitors.retain(|monitor| monitor.callback != id);
        self.outbox.retain(|message| message.callback != id);
    }
}

impl Callback {
    fn is(&self, client: &str, account: &str, id: &str) -> bool {
        self.client == client && self.account == account && self.id == id
    }
}
