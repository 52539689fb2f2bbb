//! The trait every generated object type implements.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Object, Opens, Scalar, Schema, Slot, View};

/// An object with a static schema and one accessor per field.
pub trait Record: Send + Sync {
    /// The fields, in the order of the accessors.
    fn schema(&self) -> &'static Schema;
    /// The field at `index`, to read into; behind the last one, what was not foreseen.
    fn slot(&mut self, index: usize) -> &mut dyn Slot;
    /// The field at `index`, to write from; behind the last one, what was not foreseen.
    fn view(&self, index: usize) -> &dyn Slot;

    /// What came under names, or with values, that the schema does not foresee.
    fn extra(&self) -> &BTreeMap<String, Value> {
        static NOTHING: BTreeMap<String, Value> = BTreeMap::new();
        self.view(usize::MAX).map().unwrap_or(&NOTHING)
    }
    /// Keeps a member that the schema does not foresee.
    fn keep(&mut self, name: String, value: Value) {
        if let Some(extra) = self.slot(usize::MAX).map_mut() {
            extra.insert(name, value);
        }
    }
    /// Takes a scalar that came in the object's place; false when it means nothing.
    fn bare(&mut self, scalar: Scalar<'_>) -> bool {
        scalar == Scalar::Null
    }
}

/// A record inside of another record, a list, or alone.
impl<T: Record> Slot for T {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        self.bare(scalar)
    }
    fn object(&mut self) -> Option<Object<'_>> {
        Some(Object::Record(self))
    }
    fn opens() -> Opens {
        Opens::Object
    }
    fn shown(&self) -> View<'_> {
        View::Record(self)
    }
}

impl<T: Record> Record for Box<T> {
    fn schema(&self) -> &'static Schema {
        (**self).schema()
    }
    fn slot(&mut self, index: usize) -> &mut dyn Slot {
        (**self).slot(index)
    }
    fn view(&self, index: usize) -> &dyn Slot {
        (**self).view(index)
    }
    fn bare(&mut self, scalar: Scalar<'_>) -> bool {
        (**self).bare(scalar)
    }
}

/// Makes a struct a record: its fields in the order of `SCHEMA`, and what follows from the schema.
#[macro_export]
macro_rules! parameters {
    ($name:ident { $($index:literal $field:ident),* $(,)? }) => {
        impl $crate::Record for $name {
            fn schema(&self) -> &'static $crate::Schema {
                Self::SCHEMA
            }
            fn slot(&mut self, index: usize) -> &mut dyn $crate::Slot {
                match index {
                    $($index => &mut self.$field,)*
                    _ => &mut self.extra,
                }
            }
            fn view(&self, index: usize) -> &dyn $crate::Slot {
                match index {
                    $($index => &self.$field,)*
                    _ => &self.extra,
                }
            }
        }
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $crate::equal(self, other)
            }
        }
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::debug(self, f)
            }
        }
    };
}

/// [`parameters!`] for objects that travel as JSON: they are read and written through serde too.
#[macro_export]
macro_rules! record {
    ($name:ident { $($fields:tt)* }) => {
        $crate::parameters! { $name { $($fields)* } }
        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                $crate::encode(self, to)
            }
        }
        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut record = Self::default();
                $crate::fill_from(&mut record, from)?;
                Ok(record)
            }
        }
    };
}

/// Setters to chain behind `new`: `GetX::new("a").full(true)`.
#[macro_export]
macro_rules! setters {
    ($name:ident {
        $(optional { $($field:ident: $type:ty,)* })?
        $(patch { $($patch:ident: $patch_type:ty,)* })?
        $(family { $($family:ident: $member:ty,)* })?
    }) => {
        impl $name {
            $($(
                #[doc = concat!("Sets `", stringify!($field), "`.")]
                #[must_use]
                pub fn $field(mut self, value: impl Into<$type>) -> Self {
                    self.$field = Some(value.into());
                    self
                }
            )*)?
            $($(
                #[doc = concat!("Sets `", stringify!($patch), "`.")]
                #[must_use]
                pub fn $patch(mut self, value: impl Into<$patch_type>) -> Self {
                    self.$patch = $crate::Patch::Set(value.into());
                    self
                }
            )*)?
            $($(
                #[doc = concat!("Sets one of `", stringify!($family), "`.")]
                #[must_use]
                pub fn $family(mut self, number: u16, value: impl Into<$member>) -> Self {
                    self.$family.insert(number, value.into());
                    self
                }
            )*)?
        }
    };
}
