//! The key file beside the database, for servers that are given no key.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{KeyRing, StoreError};

/// The key file of a database.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// Reads the key file of this database, or makes one that only its owner can read.
    pub(super) fn load_or_create(database: &Path) -> Result<Self, StoreError> {
        let path = beside(database);
        let text = match create(&path, &new_key()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(&path),
            created => created,
        };
        text.map_err(|source| StoreError::KeyFile { path: path.clone(), source })?;
        let file = Self { path };
        file.ring()?;
        Ok(file)
    }

    /// The keys of the moment: another process may have rotated them.
    pub(super) fn ring(&self) -> Result<KeyRing, StoreError> {
        let text = fs::read_to_string(&self.path);
        let text =
            text.map_err(|source| StoreError::KeyFile { path: self.path.clone(), source })?;
        KeyRing::parse(&text.into())
    }

    /// Puts a key before those in the file: the one that is given, or a new one.
    pub(super) fn add_key(&self, given: Option<&SecretString>) -> Result<(), StoreError> {
        let key = match given {
            // One that is too short must not get into the file.
            Some(given) => {
                KeyRing::parse(given)?;
                given.expose_secret().trim().to_owned()
            }
            None => new_key(),
        };
        self.change(|text| format!("{key},{}", text.trim()))
    }

    /// Leaves only the first key in the file.
    pub(super) fn keep_first(&self) -> Result<(), StoreError> {
        self.change(|text| text.split(',').next().unwrap_or(text).trim().to_owned())
    }

    /// Replaces the file in one step: a crash leaves the old one or the new one.
    fn change(&self, change: impl FnOnce(&str) -> String) -> Result<(), StoreError> {
        let changed = || {
            let text = change(&fs::read_to_string(&self.path)?);
            let mut other = self.path.clone().into_os_string();
            other.push(".new");
            let other = PathBuf::from(other);
            match fs::remove_file(&other) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            create(&other, &text)?;
            fs::rename(&other, &self.path)?;
            // What is sealed with the new key must not outlive it when the power fails.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        changed().map_err(|source| StoreError::KeyFile { path: self.path.clone(), source })
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

fn new_key() -> String {
    let key: [u8; 32] = rand::random();
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fails where the file exists: of two servers that start at once, one makes the key.
fn create(path: &Path, text: &str) -> io::Result<String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("proxbox.db");
        KeyFile::load_or_create(&database).unwrap();
        let first = fs::read(beside(&database)).unwrap();
        let file = KeyFile::load_or_create(&database).unwrap();
        assert_eq!(fs::read(beside(&database)).unwrap(), first);
        assert!(file.add_key(Some(&"short".into())).is_err());
        file.add_key(None).unwrap();
        let both = fs::read_to_string(beside(&database)).unwrap();
        assert!(
            both.trim().ends_with(String::from_utf8(first).unwrap().trim()),
            "the old one stays"
        );
        file.keep_first().unwrap();
        let kept = fs::read_to_string(beside(&database)).unwrap();
        assert!(both.starts_with(kept.trim()) && !kept.contains(','));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(beside(&database)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
