//! What befalls a car: warnings, the anti-theft alarm, collisions.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{CarKind, Drive, Life, plan::day_of};
use crate::time::at_second;

/// A warning of the car.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) id: String,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) severity: &'static str,
    pub(crate) start: Timestamp,
    /// When it went out; none while it is active.
    pub(crate) end: Option<Timestamp>,
}

/// The anti-theft alarm: armed, disarmed, or set off.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) event: AlarmEvent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AlarmEvent {
    Armed,
    Disarmed,
    /// With the kind of break-in.
    SetOff(Cow<'static, str>),
}

/// A collision.
#[derive(Clone, Debug)]
pub(crate) struct Collision {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) side: &'static str,
    pub(crate) severity: &'static str,
}

/// Warnings with their severity, for every car.
const ANY: [(&str, &str); 4] = [
    ("LeftFrontTireUnderInflated", "Warning"),
    ("AddWasherFluid", "Information"),
    ("RiskOfIce", "Information"),
    ("ReplaceTheRemoteControlBattery", "Information"),
];
const BATTERY: [(&str, &str); 2] =
    [("ChargingFailure", "Warning"), ("ElectricTractionSystemFault", "Critical")];
const FUEL: [(&str, &str); 3] =
    [("FuelLevelLow", "Warning"), ("AdBlueFault", "Warning"), ("OilLevelLow", "Critical")];

impl Life<'_> {
    /// Warnings that came up within `from..=now`, in order.
    pub(crate) fn alerts(&self, from: Timestamp, now: Timestamp) -> Vec<Alert> {
        let touched = self.touched_alerts(from, now);
        let now = self.horizon(now);
        let mut alerts: Vec<Alert> = self
            .first_drives(from, now)
            .filter_map(|(day, drive)| {
                let mut dice = self.dice("alert", day);
                if dice.below(8) != 0 {
                    return None;
                }
                let own: &[_] = if self.car.kind == CarKind::Electric { &BATTERY } else { &FUEL };
                let choices: Vec<_> = ANY.iter().chain(own).copied().collect();
                let (kind, severity) = dice.pick(&choices).copied()?;
                let start = drive.start.as_second() + i64::from(dice.below(240));
                let end = at_second(start + 1800 + i64::from(dice.below(90 * 3600)));
                Some(Alert {
                    id: self.name("alert", start),
                    kind: kind.into(),
                    severity,
                    start: at_second(start),
                    end: (end <= now).then_some(end),
                })
            })
            .filter(|alert| alert.start >= from && alert.start <= now)
            .chain(touched)
            .collect();
        alerts.sort_by_key(|alert| alert.start);
        alerts
    }

    /// What the alarm did within `from..=now`, in order.
    pub(crate) fn alarms(&self, from: Timestamp, now: Timestamp) -> Vec<Alarm> {
        let touched = self.touched_alarms(from, now);
        let now = self.horizon(now);
        let mut alarms: Vec<Alarm> = Vec::new();
        for drive in self.drives_between(at_second(from.as_second() - 86_400), now) {
            let (start, stop) = (drive.start.as_second(), drive.stop.as_second());
            alarms.push(self.alarm(start - 30, AlarmEvent::Disarmed));
            alarms.push(self.alarm(stop + 45, AlarmEvent::Armed));
            let mut dice = self.dice("break-in", stop);
            if dice.below(60) == 0 {
                let kinds = ["VehicleLifting", "FrontLeftDoorBreakIn", "VolumetricBreakIn"];
                let kind = dice.pick(&kinds).copied().unwrap_or("NoBreakIn");
                alarms.push(self.alarm(stop + 1200, AlarmEvent::SetOff(kind.into())));
            }
        }
        alarms.retain(|alarm| alarm.at >= from && alarm.at <= now);
        alarms.extend(touched);
        alarms.sort_by_key(|alarm| alarm.at);
        alarms
    }

    fn alarm(&self, second: i64, event: AlarmEvent) -> Alarm {
        Alarm { id: self.name("alarm", second), at: at_second(second), event }
    }

    /// Collisions within `from..=now`, in order.
    pub(crate) fn collisions(&self, from: Timestamp, now: Timestamp) -> Vec<Collision> {
        let now = self.horizon(now);
        let odds = if self.car.quirks.crash_prone { 20 } else { 2_000 };
        self.first_drives(from, now)
            .filter_map(|(day, drive)| {
                let mut dice = self.dice("collision", day);
                if dice.below(odds) != 0 {
                    return None;
                }
                let side = dice.pick(&["Front", "Rear", "Lateral"]).copied()?;
                let severity = dice.pick(&["Minimal", "Minor"]).copied()?;
                let second = drive.start.as_second() + 200;
                let id = self.name("collision", second);
                Some(Collision { id, at: at_second(second), side, severity })
            })
            .filter(|collision| collision.at >= from && collision.at <= now)
            .collect()
    }

    /// Each day's first drive.
    fn first_drives(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = (i64, Drive)> + '_ {
        (day_of(from)..=day_of(to))
            .filter_map(|day| self.drives(day).into_iter().next().map(|drive| (day, drive)))
    }
}
