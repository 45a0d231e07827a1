//! Which route a request takes: literal before variable before greedy, a method before `ANY`
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>),
//! and how many may take it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::template::Route;

/// All routes.
pub(super) struct Routes(Vec<Entry>);

/// One route, whose it is and what it still admits.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) function: String,
    route: Route,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    tokens: f64,
    filled: Duration,
}

/// A route that fits and what stood in its variables.
pub(super) struct Match<'a> {
    pub(super) entry: &'a Entry,
    pub(super) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(super) fn new(routes: impl Iterator<Item = (String, Route)>) -> Self {
        let entry = |(function, route): (String, Route)| {
            let bucket = Mutex::new(Bucket { tokens: route.burst, filled: Duration::ZERO });
            Entry { key: route.key(), function, route, bucket }
        };
        Self(routes.map(entry).collect())
    }

    pub(super) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        let fitting = self.0.iter().filter_map(|entry| {
            let any = entry.route.method == "ANY";
            if !any && entry.route.method != method {
                return None;
            }
            let (rank, parameters) = fit(&entry.route.path, path)?;
            Some(((rank, any), Match { entry, parameters }))
        });
        fitting.min_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, found)| found)
    }
}

impl Entry {
    /// Admits one more request at this time, or says after how many seconds it would.
    pub(super) fn admits(&self, since_start: Duration) -> Result<(), u64> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = since_start.saturating_sub(bucket.filled).as_secs_f64();
        bucket.filled = since_start;
        bucket.tokens = (bucket.tokens + passed * self.route.rate).min(self.route.burst);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let wait = Duration::try_from_secs_f64((1.0 - bucket.tokens) / self.route.rate);
        Err(wait.unwrap_or(Duration::MAX).as_secs().saturating_add(1))
    }
}

/// Real time since some start: throttles guard this machine, not the cars' clock.
#[derive(Clone, Copy)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a throttle and a log measure real time")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    #[expect(clippy::disallowed_methods, reason = "a throttle and a log measure real time")]
    pub(super) fn passed(self) -> Duration {
        Instant::now().saturating_duration_since(self.0)
    }
}

/// How a path fits a route: each segment's rank, lower before higher, and its variables.
fn fit(route: &str, path: &str) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
    let (mut rank, mut parameters) = (Vec::new(), BTreeMap::new());
    let mut rest = path.trim_start_matches('/').split('/');
    for segment in route.trim_start_matches('/').split('/') {
        let variable = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        let value = rest.next()?;
        match variable {
            None if segment == value => rank.push(0),
            None => return None,
            Some(_) if value.is_empty() => return None,
            Some(name) => match name.strip_suffix('+') {
                None => {
                    rank.push(1);
                    parameters.insert(name.to_owned(), value.to_owned());
                }
                Some(name) => {
                    rank.push(2);
                    let whole =
                        [value].into_iter().chain(rest.by_ref()).collect::<Vec<_>>().join("/");
                    parameters.insert(name.to_owned(), whole);
                }
            },
        }
    }
    rest.next().is_none().then_some((rank, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Routes {
        let keys = [
            "ANY /v1/{proxy+}",
            "GET /callback/{brand}",
            "GET /callback",
            "GET /callback/opel",
            "GET /v1/health",
        ];
        Routes::new(keys.into_iter().map(|key| {
            let (method, path) = key.split_once(' ').unwrap();
            let route = Route { method: method.into(), path: path.into(), rate: 2.0, burst: 3.0 };
            (key.to_owned(), route)
        }))
    }

    fn find(method: &str, path: &str) -> Option<(String, BTreeMap<String, String>)> {
        routes().find(method, path).map(|found| (found.entry.key.clone(), found.parameters))
    }

    #[test]
    fn the_most_exact_route_wins() {
        let key = |method, path| find(method, path).map(|(key, _)| key);

        assert_eq!(key("GET", "/callback").as_deref(), Some("GET /callback"));
        assert_eq!(key("GET", "/callback/opel").as_deref(), Some("GET /callback/opel"));
        assert_eq!(key("GET", "/callback/ds").as_deref(), Some("GET /callback/{brand}"));
        assert_eq!(key("GET", "/v1/health").as_deref(), Some("GET /v1/health"));
        assert_eq!(key("POST", "/v1/health").as_deref(), Some("ANY /v1/{proxy+}"));
        for (method, path) in [
            ("POST", "/callback"),
            ("GET", "/"),
            ("GET", "/v1"),
            ("GET", "/v1/"),
            ("GET", "/callback/ds/x"),
        ] {
            assert_eq!(key(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn a_greedy_variable_takes_all_that_is_left() {
        let (_, parameters) = find("GET", "/v1/enrollments/enr_1/vehicles").unwrap();

        assert_eq!(parameters["proxy"], "enrollments/enr_1/vehicles");
    }

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let routes = routes();
        let entry = routes.find("GET", "/callback").unwrap().entry;
        let admitted = |millis| entry.admits(Duration::from_millis(millis)).is_ok();

        assert_eq!([0, 0, 0, 0].map(admitted), [true, true, true, false]);
        assert_eq!([500, 500].map(admitted), [true, false]);
        assert_eq!(entry.admits(Duration::from_millis(500)), Err(1), "second");
    }
}
