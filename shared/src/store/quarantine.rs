//! What came from the maker and can't be understood: kept for a week for somebody to look at, and
//! to be taken once more when the code has learnt to.

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_dynamodb::types::Update;
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};

use super::{
    Error, Item, Store, Transaction, as_number,
    inbox::{Message, bytes, item, partition, unproven},
    number, packed, text,
};
use crate::{
    aws::AwsError,
    domain::ids::{AttemptId, EnrollmentId},
};

/// How long it is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// When `digest` looks whether its enrollment still stands.
const SEEN_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// The most bytes that are kept of one.
const MOST: usize = 300_000;
/// All of them, in the index `find`.
const FIND: &str = "bad";

/// Something in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// To whose subscription it came.
    pub enrollment: EnrollmentId,
    /// Its name within that.
    pub hash: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Whether the secret was in it.
    pub secret: bool,
    /// How long it was.
    pub length: u64,
    /// What it is.
    pub kind: Kind,
}

/// Why something is in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It can't be read. With its bytes, as far as they are kept.
    Unreadable(Vec<u8>),
    /// It was tried too often in vain: a message of the inbox, laid aside.
    Undigested,
}

fn key(hash: &str) -> String {
    format!("BAD#{hash}")
}

/// Under which name it is kept.
fn name(raw: &[u8], secret: bool) -> String {
    let hash = HEXLOWER.encode(digest(&SHA256, raw).as_ref());
    if secret { hash } else { unproven(&hash) }
}

impl Store {
    /// Keeps what can't be read. The same again overwrites itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn quarantine(
        &self,
        enrollment: &EnrollmentId,
        raw: &[u8],
        secret: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut kept = raw;
        let mut body = packed::pack(kept);
        // What can't be compressed is cut.
        if body.len() > MOST {
            kept = raw.get(..MOST / 2).unwrap_or_default();
            body = packed::pack(kept);
        }
        let mut item = item(
            self.shards(),
            enrollment,
            key(&name(raw, secret)),
            (now, now + SEEN_AFTER, now + KEPT),
        );
        item.insert("find".into(), text(FIND));
        item.insert("secret".into(), aws_sdk_dynamodb::types::AttributeValue::Bool(secret));
        item.insert("length".into(), number(raw.len()));
        item.insert("body".into(), bytes(&body));
        self.put(item, None).await.map(|_| ())
    }

    /// Moves a message there that was tried too often: laid aside, and found from there.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn quarantine_in(
        &self,
        transaction: &mut Transaction,
        message: &Message,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.lay_aside_in(transaction, message)?;
        let mut item = item(
            self.shards(),
            &message.enrollment,
            key(&message.content),
            (message.received_at, now + SEEN_AFTER, message.received_at + KEPT),
        );
        item.insert("find".into(), text(FIND));
        item.insert("secret".into(), aws_sdk_dynamodb::types::AttributeValue::Bool(message.secret));
        transaction.put(self.put_record(item)?);
        Ok(())
    }

    /// It was seen, and its enrollment stands: it is not due any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tend_bad(&self, pk: &str, sk: &str) -> Result<(), Error> {
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("attribute_exists(#shard)")
            .expression_attribute_names("#shard", "shard")
            .update_expression("REMOVE #shard, due_at")
            .send()
            .await;
        super::applied(result, &AttemptId::random()).map(|_| ())
    }

    /// One of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bad(
        &self,
        enrollment: &EnrollmentId,
        hash: &str,
        now: Timestamp,
    ) -> Result<Option<Bad>, Error> {
        let found = self.record(&partition(enrollment), &key(hash)).await?;
        Ok(found.and_then(|item| bad(&item, now)))
    }

    /// A page of all of them, with the key to go on from.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bads(
        &self,
        after: Option<&str>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<Bad>, Option<String>), Error> {
        let start = after.and_then(|after| after.split_once(' ')).map(|(pk, sk)| {
            Item::from([
                ("find".into(), text(FIND)),
                ("pk".into(), text(pk)),
                ("sk".into(), text(sk)),
            ])
        });
        let page = self
            .client
            .query()
            .table_name(&self.tables.records)
            .index_name("find")
            .key_condition_expression("#find = :bad AND begins_with(sk, :prefix)")
            .expression_attribute_names("#find", "find")
            .expression_attribute_values(":bad", text(FIND))
            .expression_attribute_values(":prefix", text("BAD#"))
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let part = |item: &Item, name: &str| item.get(name)?.as_s().ok().cloned();
        let next = page.last_evaluated_key.as_ref();
        let next = next.and_then(|key| Some(format!("{} {}", part(key, "pk")?, part(key, "sk")?)));
        let keys = page.items().iter().filter_map(|item| {
            Some(Item::from([
                ("pk".to_owned(), text(part(item, "pk")?)),
                ("sk".to_owned(), text(part(item, "sk")?)),
            ]))
        });
        let found = self.records(keys.collect()).await?;
        let mut found: Vec<_> = found.iter().filter_map(|item| bad(item, now)).collect();
        found.sort_by(|one, other| one.hash.cmp(&other.hash));
        Ok((found, next))
    }

    /// Makes a message that was laid aside due again.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn revive_in(
        &self,
        transaction: &mut Transaction,
        bad: &Bad,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sk = format!("MSG#{}", bad.hash);
        let update = Update::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(&bad.enrollment)))
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET #shard = :shard, due_at = :now, attempt = :attempt")
            .expression_attribute_names("#shard", "shard")
            .expression_attribute_values(":shard", text(self.shard("digest", &sk)))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":attempt", text(AttemptId::random().as_str()))
            .key("sk", text(sk));
        transaction.update(update.build().map_err(|_| Error::Malformed("message"))?);
        Ok(())
    }

    /// Takes it out.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn release_in(&self, transaction: &mut Transaction, bad: &Bad) -> Result<(), Error> {
        let delete = aws_sdk_dynamodb::types::Delete::builder()
            .table_name(&self.tables.records)
            .key("pk", text(partition(&bad.enrollment)))
            .key("sk", text(key(&bad.hash)));
        transaction.delete(delete.build().map_err(|_| Error::Malformed("quarantine"))?);
        Ok(())
    }
}

fn bad(item: &Item, now: Timestamp) -> Option<Bad> {
    let number = |name: &str| item.get(name).and_then(as_number);
    if number("expires_at").is_none_or(|at| at <= now.as_second()) {
        return None;
    }
    let string = |name: &str| item.get(name)?.as_s().ok();
    let kind = match item.get("body") {
        Some(body) => Kind::Unreadable(packed::unpack(body.as_b().ok()?.as_ref())?),
        None => Kind::Undigested,
    };
    Some(Bad {
        enrollment: super::inbox::of_partition(string("pk")?)?,
        hash: string("sk")?.strip_prefix("BAD#")?.to_owned(),
        received_at: Timestamp::from_second(number("received_at")?).ok()?,
        secret: item.get("secret").and_then(|secret| secret.as_bool().ok()) == Some(&true),
        length: number("length").and_then(|length| u64::try_from(length).ok()).unwrap_or_default(),
        kind,
    })
}
