//! What an address names, read into its kind: of what is wrong, the problem names the part.

use std::{fmt::Display, str::FromStr};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use shared::domain::{ids::EnrollmentId, vin::Vin};

use crate::{Error, error::Thing};

/// What an address names last.
pub(crate) struct Id<T>(pub(crate) T);

/// A car of an enrollment.
pub(crate) struct CarPath {
    pub(crate) id: EnrollmentId,
    pub(crate) vin: Vin,
}

impl<T: FromStr<Err: Display>, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let params = params(parts, state).await?;
        let last = params.iter().last().ok_or(Error::NotFound(Thing::Path))?;
        read(last).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CarPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let params = params(parts, state).await?;
        let part = |wanted| {
            params.iter().find(|(name, _)| *name == wanted).ok_or(Error::NotFound(Thing::Path))
        };
        Ok(Self { id: read(part("id")?)?, vin: read(part("vin")?)? })
    }
}

async fn params<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, Error> {
    let params = RawPathParams::from_request_parts(parts, state).await;
    params.map_err(|_| Error::invalid("path", "expected UTF-8"))
}

fn read<T: FromStr<Err: Display>>((name, value): (&str, &str)) -> Result<T, Error> {
    value.parse().map_err(|error| Error::invalid(name, error))
}
