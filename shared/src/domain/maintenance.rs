//! When a car is to be serviced.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::snapshot::{Block, Field, Snapshot, Value};

/// What is left until the next maintenance; negative: overdue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Maintenance {
    /// Days.
    pub days: Option<f64>,
    /// Kilometres.
    pub distance_km: Option<f64>,
    /// When the car told it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub observed_at: Option<Timestamp>,
}

/// The same as part of the car's latest state.
impl From<Maintenance> for Snapshot {
    fn from(maintenance: Maintenance) -> Self {
        let days = maintenance.days.map(|days| (Field::MaintenanceDays, Value::Number(days)));
        let distance =
            maintenance.distance_km.map(|km| (Field::MaintenanceDistance, Value::Number(km)));
        let mut snapshot = Self::new();
        snapshot.put(Block::Maintenance, maintenance.observed_at, days.into_iter().chain(distance));
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maintenance_is_a_block_of_the_latest_state() {
        let maintenance = Maintenance { days: Some(-3.0), distance_km: None, observed_at: None };

        let snapshot = Snapshot::from(maintenance);

        assert_eq!(snapshot.number(Field::MaintenanceDays), Some(-3.0));
        assert_eq!(snapshot.readings().count(), 1);
    }
}
