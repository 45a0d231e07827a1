//! One visit to the maker on behalf of one enrollment: a token that works, one renewal if the
//! maker refuses it, and everything that can go wrong told apart. Used by `fetch` and `act`.

pub mod discover;
pub mod look;
pub mod merge;
mod monitors;
pub mod news;
pub mod poll;
mod remote;
pub mod subscription;
mod tell;

use std::time::Duration;

use crate::{
    app::App,
    clock::Budget,
    domain::{
        brand::Brand,
        enrollment::Enrollment,
        pace::{Car, Kind, Quota},
        vehicle::VehicleAddress,
    },
    secrets::SecretError,
    stellantis::{
        Call, Cause, Client, TlsError, Urgency,
        api::{Answer, Api, ApiError},
        quota,
    },
    store,
    tokens::{self, Access},
};

/// What one question may take to its time-out, and writing what came of it.
const ASKING: Duration = Duration::from_secs(15);

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
                        | tokens::Error::Doubted
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

    /// Whether something is wrong here or with the maker: not if nothing was asked, and not if it
    /// is the driver who must consent again.
    #[must_use]
    pub const fn is_a_failure(&self) -> bool {
        use tokens::Error::{Busy, Doubted, Ended, Gone, NotNow};
        !matches!(self, Self::NotActive | Self::Token(Busy | Doubted | Ended(_) | Gone | NotNow))
    }

    /// A word for the operator; no detail that a log should not hold.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Token(tokens::Error::Ended(_) | tokens::Error::Gone | tokens::Error::Doubted)
            | Self::NotActive => "reauthorization_required",
            Self::Token(tokens::Error::NotNow) | Self::Maker(ApiError::Limited { .. }) => "limited",
            Self::Token(tokens::Error::Busy) => "busy",
            Self::Maker(ApiError::NotRegistered(_)) => "not_registered",
            Self::Maker(ApiError::Forbidden(_) | ApiError::NotFound(_)) => "not_found",
            Self::Maker(ApiError::Unreadable) => "unreadable",
            Self::Token(tokens::Error::Maker(_)) | Self::Maker(_) => "maker_down",
            Self::Token(_) | Self::Secret(_) | Self::Tls(_) | Self::Store(_) => "internal",
        }
    }
}

/// A visit under way.
pub struct Visit<'a> {
    pub(crate) app: &'a App,
    pub(crate) enrollment: &'a Enrollment,
    budget: Budget,
    client: Client,
    access: Access,
    /// What the maker said of our allowance last.
    pub(crate) quota: Quota,
    /// What is being asked for, for the log.
    subject: Subject,
}

/// What a call is about, as far as a log may say.
#[derive(Debug, Clone, Default)]
struct Subject {
    resource: &'static str,
    /// Of which car: its VIN is not for logs, the beginning of its address tells it from others of
    /// the account.
    vehicle: Option<VehicleAddress>,
}

impl<'a> Visit<'a> {
    /// Gets a token, renewed if need be.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin(
        app: &'a App,
        enrollment: &'a Enrollment,
        budget: Budget,
    ) -> Result<Self, Error> {
        let grant = enrollment.grant.as_ref().ok_or(Error::NotActive)?;
        if !may_ask(app, enrollment.brand).await? {
            return Err(tokens::Error::NotNow.into());
        }
        let access = tokens::access(app, grant, None, budget).await?;
        let client = app.maker.with_credentials(&app.secrets.maker().await?)?;
        Ok(Self {
            app,
            enrollment,
            budget,
            client,
            access,
            quota: Quota::UNKNOWN,
            subject: Subject::default(),
        })
    }

    /// Asks once; if the maker refuses the token, renews it, asks once more, then stops. Nothing is asked
    /// whose answer there may be no time to write.
    pub(crate) async fn ask<T>(
        &mut self,
        question: impl AsyncFn(Api<'_>) -> Result<Answer<T>, ApiError>,
    ) -> Result<T, Error> {
        let mut answer = self.ask_once(&question).await?;
        if let Err(refusal @ ApiError::Unauthorized(_)) = &answer {
            let grant = self.enrollment.grant.as_ref().ok_or(Error::NotActive)?;
            let refused = Some(self.access.version);
            self.access = match tokens::access(self.app, grant, refused, self.budget).await {
                // Another new one would be refused as well.
                Err(tokens::Error::JustRenewed) => return Err(self.note(refusal.clone())),
                renewed => renewed?,
            };
            answer = self.ask_once(&question).await?;
        }
        match answer {
            Ok(answer) => {
                self.quota = answer.quota.map_or(self.quota, remaining);
                self.mind_quota().await;
                Ok(answer.value)
            }
            Err(error) => Err(self.note(error)),
        }
    }

    async fn ask_once<T>(
        &self,
        question: &impl AsyncFn(Api<'_>) -> Result<Answer<T>, ApiError>,
    ) -> Result<Result<Answer<T>, ApiError>, Error> {
        if !self.budget.allows(ASKING) {
            return Err(tokens::Error::NotNow.into());
        }
        match question(self.client.api(self.enrollment.brand, &self.access.token)).await {
            Err(ApiError::Transient { cause: Cause::NotNow, .. }) => {
                Err(tokens::Error::NotNow.into())
            }
            answer => Ok(answer),
        }
    }

    /// Notes which kind of which car is asked for next.
    pub(crate) fn concerns(&mut self, kind: Kind, car: &Car) {
        let vehicle = Some(car.address.clone());
        self.subject = Subject { resource: kind.name(), vehicle };
    }

    /// Notes that something of the account is asked for next.
    pub(crate) fn concerns_account(&mut self, resource: &'static str) {
        self.subject = Subject { resource, vehicle: None };
    }

    /// Tells once a day that few calls are left. What the maker answered is not lost if that can't
    /// be told now: the next answer brings it up again.
    async fn mind_quota(&self) {
        let Some(percent) = self.quota.low() else { return };
        if let Err(error) = self.tell_quota_low(percent).await {
            tracing::warn!(error = %error, "that few calls are left could not be told");
        }
    }

    async fn tell_quota_low(&self, percent: u8) -> Result<(), store::Error> {
        let (limits, now) = (&self.app.limits, self.app.clock.now());
        if !limits.current().await?.told_quota(now) {
            self.app.store.tell_quota_low(percent, now).await?;
            limits.read().await?;
        }
        Ok(())
    }

    /// Logs what the maker's support would ask for.
    fn note(&self, error: ApiError) -> Error {
        let upstream = error.upstream().cloned().unwrap_or_default();
        let Subject { resource, vehicle } = &self.subject;
        let vehicle = vehicle.as_ref().map(tracing::field::debug);
        // Expected now and then: a car that moved, and what a consent does not include.
        if matches!(error, ApiError::NotFound(_) | ApiError::Forbidden(_)) {
            tracing::info!(
                enrollment.id = %self.enrollment.id,
                vehicle.id = vehicle,
                resource,
                upstream.status = upstream.status,
                upstream.uuid = upstream.uuid,
                error = %error,
                "the maker has no such data"
            );
        } else {
            tracing::warn!(
                enrollment.id = %self.enrollment.id,
                vehicle.id = vehicle,
                resource,
                upstream.status = upstream.status,
                upstream.uuid = upstream.uuid,
                upstream.timestamp = upstream.timestamp,
                error = %error,
                "the maker gave no data"
            );
        }
        Error::Maker(error)
    }
}

/// Whether the API may be asked for a brand: before anything is claimed or written for it.
///
/// # Errors
/// When the database fails.
pub async fn may_ask(app: &App, brand: Brand) -> Result<bool, store::Error> {
    let host = app.maker.settings().api_url.host_str().unwrap_or_default();
    app.limits.allows(Call { brand, host, urgency: Urgency::Normal }).await
}

fn remaining(quota: quota::Quota) -> Quota {
    match quota.day {
        Some(quota::Allowance { limit: Some(limit), remaining }) => Quota::new(limit, remaining),
        _ => Quota::UNKNOWN,
    }
}
