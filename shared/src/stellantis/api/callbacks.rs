//! Where notifications go: `/user/callbacks…`. One belongs to our client and the user.

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    super::wire::{self, Read},
    Answer, Api, ApiError, Found,
    page::{Listed, listed_or_empty},
};
use crate::domain::vehicle::UpstreamId;

/// A callback as the maker has it.
pub struct Callback {
    /// Its id.
    pub id: UpstreamId,
    /// Its label: ours names the enrollment.
    pub label: Option<String>,
    /// Where it leads, if the maker says so. It holds a secret.
    pub target: Option<SecretString>,
    /// Whether it sends.
    pub run: Run,
}

/// Whether something of ours runs at the maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It does, or the maker doesn't say.
    Running,
    /// Somebody stopped it.
    Paused,
    /// The maker gave it up.
    Failed,
}

impl Run {
    pub(super) fn read(status: Option<&str>) -> Self {
        match status {
            Some("Paused") => Self::Paused,
            Some("Failed") => Self::Failed,
            _ => Self::Running,
        }
    }
}

/// A callback that we want.
pub struct Wanted<'a> {
    /// Names it, and us.
    pub label: &'a str,
    /// Where it shall lead.
    pub target: &'a SecretString,
    /// What the body of each message shall show, to prove where it comes from.
    pub secret: &'a SecretString,
}

impl Wanted<'_> {
    /// `CallbackSubscribe`. The attributes may not be empty; those of the body stay in batches too.
    fn body(&self) -> Value {
        let attribute = |key, value| json!({"type": "Body", "key": key, "value": value});
        json!({
            "label": self.label,
            "type": ["Monitor", "Remote"],
            "callback": {"webhook": {
                "name": self.label,
                "target": self.target.expose_secret(),
                "attributes": [
                    attribute("vin", "$vin"),
                    attribute("secret", self.secret.expose_secret()),
                ],
            }},
        })
    }
}

const PATH: [&str; 2] = ["user", "callbacks"];

impl Api<'_> {
    /// Our callbacks for this user.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn callbacks(&self) -> Result<Answer<Listed<Callback>>, ApiError> {
        let found = self.collect(&PATH, &[], &["callbacks", "Callbacks"]).await;
        Ok(listed_or_empty(found)?.map(|found| found.read(callback)))
    }

    /// Creates one; returns its id.
    ///
    /// # Errors
    /// See [`ApiError`]. Where it may have arrived, look whether it is there before asking again.
    pub async fn create_callback(
        &self,
        wanted: &Wanted<'_>,
    ) -> Result<Answer<UpstreamId>, ApiError> {
        named(&self.change(Method::POST, &PATH, Some(&wanted.body())).await?)
    }

    /// Makes another of it; returns its id, which may be another one too.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn replace_callback(
        &self,
        id: &UpstreamId,
        wanted: &Wanted<'_>,
    ) -> Result<Answer<UpstreamId>, ApiError> {
        let path = [PATH[0], PATH[1], id.as_str()];
        let found = self.change(Method::PUT, &path, Some(&wanted.body())).await?;
        Ok(named(&found).unwrap_or_else(|_| Answer { value: id.clone(), quota: found.quota }))
    }

    /// Lets it run again.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn resume_callback(&self, id: &UpstreamId) -> Result<Answer<()>, ApiError> {
        let path = [PATH[0], PATH[1], id.as_str(), "status"];
        let body = json!({"status": "Running"});
        Ok(self.change(Method::PUT, &path, Some(&body)).await?.map(drop))
    }

    /// Deletes it, and its monitors with it. One that is gone already is no failure.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn delete_callback(&self, id: &UpstreamId) -> Result<Answer<()>, ApiError> {
        gone(self.change(Method::DELETE, &[PATH[0], PATH[1], id.as_str()], None).await)
    }
}

/// What was to be deleted and is not there is deleted.
pub(super) fn gone(found: Result<Found, ApiError>) -> Result<Answer<()>, ApiError> {
    match found {
        Err(ApiError::NotFound(upstream)) => Ok(Answer { value: (), quota: upstream.quota }),
        other => other.map(|found| found.map(drop)),
    }
}

fn callback(found: wire::Callback) -> Option<Callback> {
    let subscribe = found.subscribe.unwrap_or_default();
    let target = subscribe.callback.and_then(|choice| choice.webhook?.target);
    Some(Callback {
        id: found.id?.0.parse().ok()?,
        label: found.label.or(subscribe.label),
        target: target.map(Into::into),
        run: Run::read(found.status.as_deref()),
    })
}

/// The id in an answer. Without one it is not known what was made: it is looked for, much later.
fn named(found: &Found) -> Result<Answer<UpstreamId>, ApiError> {
    let quota = found.quota;
    let read = found.value.as_ref().and_then(wire::Callback::read);
    let id = read.and_then(|read| read.id?.0.parse().ok());
    match id {
        Some(value) => Ok(Answer { value, quota }),
        None => Err(unreadable()),
    }
}

pub(super) const fn unreadable() -> ApiError {
    ApiError::Unreadable
}
