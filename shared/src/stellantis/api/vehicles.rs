//! The account and its vehicles, and the state of one.

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    super::{
        normalise,
        outgoing::Cause,
        wire::{self, Read},
    },
    Answer, Api, ApiError, GEO_JSON, HAL, Query, Refusal, found_or_none,
    page::Listed,
};
use crate::domain::{
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
    /// Whether the maker refused any of the extensions, so that what it holds is missing.
    pub extensions_refused: bool,
    /// How many vehicles there are beside, which can't be read: nobody knows which those are.
    pub unread: usize,
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
        let mut refused = false;
        for extensions in fewer(extensions) {
            let query = extension_query(&extensions);
            match self.vehicles_with(&query).await {
                Err(Refusal::Extension(_)) if !query.is_empty() => refused = true,
                found => {
                    let (found, unread) = match found {
                        Err(refusal) => (none_at_all(refusal)?, 0),
                        Ok(found) => {
                            let quota = found.quota;
                            let (vehicles, unread) = normalise::vehicles(found.value.items);
                            let unread = unread + found.value.unread;
                            (Answer { value: vehicles, quota }, unread)
                        }
                    };
                    return Ok(found.map(|found| Listing {
                        found,
                        extensions_refused: refused,
                        unread,
                    }));
                }
            }
        }
        // The last of them asks for no extension, and returns.
        Err(Refusal::from(Cause::Refused).into())
    }

    async fn vehicles_with(
        &self,
        query: &[(&'static str, String)],
    ) -> Result<Answer<Listed<wire::Vehicle>>, Refusal> {
        self.collect(&["user", "vehicles"], query, &["vehicles", "Vehicles"]).await
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
        let mut refused = false;
        for extensions in fewer(extensions) {
            let query = extension_query(&extensions);
            match self.get(&path, &query, HAL).await {
                Err(Refusal::Extension(_)) if !query.is_empty() => refused = true,
                other => {
                    return Ok(found_or_none(other)?.map(|value| {
                        let read = value.as_ref().and_then(wire::Vehicle::read);
                        let found = read.and_then(normalise::vehicle);
                        let unread = usize::from(value.is_some() && found.is_none());
                        Listing { found, extensions_refused: refused, unread }
                    }));
                }
            }
        }
        // The last of them asks for no extension, and returns.
        Err(Refusal::from(Cause::Refused).into())
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
    ) -> Result<Answer<Option<Snapshot>>, ApiError> {
        let found = self.find(&["user", "vehicles", vehicle.as_str(), "maintenance"]).await?;
        Ok(found.map(|value| {
            let due = value.as_ref().and_then(wire::Maintenance::read)?;
            Some(normalise::maintained(&due, now))
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

/// An account without a vehicle: an empty list, or 404 under whatever code.
fn none_at_all(refusal: Refusal) -> Result<Answer<Vec<Vehicle>>, ApiError> {
    match refusal {
        Refusal::NoData(quota) | Refusal::Empty(quota) => Ok(Answer { value: Vec::new(), quota }),
        other => {
            let error = ApiError::from(other);
            match error.upstream() {
                Some(upstream) if upstream.status == 404 => {
                    Ok(Answer { value: Vec::new(), quota: upstream.quota })
                }
                _ => Err(error),
            }
        }
    }
}

/// Which extensions to ask for, one after the other as they are refused: all, then all but one, each
/// alone, none. One that is refused takes no other along.
fn fewer(extensions: &[Extension]) -> Vec<Vec<Extension>> {
    let but_one = extensions.iter().map(|left_out| {
        extensions.iter().copied().filter(|extension| extension != left_out).collect()
    });
    let alone = extensions.iter().map(|extension| vec![*extension]);
    let mut tries: Vec<Vec<Extension>> = vec![extensions.to_vec()];
    for fewer in but_one.chain(alone).chain([Vec::new()]) {
        if !tries.contains(&fewer) {
            tries.push(fewer);
        }
    }
    tries
}

/// The reference's array in a query: one parameter each (`explode` is its default).
fn extension_query(extensions: &[Extension]) -> Query {
    extensions.iter().map(|extension| ("extension", extension.as_str().to_owned())).collect()
}
