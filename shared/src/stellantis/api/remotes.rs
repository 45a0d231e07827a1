//! Remotes: asking a car for something, and what became of it.

use http::Method;

use super::{
    super::wire::{self, Read, remote_body},
    Answer, Api, ApiError, Refusal, found_or_none,
};
use crate::domain::{
    ids::RemoteId,
    remote::{Action, Cause, State},
    vehicle::{UpstreamId, VehicleAddress},
};

/// What the maker says of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The maker's id of it.
    pub action_id: UpstreamId,
    /// The label that it was sent with.
    pub label: Option<String>,
    /// Where it stands; `None` for a word that we do not know.
    pub state: Option<State>,
    /// Why it failed.
    pub cause: Option<Cause>,
}

impl Api<'_> {
    /// Asks for one action: `POST …/remotes`. The label is our id, by which it is found again.
    /// `None`: the maker took it, and did not say under which id. **Never to be sent again**
    /// unless the error says that it surely did not arrive.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn send_remote(
        &self,
        vehicle: &VehicleAddress,
        callback: &str,
        action: &Action,
        label: &RemoteId,
    ) -> Result<Answer<Option<UpstreamId>>, ApiError> {
        let body = remote_body(action, label.as_str());
        let path = path(vehicle, callback);
        let answer = self.change(Method::POST, &path, Some(&body)).await?;
        Ok(answer.map(|value| {
            let action = value.as_ref().and_then(wire::RemoteAction::read)?;
            action.id?.0.parse().ok()
        }))
    }

    /// All remotes of a car that were asked for through a callback: `GET …/remotes`. `None`: the
    /// maker knows of nothing there, which an address that is the car's no more says too.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn remotes(
        &self,
        vehicle: &VehicleAddress,
        callback: &str,
    ) -> Result<Answer<Option<Vec<Told>>>, ApiError> {
        let names = ["remoteActions", "remotes"];
        let path = path(vehicle, callback);
        match self.list_or_refusal::<wire::RemoteAction>(&path, &[], &names).await {
            Ok(found) => Ok(found.map(|items| Some(items.into_iter().filter_map(told).collect()))),
            Err(Refusal::NoData(quota) | Refusal::Empty(quota)) => {
                Ok(Answer { value: None, quota })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// One of them: `GET …/remotes/{rid}`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn remote(
        &self,
        vehicle: &VehicleAddress,
        callback: &str,
        action: &UpstreamId,
    ) -> Result<Answer<Option<Told>>, ApiError> {
        let [user, vehicles, vehicle, callbacks, callback, remotes] = path(vehicle, callback);
        let path = [user, vehicles, vehicle, callbacks, callback, remotes, action.as_str()];
        let found = found_or_none(self.get(&path, &[], super::HAL).await)?;
        Ok(found.map(|value| value.as_ref().and_then(wire::RemoteAction::read).and_then(told)))
    }
}

fn path<'a>(vehicle: &'a VehicleAddress, callback: &'a str) -> [&'a str; 6] {
    ["user", "vehicles", vehicle.as_str(), "callbacks", callback, "remotes"]
}

fn told(action: wire::RemoteAction) -> Option<Told> {
    Some(Told {
        action_id: action.id?.0.parse().ok()?,
        label: action.remote.and_then(|remote| remote.label),
        state: action.status.and_then(|status| State::told(&status.0)),
        cause: action.cause.map(|cause| Cause::told(&cause.0)),
    })
}
