//! How many calls the maker still takes: a sliding day and a one-second burst, shared by all
//! users, vehicles and functions of the accessing party.

use http::HeaderMap;

/// What an answer said about the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Of the day.
    pub day: Option<Allowance>,
    /// Of the second.
    pub burst: Option<Allowance>,
}

/// One window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Calls in all.
    pub limit: Option<u64>,
    /// Calls left.
    pub remaining: u64,
}

impl Quota {
    /// `X-RateLimit-Limit-1`, `-Remaining-1` (day), `-2` (burst). `None` if there are none.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let count = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        let allowance = |limit, remaining| {
            Some(Allowance { limit: count(limit), remaining: count(remaining)? })
        };
        let day = allowance("x-ratelimit-limit-1", "x-ratelimit-remaining-1");
        let burst = allowance("x-ratelimit-limit-2", "x-ratelimit-remaining-2");
        (day.is_some() || burst.is_some()).then_some(Self { day, burst })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn read(pairs: &[(&'static str, &'static str)]) -> Option<Quota> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        Quota::read(&headers.collect())
    }

    #[test]
    fn both_windows_are_read() {
        let quota = read(&[
            ("x-ratelimit-limit-1", "10000"),
            ("x-ratelimit-remaining-1", "9999"),
            ("x-ratelimit-remaining-2", " 4 "),
        ]);

        let day = Some(Allowance { limit: Some(10_000), remaining: 9_999 });
        let burst = Some(Allowance { limit: None, remaining: 4 });
        assert_eq!(quota, Some(Quota { day, burst }));
    }

    #[test]
    fn headers_that_say_nothing_give_nothing() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("x-ratelimit-remaining-1", "-1")]), None);
    }
}
