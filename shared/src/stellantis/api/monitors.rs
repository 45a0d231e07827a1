//! Rules at the maker: `…/callbacks/{cbid}/monitors…`. At most five a vehicle.

mod parameter;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use http::Method;
use serde_json::{Value, json};

use super::{
    super::wire::{self, Read},
    Answer, Api, ApiError, Found,
    callbacks::{Run, gone, unreadable},
    page::{Listed, listed_or_empty},
};
use crate::domain::{
    rule::{InvalidExpression, Rule},
    vehicle::{UpstreamId, VehicleAddress},
};

/// How many monitors one vehicle takes, for one client and user.
pub const MOST_MONITORS: usize = 5;

/// A rule as it is sent.
#[derive(Clone, PartialEq)]
pub struct Compiled {
    body: Value,
    /// SHA-256 of it, in hex.
    pub sha256: String,
}

impl Compiled {
    /// Compiles a rule that was checked.
    ///
    /// # Errors
    /// When it was not.
    pub fn of(rule: &Rule) -> Result<Self, InvalidExpression> {
        let body = parameter::parameter(rule)?;
        let sha256 = HEXLOWER.encode(digest(&SHA256, body.to_string().as_bytes()).as_ref());
        Ok(Self { body, sha256 })
    }
}

/// A monitor as the maker has it.
pub struct Monitor {
    /// Its id.
    pub id: UpstreamId,
    /// Its label: ours is the id of the rule.
    pub label: Option<String>,
    /// Whether it watches.
    pub run: Run,
    parameter: Option<Value>,
}

impl Monitor {
    /// Whether it says the very same.
    #[must_use]
    pub fn says(&self, rule: &Compiled) -> bool {
        self.parameter.as_ref() == Some(&rule.body)
    }
}

impl Api<'_> {
    /// The monitors of a car that speak to a callback.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn monitors(
        &self,
        car: &VehicleAddress,
        callback: &UpstreamId,
    ) -> Result<Answer<Listed<Monitor>>, ApiError> {
        let found = self.collect(&path(car, callback), &[], &["monitors", "Monitors"]).await;
        Ok(listed_or_empty(found)?.map(|found| found.read(monitor)))
    }

    /// Creates one; returns its id.
    ///
    /// # Errors
    /// See [`ApiError`]. Where it may have arrived, look whether it is there before asking again.
    pub async fn create_monitor(
        &self,
        car: &VehicleAddress,
        callback: &UpstreamId,
        rule: &Compiled,
    ) -> Result<Answer<UpstreamId>, ApiError> {
        named(&self.change(Method::POST, &path(car, callback), Some(&rule.body)).await?)
    }

    /// Makes another of it.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn replace_monitor(
        &self,
        car: &VehicleAddress,
        callback: &UpstreamId,
        id: &UpstreamId,
        rule: &Compiled,
    ) -> Result<Answer<UpstreamId>, ApiError> {
        let path = [&path(car, callback)[..], &[id.as_str()]].concat();
        let found = self.change(Method::PUT, &path, Some(&rule.body)).await?;
        Ok(named(&found).unwrap_or_else(|_| Answer { value: id.clone(), quota: found.quota }))
    }

    /// Lets it watch again.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn resume_monitor(
        &self,
        car: &VehicleAddress,
        callback: &UpstreamId,
        id: &UpstreamId,
    ) -> Result<Answer<()>, ApiError> {
        let path = [&path(car, callback)[..], &[id.as_str(), "status"]].concat();
        let body = json!({"status": "Running"});
        Ok(self.change(Method::PUT, &path, Some(&body)).await?.map(drop))
    }

    /// Deletes it. One that is gone already is no failure.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn delete_monitor(
        &self,
        car: &VehicleAddress,
        callback: &UpstreamId,
        id: &UpstreamId,
    ) -> Result<Answer<()>, ApiError> {
        let path = [&path(car, callback)[..], &[id.as_str()]].concat();
        gone(self.change(Method::DELETE, &path, None).await)
    }
}

fn path<'a>(car: &'a VehicleAddress, callback: &'a UpstreamId) -> [&'a str; 6] {
    ["user", "vehicles", car.as_str(), "callbacks", callback.as_str(), "monitors"]
}

fn monitor(found: wire::Monitor) -> Option<Monitor> {
    let label = found.parameter.as_ref().and_then(|parameter| parameter.get("label"));
    Some(Monitor {
        id: found.id?.0.parse().ok()?,
        label: label.and_then(Value::as_str).map(str::to_owned).or(found.label),
        run: Run::read(found.status.as_deref()),
        parameter: found.parameter,
    })
}

/// The id in an answer. Without one it is not known what was made: it is looked for, much later.
fn named(found: &Found) -> Result<Answer<UpstreamId>, ApiError> {
    let quota = found.quota;
    let read = found.value.as_ref().and_then(wire::Monitor::read);
    match read.and_then(|read| read.id?.0.parse().ok()) {
        Some(value) => Ok(Answer { value, quota }),
        None => Err(unreadable()),
    }
}
