//! Small arithmetic on timestamps that never fails: beyond the end of time is the end of time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Where "now" comes from.
pub(crate) type Now = std::sync::Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// `t` and so much later.
pub(crate) fn after(t: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| t.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

/// The timestamp of a Unix second, held within what a timestamp can be.
pub(crate) fn at_second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// RFC 3339 with whole seconds and `Z`.
pub(crate) fn rfc3339(t: Timestamp) -> String {
    at_second(t.as_second()).to_string()
}

/// The form that the live service sends now and then: `Mon Jun 03 08:35:36 GMT 2019`.
pub(crate) fn old_form(t: Timestamp) -> String {
    t.strftime("%a %b %d %H:%M:%S GMT %Y").to_string()
}

/// An ISO 8601 duration in hours and minutes, as the live service writes it (`PT0S`, `PT1H30M`).
pub(crate) fn iso_duration(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => "PT0S".to_owned(),
        (0, minutes) => format!("PT{minutes}M"),
        (hours, 0) => format!("PT{hours}H"),
        (hours, minutes) => format!("PT{hours}H{minutes}M"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_the_makers_forms() {
        let t: Timestamp = "2019-06-03T08:35:36.5Z".parse().unwrap();

        assert_eq!(rfc3339(t), "2019-06-03T08:35:36Z");
        assert_eq!(old_form(t), "Mon Jun 03 08:35:36 GMT 2019");
        assert_eq!(iso_duration(0), "PT0S");
        assert_eq!(iso_duration(5430), "PT1H30M");
    }
}
