//! The id token (OIDC Core §2): a JWT signed with the client's secret (HS256).

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{App, brand::Brand, faults::Flaw, random, world::grants::Issued};

/// The token for a grant, with the flaw that was ordered; none if that is what was ordered.
pub(super) fn sign(app: &App, brand: Brand, issued: &Issued, flaw: Option<Flaw>) -> Option<String> {
    let registration = app.world.registration();
    let subject =
        app.world.look(|state| state.accounts.get(&issued.account).map(|a| a.subject.clone()))?;
    let now = app.world.now().as_second();
    let mut claims = json!({
        "iss": app.issuer(brand),
        "sub": subject,
        "aud": registration.client_id,
        "azp": registration.client_id,
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "realm": format!("/{}", brand.realm()),
        "tokenName": "id_token",
        "tokenType": "JWTToken",
    });
    if let Some(nonce) = &issued.nonce {
        claims["nonce"] = json!(nonce);
    }
    match flaw {
        None => (),
        Some(Flaw::Missing) => return None,
        Some(Flaw::Garbage) => return Some("this.is-no.token".to_owned()),
        Some(Flaw::WrongNonce) => claims["nonce"] = json!("another"),
        Some(Flaw::NoNonce) => remove(&mut claims, "nonce"),
        Some(Flaw::WrongIssuer) => {
            let other = if brand == Brand::Ds { Brand::Opel } else { Brand::Ds };
            claims["iss"] = json!(app.issuer(other));
        }
        Some(Flaw::WrongAudience) => claims["aud"] = json!("another-client"),
        Some(Flaw::WrongParty) => claims["azp"] = json!("another-client"),
        Some(Flaw::Expired) => claims["exp"] = json!(now - 3600),
        Some(Flaw::NoSubject) => remove(&mut claims, "sub"),
    }
    let secret = registration.client_secrets.first().map(String::as_str).unwrap_or_default();
    Some(encode(secret, &claims))
}

fn remove(claims: &mut Value, name: &str) {
    if let Some(claims) = claims.as_object_mut() {
        claims.remove(name);
    }
}

fn encode(secret: &str, claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = BASE64URL_NOPAD.encode(&random::mac(secret.as_bytes(), signed.as_bytes()));
    format!("{signed}.{signature}")
}
