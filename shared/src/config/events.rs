//! Where events go, and where they may not.

use std::str::FromStr;

/// Where events go.
#[derive(Debug, Clone)]
pub struct Events {
    /// `EVENT_BUS`: the name of an `EventBridge` bus that gets all of them; none by default.
    pub bus: Option<String>,
    /// `WEBHOOK_ADDRESSES`: `public` (default) or `private`.
    pub addresses: Addresses,
}

/// Which addresses the operator's endpoints may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// https on port 443, and nothing that is not globally routable.
    Public,
    /// Any, http and loopback too: for development, and networks of one's own.
    Private,
}

impl Addresses {
    /// What is expected of an endpoint's URL.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Public => {
                "expected an https URL on port 443 that the world can reach, without user or \
                 fragment"
            }
            Self::Private => "expected an http or https URL, without user or fragment",
        }
    }
}

impl FromStr for Addresses {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            _ => Err(()),
        }
    }
}
