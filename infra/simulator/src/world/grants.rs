//! Codes and grants as the identity provider keeps them: once, rotating, unforgiving.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Settings, store::State};
use crate::{brand::Brand, random, time::after};

/// How long a consent page may lie open.
const REQUEST_LIFE: Duration = Duration::from_mins(30);

/// So many refresh tokens of one grant are known again when they come back.
const REMEMBERED: usize = 200;

/// An authorization request between its page and its button.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthorizationRequest {
    pub(crate) brand: Brand,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) asked_at: Timestamp,
}

/// An authorization code, by its fingerprint.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    request: AuthorizationRequest,
    account: String,
    issued_at: Timestamp,
    /// Tried once, whatever came of it; with the grant it gave.
    spent: Option<Spent>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Spent {
    grant: Option<u64>,
}

/// A consent and its tokens.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) brand: Brand,
    pub(crate) scopes: Vec<String>,
    issued_at: Timestamp,
    used_at: Timestamp,
    renewals: u64,
    refresh: Vec<RefreshToken>,
    access: Vec<AccessToken>,
    ended: Option<End>,
}

#[derive(Clone, Serialize, Deserialize)]
struct RefreshToken {
    fingerprint: String,
    issued_at: Timestamp,
    rotated_at: Option<Timestamp>,
}

#[derive(Clone, Serialize, Deserialize)]
struct AccessToken {
    fingerprint: String,
    expires_at: Timestamp,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct End {
    reason: EndReason,
}

/// Why a grant is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The client revoked it.
    Revoked,
    /// The user withdrew consent at the maker.
    Withdrawn,
    /// Its code came a second time.
    CodeReused,
    /// A rotated refresh token came again.
    RefreshReused,
    /// Its refresh token was not used for too long.
    Idle,
}

/// A grant as tests may see it: no tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantView {
    /// Its number, rising.
    pub id: u64,
    /// Whose it is.
    pub account: String,
    /// At which brand.
    pub brand: Brand,
    /// What it allows.
    pub scopes: Vec<String>,
    /// When the code was exchanged.
    pub issued_at: Timestamp,
    /// When its refresh token was last used (or given).
    pub used_at: Timestamp,
    /// How often it was renewed.
    pub renewals: u64,
    /// Why it is no more; none while it lives.
    pub ended: Option<EndReason>,
}

/// New tokens, on their way out.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    /// None where a renewal does not rotate.
    pub(crate) refresh_token: Option<String>,
    pub(crate) account: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
}

/// `invalid_grant`, for a reason that only the tests hear.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidGrant;

/// What a client shows with a code.
pub(crate) struct Exchange<'a> {
    pub(crate) brand: Brand,
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: Option<&'a str>,
    pub(crate) verifier: Option<&'a str>,
}

impl State {
    /// Keeps a request until its button is pressed, and names it.
    pub(crate) fn put_request(&mut self, request: AuthorizationRequest) -> String {
        let now = request.asked_at;
        self.requests.retain(|_, waiting| after(waiting.asked_at, REQUEST_LIFE) > now);
        let id = random::token();
        self.requests.insert(id.clone(), request);
        id
    }

    /// Takes a request off the list: a page's button works once.
    pub(crate) fn take_request(
        &mut self,
        id: &str,
        now: Timestamp,
    ) -> Option<AuthorizationRequest> {
        let request = self.requests.remove(id)?;
        (after(request.asked_at, REQUEST_LIFE) > now).then_some(request)
    }

    /// Makes a code for what the user accepted.
    pub(crate) fn put_code(
        &mut self,
        request: AuthorizationRequest,
        account: &str,
        now: Timestamp,
    ) -> String {
        // Spent codes stay for a day, so that their reuse is noticed.
        self.codes.retain(|_, code| after(code.issued_at, Duration::from_hours(24)) > now);
        let code = random::token();
        let entry = Code { request, account: account.to_owned(), issued_at: now, spent: None };
        self.codes.insert(random::fingerprint(&code), entry);
        code
    }

    /// Exchanges a code (RFC 6749 §4.1.3, RFC 7636 §4.6). Any attempt spends it; a second one
    /// ends the grant that the first one gave (§4.1.2).
    pub(crate) fn exchange(
        &mut self,
        exchange: &Exchange<'_>,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Issued, InvalidGrant> {
        let fingerprint = random::fingerprint(exchange.code);
        let id = self.grants.last_key_value().map_or(1, |(last, _)| last + 1);
        let code = self.codes.get_mut(&fingerprint).ok_or(InvalidGrant)?;
        if let Some(spent) = code.spent {
            if let Some(grant) = spent.grant.and_then(|id| self.grants.get_mut(&id)) {
                grant.end(EndReason::CodeReused);
            }
            return Err(InvalidGrant);
        }
        code.spent = Some(Spent { grant: None });
        let lifetime = Duration::from_secs(settings.code_seconds.into());
        let matches = code.request.brand == exchange.brand
            && after(code.issued_at, lifetime) > now
            && Some(code.request.redirect_uri.as_str()) == exchange.redirect_uri
            && code.request.challenge == exchange.verifier.map(random::s256);
        if !matches {
            return Err(InvalidGrant);
        }
        code.spent = Some(Spent { grant: Some(id) });
        let mut grant = Grant {
            account: code.account.clone(),
            brand: exchange.brand,
            scopes: code.request.scopes.clone(),
            issued_at: now,
            used_at: now,
            renewals: 0,
            refresh: Vec::new(),
            access: Vec::new(),
            ended: None,
        };
        let mut issued = grant.issue(true, settings, now);
        issued.nonce.clone_from(&code.request.nonce);
        self.grants.insert(id, grant);
        Ok(issued)
    }

    /// Renews (RFC 6749 §6). A rotated token that comes again ends its grant (RFC 9700 §4.14.2),
    /// unless it comes within the grace.
    pub(crate) fn renew(
        &mut self,
        brand: Brand,
        refresh_token: &str,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Issued, InvalidGrant> {
        let fingerprint = random::fingerprint(refresh_token);
        let found = self.grants.values_mut().find_map(|grant| {
            let index = grant.refresh.iter().position(|token| token.fingerprint == fingerprint)?;
            Some((grant, index))
        });
        let Some((grant, index)) = found else {
            self.unknown_tokens += 1;
            return Err(InvalidGrant);
        };
        grant.notice_idleness(now, settings.refresh_idle);
        let Some(token) = grant.refresh.get_mut(index) else { return Err(InvalidGrant) };
        if grant.ended.is_some() || grant.brand != brand {
            return Err(InvalidGrant);
        }
        if let Some(rotated_at) = token.rotated_at {
            let forgiven =
                settings.refresh_grace.is_some_and(|grace| after(rotated_at, grace) >= now);
            if !forgiven {
                grant.end(EndReason::RefreshReused);
                return Err(InvalidGrant);
            }
        } else if settings.rotate {
            token.rotated_at = Some(now);
        } else {
            token.issued_at = now;
        }
        grant.used_at = now;
        grant.renewals += 1;
        Ok(grant.issue(settings.rotate, settings, now))
    }

    /// Revokes (RFC 7009): a live refresh token with its grant, an access token alone. What is
    /// unknown or already dead is no error.
    pub(crate) fn revoke(&mut self, brand: Brand, token: &str) {
        let fingerprint = random::fingerprint(token);
        for grant in self.grants.values_mut().filter(|grant| grant.brand == brand) {
            grant.access.retain(|access| access.fingerprint != fingerprint);
            let current = |refresh: &RefreshToken| {
                refresh.fingerprint == fingerprint && refresh.rotated_at.is_none()
            };
            if grant.refresh.iter().any(current) {
                grant.end(EndReason::Revoked);
            }
        }
    }

    /// The living grant behind an access token that has not expired.
    pub(crate) fn introspect(&self, access_token: &str, now: Timestamp) -> Option<&Grant> {
        let fingerprint = random::fingerprint(access_token);
        let live =
            |access: &AccessToken| access.fingerprint == fingerprint && access.expires_at > now;
        self.grants.values().find(|grant| grant.ended.is_none() && grant.access.iter().any(live))
    }

    /// Ends every living grant of an account; how many those were.
    pub(crate) fn end_all(&mut self, account: &str, reason: EndReason, now: Timestamp) -> usize {
        let mut count = 0;
        for grant in self.grants.values_mut().filter(|grant| grant.account == account) {
            if grant.ended.is_none() && grant.issued_at <= now {
                grant.end(reason);
                count += 1;
            }
        }
        count
    }

    pub(crate) fn view_grants(
        &self,
        account: Option<&str>,
        now: Timestamp,
        idle: Option<Duration>,
    ) -> Vec<GrantView> {
        self.grants
            .iter()
            .filter(|(_, grant)| account.is_none_or(|account| grant.account == account))
            .map(|(id, grant)| {
                let mut grant = grant.clone();
                grant.notice_idleness(now, idle);
                GrantView {
                    id: *id,
                    account: grant.account,
                    brand: grant.brand,
                    scopes: grant.scopes,
                    issued_at: grant.issued_at,
                    used_at: grant.used_at,
                    renewals: grant.renewals,
                    ended: grant.ended.map(|end| end.reason),
                }
            })
            .collect()
    }
}

impl Grant {
    fn issue(&mut self, with_refresh: bool, settings: &Settings, now: Timestamp) -> Issued {
        let access_token = random::token();
        self.access.retain(|access| access.expires_at > now);
        self.access.push(AccessToken {
            fingerprint: random::fingerprint(&access_token),
            expires_at: after(now, Duration::from_secs(settings.access_seconds.into())),
        });
        let refresh_token = with_refresh.then(random::token);
        if let Some(token) = &refresh_token {
            let fingerprint = random::fingerprint(token);
            self.refresh.push(RefreshToken { fingerprint, issued_at: now, rotated_at: None });
            // Those rotated long ago are forgotten, so that the state stays small.
            let surplus = self.refresh.len().saturating_sub(REMEMBERED);
            self.refresh.drain(..surplus);
        }
        Issued {
            access_token,
            refresh_token,
            account: self.account.clone(),
            scopes: self.scopes.clone(),
            nonce: None,
        }
    }

    /// The first end counts.
    fn end(&mut self, reason: EndReason) {
        self.ended.get_or_insert(End { reason });
        self.access.clear();
    }

    fn notice_idleness(&mut self, now: Timestamp, idle: Option<Duration>) {
        let newest = self.refresh.iter().map(|token| token.issued_at).max();
        if let (Some(idle), Some(newest)) = (idle, newest)
            && after(newest, idle) <= now
        {
            self.end(EndReason::Idle);
        }
    }
}
