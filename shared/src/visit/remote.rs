//! Remotes at the maker: sent once, and asked about as often as need be.

use super::{Error, Visit};
use crate::{
    domain::{
        ids::RemoteId,
        remote::Action,
        vehicle::{UpstreamId, VehicleAddress},
    },
    stellantis::api::{ApiError, Told},
};

impl Visit<'_> {
    /// All remotes of a car that were sent through a callback, if the maker knows of any. Also the trial before one is sent:
    /// what it tells of the token, the car's address and the callback can be tried again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remotes(
        &mut self,
        vehicle: &VehicleAddress,
        callback: &str,
    ) -> Result<Option<Vec<Told>>, Error> {
        self.ask(async |api| api.remotes(vehicle, callback).await).await
    }

    /// One of them; `None` if the maker has none of this id.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn remote(
        &mut self,
        vehicle: &VehicleAddress,
        callback: &str,
        action: &UpstreamId,
    ) -> Result<Option<Told>, Error> {
        self.ask(async |api| api.remote(vehicle, callback, action).await).await
    }

    /// Sends one, once: not even a token that is refused is reason enough to send it again.
    /// `None`: the maker took it without saying under which id.
    ///
    /// # Errors
    /// See [`ApiError`], which says whether it may have arrived.
    pub async fn send_remote(
        &self,
        vehicle: &VehicleAddress,
        callback: &str,
        action: &Action,
        label: &RemoteId,
    ) -> Result<Option<UpstreamId>, ApiError> {
        let api = self.client.api(self.enrollment.brand, &self.access.token);
        match api.send_remote(vehicle, callback, action, label).await {
            Ok(answer) => Ok(answer.value),
            Err(error) => {
                self.note(error.clone());
                Err(error)
            }
        }
    }
}
