//! Delivery: one message a `POST`, again every 10 s if it fails, in batches once some have failed.

use std::{
    collections::VecDeque,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use reqwest::{Client, header, redirect::Policy};
use serde_json::Value;
use url::Url;

use crate::{
    lock,
    time::after,
    world::{
        State, World,
        callbacks::{Callback, Place, RunState},
        messages::{BATCH, Delivery, DeliveryFault, DeliveryFaultKind, KEPT, Message, RETRY},
    },
};

/// So many deliveries are remembered.
const REMEMBERED: usize = 10_000;

/// What deliveries need beside the state.
#[derive(Default)]
pub(crate) struct PostOffice {
    client: OnceLock<Option<Client>>,
    faults: Mutex<VecDeque<DeliveryFault>>,
    log: Mutex<VecDeque<Delivery>>,
}

/// A `POST` about to go.
struct Post {
    callback: String,
    url: Url,
    headers: header::HeaderMap,
    body: String,
    messages: Vec<u64>,
    batch: bool,
}

impl PostOffice {
    pub(crate) fn order(&self, fault: DeliveryFault) {
        lock(&self.faults).push_back(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.faults).clear();
    }

    pub(crate) fn log(&self) -> Vec<Delivery> {
        lock(&self.log).iter().cloned().collect()
    }

    fn take_fault(&self, callback: &str) -> Option<DeliveryFaultKind> {
        let mut faults = lock(&self.faults);
        let fits = |fault: &DeliveryFault| {
            fault.callback.as_deref().is_none_or(|wanted| wanted == callback)
        };
        let index = faults.iter().position(fits)?;
        let fault = faults.get_mut(index)?;
        let kind = fault.kind;
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            faults.remove(index);
        }
        Some(kind)
    }

    /// The client, made when it is first needed: it loads certificates.
    fn client(&self) -> Option<&Client> {
        let made = self.client.get_or_init(|| {
            let client = Client::builder().redirect(Policy::none()).no_proxy().build();
            client
                .inspect_err(|error| tracing::error!(error = %error, "no client for deliveries"))
                .ok()
        });
        made.as_ref()
    }

    /// Sends it; the status of the answer, if there is one in time.
    async fn send(&self, post: &Post, timeout: Duration) -> Option<u16> {
        let request = self
            .client()?
            .post(post.url.clone())
            .timeout(timeout)
            .headers(post.headers.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(post.body.clone());
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        tracing::debug!(status, messages = post.messages.len(), "notification delivered");
        Some(status)
    }

    fn remember(&self, delivery: Delivery) {
        let mut log = lock(&self.log);
        if log.len() == REMEMBERED {
            log.pop_front();
        }
        log.push_back(delivery);
    }
}

impl World {
    /// Sends every message that is due, callback by callback.
    pub(super) async fn deliver(&self) {
        let now = self.now();
        let waiting = self.look(|state| !state.outbox.is_empty());
        if !waiting {
            return;
        }
        if self.look(|state| state.outbox.iter().any(|message| state.is_expired(message, now))) {
            self.change(|state| state.give_up(now));
        }
        let callbacks: Vec<String> =
            self.look(|state| state.callbacks.iter().map(|callback| callback.id.clone()).collect());
        for callback in callbacks {
            self.deliver_to(&callback, now).await;
        }
    }

    async fn deliver_to(&self, callback: &str, now: Timestamp) {
        let office = self.post_office();
        let mut reversed = false;
        while self.look(|state| !state.due(callback, now).is_empty()) {
            let fault = office.take_fault(callback);
            match fault {
                Some(DeliveryFaultKind::Late(seconds)) => {
                    self.change(|state| state.hold_back(callback, now, seconds));
                    continue;
                }
                Some(DeliveryFaultKind::Reordered) => reversed = true,
                _ => (),
            }
            let Some(post) = self.look(|state| state.post(callback, now, reversed, fault)) else {
                return;
            };
            let times = if fault == Some(DeliveryFaultKind::Duplicate) { 2 } else { 1 };
            let mut taken = false;
            for _ in 0..times {
                taken |= self.post_once(&post, now).await;
            }
            self.change(|state| state.settle(&post, taken, now));
            if !taken {
                return;
            }
        }
    }

    async fn post_once(&self, post: &Post, now: Timestamp) -> bool {
        let office = self.post_office();
        let status = office.send(post, self.settings().delivery_timeout).await;
        office.remember(Delivery {
            callback: post.callback.clone(),
            at: now,
            status,
            messages: post.messages.clone(),
            batch: post.batch,
            body: post.body.clone(),
        });
        status.is_some_and(|status| (200..300).contains(&status))
    }
}

impl State {
    /// What may go to a callback now, in order; nothing while it does not run or waits.
    fn due(&self, callback: &str, now: Timestamp) -> Vec<&Message> {
        let ready = |callback: &&Callback| {
            callback.status == RunState::Running && callback.retry_at.is_none_or(|at| at <= now)
        };
        let known = self.callbacks.iter().find(|known| known.id == callback).filter(ready);
        let Some(known) = known else { return Vec::new() };
        let mine = |message: &&Message| message.callback == known.id && message.not_before <= now;
        self.outbox.iter().filter(mine).collect()
    }

    fn hold_back(&mut self, callback: &str, now: Timestamp, seconds: u32) {
        let Some(number) = self.due(callback, now).first().map(|message| message.number) else {
            return;
        };
        if let Some(message) = self.outbox.iter_mut().find(|message| message.number == number) {
            message.not_before = after(now, Duration::from_secs(seconds.into()));
        }
    }

    /// The next `POST` to a callback.
    fn post(
        &self,
        callback: &str,
        now: Timestamp,
        reversed: bool,
        fault: Option<DeliveryFaultKind>,
    ) -> Option<Post> {
        let known = self.callbacks.iter().find(|known| known.id == callback)?;
        let mut due = self.due(callback, now);
        if reversed {
            due.reverse();
        }
        let forced = fault == Some(DeliveryFaultKind::Batch);
        let batch = forced || known.behind && due.len() > 1;
        due.truncate(if batch { BATCH } else { 1 });
        let with_attributes = fault != Some(DeliveryFaultKind::NoAttributes);
        let mut url = Url::parse(&known.target).ok()?;
        let mut headers = header::HeaderMap::new();
        let first = due.first()?;
        if !batch && with_attributes {
            address(first, &mut url, &mut headers);
        }
        let bodies: Vec<Value> = due.iter().map(|message| message.sent(with_attributes)).collect();
        let mut body = match <[Value; 1]>::try_from(bodies) {
            Ok([single]) if !batch => single.to_string(),
            Ok(single) => Value::from(single.to_vec()).to_string(),
            Err(several) => Value::Array(several).to_string(),
        };
        if fault == Some(DeliveryFaultKind::Corrupted) {
            body = body.chars().take(body.chars().count() / 2).collect();
        }
        let messages = due.iter().map(|message| message.number).collect();
        Some(Post { callback: known.id.clone(), url, headers, body, messages, batch })
    }

    /// Taken messages are gone; others wait for the next attempt.
    fn settle(&mut self, post: &Post, taken: bool, now: Timestamp) {
        if taken {
            self.outbox.retain(|message| !post.messages.contains(&message.number));
        } else {
            for message in &mut self.outbox {
                message.attempts += u32::from(post.messages.contains(&message.number));
            }
        }
        let more = self.outbox.iter().any(|message| message.callback == post.callback);
        if let Some(known) = self.callbacks.iter_mut().find(|known| known.id == post.callback) {
            known.behind = more && (known.behind || !taken);
            known.retry_at = (!taken).then(|| after(now, RETRY));
        }
    }

    /// Deletes what nobody took for 72 hours; the monitors that said it have failed.
    fn give_up(&mut self, now: Timestamp) {
        let (expired, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.outbox)
            .into_iter()
            .partition(|message| self.is_expired(message, now));
        self.outbox = kept;
        for message in expired {
            self.messages_lost += 1;
            let failed = |id: &String| Some(id) == message.monitor.as_ref();
            for monitor in self.monitors.iter_mut().filter(|monitor| failed(&monitor.id)) {
                monitor.status = RunState::Failed;
            }
        }
    }

    /// Old, and not just because the clock jumped: it was tried, or could not be.
    fn is_expired(&self, message: &Message, now: Timestamp) -> bool {
        let runs = |callback: &Callback| {
            callback.id == message.callback && callback.status == RunState::Running
        };
        after(message.made_at, KEPT) <= now
            && (message.attempts > 0 || !self.callbacks.iter().any(runs))
    }
}

/// Puts a message's attributes into header and query.
fn address(message: &Message, url: &mut Url, headers: &mut header::HeaderMap) {
    for attribute in &message.attributes {
        match attribute.place {
            Place::Query => {
                url.query_pairs_mut().append_pair(&attribute.key, &attribute.value);
            }
            Place::Header => {
                let name = header::HeaderName::from_bytes(attribute.key.as_bytes());
                let value = header::HeaderValue::from_str(&attribute.value);
                // A label with other letters than a header may hold is left out.
                if let (Ok(name), Ok(value)) = (name, value) {
                    headers.append(name, value);
                }
            }
            Place::Body => (),
        }
    }
}
