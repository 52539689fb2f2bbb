//! The key file beside the database, for servers that are given no key.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{KeyRing, StoreError};

/// Reads the key file of this database, or makes one that only its owner can read.
pub(super) fn load_or_create(database: &Path) -> Result<KeyRing, StoreError> {
    let path = beside(database);
    let text = match create(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(&path),
        created => created,
    };
    let text = text.map_err(|source| StoreError::KeyFile { path: path.clone(), source })?;
    KeyRing::parse(&text.into())
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    name.into()
}

/// Fails where the file exists: of two servers that start at once, one makes the key.
fn create(path: &Path) -> io::Result<String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let key: [u8; 32] = rand::random();
    let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("proxbox.db");
        load_or_create(&database).unwrap();
        let first = fs::read(beside(&database)).unwrap();
        load_or_create(&database).unwrap();
        assert_eq!(fs::read(beside(&database)).unwrap(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(beside(&database)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
