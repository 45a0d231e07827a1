//! A function as the front sees it: what its role allows, and what it made use of.

use super::{Refusal, Usage};
use crate::template::Policy;

/// Who asks.
pub(crate) struct Caller<'a> {
    pub(super) function: &'a str,
    pub(super) policy: &'a Policy,
    pub(super) usage: &'a Usage,
}

impl Caller<'_> {
    /// Whether its role allows this. What it allows is noted: a right that nobody ever uses is one
    /// too many.
    pub(crate) fn may(
        &self,
        action: &str,
        resource: &str,
        context: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        if !self.policy.allows(action, resource, context) {
            return Err(Refusal::denied(self.function, action, resource));
        }
        self.usage.exercised(self.function, action, resource);
        Ok(())
    }
}
