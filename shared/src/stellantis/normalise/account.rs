//! Vehicles of an account.

use std::collections::BTreeSet;

use super::super::{
    api::User,
    wire::{self, Read},
};
use crate::domain::vehicle::{Capabilities, Motorization, Vehicle};

/// A vehicle; nothing for one without a VIN or an address, which nothing could be done with.
pub(in super::super) fn vehicle(vehicle: wire::Vehicle) -> Option<Vehicle> {
    let extension = vehicle.embedded.and_then(|embedded| embedded.extension).unwrap_or_default();
    let branding = extension.branding.unwrap_or_default();
    let pictures = extension.pictures.or(vehicle.pictures).unwrap_or_default();
    let pictures = pictures.iter().filter_map(|url| url.parse::<url::Url>().ok());
    Some(Vehicle {
        vin: vehicle.vin?.parse().ok()?,
        address: vehicle.id?.0.parse().ok()?,
        brand: branding.brand.or(vehicle.brand).and_then(short),
        label: branding.label.or(vehicle.label).and_then(short),
        motorization: vehicle.motorization.as_deref().map(motorization),
        capabilities: extension.capabilities.map(capabilities),
        pictures: pictures.filter(|url| url.scheme() == "https").take(12).collect(),
    })
}

/// The vehicles that something can be done with, each once, and how many can't be read.
pub(in super::super) fn vehicles(vehicles: Vec<wire::Vehicle>) -> (Vec<Vehicle>, usize) {
    let (mut known, listed) = (BTreeSet::new(), vehicles.len());
    let read: Vec<_> = vehicles.into_iter().filter_map(vehicle).collect();
    let unread = listed - read.len();
    let once = read.into_iter().filter(|vehicle| known.insert(vehicle.vin.clone()));
    (once.collect(), unread)
}

/// Who an account belongs to.
pub(in super::super) fn user(user: wire::User) -> User {
    let embedded = user.embedded.and_then(|embedded| embedded.vehicles);
    User {
        email: user.email.map(Into::into),
        first_name: user.first_name.map(Into::into),
        last_name: user.last_name.map(Into::into),
        vehicles: vehicles(embedded.unwrap_or_default()).0,
    }
}

/// What a vehicle can tell and do.
pub(in super::super) fn capabilities(capabilities: wire::OnboardCapabilities) -> Capabilities {
    let remote = capabilities.remote.unwrap_or_default();
    let remotes = remote.as_object().into_iter().flatten().filter(|(_, value)| {
        wire::Remote::read(value).is_some_and(|remote| remote.supported == Some(true))
    });
    Capabilities {
        data: capabilities.data.unwrap_or_default().into_iter().filter_map(short).collect(),
        remotes: remotes.filter_map(|(name, _)| super::word(name)).collect(),
    }
}

fn motorization(text: &str) -> Motorization {
    match text {
        "Electric" => Motorization::Electric,
        "Hybrid" => Motorization::Hybrid,
        "Thermic" => Motorization::Thermic,
        "Hydrogen" => Motorization::Hydrogen,
        _ => Motorization::Other,
    }
}

/// Text of a length that one can store and show.
fn short(text: String) -> Option<String> {
    let shown = text.len() <= 128 && !text.chars().any(char::is_control);
    shown.then_some(text)
}
