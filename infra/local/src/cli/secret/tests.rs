use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

struct Place {
    folder: PathBuf,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("accessing-party-{}", shared::random::id()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("secrets.json");
        Self { folder, file }
    }

    fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn wanted(&self, client_id: &str) -> make::NewArgs {
        make::NewArgs {
            client_id: client_id.into(),
            client_secret_file: Some(self.private("given", "client-secret\n")),
            certificate: None,
            private_key: None,
            ca: None,
            out: self.file.clone(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).unwrap();
    }
}

#[test]
fn a_secrets_file_is_made_given_a_key_rotated_and_split_and_stays_private() {
    let place = Place::new();
    let file = place.file.clone();

    make::new(&place.wanted("client")).unwrap();
    let args = keys::ApiKeyArgs {
        file: file.clone(),
        name: "app".into(),
        scopes: vec!["read".into()],
        expires_at: None,
    };
    keys::add(&args).unwrap();
    turn(&RotateArgs { file: file.clone(), ring: Ring::Seal, promote: false }).unwrap();
    turn(&RotateArgs { file: file.clone(), ring: Ring::Seal, promote: true }).unwrap();
    turn(&RotateArgs { file: file.clone(), ring: Ring::Webhooks, promote: false }).unwrap();
    look(&file).unwrap();
    split(&SplitArgs { file: file.clone(), stack: "stack".into() }).unwrap();

    let secrets = read_secrets(&file).unwrap();
    assert_eq!(secrets["maker"]["client_secret"], "client-secret");
    assert_eq!(secrets["seal"]["primary"], "k2");
    assert_eq!(secrets["edge"]["api_keys"][0]["name"], "app");
    let part = place.folder.join("secrets.seal.json");
    assert_eq!(fs::metadata(part).unwrap().permissions().mode() & 0o777, 0o600);
    keys::revoke(&keys::RevokeArgs { key: "app".into(), file: file.clone() }).unwrap();
    assert_eq!(read_secrets(&file).unwrap()["edge"]["api_keys"], serde_json::json!([]));
}

#[test]
fn nothing_is_split_while_an_older_part_is_there() {
    let place = Place::new();
    make::new(&place.wanted("client")).unwrap();
    let args = SplitArgs { file: place.file.clone(), stack: "stack".into() };
    let old = place.private("secrets.webhooks.json", "{}");

    let refused = split(&args);

    assert!(matches!(refused, Err(SecretError::File(FolderError::Exists(path))) if path == old));
    assert!(!place.folder.join("secrets.maker.json").exists());
}

#[test]
fn no_secrets_are_made_of_what_the_maker_would_refuse() {
    let place = Place::new();
    let garbage = place.private("garbage", "garbage");
    let mut wrong = place.wanted("client");
    wrong.certificate = Some(garbage.clone());
    wrong.private_key = Some(garbage.clone());
    wrong.ca = Some(garbage);

    let complaint = make::new(&wrong).unwrap_err().to_string();

    assert!(complaint.contains("maker.certificate is not PEM"), "{complaint}");
    assert!(complaint.contains("maker.ca is not PEM"), "{complaint}");
    let empty = make::new(&place.wanted("")).unwrap_err().to_string();
    assert!(empty.starts_with("maker.client_id is empty"), "{empty}");
    let der = place.private("der", "");
    fs::write(&der, [0x30, 0x82, 0xff, 0xfe]).unwrap();
    wrong.certificate = Some(der);
    assert!(matches!(make::new(&wrong), Err(SecretError::Binary(_))));
    assert!(!place.file.exists());
}

#[test]
fn a_client_secret_or_key_that_others_can_read_is_refused() {
    let place = Place::new();
    let wanted = place.wanted("client");
    let open = wanted.client_secret_file.clone().unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();

    let refused = make::new(&wanted);

    assert!(matches!(refused, Err(SecretError::File(FolderError::Exposed(_)))));
}

#[test]
fn a_certificate_is_replaced_by_one_of_the_key_given_with_it_alone() {
    let place = Place::new();
    make::new(&place.wanted("client")).unwrap();
    let pair = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let path = place.private(&format!("{name}.pem"), &certificate.pem());
        (path, place.private(&format!("{name}.key"), &key.serialize_pem()))
    };
    let ((certificate, key), (other, _)) = (pair("one"), pair("other"));
    let replace = |certificate: &Path| {
        let (file, private_key) = (place.file.clone(), key.clone());
        make::certificate(&make::CertificateArgs {
            file,
            certificate: certificate.to_owned(),
            private_key,
        })
    };

    replace(&certificate).unwrap();
    let foreign = replace(&other).unwrap_err().to_string();

    assert!(foreign.contains("maker.private_key is not the key of the certificate"), "{foreign}");
    let secrets = read_secrets(&place.file).unwrap();
    assert_eq!(secrets["maker"]["certificate"], fs::read_to_string(certificate).unwrap());
}
