//! The logins that a browser has under way, or had a moment ago: each in a cookie of its own, which
//! stays for as long as the login may take. Whoever comes back twice is told how it ended.

use axum::http::{HeaderMap, header};
use shared::{
    App,
    round_trip::{self, Attempt, Cookies, state_sha256},
    seal::Purpose,
    secrets::SecretError,
};

/// What a browser sent of ours.
pub(crate) struct Browser<'a> {
    app: &'a App,
    cookies: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a App, headers: &HeaderMap) -> Self {
        let sent = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
        Self { app, cookies: sent.collect::<Vec<_>>().join("; ") }
    }

    /// The login that it began with this `state`.
    pub(crate) async fn began(&self, state: &str) -> Result<Option<Attempt>, SecretError> {
        self.attempt(&state_sha256(state)).await
    }

    /// The login that it began with the `state` of this hash.
    pub(crate) async fn attempt(&self, hash: &str) -> Result<Option<Attempt>, SecretError> {
        let found = self.login(hash.get(..16).unwrap_or_default()).await?;
        // Hashes of a 256-bit random value: comparing them tells nothing of it.
        Ok(found.filter(|attempt| attempt.state_sha256 == hash))
    }

    /// The login of which a page's address gives the name.
    pub(crate) async fn login(&self, name: &str) -> Result<Option<Attempt>, SecretError> {
        let cookies = Cookies::new(self.app.config.is_https());
        let Some(value) = cookies.find(&self.cookies, name) else { return Ok(None) };
        round_trip::open(&self.app.secrets, Purpose::Login, value).await
    }
}
