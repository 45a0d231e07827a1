//! Scopes: which there are, and which lie under which.

/// All that may be asked for. Narrower ones lie under the data scopes.
const KNOWN: [&str; 16] = [
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
];

/// Parts of `data:telemetry` that may be asked for alone.
const TELEMETRY: [&str; 2] = ["environment", "privacy"];

/// Parts of `data:telemetry:vehicle`.
const VEHICLE: [&str; 15] = [
    "ignition",
    "preconditioning",
    "energies",
    "engines",
    "doorsState",
    "powertrain",
    "battery",
    "safety",
    "odometer",
    "kinetic",
    "transmission",
    "adas",
    "lightingSystem",
    "maintenance",
    "drivingBehavior",
];

/// The scopes of a request, by spaces or commas, each once; none if one of them is unknown.
/// Nothing asked means `openid`.
pub(super) fn parse(text: Option<&str>) -> Option<Vec<String>> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.unwrap_or("openid").split([' ', ',']).filter(|scope| !scope.is_empty()) {
        if !is_known(scope) {
            return None;
        }
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    (!scopes.is_empty()).then_some(scopes)
}

fn is_known(scope: &str) -> bool {
    if KNOWN.contains(&scope) || scope == "data:telemetry:vehicle" {
        return true;
    }
    let Some(part) = scope.strip_prefix("data:telemetry:") else {
        return false;
    };
    match part.strip_prefix("vehicle:") {
        Some(part) => VEHICLE.contains(&part) || matches!(part, "wipingBlades" | "alarm"),
        None => TELEMETRY.contains(&part),
    }
}

/// What a scope means, for the person who is asked.
pub(super) fn meaning(scope: &str) -> &'static str {
    match scope {
        "openid" => "Recognise you by an opaque number",
        "profile" => "Read your name",
        "email" => "Read your e-mail address",
        "data:position" => "Read where your car is",
        "data:trip" => "Read the trips of your car",
        "data:alert" => "Read the warnings of your car",
        "data:collision" => "Read collisions of your car",
        "data:vehicle:devices:pnc" => "Read the plug-and-charge data of your car",
        other if other.starts_with("data:") => "Read the state of your car",
        _ => "Send commands to your car",
    }
}

/// The names in the redirect, which look nothing like what was asked.
pub(super) fn redirect_names(scopes: &[String]) -> &'static str {
    if scopes.iter().any(|scope| scope.starts_with("remote:")) {
        "ConnectivityForPartners,Remote"
    } else {
        "ConnectivityForPartners"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_by_spaces_or_commas_and_unknown_ones_spoil_the_request() {
        let expected = ["openid", "data:telemetry:vehicle:energies"].map(str::to_owned);

        assert_eq!(parse(Some("openid data:telemetry:vehicle:energies")).unwrap(), expected);
        assert_eq!(parse(Some("openid,data:telemetry:vehicle:energies,openid")).unwrap(), expected);
        assert_eq!(parse(Some("openid data:everything")), None);
        assert_eq!(parse(None).unwrap(), ["openid"]);
    }
}
