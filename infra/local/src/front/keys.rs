//! The access keys of this run: one a function, made at start, so that a call tells whose it is.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use secrecy::SecretString;
use shared::random;

/// All keys.
#[derive(Clone, Default)]
pub struct Keys(Arc<RwLock<BTreeMap<String, Holder>>>);

/// Who holds a key.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) function: Arc<str>,
    pub(super) secret: SecretString,
    /// A process that died can't be answered.
    pub(super) dead: bool,
}

/// A key as the holder gets it.
pub struct AccessKey {
    /// `AWS_ACCESS_KEY_ID`.
    pub id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: SecretString,
}

impl Keys {
    /// A key for a function that starts.
    #[must_use]
    pub fn issue(&self, function: &str) -> AccessKey {
        let id = format!("LOCAL{}", random::id().to_ascii_uppercase());
        let secret = SecretString::from(random::token());
        let holder = Holder { function: function.into(), secret: secret.clone(), dead: false };
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), holder);
        AccessKey { id, secret }
    }

    /// The function died: whatever of it still calls gets no answer.
    pub fn bury(&self, function: &str) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for holder in keys.values_mut().filter(|holder| &*holder.function == function) {
            holder.dead = true;
        }
    }

    pub(super) fn holder(&self, id: &str) -> Option<Holder> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }
}
