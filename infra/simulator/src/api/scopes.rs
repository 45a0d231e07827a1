//! What a grant opens: a scope opens all that lies under it.

/// The scopes of a grant.
pub(super) struct Scopes(pub(super) Vec<String>);

impl Scopes {
    /// Whether this, or a scope above it, was granted.
    pub(super) fn allow(&self, needed: &str) -> bool {
        self.0.iter().any(|granted| covers(granted, needed))
    }

    /// Whether this, or any part of it, was granted.
    pub(super) fn allow_some_of(&self, needed: &str) -> bool {
        self.allow(needed) || self.0.iter().any(|granted| covers(needed, granted))
    }
}

fn covers(wide: &str, narrow: &str) -> bool {
    narrow.strip_prefix(wide).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_opens_what_lies_under_it_and_nothing_beside_it() {
        let scopes = Scopes(vec!["data:telemetry:vehicle".to_owned(), "data:trip".to_owned()]);

        assert!(scopes.allow("data:telemetry:vehicle:energies"));
        assert!(!scopes.allow("data:telemetry:environment"));
        assert!(!scopes.allow("data:telemetry"));
        assert!(scopes.allow_some_of("data:telemetry"));
        assert!(!scopes.allow("data:trips"));
        assert!(!scopes.allow_some_of("data:position"));
    }
}
