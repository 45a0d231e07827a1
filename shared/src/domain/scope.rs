//! The scopes that the maker has.

/// All of them: the user's identity, the lists of the portal's description of the API, and the
/// parts of `data:telemetry` that its `onboardCapabilities` name. A scope's place in this list is
/// its bit in a sealed ticket, so new ones are added at the end.
pub const KNOWN: [&str; 36] = [
    "openid",
    "profile",
    "email",
    "data:telemetry",
    "data:position",
    "data:trip",
    "data:alert",
    "data:collision",
    "data:vehicle:devices:pnc",
    "remote:door:write",
    "remote:preconditioning:write",
    "remote:horn:write",
    "remote:charging:write",
    "remote:lights:write",
    "remote:wakeup:write",
    "remote:navigation:write",
    "data:telemetry:environment",
    "data:telemetry:privacy",
    "data:telemetry:vehicle",
    "data:telemetry:vehicle:ignition",
    "data:telemetry:vehicle:preconditioning",
    "data:telemetry:vehicle:energies",
    "data:telemetry:vehicle:engines",
    "data:telemetry:vehicle:doorsState",
    "data:telemetry:vehicle:powertrain",
    "data:telemetry:vehicle:battery",
    "data:telemetry:vehicle:safety",
    "data:telemetry:vehicle:odometer",
    "data:telemetry:vehicle:kinetic",
    "data:telemetry:vehicle:transmission",
    "data:telemetry:vehicle:adas",
    "data:telemetry:vehicle:lightingSystem",
    "data:telemetry:vehicle:maintenance",
    "data:telemetry:vehicle:drivingBehavior",
    "data:telemetry:vehicle:wipingBlades",
    "data:telemetry:vehicle:alarm",
];

/// A scope that the maker has, as it is described.
#[derive(Debug)]
pub struct Scope;

impl utoipa::PartialSchema for Scope {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("A scope that the maker has."))
            .enum_values(Some(KNOWN))
            .into()
    }
}

impl utoipa::ToSchema for Scope {}

/// Whether the maker has such a scope.
#[must_use]
pub fn is_known(scope: &str) -> bool {
    KNOWN.contains(&scope)
}

/// As a ticket holds scopes: one number, since a cookie has little room. In full if the maker is
/// not known to have one of them, as an operator's own default may be.
pub mod packed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::KNOWN;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Packed {
        Bits(u64),
        Full(Vec<String>),
    }

    /// Writes them.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(scopes: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        let bits = scopes.iter().try_fold(0_u64, |bits, scope| {
            let place = KNOWN.iter().position(|known| known == scope)?;
            Some(bits | 1 << place)
        });
        match bits {
            Some(bits) => serializer.serialize_u64(bits),
            None => scopes.serialize(serializer),
        }
    }

    /// Reads them, in the order of [`KNOWN`] and each once.
    ///
    /// # Errors
    /// The deserializer's own.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<String>, D::Error> {
        Ok(match Packed::deserialize(deserializer)? {
            Packed::Bits(bits) => {
                let asked = KNOWN.iter().enumerate().filter(|(place, _)| bits >> place & 1 == 1);
                asked.map(|(_, scope)| (*scope).to_owned()).collect()
            }
            Packed::Full(scopes) => scopes,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Held(#[serde(with = "packed")] Vec<String>);

    fn held(scopes: &[&str]) -> Held {
        Held(scopes.iter().map(|&scope| scope.to_owned()).collect())
    }

    #[test]
    fn every_scope_has_a_bit_of_its_own_and_all_fit_one_number() {
        assert_eq!(KNOWN.iter().collect::<BTreeSet<_>>().len(), KNOWN.len());
        for scope in KNOWN {
            let text = serde_json::to_string(&held(&[scope])).unwrap();
            assert_eq!(serde_json::from_str::<Held>(&text).unwrap(), held(&[scope]));
        }
        let all = serde_json::to_string(&held(&KNOWN)).unwrap();
        assert_eq!(all, "68719476735");
        assert_eq!(serde_json::from_str::<Held>(&all).unwrap(), held(&KNOWN));
    }

    #[test]
    fn what_the_maker_is_not_known_to_have_is_held_in_full() {
        let scopes = held(&["openid", "data:newest"]);
        let text = serde_json::to_string(&scopes).unwrap();

        assert_eq!(text, r#"["openid","data:newest"]"#);
        assert_eq!(serde_json::from_str::<Held>(&text).unwrap(), scopes);
    }
}
