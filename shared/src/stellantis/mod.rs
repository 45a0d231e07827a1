//! The only code that talks to the maker: its identity providers, its API, and the shapes of
//! what they answer. What leaves this module is the exact model of `domain`.

pub mod api;
pub mod id_token;
pub mod notification;
pub mod oauth;
pub mod quota;
pub mod secret;
pub mod settings;
pub mod tls;

mod normalise;
mod outgoing;
mod permission;
mod wire;

#[cfg(test)]
mod testing;

use std::sync::{Arc, Mutex, PoisonError};

pub use self::{
    api::{Answer, Api, ApiError},
    oauth::{TokenError, TokenSet},
    outgoing::Cause,
    permission::{Again, Call, Permission, Urgency},
    secret::MakerSecret,
    settings::Settings,
    tls::{Timeouts, TlsError},
};

/// The maker, as far as settings tell it. Built once; gives [`Client`]s.
#[derive(Debug)]
pub struct Maker {
    settings: Arc<Settings>,
    permission: Arc<dyn Permission>,
    /// The last HTTP client and the identity it shows.
    http: Mutex<Option<([u8; 32], reqwest::Client)>>,
}

impl Maker {
    /// Reads and connects nothing. `permission` is asked before every call.
    #[must_use]
    pub fn new(settings: Settings, permission: Arc<dyn Permission>) -> Self {
        Self { settings: Arc::new(settings), permission, http: Mutex::new(None) }
    }

    /// Where the maker is.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A client with these credentials. Cheap: connections are kept as long as certificate, key
    /// and authority stay the same, and made anew when one changes.
    ///
    /// # Errors
    /// When certificate, key or authority can't be used.
    pub fn with_credentials(&self, secret: &Arc<MakerSecret>) -> Result<Client, TlsError> {
        let fingerprint = secret.identity_fingerprint();
        let mut cached = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        let http = match &*cached {
            Some((known, http)) if *known == fingerprint => http.clone(),
            _ => {
                let Settings { user_agent, timeouts, .. } = &*self.settings;
                let http = tls::maker_client(secret, user_agent, *timeouts)?;
                cached.insert((fingerprint, http)).1.clone()
            }
        };
        let (settings, permission) = (Arc::clone(&self.settings), Arc::clone(&self.permission));
        Ok(Client { settings, permission, secret: Arc::clone(secret), http })
    }
}

/// The maker, with our credentials: every call starts here.
#[derive(Debug, Clone)]
pub struct Client {
    settings: Arc<Settings>,
    permission: Arc<dyn Permission>,
    secret: Arc<MakerSecret>,
    http: reqwest::Client,
}
