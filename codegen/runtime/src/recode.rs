//! Decoding and encoding by type, as plain functions for tables.

use serde_json::Value;

use crate::{Drift, PropertyError, PropertyString, Record, Slot, decode_member, record_to_value};

/// Decodes the `data` of an answer and encodes it again.
pub type Recode = fn(&[u8]) -> Result<(Value, Vec<Drift>), serde_json::Error>;

/// [`Recode`] for one type.
pub fn recode<T: Slot + Default>(body: &[u8]) -> Result<(Value, Vec<Drift>), serde_json::Error> {
    let decoded = decode_member::<T>(body, "data")?;
    Ok((crate::to_value(&decoded.value), decoded.drift))
}

/// Parses a property string; gives its members and its canonical text.
pub type Reprint = fn(&str) -> Result<(Value, String), PropertyError>;

/// [`Reprint`] for one type.
pub fn reprint<T: Record + Default>(text: &str) -> Result<(Value, String), PropertyError> {
    let record = PropertyString::<T>::from(text).parse()?;
    let printed = PropertyString::new(&record);
    Ok((record_to_value(&record), printed.as_str().to_owned()))
}
