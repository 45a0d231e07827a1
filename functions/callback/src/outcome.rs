//! How a round trip ends, and where the browser goes with it.

use std::str::FromStr;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use shared::{
    App,
    domain::{brand::Brand, enrollment::Reason, ids::EnrollmentId},
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
    /// The answer does not belong to this browser, came too late, or came twice.
    Expired,
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
        let all = [Self::Connected, Self::Declined, Self::Unavailable, Self::Expired, Self::Failed];
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
    /// The cookie that is spent.
    pub(crate) end_cookie: Option<String>,
}

impl Ending {
    pub(crate) const fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            return_to: None,
            enrollment: None,
            confirmation: None,
            begin_again: None,
            end_cookie: None,
        }
    }

    fn own_page(&self, app: &App) -> Url {
        let mut page = app.config.public_address(&format!("/result/{}", self.outcome.as_str()));
        if let Some(brand) = self.begin_again.filter(|_| self.outcome.can_begin_again(app)) {
            page.query_pairs_mut().append_pair("brand", brand.as_str());
        }
        page
    }

    /// 303 to the operator's address, which came out of a sealed ticket, or to a page of ours.
    pub(crate) fn into_response(self, app: &App) -> Response {
        let operator = self.return_to.as_deref().and_then(|text| Url::parse(text).ok());
        let location = match operator {
            Some(mut url) => {
                let mut query = url.query_pairs_mut();
                query.append_pair("outcome", self.outcome.as_str());
                if let Some(id) = &self.enrollment {
                    query.append_pair("enrollment", id.as_str());
                }
                if let Some(confirmation) = &self.confirmation {
                    query.append_pair("confirmation", confirmation);
                }
                drop(query);
                url
            }
            None => self.own_page(app),
        };
        let mut response =
            (StatusCode::SEE_OTHER, [(header::LOCATION, location.as_str())]).into_response();
        if let Some(Ok(value)) = self.end_cookie.map(HeaderValue::try_from) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }
}
