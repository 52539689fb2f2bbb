//! One visitor that fills every record, with every leniency in one place.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::drift::{Path, report};
use crate::{
    Drift, DriftReason, Field, FieldFlags, Object, Record, Scalar, Schema, Slot, View,
    record_to_value,
};

/// A decoded answer and what in it differs from the published description.
#[derive(Debug, Clone, Default)]
pub struct Decoded<T> {
    /// The answer.
    pub value: T,
    /// Differences; none of them lost data.
    pub drift: Vec<Drift>,
    /// Members beside the one that was asked for (`total`, `changes`).
    pub beside: serde_json::Map<String, Value>,
}

/// Decodes a JSON document.
///
/// Fails only where the text is not JSON or the whole document is of another kind than `T`.
pub fn decode<T: Slot + Default>(json: &[u8]) -> Result<Decoded<T>, serde_json::Error> {
    let mut decoded =
        Decoded { value: T::default(), drift: Vec::new(), beside: Default::default() };
    let mut source = serde_json::Deserializer::from_slice(json);
    let (slot, drift) = (&mut decoded.value, &mut decoded.drift);
    let seed = Seed { slot, at: &Path::Root, drift, is_told: &mut true };
    let misfit = seed.deserialize(&mut source)?;
    source.end()?;
    refuse(misfit)?;
    Ok(decoded)
}

/// Decodes one member of a JSON object, `data` of a Proxmox answer for instance.
///
/// An object without that member is no answer: taken for an empty one, it would say that nothing is
/// there. Only where any JSON may come does its absence mean `null`.
pub fn decode_member<T: Slot + Default>(
    json: &[u8],
    member: &str,
) -> Result<Decoded<T>, serde_json::Error> {
    let mut decoded =
        Decoded { value: T::default(), drift: Vec::new(), beside: Default::default() };
    let mut source = serde_json::Deserializer::from_slice(json);
    let mut found = false;
    let envelope = Envelope { member, decoded: &mut decoded, found: &mut found };
    let misfit = source.deserialize_map(envelope)?;
    source.end()?;
    refuse(misfit)?;
    if !found && decoded.value.raw().is_none() {
        return Err(serde_json::Error::custom(format!("the member `{member}` is missing")));
    }
    Ok(decoded)
}

/// Fills a record from any serde source; what does not fit is kept in `extra`.
pub fn fill_from<'de, D: Deserializer<'de>>(
    record: &mut dyn Record,
    source: D,
) -> Result<(), D::Error> {
    let fields = Fields { record, at: &Path::Root, drift: &mut Vec::new() };
    source.deserialize_map(fields).map(|_| ())
}

fn refuse(misfit: Option<Value>) -> Result<(), serde_json::Error> {
    match misfit {
        None => Ok(()),
        Some(value) => {
            let came: String = value.to_string().chars().take(200).collect();
            Err(serde_json::Error::custom(format!("an answer of another kind came: {came}")))
        }
    }
}

struct Envelope<'a, T> {
    member: &'a str,
    decoded: &'a mut Decoded<T>,
    found: &'a mut bool,
}

impl<'de, T: Slot + Default> Visitor<'de> for Envelope<'_, T> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the member `{}`", self.member)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Decoded { value, drift, beside } = self.decoded;
        let mut misfit = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == self.member {
                *self.found = true;
                let seed = Seed { slot: value, at: &Path::Root, drift, is_told: &mut true };
                misfit = map.next_value_seed(seed)?;
            } else {
                beside.insert(key, map.next_value()?);
            }
        }
        Ok(misfit)
    }
}

/// Fills one slot; yields the value back when it does not fit.
struct Seed<'s, 'p> {
    slot: &'s mut dyn Slot,
    at: &'p Path<'p>,
    drift: &'p mut Vec<Drift>,
    /// Set to false when the field that tells an object from others does not come.
    is_told: &'p mut bool,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        if let Some(raw) = self.slot.raw() {
            *raw = serde::Deserialize::deserialize(source)?;
            return Ok(None);
        }
        source.deserialize_any(self)
    }
}

impl Seed<'_, '_> {
    fn scalar<E>(self, scalar: Scalar<'_>) -> Result<Option<Value>, E> {
        Ok(if self.slot.scalar(scalar) { None } else { Some(scalar.to_value()) })
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        self.scalar(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        self.scalar(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        self.scalar(Scalar::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        self.scalar(i64::try_from(value).map_or(Scalar::Large(value), Scalar::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        self.scalar(Scalar::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        self.scalar(Scalar::Text(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let Self { slot, at, drift, is_told } = self;
        match slot.object() {
            Some(Object::Record(record)) => {
                *is_told = Fields { record, at, drift }.visit_map(map)?;
                Ok(None)
            }
            Some(Object::Map(entries)) => {
                let mut map = map;
                while let Some((key, value)) = map.next_entry()? {
                    entries.insert(key, value);
                }
                Ok(None)
            }
            None => {
                let source = serde::de::value::MapAccessDeserializer::new(map);
                Ok(Some(serde::Deserialize::deserialize(source)?))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Self { slot, at, drift, .. } = self;
        let Some(list) = slot.list() else {
            let source = serde::de::value::SeqAccessDeserializer::new(seq);
            return Ok(Some(serde::Deserialize::deserialize(source)?));
        };
        list.restart();
        for index in 0.. {
            let at = Path::Index(at, index);
            let mut is_told = true;
            let slot = list.push();
            let seed = Seed { slot, at: &at, drift: &mut *drift, is_told: &mut is_told };
            let Some(misfit) = seq.next_element_seed(seed)? else {
                break;
            };
            if let Some(value) = misfit {
                report(drift, &at, DriftReason::Misfit, &value);
                list.reject(value);
            } else if let (false, Some(View::Record(row))) = (is_told, list.last()) {
                let value = as_it_came(row);
                report(drift, &at, DriftReason::NoIdentity, &value);
                list.reject(value);
            }
        }
        list.pop();
        Ok(None)
    }
}

/// A row without the field that tells it from others: what stands in its place was never sent.
fn as_it_came(row: &dyn Record) -> Value {
    let mut value = record_to_value(row);
    if let Value::Object(members) = &mut value {
        let identities = row.schema().fields.iter().filter(|f| f.flags.has(FieldFlags::IDENTITY));
        for field in identities.filter(|field| !row.extra().contains_key(field.name)) {
            let unset = |value: &Value| value == "" || value == 0 || value.is_null();
            if members.get(field.name).is_some_and(unset) {
                members.remove(field.name);
            }
        }
    }
    value
}

/// Fills the fields of a record from an object; yields whether all came that tell it from others.
struct Fields<'r, 'p> {
    record: &'r mut dyn Record,
    at: &'p Path<'p>,
    drift: &'p mut Vec<Drift>,
}

impl<'de> Visitor<'de> for Fields<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the object {}", self.record.schema().name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { record, at, drift } = self;
        let schema = record.schema();
        let is_identity = |field: &&Field| field.flags.has(FieldFlags::IDENTITY);
        let mut untold = schema.fields.iter().filter(is_identity).count();
        while let Some(key) = map.next_key_seed(Key { schema })? {
            let at = Path::Key(at, key.name());
            let mut inner = true;
            let misfit = if let Name::Known(index, field) = key {
                let slot = record.slot(index);
                let drift = &mut *drift;
                let seed = Seed { slot, at: &at, drift, is_told: &mut inner };
                let misfit = map.next_value_seed(seed)?;
                if misfit.is_some() {
                    record.slot(index).clear();
                } else if is_identity(&field) && is_set(&record.view(index).shown()) {
                    untold = untold.saturating_sub(1);
                }
                misfit
            } else if let Some((index, number)) = schema.find_family(key.name())
                && let Some(family) = record.slot(index).indexed()
            {
                let slot = family.entry(number);
                let drift = &mut *drift;
                let seed = Seed { slot, at: &at, drift, is_told: &mut inner };
                let misfit = map.next_value_seed(seed)?;
                if misfit.is_some() {
                    family.remove(number);
                }
                misfit
            } else {
                record.keep(key.name().to_owned(), map.next_value()?);
                None
            };
            if let Some(value) = misfit {
                report(drift, &at, DriftReason::Misfit, &value);
                record.keep(key.name().to_owned(), value);
            }
        }
        Ok(untold == 0)
    }
}

/// The name of a member: only one that the schema does not know has to be kept.
enum Name {
    Known(usize, &'static Field),
    Other(String),
}

impl Name {
    fn name(&self) -> &str {
        match self {
            Self::Known(_, field) => field.name,
            Self::Other(name) => name,
        }
    }
}

/// Reads the name of a member.
struct Key {
    schema: &'static Schema,
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Name, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a member of {}", self.schema.name)
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        let known = self
            .schema
            .find(name)
            .and_then(|index| Some(Name::Known(index, self.schema.fields.get(index)?)));
        Ok(known.unwrap_or_else(|| Name::Other(name.to_owned())))
    }
}

/// Null and the empty text stand for nothing; 0 is the first place of a firewall's rules.
fn is_set(view: &View<'_>) -> bool {
    !matches!(view, View::Absent | View::Null | View::Text(""))
}
