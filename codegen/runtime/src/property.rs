//! Property strings: records written as one line, `virtio=AA:BB:CC:DD:EE:FF,bridge=vmbr0`.

use std::fmt;
use std::marker::PhantomData;

use serde_json::Value;

use crate::{FieldFlags, Record, Scalar, Slot, View};

/// How a record is written as a property string.
#[derive(Debug, PartialEq)]
pub struct PropertyRules {
    /// The key whose name may be left out.
    pub default_key: Option<&'static str>,
    /// Other spellings of keys: (spelling, key).
    pub aliases: &'static [(&'static str, &'static str)],
    /// Keys whose *name* is a value: (spelling, field for the name, field for the value).
    /// `virtio=AA:…` means `model=virtio,macaddr=AA:…`.
    pub key_aliases: &'static [(&'static str, &'static str, &'static str)],
}

/// Why a text is not a property string of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyError {
    /// The type that was expected.
    pub of: &'static str,
    /// The part of the text that is wrong.
    pub part: String,
    /// Why it is wrong.
    pub why: &'static str,
}

impl fmt::Display for PropertyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in a {} {}", self.part, self.of, self.why)
    }
}

impl std::error::Error for PropertyError {}

/// A property string: the text as it came, and its parsed form on demand.
///
/// The text is never rewritten unless a new value is set, so reading a configuration and sending it
/// back changes nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PropertyString<T> {
    text: String,
    of: PhantomData<fn() -> T>,
}

impl<T> PropertyString<T> {
    /// The text as it came.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T: Record + Default> PropertyString<T> {
    /// The canonical text of a record: default key, required keys, then the others by name.
    pub fn new(record: &T) -> Self {
        Self { text: print(record), of: PhantomData }
    }

    /// The parsed form. Keys that the schema does not list are kept in `extra`.
    pub fn parse(&self) -> Result<T, PropertyError> {
        let mut record = T::default();
        parse(&mut record, &self.text)?;
        Ok(record)
    }
}

impl<T> From<&str> for PropertyString<T> {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), of: PhantomData }
    }
}

impl<T> From<String> for PropertyString<T> {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: Record + Default> From<T> for PropertyString<T> {
    fn from(record: T) -> Self {
        Self::new(&record)
    }
}

impl<T> Default for PropertyString<T> {
    fn default() -> Self {
        Self::from("")
    }
}

impl<T> fmt::Debug for PropertyString<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl<T> fmt::Display for PropertyString<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> Slot for PropertyString<T> {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        scalar.as_text().map(|text| self.text = text).is_some()
    }
    fn shown(&self) -> View<'_> {
        View::Text(&self.text)
    }
}

fn parse(record: &mut dyn Record, text: &str) -> Result<(), PropertyError> {
    let schema = record.schema();
    let Some(rules) = schema.property else {
        return Err(PropertyError { of: schema.name, part: text.into(), why: "has no such form" });
    };
    let wrong = |part: &str, why| PropertyError { of: schema.name, part: part.into(), why };
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) => (key.trim(), value),
            None => match rules.default_key {
                Some(key) => (key, part),
                None => return Err(wrong(part, "has no key, and the type has no default key")),
            },
        };
        let pair = |list: &[(&'static str, &'static str)]| {
            list.iter().find(|(spelling, _)| *spelling == key).map(|(_, key)| *key)
        };
        if let Some((spelling, name_field, value_field)) =
            rules.key_aliases.iter().find(|(spelling, ..)| *spelling == key)
        {
            put(record, name_field, spelling).map_err(|why| wrong(part, why))?;
            put(record, value_field, value).map_err(|why| wrong(part, why))?;
        } else {
            let key = pair(rules.aliases).unwrap_or(key);
            put(record, key, value).map_err(|why| wrong(part, why))?;
        }
    }
    Ok(())
}

fn put(record: &mut dyn Record, key: &str, text: &str) -> Result<(), &'static str> {
    let known = record.schema().find(key);
    let taken = match known {
        Some(index) => !matches!(record.view(index).shown(), View::Absent),
        None => false,
    };
    if taken || record.extra().contains_key(key) {
        return Err("comes twice");
    }
    let fits = known.is_some_and(|index| {
        let slot = record.slot(index);
        // Text that a conversion would change (`1e3` in a number) is kept as it came.
        slot.scalar(Scalar::Text(text)) && (!text.is_empty() || slot_is_set(slot))
    });
    if !fits {
        record.keep(key.to_owned(), Value::from(text));
    }
    Ok(())
}

fn slot_is_set(slot: &dyn Slot) -> bool {
    !matches!(slot.shown(), View::Absent)
}

fn print(record: &dyn Record) -> String {
    let schema = record.schema();
    let default_key = schema.property.and_then(|rules| rules.default_key);
    let mut keyed: Vec<(u8, &str, String)> = Vec::new();
    let mut hidden: Vec<&str> = Vec::new();
    for (spelling, name_field, value_field) in schema.property.map_or(&[][..], |r| r.key_aliases) {
        let name = text_of(record, name_field);
        let value = text_of(record, value_field);
        if let (Some(name), Some(value)) = (name, value)
            && name == *spelling
        {
            hidden.extend([*name_field, *value_field]);
            keyed.push((0, spelling, format!("{spelling}={value}")));
        }
    }
    for field in schema.fields.iter().filter(|field| !hidden.contains(&field.name)) {
        let Some(value) = text_of(record, field.name) else {
            continue;
        };
        let name = field.name;
        // Alone, such a value would be read as nothing, or as another key.
        let stands_alone = !value.trim().is_empty() && !value.contains('=');
        if default_key == Some(name) && stands_alone {
            keyed.push((0, name, value));
        } else {
            let rank = if field.flags.has(FieldFlags::REQUIRED) { 1 } else { 2 };
            keyed.push((rank, name, format!("{name}={value}")));
        }
    }
    for (name, value) in record.extra() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        keyed.push((2, name, format!("{name}={value}")));
    }
    keyed.sort();
    keyed.into_iter().map(|(_, _, text)| text).collect::<Vec<_>>().join(",")
}

fn text_of(record: &dyn Record, name: &str) -> Option<String> {
    let index = record.schema().find(name)?;
    match record.view(index).shown() {
        View::Bool(value) => Some(if value { "1" } else { "0" }.to_owned()),
        View::Int(value) => Some(value.to_string()),
        View::Float(value) => Some(value.to_string()),
        View::Text(text) => Some(text.to_owned()),
        View::Json(Value::String(text)) => Some(text.clone()),
        View::Json(value) if !value.is_null() => Some(value.to_string()),
        _ => None,
    }
}
