//! How a round trip ends, and where the browser goes with it.

use std::str::FromStr;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    domain::{brand::Brand, enrollment::Reason, ids::EnrollmentId},
    round_trip::returned,
};
use url::Url;

/// How a round trip ends for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The consent is stored.
    Connected,
    /// The user refused.
    Declined,
    /// The maker could not be reached or answered nonsense, or we failed ourselves: try again.
    Unavailable,
    /// The answer does not belong to this browser, came too late, or its link is good no more.
    Expired,
    /// The link was used before, in another browser, and an account is connected by it.
    Used,
    /// Something was refused: begin anew.
    Failed,
}

impl Outcome {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Declined => "declined",
            Self::Unavailable => "unavailable",
            Self::Expired => "expired",
            Self::Used => "used",
            Self::Failed => "failed",
        }
    }

    /// Whether its page leads to another login: where anybody may begin one.
    pub(crate) fn can_begin_again(self, app: &App) -> bool {
        app.config.enrolling.open && self != Self::Connected
    }

    /// What a stored reason means to the user.
    pub(crate) const fn of(reason: Option<Reason>) -> Self {
        match reason {
            Some(Reason::DeclinedByUser) => Self::Declined,
            Some(Reason::ProviderUnavailable | Reason::NotStored) => Self::Unavailable,
            _ => Self::Failed,
        }
    }
}

impl FromStr for Outcome {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [
            Self::Connected,
            Self::Declined,
            Self::Unavailable,
            Self::Expired,
            Self::Used,
            Self::Failed,
        ];
        all.into_iter().find(|outcome| outcome.as_str() == text).ok_or(())
    }
}

/// An outcome on its way to the browser.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) return_to: Option<String>,
    pub(crate) enrollment: Option<EnrollmentId>,
    /// What the operator's backend posts to confirm; told to this browser alone.
    pub(crate) confirmation: Option<String>,
    /// Where an open login may be begun again.
    pub(crate) begin_again: Option<Brand>,
    /// The name of the login in this browser, by which our page finds what to tell.
    pub(crate) login: Option<String>,
}

impl Ending {
    pub(crate) const fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            return_to: None,
            enrollment: None,
            confirmation: None,
            begin_again: None,
            login: None,
        }
    }

    fn own_page(&self, app: &App) -> Url {
        let mut page = app.config.public_address(&format!("/result/{}", self.outcome.as_str()));
        if let Some(brand) = self.begin_again.filter(|_| self.outcome.can_begin_again(app)) {
            page.query_pairs_mut().append_pair("brand", brand.as_str());
        }
        if let Some(login) = self.login.as_ref().filter(|_| self.outcome == Outcome::Connected) {
            page.query_pairs_mut().append_pair("login", login);
        }
        page
    }

    /// 303 to the operator's address, which came out of a sealed ticket, or to a page of ours.
    pub(crate) fn into_response(self, app: &App) -> Response {
        let operator = self.return_to.as_deref().zip(self.enrollment.as_ref());
        let operator =
            operator.and_then(|(to, id)| returned(to, self.outcome.as_str(), id)).map(|mut url| {
                if let Some(confirmation) = &self.confirmation {
                    url.query_pairs_mut().append_pair("confirmation", confirmation);
                }
                url
            });
        let location = operator.unwrap_or_else(|| self.own_page(app));
        (StatusCode::SEE_OTHER, [(header::LOCATION, location.as_str())]).into_response()
    }
}
