//! The data folder: what outlives a restart, readable by its owner alone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use shared::store::Shards;

use crate::credentials::{
    Identity, SCOPES, SecretsError, check, identity, new_api_key, new_secrets,
};

/// A folder in use by this process.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Held as long as we run: two clouds on one folder would renew the same tokens.
    _lock: File,
}

/// The data folder, or a secrets file, is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It can't be created, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// What can't be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is to be made that is there.
    #[error("{} is there already and is left alone; delete it, or choose another name", .0.display())]
    Exists(PathBuf),
    /// The data folder is a file.
    #[error("{} is a file; --data wants a folder, which need not exist", .0.display())]
    NotAFolder(PathBuf),
    /// The secrets were deleted, and what they sealed was not.
    #[error(
        "{} is gone, and without it nothing in that folder can be opened; put it back, or begin in another folder \
         with --data", .0.display()
    )]
    SecretsGone(PathBuf),
    /// The secrets of a simulated maker, where a real one is.
    #[error(
        "{} was made for the simulated maker; make other secrets: accessing-party secret new --help", .0.display()
    )]
    Simulated(PathBuf),
    /// Another process uses it.
    #[error("{} is in use by another process; stop it, or choose another folder with --data", .0.display())]
    InUse(PathBuf),
    /// What it holds is of another maker's cars: tokens of the one must never reach the other.
    #[error("{} holds the data of {is}; choose another folder with --data", path.display())]
    OtherMaker {
        /// The folder.
        path: PathBuf,
        /// Whose data it holds.
        is: String,
    },
    /// The file that says how the tables were made was changed by hand.
    #[error("{} is not a number of shards from 1 to 255; write the number with which the tables were made", .0.display())]
    Shards(PathBuf),
    /// There is no secrets file, where none may be made up.
    #[error("there is no {}; make it: accessing-party secret new --help", .0.display())]
    NoSecrets(PathBuf),
    /// A secrets file is no JSON object.
    #[error("{} is not a JSON object", .0.display())]
    NotJson(PathBuf),
    /// A secrets file would not do.
    #[error("{}: {source}", path.display())]
    Secrets {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: SecretsError,
    },
    /// Others could read a secrets file.
    #[error("{} can be read by others; run: chmod 600 {}", .0.display(), .0.display())]
    Exposed(PathBuf),
}

impl Folder {
    /// Creates the folder if need be, and takes it.
    ///
    /// # Errors
    /// It can't be written, or is in use.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io { path: path.to_owned(), source };
        if path.is_file() {
            return Err(FolderError::NotAFolder(path.to_owned()));
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"));
        let lock = lock.map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(io(source)),
        }
    }

    /// Gives the folder to one maker's data, for good.
    ///
    /// # Errors
    /// It is another maker's, or can't be written.
    pub fn belong_to(&self, maker: &str) -> Result<(), FolderError> {
        let path = self.file("maker");
        if !path.exists() {
            return write_new(&path, maker);
        }
        let is = fs::read_to_string(&path)
            .map_err(|source| FolderError::Io { path: path.clone(), source })?;
        if is.trim() == maker {
            return Ok(());
        }
        Err(FolderError::OtherMaker { path: self.path.clone(), is: is.trim().to_owned() })
    }

    /// How many shards the due indexes of its tables have: the number with which they were made, or
    /// `wanted` where there are none yet.
    ///
    /// # Errors
    /// It can't be read or written, or is no number of shards.
    pub fn shards(&self, wanted: Shards) -> Result<Shards, FolderError> {
        let path = self.file("shards");
        if !path.exists() {
            // Folders of before this file was kept have 16.
            let made = self.database().exists();
            let shards = if made { "16".to_owned() } else { wanted.to_string() };
            replace(&path, &shards)?;
        }
        let text = fs::read_to_string(&path)
            .map_err(|source| FolderError::Io { path: path.clone(), source })?;
        text.trim().parse().map_err(|_| FolderError::Shards(path))
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.file("accessing-party.db")
    }

    /// A file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The secrets file.
    #[must_use]
    pub fn secrets_file(&self) -> PathBuf {
        self.file("secrets.json")
    }

    /// The API key in plain, if it was made here.
    #[must_use]
    pub fn api_key(&self) -> Option<SecretString> {
        let text = fs::read_to_string(self.file("api-key")).ok()?;
        Some(text.trim().to_owned().into())
    }

    /// Makes secrets on the first run, and with them an API key that may do everything.
    ///
    /// # Errors
    /// They can't be written, or were there once.
    pub fn make_secrets(&self) -> Result<(), FolderError> {
        let path = self.secrets_file();
        if path.exists() {
            return Ok(());
        }
        if self.file("api-key").exists() {
            return Err(FolderError::SecretsGone(path));
        }
        let (secrets, key) = local_secrets();
        write_new(&self.file("api-key"), key.expose_secret())?;
        write_new(&path, &pretty(&secrets))
    }

    /// A token kept in a file of its own, made on the first run.
    ///
    /// # Errors
    /// It can't be read or written.
    pub fn token(&self, name: &str) -> Result<SecretString, FolderError> {
        let path = self.file(name);
        if !path.exists() {
            write_new(&path, &shared::random::token())?;
        }
        let text = fs::read_to_string(&path).map_err(|source| FolderError::Io { path, source })?;
        Ok(text.trim().to_owned().into())
    }
}

/// What the API key of the first run is called: by it the secrets of a simulated maker are known.
const FIRST_KEY: &str = "made on the first run";

/// Secrets for a maker that is simulated, and the API key in plain.
#[must_use]
pub fn local_secrets() -> (Map<String, Value>, SecretString) {
    let mut secrets = new_secrets(&shared::random::id(), &shared::random::token().into());
    let (key, record) = new_api_key("local", FIRST_KEY, &SCOPES.map(str::to_owned), None);
    if let Some(edge) = secrets.get_mut("edge") {
        edge["api_keys"] = vec![record].into();
    }
    (secrets, key)
}

/// A secrets file that has been checked.
///
/// # Errors
/// It can't be read, is no secrets file, or others can read it.
pub fn read_secrets(path: &Path) -> Result<Map<String, Value>, FolderError> {
    if !path.exists() {
        return Err(FolderError::NoSecrets(path.to_owned()));
    }
    let text = read_private(path)?;
    let secrets = serde_json::from_str(&text).map_err(|_| FolderError::NotJson(path.to_owned()))?;
    check(&secrets).map_err(|source| FolderError::Secrets { path: path.to_owned(), source })?;
    Ok(secrets)
}

/// Judges what a secrets file holds for a real maker, and says who the client certificate is for, if
/// there is one.
///
/// # Errors
/// It was made for a simulated maker, or its certificate can't be used.
pub fn real_identity(
    path: &Path,
    secrets: &Map<String, Value>,
    now: Timestamp,
) -> Result<Option<Identity>, FolderError> {
    let keys = secrets["edge"]["api_keys"].as_array().into_iter().flatten();
    if keys.into_iter().any(|key| key["name"] == FIRST_KEY) {
        return Err(FolderError::Simulated(path.to_owned()));
    }
    identity(secrets, now).map_err(|source| FolderError::Secrets { path: path.to_owned(), source })
}

/// The text of a file that holds a secret: nobody but its owner may read it. (A pipe has no mode.)
/// # Errors
/// It can't be read, or others can read it.
pub fn read_private(path: &Path) -> Result<String, FolderError> {
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    let about = fs::metadata(path).map_err(io)?;
    if about.is_file() && about.permissions().mode() & 0o077 != 0 {
        return Err(FolderError::Exposed(path.to_owned()));
    }
    fs::read_to_string(path).map_err(io)
}

/// A new file that only its owner can read; one that is there is left alone.
///
/// # Errors
/// It can't be written, or exists.
pub fn write_new(path: &Path, text: &str) -> Result<(), FolderError> {
    let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    let written = file
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")));
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FolderError::Exists(path.to_owned()),
        _ => FolderError::Io { path: path.to_owned(), source },
    })
}

/// Replaces a file in one step, so that a reader never sees half of it.
///
/// # Errors
/// It can't be written.
pub fn replace(path: &Path, text: &str) -> Result<(), FolderError> {
    let beside = path.with_extension(format!("{}.new", shared::random::id()));
    write_new(&beside, text)?;
    fs::rename(&beside, path).map_err(|source| FolderError::Io { path: path.to_owned(), source })
}

/// JSON for a file that people look into.
#[must_use]
pub fn pretty(secrets: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(secrets).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary() -> PathBuf {
        std::env::temp_dir().join(format!("accessing-party-{}", shared::random::id()))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_secret_is_made_once_and_readable_by_its_owner_alone() {
        let path = temporary();
        let folder = Folder::open(&path).unwrap();

        folder.make_secrets().unwrap();
        let secrets = folder.secrets_file();
        let first = fs::read_to_string(&secrets).unwrap();
        folder.make_secrets().unwrap();

        assert_eq!(
            (mode(&path), mode(&secrets), mode(&folder.file("api-key"))),
            (0o700, 0o600, 0o600)
        );
        assert_eq!(fs::read_to_string(&secrets).unwrap(), first);
        read_secrets(&secrets).unwrap();
        assert!(matches!(write_new(&secrets, "x"), Err(FolderError::Exists(_))));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_secrets_file_that_others_can_read_is_refused() {
        let path = temporary();
        let folder = Folder::open(&path).unwrap();
        folder.make_secrets().unwrap();
        let secrets = folder.secrets_file();
        fs::set_permissions(&secrets, fs::Permissions::from_mode(0o640)).unwrap();

        assert!(matches!(read_secrets(&secrets), Err(FolderError::Exposed(_))));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn tables_keep_the_shards_with_which_they_were_made() {
        let shards = |count: &str| count.parse::<Shards>().unwrap();
        let path = temporary();
        let folder = Folder::open(&path).unwrap();

        let made = folder.shards(shards("2")).unwrap();
        let again = folder.shards(shards("3")).unwrap();
        fs::write(folder.file("shards"), "none").unwrap();

        assert_eq!((made, again), (shards("2"), shards("2")));
        assert!(matches!(folder.shards(shards("2")), Err(FolderError::Shards(_))));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn secrets_that_are_gone_are_not_made_anew_over_what_they_sealed() {
        let path = temporary();
        let folder = Folder::open(&path).unwrap();
        folder.make_secrets().unwrap();
        fs::remove_file(folder.secrets_file()).unwrap();

        assert!(matches!(folder.make_secrets(), Err(FolderError::SecretsGone(_))));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn tables_of_before_shards_were_kept_have_sixteen() {
        let path = temporary();
        let folder = Folder::open(&path).unwrap();
        fs::write(folder.database(), "").unwrap();

        let shards = folder.shards("1".parse().unwrap()).unwrap();

        assert_eq!(shards, "16".parse().unwrap());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_file_is_no_data_folder() {
        let path = temporary();
        fs::write(&path, "").unwrap();

        assert!(matches!(Folder::open(&path), Err(FolderError::NotAFolder(_))));
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_secrets_of_a_simulated_maker_are_not_for_a_real_one() {
        let (simulated, _) = local_secrets();
        let real = new_secrets("client", &"client-secret".into());
        let judge = |secrets| real_identity(Path::new("s.json"), secrets, Timestamp::UNIX_EPOCH);

        assert!(matches!(judge(&simulated), Err(FolderError::Simulated(_))));
        assert_eq!(judge(&real).unwrap(), None);
    }

    #[test]
    fn two_clouds_never_share_a_folder() {
        let path = temporary();
        let _first = Folder::open(&path).unwrap();

        assert!(matches!(Folder::open(&path), Err(FolderError::InUse(_))));
        fs::remove_dir_all(path).unwrap();
    }
}
