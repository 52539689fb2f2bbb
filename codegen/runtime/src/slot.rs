//! A place that one JSON value is read into and written from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Record, Scalar};

/// A place that one JSON value is read into and written from.
///
/// The decoder asks the slot what it takes; a value that does not fit is handed back to the record
/// around it, which keeps it in [`Record::extra`].
pub trait Slot: Send + Sync {
    /// Takes a scalar; false when it cannot hold exactly this one.
    fn scalar(&mut self, _scalar: Scalar<'_>) -> bool {
        false
    }
    /// Opens the slot for an object.
    fn object(&mut self) -> Option<Object<'_>> {
        None
    }
    /// Opens the slot for a list.
    fn list(&mut self) -> Option<&mut dyn ListSlot> {
        None
    }
    /// Opens the slot for the members of an indexed family.
    fn indexed(&mut self) -> Option<&mut dyn IndexedSlot> {
        None
    }
    /// The slot itself, if it takes any JSON.
    fn raw(&mut self) -> Option<&mut Value> {
        None
    }
    /// The slot itself, if it is an object with free keys.
    fn map(&self) -> Option<&BTreeMap<String, Value>> {
        None
    }
    /// [`Slot::map`], to change.
    fn map_mut(&mut self) -> Option<&mut BTreeMap<String, Value>> {
        None
    }
    /// Takes back what [`Slot::object`] or [`Slot::list`] opened.
    fn clear(&mut self) {}
    /// What there is to write.
    fn shown(&self) -> View<'_>;
    /// What all slots of this type can be opened for, so that none has to be made to find out.
    fn opens() -> Opens
    where
        Self: Sized,
    {
        Opens::Nothing
    }
}

/// What a type of slots can be opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// Scalars only.
    Nothing,
    /// An object.
    Object,
    /// A list.
    List,
    /// Any JSON.
    Json,
}

/// A slot that was opened for an object.
pub enum Object<'a> {
    /// Known fields.
    Record(&'a mut dyn Record),
    /// Free keys.
    Map(&'a mut BTreeMap<String, Value>),
}

/// A slot that was opened for a list.
pub trait ListSlot {
    /// Starts over: a second list replaces the first.
    fn restart(&mut self);
    /// Adds an element and hands it out to be filled.
    fn push(&mut self) -> &mut dyn Slot;
    /// Takes the last element back.
    fn pop(&mut self);
    /// Takes the last element back and keeps the value that did not fit in its stead.
    fn reject(&mut self, value: Value);
    /// The last element added.
    fn last(&self) -> Option<View<'_>>;
}

/// A slot that was opened for numbered fields of one family.
pub trait IndexedSlot {
    /// The slot for the member with this number.
    fn entry(&mut self, number: u16) -> &mut dyn Slot;
    /// Takes a member back.
    fn remove(&mut self, number: u16);
}

/// What a slot holds.
pub enum View<'a> {
    /// Nothing, so nothing is written.
    Absent,
    /// `null`
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Any JSON.
    Json(&'a Value),
    /// An object with known fields.
    Record(&'a dyn Record),
    /// A list, in order.
    List(Vec<View<'a>>),
    /// An object with free keys.
    Map(&'a BTreeMap<String, Value>),
    /// Numbered fields, written into the object around them.
    Indexed(Vec<(u16, View<'a>)>),
}

impl<T: Slot + Default> Slot for Option<T> {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        if scalar == Scalar::Null {
            *self = None;
            return true;
        }
        let mut value = T::default();
        if value.scalar(scalar) {
            *self = Some(value);
        } else if scalar == Scalar::Text("") {
            *self = None;
        } else {
            return false;
        }
        true
    }
    fn object(&mut self) -> Option<Object<'_>> {
        match T::opens() {
            Opens::Object => self.get_or_insert_default().object(),
            _ => None,
        }
    }
    fn list(&mut self) -> Option<&mut dyn ListSlot> {
        match T::opens() {
            Opens::List => self.get_or_insert_default().list(),
            _ => None,
        }
    }
    fn raw(&mut self) -> Option<&mut Value> {
        match T::opens() {
            Opens::Json => self.get_or_insert_default().raw(),
            _ => None,
        }
    }
    fn opens() -> Opens {
        T::opens()
    }
    fn clear(&mut self) {
        *self = None;
    }
    fn shown(&self) -> View<'_> {
        self.as_ref().map_or(View::Absent, Slot::shown)
    }
}

impl Slot for bool {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        scalar.as_bool().map(|value| *self = value).is_some()
    }
    fn shown(&self) -> View<'_> {
        View::Bool(*self)
    }
}

impl Slot for i64 {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        scalar.as_int().map(|value| *self = value).is_some()
    }
    fn shown(&self) -> View<'_> {
        View::Int(*self)
    }
}

impl Slot for f64 {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        scalar.as_float().map(|value| *self = value).is_some()
    }
    fn shown(&self) -> View<'_> {
        // Whole numbers are written without a fraction: `4`, not `4.0`.
        match Scalar::Float(*self).as_int() {
            Some(whole) => View::Int(whole),
            None => View::Float(*self),
        }
    }
}

impl Slot for String {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        scalar.as_text().map(|text| *self = text).is_some()
    }
    fn shown(&self) -> View<'_> {
        View::Text(self)
    }
}

impl Slot for Value {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        *self = scalar.to_value();
        true
    }
    fn raw(&mut self) -> Option<&mut Value> {
        Some(self)
    }
    fn opens() -> Opens {
        Opens::Json
    }
    fn shown(&self) -> View<'_> {
        View::Json(self)
    }
}

impl Slot for BTreeMap<String, Value> {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        matches!(scalar, Scalar::Null | Scalar::Text(""))
    }
    fn object(&mut self) -> Option<Object<'_>> {
        Some(Object::Map(self))
    }
    fn opens() -> Opens {
        Opens::Object
    }
    fn map(&self) -> Option<&BTreeMap<String, Value>> {
        Some(self)
    }
    fn map_mut(&mut self) -> Option<&mut BTreeMap<String, Value>> {
        Some(self)
    }
    fn shown(&self) -> View<'_> {
        View::Map(self)
    }
}
