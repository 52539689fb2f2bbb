//! Keys of the form `pxb_<id>_<secret>`, and keys that others chose.

use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::store::{KeyMatch, StoredHash};

/// Keys with fewer characters are refused: a fast hash protects long random keys only.
pub const MINIMUM_LENGTH: usize = 32;

const PREFIX: &str = "pxb";
const ID_LENGTH: usize = 8;
// 43 characters of 62: 256 bits.
const SECRET_LENGTH: usize = 43;

/// A new key. It is shown once; what is kept is [`stored_hash`].
pub fn generate() -> SecretString {
    let (id, secret) = (random_text(ID_LENGTH), random_text(SECRET_LENGTH));
    format!("{PREFIX}_{id}_{secret}").into()
}

/// What is stored of a key.
pub fn stored_hash(key: &SecretString) -> StoredHash {
    let hash = Sha256::digest(key.expose_secret()).to_vec();
    let public_id = match public_part(key.expose_secret()) {
        Some(id) => id.to_owned(),
        // Foreign keys have no public part; the start of the hash finds them as well.
        None => hash.iter().take(ID_LENGTH / 2).map(|byte| format!("{byte:02x}")).collect(),
    };
    StoredHash { public_id, hash }
}

/// Compares with all candidates, in a time that does not depend on where they differ.
pub(super) fn matching<'k>(presented: &StoredHash, known: &'k [KeyMatch]) -> Option<&'k KeyMatch> {
    known.iter().fold(None, |found, candidate| {
        let same: Choice = presented.hash.as_slice().ct_eq(candidate.hash.as_slice());
        if same.into() { Some(candidate) } else { found }
    })
}

fn public_part(key: &str) -> Option<&str> {
    let rest = key.strip_prefix(PREFIX)?.strip_prefix('_')?;
    let (id, secret) = rest.split_once('_')?;
    (id.len() == ID_LENGTH && secret.len() == SECRET_LENGTH).then_some(id)
}

fn random_text(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_is_found_by_its_public_part() {
        let key = generate();
        let text = key.expose_secret();
        let parts: Vec<_> = text.split('_').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("pxb", 8, 43));
        assert_eq!(stored_hash(&key).public_id, parts[1]);
        assert!(text.len() >= MINIMUM_LENGTH);
    }

    #[test]
    fn a_foreign_key_is_found_by_its_hash() {
        let hash = stored_hash(&"proxbox-e2e-api-key-for-e2e-testing".into());
        let start: String = hash.hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash.public_id, start);
    }

    #[test]
    fn only_the_same_key_matches() {
        let row = |id, key: &StoredHash| KeyMatch {
            id,
            label: String::new(),
            hash: key.hash.clone(),
            scopes: "read".to_owned().into(),
        };
        let (mine, other) = (stored_hash(&generate()), stored_hash(&generate()));
        let both = [row(1, &other), row(2, &mine)];
        assert_eq!(matching(&mine, &both).map(|found| found.id), Some(2));
        assert_eq!(matching(&mine, &both[..1]), None);
        assert_eq!(matching(&mine, &[]), None);
    }
}
