//! Everything that can be asked of the maker, named: faults and counters go by it.

use serde::{Deserialize, Serialize};

/// One operation of the identity provider or of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `GET /{brand}/am/oauth2/authorize`.
    Authorize,
    /// `POST /{brand}/am/oauth2/consent`, the button on the consent page.
    Consent,
    /// `POST …/access_token` with a code.
    Token,
    /// `POST …/access_token` with a refresh token.
    Refresh,
    /// `POST …/token/revoke`.
    Revoke,
    /// `GET /user`.
    User,
    /// `GET /user/vehicles`.
    Vehicles,
    /// `GET /user/vehicles/{id}`.
    Vehicle,
    /// `GET …/status`.
    Status,
    /// `GET …/lastPosition`.
    LastPosition,
    /// `GET …/telemetry`.
    Telemetry,
    /// `GET …/trips`.
    Trips,
    /// `GET …/trips/{tid}`.
    Trip,
    /// `GET …/trips/{tid}/alerts`.
    TripAlerts,
    /// `GET …/trips/{tid}/alerts/{aid}`.
    TripAlert,
    /// `GET …/trips/{tid}/collisions`.
    TripCollisions,
    /// `GET …/trips/{tid}/collisions/{cid}`.
    TripCollision,
    /// `GET …/trips/{tid}/wayPoints`.
    WayPoints,
    /// `GET …/trips/{tid}/telemetry`.
    TripTelemetry,
    /// `GET …/alerts`.
    Alerts,
    /// `GET …/alerts/{aid}`.
    Alert,
    /// `GET …/alarms`.
    Alarms,
    /// `GET …/alarms/{aid}`.
    Alarm,
    /// `GET …/collisions`.
    Collisions,
    /// `GET …/collisions/{cid}`.
    Collision,
    /// `GET …/maintenance`.
    Maintenance,
    /// `GET /vehicle/{vin}` of the business API: can this car be connected?
    Eligibility,
    /// `GET /user/callbacks`.
    Callbacks,
    /// `POST /user/callbacks`.
    CallbackCreate,
    /// `GET /user/callbacks/{cbid}`.
    Callback,
    /// `PUT /user/callbacks/{cbid}`.
    CallbackUpdate,
    /// `DELETE /user/callbacks/{cbid}`.
    CallbackDelete,
    /// `PUT /user/callbacks/{cbid}/status`.
    CallbackStatus,
    /// `GET …/monitors`.
    Monitors,
    /// `POST …/monitors`.
    MonitorCreate,
    /// `GET …/monitors/{mid}`.
    Monitor,
    /// `PUT …/monitors/{mid}`.
    MonitorUpdate,
    /// `DELETE …/monitors/{mid}`.
    MonitorDelete,
    /// `PUT …/monitors/{mid}/status`.
    MonitorStatus,
    /// `GET …/remotes`.
    Remotes,
    /// `POST …/remotes`.
    RemoteSend,
    /// `GET …/remotes/{rid}`.
    Remote,
}

impl Operation {
    /// Whether the identity provider serves it (else the API does).
    pub(crate) fn is_identity(self) -> bool {
        matches!(self, Self::Authorize | Self::Consent | Self::Token | Self::Refresh | Self::Revoke)
    }
}
