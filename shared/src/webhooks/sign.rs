//! Signatures by the Standard Webhooks specification: HMAC-SHA256 over id, time and body.

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};

/// `v1,` and the signature of one message; none, if the secret is not `whsec_` and base64.
#[must_use]
pub fn sign(secret: &SecretString, id: &str, seconds: i64, body: &str) -> Option<String> {
    let key = secret.expose_secret().strip_prefix("whsec_")?;
    let key = BASE64.decode(key.as_bytes()).ok()?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    for part in [id, ".", &seconds.to_string(), ".", body] {
        context.update(part.as_bytes());
    }
    Some(format!("v1,{}", BASE64.encode(context.sign().as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_reference_implementation_is_signed_alike() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into();

        let signature =
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);

        assert_eq!(signature.unwrap(), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(sign(&"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into(), "a", 1, "").is_none());
    }
}
