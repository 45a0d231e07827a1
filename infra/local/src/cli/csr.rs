//! `csr`: the key pair, and the request for the client certificate that the maker issues.

use std::path::PathBuf;

use clap::Args;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use super::say;
use crate::folder::{FolderError, write_new};

/// PKCS #9, the attribute that the maker asks for.
const EMAIL: [u64; 7] = [1, 2, 840, 113_549, 1, 9, 1];

/// Who asks for a certificate. Nothing here is secret; the key is made, not given.
#[derive(Debug, Args)]
pub(super) struct CsrArgs {
    /// The login that the maker gave you (MZP…)
    #[arg(long)]
    login: String,
    /// Two letters, such as FR
    #[arg(long)]
    country: String,
    /// State or province
    #[arg(long)]
    state: String,
    /// City
    #[arg(long)]
    locality: String,
    /// Your company
    #[arg(long)]
    organization: String,
    /// A contact address of your company
    #[arg(long)]
    email: String,
    /// Where the key goes
    #[arg(long, default_value = "client.key")]
    key: PathBuf,
    /// Where the request goes
    #[arg(long, default_value = "client.csr")]
    out: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum CsrError {
    #[error("--country wants two letters, such as FR")]
    Country,
    #[error("key or request can't be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error(transparent)]
    File(#[from] FolderError),
}

pub(super) fn csr(args: &CsrArgs) -> Result<(), CsrError> {
    let (key, request) = make(args)?;
    write_new(&args.key, &key)?;
    write_new(&args.out, &request)?;
    say(format_args!(
        "The private key is in {}: keep it; the maker never needs it.",
        args.key.display()
    ));
    say(format_args!(
        "Send {} to the maker. What comes back goes into the secret `maker`.",
        args.out.display()
    ));
    Ok(())
}

/// RSA 2048; subject C, ST, L, O, OU, CN and e-mail, in the order in which the maker lists them.
fn make(args: &CsrArgs) -> Result<(String, String), CsrError> {
    if args.country.len() != 2 || !args.country.bytes().all(|b| b.is_ascii_alphabetic()) {
        return Err(CsrError::Country);
    }
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CountryName, args.country.to_uppercase());
    subject.push(DnType::StateOrProvinceName, args.state.as_str());
    subject.push(DnType::LocalityName, args.locality.as_str());
    subject.push(DnType::OrganizationName, args.organization.as_str());
    subject.push(DnType::OrganizationalUnitName, "Programs Partners");
    subject.push(DnType::CommonName, args.login.as_str());
    subject.push(
        DnType::CustomDnType(EMAIL.to_vec()),
        rcgen::DnValue::Ia5String(args.email.as_str().try_into()?),
    );
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let request = params.serialize_request(&key)?;
    Ok((key.serialize_pem(), request.pem()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    #[test]
    fn the_request_names_what_the_maker_asks_for() {
        let args = CsrArgs {
            login: "MZP00001".into(),
            country: "fr".into(),
            state: "Ile-de-France".into(),
            locality: "Paris".into(),
            organization: "Example".into(),
            email: "cars@example.com".into(),
            key: "unused".into(),
            out: "unused".into(),
        };

        let (key, request) = make(&args).unwrap();

        let body: String = request.lines().filter(|line| !line.starts_with('-')).collect();
        let der = BASE64.decode(body.as_bytes()).unwrap();
        let holds = |text: &str| der.windows(text.len()).any(|window| window == text.as_bytes());
        for part in [
            "FR",
            "Ile-de-France",
            "Paris",
            "Example",
            "Programs Partners",
            "MZP00001",
            "cars@example.com",
        ] {
            assert!(holds(part), "{part}");
        }
        // The OID of e-mail addresses, and a key of 2048 bits: its modulus takes 257 bytes.
        assert!(
            der.windows(9)
                .any(|window| window == [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01])
        );
        assert!(der.windows(4).any(|window| window == [0x02, 0x82, 0x01, 0x01]));
        assert!(key.contains("PRIVATE KEY"));
    }
}
