//! Fields of a partial body: left out, `null`, or a value.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use crate::store::SecretChange;

/// For `#[serde(default, deserialize_with)]`: `null` is `Some(None)`, absence stays `None`.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// The same for a credential; an empty one counts as `null`.
pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretChange, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(match text.filter(|text| !text.is_empty()) {
        Some(text) => SecretChange::Set(SecretString::from(text)),
        None => SecretChange::Clear,
    })
}

/// Takes over what was given.
pub(super) fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}
