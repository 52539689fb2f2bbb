//! Seals credentials with XChaCha20-Poly1305, each bound to the table, row and column it belongs to.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::StoreError;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const MINIMUM: usize = 16;

/// What to do with a stored credential.
#[derive(Debug, Default)]
pub enum SecretChange {
    /// Leave it.
    #[default]
    Keep,
    /// Store another one.
    Set(SecretString),
    /// Forget it.
    Clear,
}

/// Keys for credentials at rest: the first seals, all of them open.
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<[SealingKey]>,
}

#[derive(Clone)]
struct SealingKey {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

/// The place a sealed value belongs to; moved elsewhere it does not open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) table: &'static str,
    pub(super) row: i64,
    pub(super) column: &'static str,
}

impl KeyRing {
    /// Reads a ring from text: keys of 16 characters or more, separated by commas.
    pub fn parse(text: &SecretString) -> Result<Self, StoreError> {
        let words = text.expose_secret().split(',').map(str::trim).filter(|word| !word.is_empty());
        let keys = words.map(SealingKey::derive).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(StoreError::WeakKey { minimum: MINIMUM });
        }
        Ok(Self { keys: keys.into() })
    }

    /// The first key alone.
    pub(super) fn first(&self) -> Self {
        Self { keys: self.keys.first().cloned().into_iter().collect() }
    }

    pub(super) fn seal(&self, place: Place, secret: &SecretString) -> Result<Vec<u8>, StoreError> {
        let key = self.keys.first().ok_or_else(|| place.unreadable())?;
        let nonce: [u8; NONCE] = rand::random();
        let binding = place.binding();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &binding };
        let sealed = key
            .cipher
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| place.unreadable())?;
        Ok([&[VERSION][..], &key.id, &nonce, &sealed].concat())
    }

    pub(super) fn open(&self, place: Place, sealed: &[u8]) -> Result<SecretString, StoreError> {
        self.try_open(place, sealed).ok_or_else(|| place.unreadable())
    }

    fn try_open(&self, place: Place, sealed: &[u8]) -> Option<SecretString> {
        let (&version, rest) = sealed.split_first()?;
        let (id, rest) = rest.split_at_checked(KEY_ID)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let key = self.keys.iter().find(|key| version == VERSION && key.id == id)?;
        let binding = place.binding();
        let payload = Payload { msg: sealed, aad: &binding };
        let plain = key.cipher.decrypt(XNonce::from_slice(nonce), payload).ok()?;
        String::from_utf8(plain).ok().map(SecretString::from)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.keys.len()).finish()
    }
}

impl SealingKey {
    /// Any text makes a key, as the plugin's users choose theirs freely.
    fn derive(text: &str) -> Result<Self, StoreError> {
        if text.len() < MINIMUM {
            return Err(StoreError::WeakKey { minimum: MINIMUM });
        }
        let digest =
            |purpose: &str| Sha256::new().chain_update(purpose).chain_update(text).finalize();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest("proxbox key id\0")[..KEY_ID]);
        let key = digest("proxbox credential key\0");
        let cipher = XChaCha20Poly1305::new(Key::from_slice(&key));
        Ok(Self { id, cipher })
    }
}

impl Place {
    fn binding(self) -> Vec<u8> {
        format!("{}/{}/{}", self.table, self.row, self.column).into_bytes()
    }

    pub(super) fn unreadable(self) -> StoreError {
        StoreError::Unreadable { table: self.table, row: self.row, column: self.column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place { table: "proxmox_endpoints", row: 7, column: "password" };

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(&text.into()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_only() {
        let ring = ring("a key of enough characters");
        let sealed = ring.seal(PLACE, &"hunter2".into()).unwrap();
        assert_eq!(ring.open(PLACE, &sealed).unwrap().expose_secret(), "hunter2");
        assert!(!sealed.windows(7).any(|bytes| bytes == b"hunter2"));
        for elsewhere in [
            Place { row: 8, ..PLACE },
            Place { column: "token_value", ..PLACE },
            Place { table: "netbox_endpoint", ..PLACE },
        ] {
            assert!(ring.open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
    }

    #[test]
    fn an_older_key_still_opens_and_the_first_one_seals() {
        let sealed = ring("the-older-sealing-key").seal(PLACE, &"s".into()).unwrap();
        let both = ring("the-newer-sealing-key, the-older-sealing-key");
        assert!(both.open(PLACE, &sealed).is_ok());
        let resealed = both.seal(PLACE, &"s".into()).unwrap();
        assert!(ring("the-newer-sealing-key").open(PLACE, &resealed).is_ok());
    }

    #[test]
    fn a_damaged_or_foreign_value_is_named_and_not_fatal() {
        let ring = ring("the-only-sealing-key");
        let good = ring.seal(PLACE, &"s".into()).unwrap();
        let mut altered = good.clone();
        *altered.last_mut().unwrap() ^= 1;
        for bad in [vec![], vec![VERSION; 3], altered, good[..good.len() - 1].to_vec()] {
            let error = ring.open(PLACE, &bad).unwrap_err().to_string();
            assert!(error.contains("password of proxmox_endpoints 7"), "{error}");
        }
    }

    #[test]
    fn a_short_key_and_an_empty_ring_are_refused() {
        for text in ["", " , ", "short", "long-enough-for-a-key,short"] {
            assert!(KeyRing::parse(&text.into()).is_err(), "{text:?}");
        }
    }
}
