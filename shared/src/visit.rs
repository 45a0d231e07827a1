//! One visit to the maker on behalf of one enrollment: a token that works, one renewal if the
//! maker refuses it, and everything that can go wrong told apart. Used by `fetch` and `act`.

pub mod discover;
pub mod look;
pub mod merge;
mod monitors;
mod news;
mod remote;
pub mod subscription;
mod tell;

use std::time::Duration;

use url::Url;

use crate::{
    app::App,
    clock::{Budget, later},
    domain::{enrollment::Enrollment, pace::Quota},
    metrics::Metric,
    secrets::SecretError,
    stellantis::{
        Client, TlsError,
        api::{Answer, Api, ApiError},
        quota,
    },
    store::{self, control::Control},
    tokens::{self, Access},
};

/// A visit came to nothing. What was known stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No access token.
    #[error("no access token")]
    Token(#[from] tokens::Error),
    /// The maker refused or failed.
    #[error("the maker gave no data")]
    Maker(#[source] ApiError),
    /// A secret can't be used.
    #[error("a secret can't be used")]
    Secret(#[from] SecretError),
    /// Our certificate is unusable.
    #[error("the client for the maker can't be built")]
    Tls(#[from] TlsError),
    /// The database failed, or it was changed in between.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The enrollment has no grant, or must not be used.
    #[error("the enrollment is not active")]
    NotActive,
}

impl Error {
    /// Whether the car is not where it was: its address changed, or it left the account.
    #[must_use]
    pub const fn is_wrong_address(&self) -> bool {
        matches!(self, Self::Maker(ApiError::Forbidden(_) | ApiError::NotFound(_)))
    }

    /// Whether it may go better soon, so that the next look need not wait its whole pace.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Maker(ApiError::Transient { .. } | ApiError::Limited { .. })
                | Self::Token(
                    tokens::Error::Busy
                        | tokens::Error::NotNow
                        | tokens::Error::Maker(_)
                        | tokens::Error::Tls(_)
                        | tokens::Error::Secret(_)
                        | tokens::Error::Store(_)
                        | tokens::Error::Lost(_)
                )
                | Self::Secret(_)
                | Self::Tls(_)
                | Self::Store(_)
        )
    }

    /// Whether it is the maker that failed, and not us.
    #[must_use]
    pub const fn is_the_makers(&self) -> bool {
        matches!(
            self,
            Self::Maker(ApiError::Transient { .. } | ApiError::Limited { .. })
                | Self::Token(tokens::Error::Maker(_))
        )
    }

    /// A word for the operator; no detail that a log should not hold.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Token(tokens::Error::Ended(_) | tokens::Error::Gone) | Self::NotActive => {
                "reauthorization_required"
            }
            Self::Token(tokens::Error::NotNow) | Self::Maker(ApiError::Limited { .. }) => "limited",
            Self::Token(tokens::Error::Busy) => "busy",
            Self::Maker(ApiError::NotRegistered(_)) => "not_registered",
            Self::Maker(ApiError::Forbidden(_) | ApiError::NotFound(_)) => "not_found",
            Self::Token(tokens::Error::Maker(_)) | Self::Maker(_) => "maker_down",
            Self::Token(_) | Self::Secret(_) | Self::Tls(_) | Self::Store(_) => "internal",
        }
    }
}

/// A visit under way.
pub struct Visit<'a> {
    pub(crate) app: &'a App,
    pub(crate) enrollment: &'a Enrollment,
    control: &'a Control,
    budget: Budget,
    client: Client,
    access: Access,
    /// What the maker said of our allowance last.
    pub(crate) quota: Quota,
}

impl<'a> Visit<'a> {
    /// Gets a token, renewed if need be.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin(
        app: &'a App,
        enrollment: &'a Enrollment,
        control: &'a Control,
        budget: Budget,
    ) -> Result<Self, Error> {
        let grant = enrollment.grant.as_ref().ok_or(Error::NotActive)?;
        let host = app.maker.settings().api_url.host_str().unwrap_or_default();
        if !control.allows(enrollment.brand, host, app.clock.now()) {
            return Err(tokens::Error::NotNow.into());
        }
        let access = tokens::access(app, grant, None, control, budget).await?;
        let client = app.maker.with_credentials(&app.secrets.maker().await?)?;
        Ok(Self { app, enrollment, control, budget, client, access, quota: Quota::UNKNOWN })
    }

    /// Asks once; if the maker refuses the token, renews it, asks once more, then stops.
    pub(crate) async fn ask<T>(
        &mut self,
        question: impl AsyncFn(Api<'_>) -> Result<Answer<T>, ApiError>,
    ) -> Result<T, Error> {
        let brand = self.enrollment.brand;
        let mut answer = question(self.client.api(brand, &self.access.token)).await;
        if matches!(answer, Err(ApiError::Unauthorized(_))) {
            let grant = self.enrollment.grant.as_ref().ok_or(Error::NotActive)?;
            let refused = Some(self.access.version);
            self.access =
                tokens::access(self.app, grant, refused, self.control, self.budget).await?;
            answer = question(self.client.api(brand, &self.access.token)).await;
        }
        match answer {
            Ok(answer) => {
                self.quota = answer.quota.map_or(self.quota, remaining);
                self.mind_quota().await;
                Ok(answer.value)
            }
            Err(error) => Err(self.note(error).await?),
        }
    }

    /// Tells once a day that few calls are left. What the maker answered is not lost if that can't
    /// be told now: the next answer brings it up again.
    async fn mind_quota(&self) {
        let now = self.app.clock.now();
        let Some(percent) = self.quota.low().filter(|_| !self.control.told_quota(now)) else {
            return;
        };
        if let Err(error) = self.app.store.tell_quota_low(percent, now).await {
            tracing::warn!(error = %error, "that few calls are left could not be told");
        }
    }

    /// Remembers what concerns every run, and logs what the maker's support would ask for.
    async fn note(&self, error: ApiError) -> Result<Error, Error> {
        let upstream = error.upstream().cloned().unwrap_or_default();
        tracing::warn!(
            enrollment.id = %self.enrollment.id,
            upstream.status = upstream.status,
            upstream.uuid = upstream.uuid,
            upstream.timestamp = upstream.timestamp,
            error = %error,
            "the maker gave no data"
        );
        heed_limit(self.app, &self.app.maker.settings().api_url, &error).await?;
        Ok(Error::Maker(error))
    }
}

/// Leaves the host of `url` alone for as long as the maker says, if it limits us.
///
/// # Errors
/// When the database fails.
pub async fn heed_limit(app: &App, url: &Url, error: &ApiError) -> Result<(), Error> {
    if let ApiError::Limited { retry_after, reset, .. } = error {
        app.metrics.record(Metric::MakerLimited);
        let wait = retry_after.or(*reset).unwrap_or(Duration::from_mins(1));
        let host = url.host_str().unwrap_or_default();
        app.store.pause(host, later(app.clock.now(), wait)).await?;
    }
    Ok(())
}

fn remaining(quota: quota::Quota) -> Quota {
    match quota.day {
        Some(quota::Allowance { limit: Some(limit), remaining }) => Quota::new(limit, remaining),
        _ => Quota::UNKNOWN,
    }
}
