//! What the maker sent, each message once. An item is written by its content's name, worked off
//! from the due index, and stays as a mark when it is done, longer than the maker repeats it.
//!
//! Everything here is born with a due time, so that `digest` sees it at least once: whatever was
//! written while its enrollment was being erased is deleted then.

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, Delete, ReturnValuesOnConditionCheckFailure, Update},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    DueKey, Error, Item, SCHEMA, Shards, Store, Transaction, applied, as_number, number, packed,
    text,
};
use crate::{
    aws::AwsError,
    domain::{
        ids::{AttemptId, EnrollmentId},
        vin::Vin,
    },
};

/// How long a message, or the mark that it was done, is kept: the maker repeats for 72 h.
const KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How long a hint's text is kept.
const HINT_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A message that the stream did not bring to an end is swept from then on.
const SWEPT_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// A part is looked at from then on: without its message, nobody will ever need it.
const PART_SWEPT_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// The most bytes of one item's text: an item holds 400 KB.
const PART: usize = 300_000;

/// A message to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The name of its content.
    pub content: String,
    /// Its text.
    pub text: String,
    /// Whether it came with the secret.
    pub secret: bool,
    /// Whether it overwrites whatever has its name: one of the few that unproven ones share.
    pub overwrites: bool,
    /// The VIN that came with it.
    pub vin: Option<Vin>,
    /// When it came.
    pub received_at: Timestamp,
}

/// A message that is not done.
#[derive(Debug, Clone)]
pub struct Message {
    /// To whose subscription.
    pub enrollment: EnrollmentId,
    /// The name of its content.
    pub content: String,
    /// Whether it came with the secret.
    pub secret: bool,
    /// The VIN that came with it.
    pub vin: Option<Vin>,
    /// When it came first.
    pub received_at: Timestamp,
    /// How often a sweep tried it.
    pub tries: u32,
    /// When it is due.
    pub due_at: i64,
    attempt: AttemptId,
    parts: usize,
    body: Vec<u8>,
}

/// The partition of what came for an enrollment.
#[must_use]
pub fn partition(id: &EnrollmentId) -> String {
    format!("IN#{id}")
}

/// The enrollment that a partition of the inbox belongs to.
#[must_use]
pub fn of_partition(pk: &str) -> Option<EnrollmentId> {
    pk.strip_prefix("IN#")?.parse().ok()
}

/// The name of what may be anybody's. There are 256 of them for each enrollment, and who comes later
/// overwrites: whoever learns an address can't fill the table.
#[must_use]
pub fn unproven(hash: &str) -> String {
    format!("unproven-{}", hash.get(..2).unwrap_or_default())
}

fn message_key(content: &str) -> String {
    format!("MSG#{content}")
}

fn part_key(content: &str, index: usize) -> String {
    format!("PART#{content}#{index:03}")
}

/// The key of a part of the message with this key.
pub(super) fn part_of_message(sk: &str, index: usize) -> String {
    part_key(sk.strip_prefix("MSG#").unwrap_or_default(), index)
}

/// The message that a part's key belongs to.
#[must_use]
pub fn message_of_part(sk: &str) -> Option<String> {
    let (content, _) = sk.strip_prefix("PART#")?.rsplit_once('#')?;
    Some(message_key(content))
}

/// What every item of the inbox has.
pub(super) fn item(
    shards: Shards,
    enrollment: &EnrollmentId,
    sk: String,
    (received_at, due_at, expires_at): (Timestamp, Timestamp, Timestamp),
) -> Item {
    Item::from([
        ("shard".to_owned(), text(shards.of_key("digest", &sk))),
        ("pk".to_owned(), text(partition(enrollment))),
        ("sk".to_owned(), text(sk)),
        ("schema".to_owned(), number(SCHEMA)),
        ("attempt".to_owned(), text(AttemptId::random().as_str())),
        ("received_at".to_owned(), number(received_at.as_second())),
        ("due_at".to_owned(), number(due_at.as_second())),
        ("expires_at".to_owned(), number(expires_at.as_second())),
    ])
}

pub(super) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

impl Store {
    /// Whether an enrollment's anchor stands: what is sent to any other is of no use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stands(&self, enrollment: &EnrollmentId) -> Result<bool, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.records)
            .key("pk", text(super::enrollments::partition(enrollment)))
            .key("sk", text("META"))
            .projection_expression("#status")
            .expression_attribute_names("#status", "status")
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let status = answer.item.as_ref().and_then(|item| item.get("status")?.as_s().ok());
        Ok(status
            .is_some_and(|status| matches!(status.as_str(), "active" | "reauthorization_required")))
    }

    /// Puts a message, unless it is there already. One that came without the secret gives way to
    /// the same one with it: a forged message never keeps a true one out. `false`: it was there.
    ///
    /// # Errors
    /// When the database fails. Nothing is lost by putting it again.
    pub async fn receive(
        &self,
        enrollment: &EnrollmentId,
        arrival: &Arrival,
    ) -> Result<bool, Error> {
        let at = arrival.received_at;
        let body = packed::pack(arrival.text.as_bytes());
        let parts: Vec<_> = body.chunks(PART).collect();
        let whole = parts.len() <= 1;
        let times = (at, at + PART_SWEPT_AFTER, at + KEPT);
        for (index, part) in parts.iter().enumerate().filter(|_| !whole) {
            let mut item =
                item(self.shards(), enrollment, part_key(&arrival.content, index), times);
            item.insert("body".into(), bytes(part));
            // The same name has the same parts.
            self.put(item, None).await?;
        }
        let times = (at, at + SWEPT_AFTER, at + KEPT);
        let mut item = item(self.shards(), enrollment, message_key(&arrival.content), times);
        item.insert("secret".into(), AttributeValue::Bool(arrival.secret));
        item.insert("parts".into(), number(if whole { 0 } else { parts.len() }));
        if whole {
            item.insert("body".into(), bytes(&body));
        }
        if let Some(vin) = &arrival.vin {
            item.insert("vin".into(), text(vin.as_str()));
        }
        self.put(item, (!arrival.overwrites).then_some(arrival.secret)).await
    }

    /// Puts an item of the inbox; `secret`: only if it is not there, or less is known of it.
    pub(super) async fn put(&self, item: Item, secret: Option<bool>) -> Result<bool, Error> {
        let attempt = item.get("attempt").and_then(|attempt| attempt.as_s().ok()).cloned();
        let attempt: AttemptId =
            attempt.and_then(|id| id.parse().ok()).ok_or(Error::Malformed("inbox"))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.records)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match secret {
            None => put,
            Some(false) => put.condition_expression("attribute_not_exists(pk)"),
            Some(true) => put
                .condition_expression("attribute_not_exists(pk) OR secret = :no")
                .expression_attribute_values(":no", AttributeValue::Bool(false)),
        };
        Ok(matches!(applied(put.send().await, &attempt)?, super::Applied::Yes))
    }

    /// A message, unless it is done or gone.
    ///
    /// # Errors
    /// When the database fails, or the item can't be read.
    pub async fn message(
        &self,
        pk: &str,
        sk: &str,
        now: Timestamp,
    ) -> Result<Option<Message>, Error> {
        let Some(item) = self.record(pk, sk).await? else { return Ok(None) };
        let number = |name: &str| item.get(name).and_then(as_number);
        let (Some(due_at), false) =
            (number("due_at"), number("expires_at").is_some_and(|at| at <= now.as_second()))
        else {
            return Ok(None);
        };
        let wrong = || Error::Malformed("message");
        let string = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
        let received_at = number("received_at").and_then(|at| Timestamp::from_second(at).ok());
        let parts = number("parts").and_then(|parts| usize::try_from(parts).ok());
        let body = item.get("body").and_then(|body| body.as_b().ok());
        Ok(Some(Message {
            enrollment: of_partition(pk).ok_or_else(wrong)?,
            content: sk.strip_prefix("MSG#").ok_or_else(wrong)?.to_owned(),
            secret: item.get("secret").and_then(|secret| secret.as_bool().ok()) == Some(&true),
            vin: string("vin").and_then(|vin| vin.parse().ok()),
            received_at: received_at.ok_or_else(wrong)?,
            tries: number("tries").and_then(|tries| u32::try_from(tries).ok()).unwrap_or_default(),
            due_at,
            attempt: string("attempt").and_then(|id| id.parse().ok()).ok_or_else(wrong)?,
            parts: parts.unwrap_or_default(),
            body: body.map(|body| body.as_ref().to_vec()).unwrap_or_default(),
        }))
    }

    /// A message's text.
    ///
    /// # Errors
    /// When the database fails, or a part is missing or can't be unpacked.
    pub async fn text_of(&self, message: &Message) -> Result<Vec<u8>, Error> {
        let mut body = message.body.clone();
        for index in 0..message.parts {
            let sk = part_key(&message.content, index);
            let part = self.record(&partition(&message.enrollment), &sk).await?;
            let part = part.as_ref().and_then(|item| item.get("body")?.as_b().ok());
            body.extend_from_slice(part.ok_or(Error::Malformed("message"))?.as_ref());
        }
        packed::unpack(&body).ok_or(Error::Malformed("message"))
    }

    /// Marks a message as done, in the transaction that does it: its text goes, the mark stays.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn finish_message_in(
        &self,
        transaction: &mut Transaction,
        message: &Message,
    ) -> Result<(), Error> {
        let update = self.message_update(message);
        let update = update.update_expression("REMOVE #shard, due_at, body, parts, vin, tries");
        transaction.update(update.build().map_err(|_| Error::Malformed("message"))?);
        let pk = partition(&message.enrollment);
        for index in 0..message.parts {
            let delete = Delete::builder()
                .table_name(&self.tables.records)
                .key("pk", text(&pk))
                .key("sk", text(part_key(&message.content, index)));
            transaction.delete(delete.build().map_err(|_| Error::Malformed("message"))?);
        }
        Ok(())
    }

    /// Lays a message aside with its text: a hint for a week, or what is in quarantine.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn lay_aside_in(
        &self,
        transaction: &mut Transaction,
        message: &Message,
    ) -> Result<(), Error> {
        let until = message.received_at + HINT_KEPT;
        let update = self
            .message_update(message)
            .update_expression("SET expires_at = :until REMOVE #shard, due_at, tries")
            .expression_attribute_values(":until", number(until.as_second()));
        transaction.update(update.build().map_err(|_| Error::Malformed("message"))?);
        Ok(())
    }

    /// An update of a message that is as it was read, and not done.
    fn message_update(
        &self,
        message: &Message,
    ) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(&message.enrollment)))
            .key("sk", text(message_key(&message.content)))
            .condition_expression("attempt = :read AND attribute_exists(#shard)")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":read", text(message.attempt.as_str()))
    }

    /// Claims a message for a sweep: counts the try, and makes it due again at `due` should this
    /// one die. `None`: somebody else was here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_message(
        &self,
        message: Message,
        tries: u32,
        due: Timestamp,
    ) -> Result<Option<Message>, Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(partition(&message.enrollment)))
            .key("sk", text(message_key(&message.content)))
            .condition_expression("attempt = :read AND due_at = :seen")
            .update_expression("SET due_at = :due, tries = :tries, attempt = :attempt")
            .expression_attribute_values(":read", text(message.attempt.as_str()))
            .expression_attribute_values(":seen", number(message.due_at))
            .expression_attribute_values(":due", number(due.as_second()))
            .expression_attribute_values(":tries", number(tries))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        Ok(match applied(result, &attempt)? {
            super::Applied::Yes => {
                Some(Message { attempt, tries, due_at: due.as_second(), ..message })
            }
            super::Applied::No(_) => None,
        })
    }

    /// Looks at a part once more: without an open message of its own it goes, else it is looked at
    /// again later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tend_part(&self, key: &DueKey, now: Timestamp) -> Result<(), Error> {
        let message = message_of_part(&key.sk).ok_or(Error::Malformed("part"))?;
        let standing = self.record(&key.pk, &message).await?;
        let needed = standing.is_some_and(|item| item.contains_key("parts"));
        let client = &self.client;
        let (pk, sk) = (text(&key.pk), text(&key.sk));
        let seen = number(key.due_at);
        let result = if needed {
            let due = now + PART_SWEPT_AFTER;
            let update = client
                .update_item()
                .table_name(&self.tables.records)
                .key("pk", pk)
                .key("sk", sk)
                .condition_expression("due_at = :seen")
                .update_expression("SET due_at = :due")
                .expression_attribute_values(":seen", seen)
                .expression_attribute_values(":due", number(due.as_second()));
            applied(update.send().await, &AttemptId::random())
        } else {
            let delete = client
                .delete_item()
                .table_name(&self.tables.records)
                .key("pk", pk)
                .key("sk", sk)
                .condition_expression("due_at = :seen")
                .expression_attribute_values(":seen", seen);
            applied(delete.send().await, &AttemptId::random())
        };
        result.map(|_| ())
    }
}
