use super::*;

fn complete(name: &str) -> Option<String> {
    let value = match name {
        "PUBLIC_URL" => "https://cars.example.com/",
        "OPERATOR_NAME" => "Example",
        "GRANTS_TABLE" => "grants",
        "RECORDS_TABLE" => "records",
        "OUTBOX_TABLE" => "outbox",
        "EDGE_SECRET_ID" => "edge",
        "AWS_REGION" => "eu-west-3",
        "AWS_ACCESS_KEY_ID" => "AKID",
        "AWS_SECRET_ACCESS_KEY" => "hunter2",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn a_minimal_environment_is_enough() {
    let config = Config::from_lookup(&complete, &[SecretName::Edge]).unwrap();

    assert_eq!(config.redirect_uri(Brand::Opel).as_str(), "https://cars.example.com/callback/opel");
    assert_eq!(config.enrolling.default_scopes, ["openid", "data:telemetry"]);
    assert!(config.is_https());
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn all_problems_are_named_at_once_and_no_value_is_repeated() {
    let broken = |name: &str| match name {
        "PUBLIC_URL" => Some("http://cars.example.com".to_owned()),
        "OPEN_MODE" => Some("perhaps".to_owned()),
        "GRANTS_TABLE" => None,
        "LOG" => Some("shared=loud".to_owned()),
        other => complete(other),
    };

    let errors = Config::from_lookup(&broken, &[SecretName::Seal]).unwrap_err();

    let names: Vec<_> = errors.0.iter().map(|problem| problem.variable).collect();
    assert_eq!(names, ["PUBLIC_URL", "OPEN_MODE", "GRANTS_TABLE", "LOG", "SEAL_SECRET_ID"]);
    assert!(!errors.to_string().contains("perhaps"));
}

#[test]
fn an_address_that_leads_nowhere_is_refused_where_it_would_be_handed_out() {
    let unset = |name: &str| match name {
        "PUBLIC_URL" => Some("https://unset.invalid".to_owned()),
        other => complete(other),
    };

    let config = Config::from_lookup(&unset, &[]).unwrap();

    let refused = config.require_public_url().unwrap_err().to_string();
    assert!(refused.contains("PUBLIC_URL: this address leads nowhere"), "{refused}");
    Config::from_lookup(&complete, &[]).unwrap().require_public_url().unwrap();
}
