//! What the operator's API asks `act` to do at the maker: written by one, done by the other.

use aws_sdk_dynamodb::types::Put;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Applied, Error, SCHEMA, Shards, Store, Transaction, applied, enrollments::partition, live,
    number, text, to_item,
};
use crate::domain::{
    brand::Brand,
    ids::{AttemptId, EnrollmentId, RequestId},
    vin::Vin,
};

/// How long a request and its outcome are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Whoever asks the same within this time shares the first one's answer: the maker is asked once.
const SHARED_FOR: SignedDuration = SignedDuration::from_secs(30);
/// A request that the stream did not bring to an end is swept from then on.
const SWEPT_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ask {
    /// Look which cars the account has.
    Discover,
    /// Fetch one car's data now.
    Fetch {
        /// Which.
        vin: Vin,
    },
    /// Erase the enrollment.
    Erase,
    /// A rule changed: those it is for are looked after.
    Spread {
        /// Who they are.
        among: Among,
    },
    /// What a car can do, before its owner is asked.
    Eligibility {
        /// Which.
        vin: Vin,
        /// Whose API knows it.
        brand: Brand,
    },
}

impl Ask {
    /// Whether somebody waits for what becomes of it.
    #[must_use]
    pub const fn is_waited_for(&self) -> bool {
        matches!(self, Self::Fetch { .. } | Self::Eligibility { .. })
    }
}

/// Enrollments that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Among {
    /// These few.
    These {
        /// Which.
        enrollments: Vec<EnrollmentId>,
    },
    /// Every active one.
    All {
        /// Those up to here have been told.
        after: Option<String>,
        /// So many pages of them.
        page: u32,
    },
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Progress {
    /// Not done.
    Pending,
    /// Done; for a question, with its answer.
    Done {
        /// The answer, as JSON.
        answer: Option<String>,
    },
    /// It can't be done, and will not be tried again.
    Failed {
        /// Why, in a word.
        why: String,
    },
}

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// For which enrollment; `None` for a question about none.
    pub enrollment: Option<EnrollmentId>,
    /// What to do.
    pub ask: Ask,
    /// How far it is.
    pub progress: Progress,
    /// When it was asked.
    pub asked_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct RequestItem {
    pk: String,
    sk: String,
    schema: u8,
    attempt: AttemptId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<i64>,
    expires_at: i64,
    body: Request,
}

impl Request {
    /// A new one.
    #[must_use]
    pub fn new(enrollment: Option<EnrollmentId>, ask: Ask, now: Timestamp) -> Self {
        Self {
            id: RequestId::random(),
            enrollment,
            ask,
            progress: Progress::Pending,
            asked_at: now,
        }
    }

    /// What a person waits for: one with all who ask the same in this half minute.
    #[must_use]
    pub fn shared(enrollment: Option<EnrollmentId>, ask: Ask, now: Timestamp) -> Self {
        let window = now.as_second().div_euclid(SHARED_FOR.as_secs()).to_string();
        let what = serde_json::to_string(&ask).unwrap_or_default();
        let whose = enrollment.as_ref().map_or("", EnrollmentId::as_str);
        let id = RequestId::derived(&[&window, whose, &what]);
        Self { id, ..Self::new(enrollment, ask, now) }
    }

    /// Its partition.
    #[must_use]
    pub fn pk(&self) -> String {
        self.enrollment.as_ref().map_or_else(|| "SYS".to_owned(), partition)
    }

    /// Its sort key.
    #[must_use]
    pub fn sk(&self) -> String {
        format!("REQ#{}", self.id)
    }

    fn item(&self, shards: Shards, attempt: AttemptId) -> RequestItem {
        let pending = self.progress == Progress::Pending;
        RequestItem {
            pk: self.pk(),
            sk: self.sk(),
            schema: SCHEMA,
            attempt,
            shard: pending.then(|| shards.of_key("act", self.id.as_str())),
            due_at: pending.then(|| (self.asked_at + SWEPT_AFTER).as_second()),
            expires_at: (self.asked_at + KEPT).as_second(),
            body: self.clone(),
        }
    }
}

impl Store {
    /// Asks, unless it was asked already.
    ///
    /// # Errors
    /// When it can't be expressed.
    pub fn ask_in(&self, transaction: &mut Transaction, request: &Request) -> Result<(), Error> {
        let put = Put::builder()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(&request.item(self.shards(), AttemptId::random()), "request")?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| Error::Malformed("request"))?;
        transaction.put(put);
        Ok(())
    }

    /// A request by its key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request(
        &self,
        pk: &str,
        sk: &str,
        now: Timestamp,
    ) -> Result<Option<Request>, Error> {
        let Some(item) = self.record(pk, sk).await? else { return Ok(None) };
        let item: Option<RequestItem> = live(item, "request", now)?;
        Ok(item.map(|item| item.body))
    }

    /// Puts off the next sweep of a request that was tried in vain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone_request(&self, pk: &str, sk: &str, due: Timestamp) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let result = self
            .client
            .update_item()
            .table_name(&self.tables.records)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .condition_expression("attribute_exists(#shard)")
            .expression_attribute_names("#shard", "shard")
            .update_expression("SET due_at = :due, attempt = :attempt")
            .expression_attribute_values(":due", number(due.as_second()))
            .expression_attribute_values(":attempt", text(attempt.as_str()))
            .send()
            .await;
        applied(result, &attempt).map(|_| ())
    }

    /// Notes how far a long request has come; it stays due, from now on: what goes on is not late.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bookmark_request(&self, request: &Request, now: Timestamp) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let mut item = request.item(self.shards(), attempt.clone());
        item.due_at = item.due_at.map(|_| (now + SWEPT_AFTER).as_second());
        self.replace_request(&item, &attempt).await
    }

    /// Notes what became of a request. One that is gone meanwhile (erased) stays gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_request(&self, request: &Request, progress: Progress) -> Result<(), Error> {
        let attempt = AttemptId::random();
        let settled = Request { progress, ..request.clone() };
        self.replace_request(&settled.item(self.shards(), attempt.clone()), &attempt).await
    }

    async fn replace_request(&self, item: &RequestItem, attempt: &AttemptId) -> Result<(), Error> {
        let result = self
            .client
            .put_item()
            .table_name(&self.tables.records)
            .set_item(Some(to_item(item, "request")?))
            .condition_expression("attribute_exists(pk)")
            .send()
            .await;
        match applied(result, attempt)? {
            Applied::Yes | Applied::No(_) => Ok(()),
        }
    }
}
