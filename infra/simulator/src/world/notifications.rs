//! What a test, or the control routes, can see and do about callbacks, monitors and remotes.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{
    World, WorldError,
    callbacks::{Kind, RunState},
    messages::{Delivery, DeliveryFault},
    remotes::{Action, FailureCause, Fate, RemoteFate, RemoteStatus},
};
use crate::{cars::Change, lock};

/// A callback as tests may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallbackView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// Its label.
    pub label: Option<String>,
    /// What it takes.
    pub kinds: Vec<Kind>,
    /// Where messages go. It may hold a secret, so it is not serialized.
    #[serde(skip)]
    pub target: String,
    /// Whether it runs.
    pub status: RunState,
    /// How many messages wait for it.
    pub pending: usize,
    /// Whether messages have failed and wait.
    pub behind: bool,
}

/// A monitor as tests may see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MonitorView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// The callback it speaks to.
    pub callback: String,
    /// The car it watches.
    pub vin: String,
    /// Its label.
    pub label: String,
    /// Whether it runs.
    pub status: RunState,
    /// Whether its condition holds.
    pub holds: bool,
    /// How often that began, as told.
    pub fired: u64,
    /// As it was sent. It may hold a secret, so it is not serialized.
    #[serde(skip)]
    pub parameter: Value,
}

/// A remote as tests may see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoteView {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// The callback that its events go to.
    pub callback: String,
    /// The car.
    pub vin: String,
    /// What was asked.
    pub action: Action,
    /// Where it stands.
    pub status: RemoteStatus,
    /// Why it failed.
    pub cause: Option<FailureCause>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it ended.
    pub done_at: Option<Timestamp>,
    /// How many `POST`s of the very same body arrived for this car, those that a fault met too.
    pub posts: usize,
}

/// A `POST …/remotes` that arrived, whatever became of it. Not kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemotePost {
    /// When.
    pub at: Timestamp,
    /// The address called, without host and query.
    pub path: String,
    /// What was sent; `null` if it was no JSON.
    pub body: Value,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MessageView {
    /// Rising in the order they were made.
    pub number: u64,
    /// The callback.
    pub callback: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// It is held back until then.
    pub not_before: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What it says, without attributes.
    pub body: Value,
}

/// Of notifications.
impl World {
    /// All callbacks, in the order they were made.
    #[must_use]
    pub fn callbacks(&self) -> Vec<CallbackView> {
        self.look(|state| {
            let pending = |id: &str| state.outbox.iter().filter(|m| m.callback == id).count();
            let view = |callback: &super::callbacks::Callback| CallbackView {
                id: callback.id.clone(),
                account: callback.account.clone(),
                label: callback.label.clone(),
                kinds: callback.kinds.clone(),
                target: callback.target.clone(),
                status: callback.status,
                pending: pending(&callback.id),
                behind: callback.behind,
            };
            state.callbacks.iter().map(view).collect()
        })
    }

    /// All monitors, in the order they were made.
    #[must_use]
    pub fn monitors(&self) -> Vec<MonitorView> {
        let view = |monitor: &super::monitors::Monitor| MonitorView {
            id: monitor.id.clone(),
            account: monitor.account.clone(),
            callback: monitor.callback.clone(),
            vin: monitor.vin.clone(),
            label: monitor.label.clone(),
            status: monitor.status,
            holds: monitor.memory.holds,
            fired: monitor.fired,
            parameter: monitor.parameter.clone(),
        };
        self.look(|state| state.monitors.iter().map(view).collect())
    }

    /// All remotes that were accepted, in the order they came.
    #[must_use]
    pub fn remotes(&self) -> Vec<RemoteView> {
        let posts = self.remote_posts();
        let same = |remote: &super::remotes::Remote| {
            let callback = format!("/callbacks/{}/remotes", remote.callback);
            posts
                .iter()
                .filter(|post| post.body == remote.body && post.path.ends_with(&callback))
                .count()
        };
        let view = |remote: &super::remotes::Remote| RemoteView {
            id: remote.id.clone(),
            account: remote.account.clone(),
            callback: remote.callback.clone(),
            vin: remote.vin.clone(),
            action: remote.action,
            status: remote.status,
            cause: remote.cause,
            accepted_at: remote.accepted_at,
            done_at: remote.done_at,
            posts: same(remote),
        };
        self.look(|state| state.remotes.iter().map(view).collect())
    }

    /// Every `POST …/remotes` that arrived, those that a fault met too.
    #[must_use]
    pub fn remote_posts(&self) -> Vec<RemotePost> {
        lock(&self.inner.remote_posts).clone()
    }

    pub(crate) fn note_remote_post(&self, path: &str, body: &[u8]) {
        lock(&self.inner.remote_posts).push(RemotePost {
            at: self.now(),
            path: path.to_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        });
    }

    /// How often the car was woken this month.
    #[must_use]
    pub fn wake_ups(&self, vin: &str) -> u32 {
        self.look(|state| state.wake_ups.get(vin).map_or(0, |wake_ups| wake_ups.count))
    }

    /// A callback for remotes made for a user without asking, as if the client had asked for it.
    #[must_use]
    pub fn add_callback(&self, account: &str, target: &str) -> String {
        self.add_callback_with(account, target, &[])
    }

    /// The same for messages of every kind, with attributes of the body.
    #[must_use]
    pub fn add_callback_with(
        &self,
        account: &str,
        target: &str,
        attributes: &[(&str, &str)],
    ) -> String {
        let id = crate::random::token();
        let attributes = attributes.iter().map(|(key, value)| super::callbacks::Attribute {
            place: super::callbacks::Place::Body,
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        });
        let callback = super::callbacks::Callback {
            id: id.clone(),
            client: self.registration().client_id,
            account: account.to_owned(),
            label: None,
            kinds: vec![Kind::Monitor, Kind::Remote],
            target: target.to_owned(),
            attributes: attributes.collect(),
            subscribe: Value::Null,
            status: RunState::Running,
            created_at: self.now(),
            behind: false,
            retry_at: None,
        };
        self.change(|state| state.callbacks.push(callback));
        id
    }

    /// What waits to be sent.
    #[must_use]
    pub fn pending_messages(&self) -> Vec<MessageView> {
        let view = |message: &super::messages::Message| MessageView {
            number: message.number,
            callback: message.callback.clone(),
            made_at: message.made_at,
            not_before: message.not_before,
            attempts: message.attempts,
            body: message.body.clone(),
        };
        self.look(|state| state.outbox.iter().map(view).collect())
    }

    /// How many messages were deleted because nobody took them within 72 hours.
    #[must_use]
    pub fn lost_messages(&self) -> u64 {
        self.look(|state| state.messages_lost)
    }

    /// Every `POST` to a callback since the start, the last 10,000 of them.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.post_office().log()
    }

    /// Orders a fault of delivery; one befalls each `POST`, in the order they were ordered.
    pub fn delivery_fault(&self, fault: DeliveryFault) {
        self.post_office().order(fault);
    }

    /// Cancels all faults of delivery.
    pub fn clear_delivery_faults(&self) {
        self.post_office().clear();
    }

    /// Decides what becomes of the next remote.
    pub fn next_remote(&self, fate: Fate) {
        self.remote_fate(RemoteFate { vin: None, action: None, times: 1, fate });
    }

    /// Decides what becomes of remotes to come.
    pub fn remote_fate(&self, fate: RemoteFate) {
        lock(&self.inner.fates).push_back(fate);
    }

    pub(crate) fn take_fate(&self, vin: &str, action: Action) -> Option<Fate> {
        let mut fates = lock(&self.inner.fates);
        let index = fates.iter().position(|fate| {
            fate.vin.as_deref().is_none_or(|wanted| wanted == vin)
                && fate.action.is_none_or(|wanted| wanted == action)
        })?;
        let found = fates.get_mut(index)?;
        let fate = found.fate;
        found.times = found.times.saturating_sub(1);
        if found.times == 0 {
            fates.remove(index);
        }
        Some(fate)
    }

    /// Does something to a car now, on top of its planned life, until its next drive begins.
    ///
    /// # Errors
    /// No such car.
    pub fn touch_car(&self, vin: &str, change: Change) -> Result<(), WorldError> {
        self.follow();
        let now = self.now();
        self.change(|state| {
            state.cars.get(vin).ok_or(WorldError::UnknownCar)?;
            state.touch(vin, now, change);
            Ok(())
        })
    }

    /// Sends any message at all to a callback, as if the maker had made it: attributes of the
    /// callback are added, variables left as they are.
    ///
    /// # Errors
    /// No such callback.
    pub fn push_message(&self, callback: &str, message: Value) -> Result<(), WorldError> {
        let now = self.now();
        self.change(|state| {
            let known = state.callbacks.iter().find(|known| known.id == callback);
            let attributes = known.ok_or(WorldError::UnknownNotification)?.attributes.clone();
            state.put_message(callback, None, now, message, attributes);
            Ok(())
        })
    }

    /// Sets the status of a callback or a monitor, as the maker does when it gives one up.
    ///
    /// # Errors
    /// Neither has this id.
    pub fn set_run_state(&self, id: &str, status: RunState) -> Result<(), WorldError> {
        self.follow();
        self.change(|state| {
            let callback = state.callbacks.iter_mut().find(|known| known.id == id);
            let monitor = state.monitors.iter_mut().find(|known| known.id == id);
            match (callback, monitor) {
                (Some(callback), _) => callback.status = status,
                (None, Some(monitor)) => monitor.status = status,
                (None, None) => return Err(WorldError::UnknownNotification),
            }
            Ok(())
        })
    }

    /// Deletes a callback behind the client's back, with its monitors.
    ///
    /// # Errors
    /// No such callback.
    pub fn lose_callback(&self, id: &str) -> Result<(), WorldError> {
        self.change(|state| {
            if !state.callbacks.iter().any(|known| known.id == id) {
                return Err(WorldError::UnknownNotification);
            }
            state.delete_callback(id);
            Ok(())
        })
    }

    /// Deletes a monitor behind the client's back.
    ///
    /// # Errors
    /// No such monitor.
    pub fn lose_monitor(&self, id: &str) -> Result<(), WorldError> {
        self.change(|state| {
            if !state.monitors.iter().any(|known| known.id == id) {
                return Err(WorldError::UnknownNotification);
            }
            state.delete_monitor(id);
            Ok(())
        })
    }
}
