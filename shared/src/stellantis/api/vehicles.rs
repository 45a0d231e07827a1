//! The account and its vehicles, and the state of one.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    super::{
        normalise,
        wire::{self, Read},
    },
    Answer, Api, ApiError, GEO_JSON, HAL, Query, Refusal, found_or_none,
};
use crate::domain::{
    maintenance::Maintenance,
    snapshot::Snapshot,
    vehicle::{Capabilities, Vehicle, VehicleAddress},
};

/// Who an account belongs to. Not to be stored.
#[derive(Debug, Clone)]
pub struct User {
    /// Electronic mail address.
    pub email: Option<SecretString>,
    /// Given name.
    pub first_name: Option<SecretString>,
    /// Family name.
    pub last_name: Option<SecretString>,
    /// The vehicles, if they came along.
    pub vehicles: Vec<Vehicle>,
}

/// What can be asked for beside the vehicle itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// What it can tell and do.
    OnboardCapabilities,
    /// Brand and model.
    Branding,
    /// Addresses of pictures.
    Pictures,
}

impl Extension {
    /// As the maker spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnboardCapabilities => "onboardCapabilities",
            Self::Branding => "branding",
            Self::Pictures => "pictures",
        }
    }
}

/// Vehicles, and whether the extensions asked for were refused: then remember, and ask without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// What was found.
    pub found: T,
    /// Whether the maker refused the extensions, so that what they hold is missing.
    pub extensions_refused: bool,
}

impl Api<'_> {
    /// Who the account belongs to: `GET /user`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn user(&self) -> Result<Answer<Option<User>>, ApiError> {
        let found = self.find(&["user"]).await?;
        Ok(found.map(|value| value.as_ref().and_then(Read::read).map(normalise::user)))
    }

    /// The vehicles of the account: `GET /user/vehicles`. None is an answer: the user signed in
    /// with a brand that has none of their cars. If the maker refuses the extensions, they are
    /// dropped and the call goes on.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn vehicles(
        &self,
        extensions: &[Extension],
    ) -> Result<Answer<Listing<Vec<Vehicle>>>, ApiError> {
        let path = ["user", "vehicles"];
        let names = ["vehicles", "Vehicles"];
        let query = extension_query(extensions);
        let (answer, extensions_refused) = match self.list_or_refusal(&path, &query, &names).await {
            Err(Refusal::Extension(_)) if !query.is_empty() => {
                (self.list(&path, &[], &names).await?, true)
            }
            Err(Refusal::NoData(quota) | Refusal::Empty(quota)) => {
                (Answer { value: Vec::new(), quota }, false)
            }
            other => (other?, false),
        };
        Ok(answer.map(|found| Listing { found: normalise::vehicles(found), extensions_refused }))
    }

    /// One vehicle: `GET /user/vehicles/{id}`. Extensions as in [`Api::vehicles`].
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn vehicle(
        &self,
        vehicle: &VehicleAddress,
        extensions: &[Extension],
    ) -> Result<Answer<Listing<Option<Vehicle>>>, ApiError> {
        let path = ["user", "vehicles", vehicle.as_str()];
        let query = extension_query(extensions);
        let (found, extensions_refused) = match self.get(&path, &query, HAL).await {
            Err(Refusal::Extension(_)) if !query.is_empty() => (self.find(&path).await?, true),
            other => (found_or_none(other)?, false),
        };
        Ok(found.map(|value| {
            let vehicle = value.as_ref().and_then(wire::Vehicle::read);
            Listing { found: vehicle.and_then(normalise::vehicle), extensions_refused }
        }))
    }

    /// The latest of everything: `GET …/status`. `None` or an empty one: not reported yet.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn status(
        &self,
        vehicle: &VehicleAddress,
        now: Timestamp,
    ) -> Result<Answer<Option<Snapshot>>, ApiError> {
        let found = self.find(&["user", "vehicles", vehicle.as_str(), "status"]).await?;
        Ok(found.map(|value| snapshot(value.as_ref(), now)))
    }

    /// The last known place, as the one block of a state: `GET …/lastPosition` (deprecated).
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn last_position(
        &self,
        vehicle: &VehicleAddress,
        now: Timestamp,
    ) -> Result<Answer<Option<Snapshot>>, ApiError> {
        let path = ["user", "vehicles", vehicle.as_str(), "lastPosition"];
        let found = found_or_none(self.get(&path, &[], GEO_JSON).await)?;
        Ok(found.map(|value| {
            let position = value.as_ref().and_then(wire::Position::read)?;
            Some(normalise::located(position, now))
        }))
    }

    /// When it is to be serviced: `GET …/maintenance`. `None` can last for ever: ask again in
    /// days.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn maintenance(
        &self,
        vehicle: &VehicleAddress,
        now: Timestamp,
    ) -> Result<Answer<Option<Maintenance>>, ApiError> {
        let found = self.find(&["user", "vehicles", vehicle.as_str(), "maintenance"]).await?;
        Ok(found.map(|value| {
            let due = value.as_ref().and_then(wire::Maintenance::read)?;
            Some(normalise::maintenance(&due, now))
        }))
    }
}

fn snapshot(value: Option<&Value>, now: Timestamp) -> Option<Snapshot> {
    let document = wire::Document::read(value?)?;
    Some(normalise::snapshot(&document, now))
}

/// Of the B2B API's answer about a VIN.
pub(super) fn capabilities_of(value: Option<Value>) -> Option<Capabilities> {
    let vehicle = wire::Vehicle::read(&value?)?;
    let capabilities = vehicle.embedded?.extension?.capabilities?;
    Some(normalise::capabilities(capabilities))
}

fn extension_query(extensions: &[Extension]) -> Query {
    let names: Vec<_> = extensions.iter().map(|extension| extension.as_str()).collect();
    if names.is_empty() { Query::new() } else { vec![("extension", names.join(","))] }
}
