//! The operator's endpoints and how they fare, in one small partition that every run of `deliver`
//! reads once.

mod attempts;

use aws_sdk_dynamodb::types::{ReturnValuesOnConditionCheckFailure, Update};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Applied, Error, Item, SCHEMA, Store, Transaction, Versioned, applied, from_json, json, live,
    number, text, to_item,
};
use crate::domain::{
    event::{Event, What},
    ids::{AttemptId, WebhookId},
    webhook::{PauseReason, State, Webhook},
};

const PARTITION: &str = "HOOKS";
/// How long a deleted endpoint is remembered: longer than anything waits for it.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(32 * 24);

#[derive(Serialize, Deserialize)]
struct WebhookItem {
    pk: String,
    sk: String,
    schema: u8,
    version: u64,
    attempt: AttemptId,
    /// Gone with the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// How often in a row it failed.
    #[serde(default)]
    failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failing_since: Option<i64>,
}

/// An endpoint as a run finds it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The endpoint and its version.
    pub webhook: Versioned<Webhook>,
    /// How it fares.
    pub health: Health,
}

/// How an endpoint fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// How often in a row it failed.
    pub failures: u32,
    /// Since when nothing else happened.
    pub failing_since: Option<Timestamp>,
}

/// All endpoints, and those that are no more, whose lanes are to be emptied.
#[derive(Debug, Clone, Default)]
pub struct Endpoints {
    /// Oldest first.
    pub known: Vec<Endpoint>,
    /// Deleted within the month.
    pub gone: Vec<WebhookId>,
}

impl WebhookItem {
    fn health(&self) -> Health {
        let since = self.failing_since.and_then(|at| Timestamp::from_second(at).ok());
        Health { failures: self.failures, failing_since: since }
    }

    fn endpoint(&self) -> Result<Option<Endpoint>, Error> {
        let Some(body) = &self.body else { return Ok(None) };
        let value = from_json(body, "webhook")?;
        let webhook = Versioned { value, version: self.version };
        Ok(Some(Endpoint { webhook, health: self.health() }))
    }
}

fn key(id: &WebhookId) -> Item {
    Item::from([("pk".into(), text(PARTITION)), ("sk".into(), text(id.as_str()))])
}

impl Store {
    /// Every endpoint, strongly consistent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhooks(&self, now: Timestamp) -> Result<Endpoints, Error> {
        let mut endpoints = Endpoints::default();
        for item in self.below(&self.tables.outbox, PARTITION, "whk_").await? {
            let Some(item) = live::<WebhookItem>(item, "webhook", now)? else { continue };
            match item.endpoint()? {
                Some(endpoint) => endpoints.known.push(endpoint),
                None => endpoints.gone.extend(item.sk.parse()),
            }
        }
        endpoints.known.sort_by_key(|endpoint| endpoint.webhook.value.created_at);
        Ok(endpoints)
    }

    /// One endpoint, strongly consistent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook(&self, id: &WebhookId, now: Timestamp) -> Result<Option<Endpoint>, Error> {
        let Some(item) = self.outbox_item(PARTITION, id.as_str()).await? else { return Ok(None) };
        let item: Option<WebhookItem> = live(item, "webhook", now)?;
        item.map_or(Ok(None), |item| item.endpoint())
    }

    /// Adds an endpoint; one that is there already under its id stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_webhook(&self, webhook: &Webhook) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let item = WebhookItem {
            pk: PARTITION.into(),
            sk: webhook.id.to_string(),
            schema: SCHEMA,
            version: 1,
            attempt: attempt.clone(),
            body: Some(json(webhook, "webhook")?),
            expires_at: None,
            failures: 0,
            failing_since: None,
        };
        let result = self
            .client
            .put_item()
            .table_name(&self.tables.outbox)
            .set_item(Some(to_item(&item, "webhook")?))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        applied(result, &attempt).map(|_| ())
    }

    /// Changes an endpoint; `afresh` forgets how it fared, so that it is given a day again.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was changed in between.
    pub async fn save_webhook(
        &self,
        webhook: &Webhook,
        version: u64,
        afresh: bool,
    ) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let set = "SET body = :body, version = :next, attempt = :attempt";
        let change = if afresh {
            format!("{set}, failures = :none REMOVE failing_since")
        } else {
            set.to_owned()
        };
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .set_key(Some(key(&webhook.id)))
            .condition_expression("attribute_exists(body) AND version = :version")
            .update_expression(change)
            .expression_attribute_values(":body", text(json(webhook, "webhook")?))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":next", number(version + 1))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        if afresh {
            update = update.expression_attribute_values(":none", number(0));
        }
        match applied(update.send().await, &attempt)? {
            Applied::Yes => Ok(()),
            Applied::No(_) => Err(Error::Conflict),
        }
    }

    /// Deletes an endpoint, all but its id: what waits for it is removed by the next runs. `false`:
    /// there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_webhook(&self, id: &WebhookId, now: Timestamp) -> Result<bool, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .set_key(Some(key(id)))
            .condition_expression("attribute_exists(body)")
            .update_expression(
                "SET expires_at = :expires, attempt = :attempt REMOVE body, failing_since",
            )
            .expression_attribute_values(":expires", number((now + REMEMBERED).as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let deleted = matches!(applied(result, &attempt)?, Applied::Yes);
        if deleted {
            self.delete_outbox(PARTITION, &attempts::key(id)).await?;
        }
        Ok(deleted)
    }

    /// Counts a failed try. `None`: the endpoint is no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook_failed(
        &self,
        id: &WebhookId,
        now: Timestamp,
    ) -> Result<Option<Endpoint>, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .set_key(Some(key(id)))
            .condition_expression("attribute_exists(body)")
            .update_expression(
                "SET failing_since = if_not_exists(failing_since, :now) ADD failures :one",
            )
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":one", number(1))
            .send()
            .await;
        match applied(result, &attempt)? {
            Applied::Yes => self.webhook(id, now).await,
            Applied::No(_) => Ok(None),
        }
    }

    /// It took something: whatever failed before is forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn webhook_well(&self, id: &WebhookId) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.outbox)
            .set_key(Some(key(id)))
            .condition_expression("attribute_exists(body)")
            .update_expression("SET failures = :none REMOVE failing_since")
            .expression_attribute_values(":none", number(0))
            .send()
            .await;
        applied(result, &attempt).map(|_| ())
    }

    /// Stops sending to an endpoint, and tells so.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it was changed in between: decide anew.
    pub async fn pause_webhook(
        &self,
        webhook: &Versioned<Webhook>,
        reason: PauseReason,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = &webhook.value.id;
        let state = State::Paused { reason, since: now };
        let paused = Webhook { state, updated_at: now, ..webhook.value.clone() };
        let update = Update::builder()
            .table_name(&self.tables.outbox)
            .set_key(Some(key(id)))
            .condition_expression("attribute_exists(body) AND version = :version")
            .update_expression("SET body = :body, version = :next")
            .expression_attribute_values(":body", text(json(&paused, "webhook")?))
            .expression_attribute_values(":version", number(webhook.version))
            .expression_attribute_values(":next", number(webhook.version + 1))
            .build()
            .map_err(|_| Error::Malformed("webhook"))?;
        let mut transaction = Transaction::new();
        transaction.update(update);
        let what = What::WebhookPaused { webhook: id.clone(), reason };
        self.tell_in(&mut transaction, Event::of_deployment(what, now))?;
        self.commit(transaction).await
    }
}
