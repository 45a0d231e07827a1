//! What listings can be narrowed to.

use std::ops::Range;

use jiff::Timestamp;

use super::Query;

/// A span of time; an open end is now, an open start the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Period {
    /// From then on.
    pub from: Option<Timestamp>,
    /// Until then.
    pub until: Option<Timestamp>,
}

impl Period {
    /// From a time until now.
    #[must_use]
    pub const fn since(from: Timestamp) -> Self {
        Self { from: Some(from), until: None }
    }

    /// `timestamps=start/end`, with `Z`: a `+` would become a space.
    pub(super) fn query(self) -> Query {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        match self {
            Self { from: None, until: None } => Query::new(),
            Self { from, until } => {
                vec![("timestamps", format!("{}/{}", text(from), text(until)))]
            }
        }
    }
}

/// Which telemetry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TelemetryQuery {
    /// When.
    pub period: Period,
    /// Of which kinds, such as `vehicle.energies`; empty: all.
    pub kinds: Vec<String>,
    /// With the place of each.
    pub located: bool,
}

impl TelemetryQuery {
    pub(super) fn query(&self) -> Query {
        let mut query = self.period.query();
        query.extend(self.kinds.iter().map(|kind| ("type", kind.clone())));
        if self.located {
            query.push(("extension", "location".to_owned()));
        }
        query.push(("pageSize", "2000".to_owned()));
        query
    }
}

/// Which trips.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TripQuery {
    /// When.
    pub period: Period,
    /// How far, kilometres.
    pub distance_km: Option<Range<u32>>,
    /// How long, seconds.
    pub duration_s: Option<Range<u32>>,
    /// In which states: `Nominal`, `Unstarted`, `DataLacking`, `Unfinished`; empty: all.
    pub states: Vec<String>,
}

impl TripQuery {
    pub(super) fn query(&self) -> Query {
        let mut query = self.period.query();
        let between = |range: &Range<u32>| format!("{}-{}", range.start, range.end);
        query.extend(self.distance_km.as_ref().map(|range| ("distance", between(range))));
        query.extend(self.duration_s.as_ref().map(|range| ("duration", between(range))));
        query.extend(self.states.iter().map(|state| ("states", state.clone())));
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_written_with_z_and_may_be_open() {
        let from = "2026-01-02T03:04:05+01:00".parse().unwrap();
        let until = "2026-01-03T00:00:00Z".parse().unwrap();

        let since = Period::since(from).query();
        let before = Period { from: None, until: Some(until) }.query();

        assert_eq!(since, [("timestamps", "2026-01-02T02:04:05Z/".to_owned())]);
        assert_eq!(before, [("timestamps", "/2026-01-03T00:00:00Z".to_owned())]);
        assert!(Period::default().query().is_empty());
    }

    #[test]
    fn trips_are_narrowed_as_the_reference_says() {
        let query = TripQuery {
            distance_km: Some(1..150),
            duration_s: Some(10..3600),
            states: vec!["Nominal".to_owned()],
            ..TripQuery::default()
        };

        let expected = [("distance", "1-150"), ("duration", "10-3600"), ("states", "Nominal")];
        assert_eq!(query.query(), expected.map(|(name, value)| (name, value.to_owned())));
    }
}
