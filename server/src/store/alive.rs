//! Shows other processes that this one is alive: by a locked file, whose lock the system frees even
//! when the process is killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::StoreError;

/// The lock of one handle on the state.
#[derive(Debug)]
pub(super) struct Alive {
    database: PathBuf,
    owner: String,
    // Held for its lock.
    _file: File,
}

impl Alive {
    /// Locks a file of its own beside the database.
    pub(super) fn new(database: &Path) -> Result<Self, StoreError> {
        let owner = Uuid::now_v7().to_string();
        let path = lock_path(database, &owner);
        let fail = |source| StoreError::Create { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(fail)?;
        file.lock().map_err(fail)?;
        Ok(Self { database: database.to_owned(), owner, _file: file })
    }

    /// The name under which runs are entered.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// Whether a process is known to be dead. What cannot be found out is not known.
    pub(super) fn is_dead(&self, owner: &str) -> bool {
        // It comes out of the database, and becomes part of a path.
        if owner == self.owner || owner.parse::<Uuid>().is_err() {
            return false;
        }
        let path = lock_path(&self.database, owner);
        let Ok(file) = OpenOptions::new().write(true).open(&path) else {
            // Whoever ends in order takes its file away.
            return !path.exists();
        };
        match file.try_lock() {
            Ok(()) => {
                let _ = std::fs::remove_file(&path);
                true
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // A file that is left behind is found to be unlocked.
        let _ = std::fs::remove_file(lock_path(&self.database, &self.owner));
    }
}

fn lock_path(database: &Path, owner: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".{owner}.lock"));
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_are_told_from_the_dead() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("proxbox.db");
        let one = Alive::new(&database).unwrap();
        let other = Alive::new(&database).unwrap();
        assert!(!one.is_dead(other.owner()) && !one.is_dead(one.owner()));
        let gone = other.owner().to_owned();
        drop(other);
        assert!(one.is_dead(&gone));
        // Killed: the file is there, and nobody holds it.
        let killed = Uuid::now_v7().to_string();
        File::create(lock_path(&database, &killed)).unwrap();
        assert!(one.is_dead(&killed));
        assert!(!one.is_dead("../elsewhere"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
