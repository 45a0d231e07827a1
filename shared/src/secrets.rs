//! The secrets, each read only by functions whose role may: cached five minutes at most, so
//! that a revoked key is dead within them, and re-read early when a value proves stale.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use crate::{
    aws::{self, Lazy},
    clock::Clock,
    config::SecretIds,
    domain::{brand::Brand, ids::WebhookId, webhook::Generation},
    seal::{KeyRing, OpenError, Purpose},
    stellantis::MakerSecret,
};

const CACHED_FOR: SignedDuration = SignedDuration::from_mins(5);
const REREAD_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// How old a value may be that is used because the service is ill; never for the operator's keys, of
/// which a revoked one must be dead.
const LAST_KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Which secret: each is one JSON document in Secrets Manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretName {
    /// Client credentials, certificate, key, CA.
    Maker,
    /// The ring that seals tokens.
    Seal,
    /// The ring for cookies and tickets, and the hashes of API keys.
    Edge,
    /// The ring from which the secrets of the operator's endpoints are derived.
    Webhooks,
}

/// What the functions behind the gateway need.
#[derive(Debug, Deserialize)]
pub struct EdgeSecret {
    /// Seals cookies, tickets and cursors.
    #[serde(flatten)]
    pub ring: KeyRing,
    /// The application's client ids, which are public (RFC 6749 §2.2): `login` needs them and may
    /// not read the secret that stands beside them in `maker`.
    pub client_ids: ClientIds,
    /// The operator's keys.
    #[serde(default)]
    pub api_keys: Vec<ApiKeyRecord>,
}

/// The client id of the application, and other ones for single brands.
#[derive(Debug, Clone, Deserialize)]
pub struct ClientIds {
    /// For every brand that has none of its own.
    pub default: String,
    /// By brand.
    #[serde(default)]
    pub brands: BTreeMap<Brand, String>,
}

impl ClientIds {
    /// The client id to use for `brand`.
    #[must_use]
    pub fn of(&self, brand: Brand) -> &str {
        self.brands.get(&brand).unwrap_or(&self.default)
    }
}

/// One key of the operator's, of which we hold a hash.
#[derive(Debug, Clone, Deserialize)]
pub struct ApiKeyRecord {
    /// The public part, by which it is found.
    pub id: String,
    /// What the operator calls it.
    pub name: String,
    /// SHA-256 of the secret part, in hex.
    pub sha256: String,
    /// What it may do; none implies another.
    pub scopes: Vec<String>,
    /// When it ends.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A secret can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// This function was not told where it is.
    #[error("the secret {0:?} is not configured for this function")]
    NotConfigured(SecretName),
    /// Secrets Manager did not give it.
    #[error("the secret {0:?} cannot be read")]
    Unavailable(SecretName, #[source] aws::AwsError),
    /// It is not the JSON that it should be; `accessing-party secret check` says where.
    #[error("the secret {0:?} is not well-formed")]
    Malformed(SecretName),
    /// A value was not sealed by us, or its key is gone.
    #[error("a sealed value cannot be opened")]
    Open(#[from] OpenError),
}

/// Reads and caches the secrets.
#[derive(Debug)]
pub struct Secrets {
    pub(crate) client: Lazy<aws_sdk_secretsmanager::Client>,
    ids: SecretIds,
    clock: Clock,
    maker: Cached<MakerSecret>,
    seal: Cached<KeyRing>,
    edge: Cached<EdgeSecret>,
    webhooks: Cached<KeyRing>,
}

type Cached<T> = Mutex<Option<Known<T>>>;

/// A value as it was read last.
#[derive(Debug)]
struct Known<T> {
    read_at: Timestamp,
    /// When it was tried last to read it.
    tried_at: Timestamp,
    value: Arc<T>,
}

/// What to do while Secrets Manager is ill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outage {
    /// The value known last is good enough.
    UseLastKnown,
    /// Only a fresh one is.
    Fail,
}

impl Secrets {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(client: Lazy<aws_sdk_secretsmanager::Client>, ids: SecretIds, clock: Clock) -> Self {
        Self {
            client,
            ids,
            clock,
            maker: Cached::default(),
            seal: Cached::default(),
            edge: Cached::default(),
            webhooks: Cached::default(),
        }
    }

    /// The maker's credentials.
    ///
    /// # Errors
    /// [`SecretError`]. While Secrets Manager is ill the value known last is used for up to an hour.
    pub async fn maker(&self) -> Result<Arc<MakerSecret>, SecretError> {
        self.cached(SecretName::Maker, &self.maker, CACHED_FOR).await
    }

    /// The maker's credentials, read again unless that was done within the minute: for the answer
    /// `invalid_client` and the like.
    ///
    /// # Errors
    /// As [`maker`](Self::maker).
    pub async fn maker_reread(&self) -> Result<Arc<MakerSecret>, SecretError> {
        self.cached(SecretName::Maker, &self.maker, REREAD_AFTER).await
    }

    /// What the functions behind the gateway need.
    ///
    /// # Errors
    /// As [`maker`](Self::maker).
    pub async fn edge(&self) -> Result<Arc<EdgeSecret>, SecretError> {
        self.cached(SecretName::Edge, &self.edge, CACHED_FOR).await
    }

    /// The ring that seals tokens: to have in hand before a call whose answer must be kept.
    ///
    /// # Errors
    /// As [`maker`](Self::maker).
    pub async fn seal_ring(&self) -> Result<Arc<KeyRing>, SecretError> {
        self.cached(SecretName::Seal, &self.seal, CACHED_FOR).await
    }

    /// Opens tokens; a key that the ring does not hold yet makes it read again.
    ///
    /// # Errors
    /// As [`maker`](Self::maker), or [`SecretError::Open`].
    pub async fn open_token(
        &self,
        purpose: Purpose<'_>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SecretError> {
        let ring = self.seal_ring().await?;
        match ring.open(purpose, sealed) {
            Err(OpenError::UnknownKey) => {
                let ring = self.cached(SecretName::Seal, &self.seal, REREAD_AFTER).await?;
                Ok(ring.open(purpose, sealed)?)
            }
            opened => Ok(opened?),
        }
    }

    /// The same for the operator's keys, as it is now: a revoked key is dead within five minutes, also
    /// while Secrets Manager is ill.
    ///
    /// # Errors
    /// [`SecretError`]; an older value is never used instead.
    pub async fn edge_now(&self) -> Result<Arc<EdgeSecret>, SecretError> {
        self.cached_or(SecretName::Edge, &self.edge, CACHED_FOR, Outage::Fail).await
    }

    /// Opens a cookie, ticket or cursor; an unknown key makes the secret be read again.
    ///
    /// # Errors
    /// As [`open_token`](Self::open_token).
    pub async fn open_edge(
        &self,
        purpose: Purpose<'_>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SecretError> {
        match self.edge().await?.ring.open(purpose, sealed) {
            Err(OpenError::UnknownKey) => {
                let edge = self.cached(SecretName::Edge, &self.edge, REREAD_AFTER).await?;
                Ok(edge.ring.open(purpose, sealed)?)
            }
            opened => Ok(opened?),
        }
    }

    /// The ring from which the secrets of the operator's endpoints are derived.
    ///
    /// # Errors
    /// As [`maker`](Self::maker).
    pub async fn webhook_ring(&self) -> Result<Arc<KeyRing>, SecretError> {
        self.cached(SecretName::Webhooks, &self.webhooks, CACHED_FOR).await
    }

    /// A secret of an endpoint; a key that the ring does not hold yet makes it read again.
    ///
    /// # Errors
    /// As [`maker`](Self::maker), or [`SecretError::Open`].
    pub async fn webhook_secret(
        &self,
        webhook: &WebhookId,
        generation: &Generation,
    ) -> Result<SecretString, SecretError> {
        match self.webhook_ring().await?.webhook_secret(webhook, generation) {
            Err(OpenError::UnknownKey) => {
                let ring = self.cached(SecretName::Webhooks, &self.webhooks, REREAD_AFTER).await?;
                Ok(ring.webhook_secret(webhook, generation)?)
            }
            derived => Ok(derived?),
        }
    }

    async fn cached<T: DeserializeOwned>(
        &self,
        name: SecretName,
        cell: &Cached<T>,
        max_age: SignedDuration,
    ) -> Result<Arc<T>, SecretError> {
        self.cached_or(name, cell, max_age, Outage::UseLastKnown).await
    }

    async fn cached_or<T: DeserializeOwned>(
        &self,
        name: SecretName,
        cell: &Cached<T>,
        max_age: SignedDuration,
        outage: Outage,
    ) -> Result<Arc<T>, SecretError> {
        let mut cell = cell.lock().await;
        let now = self.clock.now();
        let mut last_known = None;
        if let Some(known) = cell.as_ref() {
            let age = now.duration_since(known.read_at);
            if age < max_age {
                return Ok(Arc::clone(&known.value));
            }
            if outage == Outage::UseLastKnown && age < LAST_KNOWN_FOR {
                // Each try may take seconds, for which everybody waits.
                let tried = known.tried_at > known.read_at
                    && now.duration_since(known.tried_at) < REREAD_AFTER;
                if tried {
                    return Ok(Arc::clone(&known.value));
                }
                last_known = Some((known.read_at, Arc::clone(&known.value)));
            }
        }
        let (read_at, value) = match (self.read(name).await, last_known) {
            (Ok(value), _) => (now, Arc::new(value)),
            (Err(SecretError::Unavailable(_, error)), Some(known)) if error.is_outage() => {
                tracing::warn!(secret = ?name, error = %error, "a secret can't be read; the one known last is used");
                known
            }
            (Err(error), _) => return Err(error),
        };
        *cell = Some(Known { read_at, tried_at: now, value: Arc::clone(&value) });
        Ok(value)
    }

    async fn read<T: DeserializeOwned>(&self, name: SecretName) -> Result<T, SecretError> {
        let id = match name {
            SecretName::Maker => &self.ids.maker,
            SecretName::Seal => &self.ids.seal,
            SecretName::Edge => &self.ids.edge,
            SecretName::Webhooks => &self.ids.webhooks,
        };
        let id = id.as_ref().ok_or(SecretError::NotConfigured(name))?;
        let answer = self.client.get_secret_value().secret_id(id).send().await;
        let answer = answer
            .map_err(|error| SecretError::Unavailable(name, aws::AwsError::from_sdk(&error)))?;
        let text = answer.secret_string().ok_or(SecretError::Malformed(name))?;
        // The parser's own error could repeat a part of the secret.
        serde_json::from_str(text).map_err(|_| SecretError::Malformed(name))
    }
}
