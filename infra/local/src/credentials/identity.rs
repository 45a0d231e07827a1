//! The client certificate, its key and the maker's authority, judged when they are given: the
//! functions would only find out at the first call to the maker, while a driver waits.

use std::fmt;

use jiff::Timestamp;
use rustls::{
    Error as TlsError, InconsistentKeys,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{PemObject, SectionKind},
    },
    sign::CertifiedKey,
};
use x509_cert::{
    Certificate, Version,
    der::{Decode, oid::db::rfc4519::COMMON_NAME},
};

/// Who the client certificate says we are, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `CN=…`, or the whole subject if it has no common name.
    pub subject: String,
    /// Its last moment.
    pub ends: Timestamp,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ends {}", self.subject, day(self.ends))
    }
}

/// Why a certificate or a key can't be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// No PEM section at all.
    #[error(
        "is not PEM, which begins with -----BEGIN {0}-----; openssl x509 (for a key: pkey) -inform der makes it of DER"
    )]
    NotPem(&'static str),
    /// A certificate request, where a certificate should be.
    #[error("is a certificate request (CSR); give the certificate that the maker sent back for it")]
    Request,
    /// Another kind of PEM.
    #[error("holds no {0}, but something else in PEM; are two files mixed up?")]
    Kind(&'static str),
    /// PEM around something that can't be read.
    #[error("is damaged: what stands in its PEM can't be read")]
    Damaged,
    /// X.509 v1 or v2.
    #[error(
        "is an X.509 certificate of version 1 or 2, which TLS refuses; ask for one of version 3"
    )]
    Old,
    /// Its time is over.
    #[error("ended on {0}; ask the maker for a new one: accessing-party csr --help")]
    Ended(String),
    /// Its time has not come.
    #[error("is not valid before {0}; wait, or set this machine's clock right")]
    Early(String),
    /// The key is protected by a passphrase, which nobody would type into a function.
    #[error("is encrypted; decrypt it: openssl pkey -in FILE -out client.key")]
    Encrypted,
    /// A key that TLS can't use.
    #[error(
        "is of a kind that can't be used; RSA of 2048 to 8192 bits, or EC on P-256, P-384 or P-521"
    )]
    Unusable,
    /// The certificate is of another key.
    #[error("is not the key of the certificate; give the one that `csr` made with the request")]
    Foreign,
    /// The certificate of the key is there, behind others.
    #[error("must begin with the client certificate itself; its chain stands behind it")]
    Order,
    /// One of the two is missing.
    #[error("is missing: certificate and private key are given together")]
    Half,
}

/// Judges a client certificate (with its chain, if any) and its key.
///
/// # Errors
/// The field of the two that is wrong (`certificate` or `private_key`), and what is.
pub(super) fn judge(
    certificate: &str,
    private_key: &str,
    now: Timestamp,
) -> Result<Identity, (&'static str, Flaw)> {
    let chain = certificates(certificate, now).map_err(|flaw| ("certificate", flaw))?;
    let key = key(private_key).map_err(|flaw| ("private_key", flaw))?;
    let first = chain.first().ok_or(("certificate", Flaw::Damaged))?;
    match fits(first, &key) {
        Ok(()) => {}
        Err(Flaw::Foreign) if chain.iter().any(|other| fits(other, &key).is_ok()) => {
            return Err(("certificate", Flaw::Order));
        }
        Err(flaw) => return Err(("private_key", flaw)),
    }
    let own = Certificate::from_der(first).map_err(|_| ("certificate", Flaw::Damaged))?;
    Ok(Identity { subject: subject(&own), ends: time(own.tbs_certificate().validity().not_after) })
}

/// Judges the maker's own authority.
///
/// # Errors
/// What is wrong with it.
pub(super) fn judge_authority(pem: &str, now: Timestamp) -> Result<(), Flaw> {
    certificates(pem, now).map(drop)
}

/// The certificates of a PEM text, all of them in their time.
fn certificates(pem: &str, now: Timestamp) -> Result<Vec<CertificateDer<'static>>, Flaw> {
    let sections = sections(pem, "CERTIFICATE")?;
    if sections.iter().any(|(kind, _)| *kind == SectionKind::Csr) {
        return Err(Flaw::Request);
    }
    if sections.iter().any(|(kind, _)| *kind != SectionKind::Certificate) {
        return Err(Flaw::Kind("certificate"));
    }
    let mut certificates = Vec::new();
    for (_, der) in sections {
        let certificate = Certificate::from_der(&der).map_err(|_| Flaw::Damaged)?;
        let certificate = certificate.tbs_certificate();
        if certificate.version() != Version::V3 {
            return Err(Flaw::Old);
        }
        let (begins, ends) =
            (time(certificate.validity().not_before), time(certificate.validity().not_after));
        if now < begins {
            return Err(Flaw::Early(day(begins)));
        }
        if now > ends {
            return Err(Flaw::Ended(day(ends)));
        }
        certificates.push(CertificateDer::from(der));
    }
    Ok(certificates)
}

fn key(pem: &str) -> Result<PrivateKeyDer<'static>, Flaw> {
    if pem.contains("ENCRYPTED") {
        return Err(Flaw::Encrypted);
    }
    let sections = sections(pem, "PRIVATE KEY")?;
    let mut keys =
        sections.into_iter().filter_map(|(kind, der)| PrivateKeyDer::from_pem(kind, der));
    keys.next().ok_or(Flaw::Kind("private key"))
}

/// The sections of a PEM text, of which there must be one.
fn sections(pem: &str, wanted: &'static str) -> Result<Vec<(SectionKind, Vec<u8>)>, Flaw> {
    // The label of older tools, which the parser does not know.
    if pem.contains("-----BEGIN NEW CERTIFICATE REQUEST-----") {
        return Err(Flaw::Request);
    }
    let sections: Result<Vec<_>, _> =
        <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()).collect();
    let sections = sections.map_err(|_| Flaw::Damaged)?;
    match sections.is_empty() {
        false => Ok(sections),
        true if pem.contains("-----BEGIN ") => Err(Flaw::Kind(match wanted {
            "CERTIFICATE" => "certificate",
            _ => "private key",
        })),
        true => Err(Flaw::NotPem(wanted)),
    }
}

/// Judged by what will use it: the same code builds the client that calls the maker.
fn fits(certificate: &CertificateDer<'static>, key: &PrivateKeyDer<'static>) -> Result<(), Flaw> {
    let provider = aws_lc_rs::default_provider();
    match CertifiedKey::from_der(vec![certificate.clone()], key.clone_key(), &provider) {
        Ok(_) => Ok(()),
        Err(TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(Flaw::Foreign),
        Err(_) => Err(Flaw::Unusable),
    }
}

fn subject(certificate: &Certificate) -> String {
    let subject = certificate.tbs_certificate().subject();
    let common = subject.iter().find(|part| part.oid == COMMON_NAME);
    common.map_or_else(|| subject.to_string(), ToString::to_string)
}

fn time(time: x509_cert::time::Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests;
