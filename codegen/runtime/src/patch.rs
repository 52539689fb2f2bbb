//! Three states of a field in an update.

use serde_json::Value;

use crate::{ListSlot, Object, Opens, Scalar, Slot, View};

/// What an update does to a nullable field.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Patch<T> {
    /// Leaves it as it is: nothing is sent.
    #[default]
    Leave,
    /// Clears it: `null` is sent.
    Null,
    /// Sets it.
    Set(T),
}

impl<T> Patch<T> {
    /// The value that is set, if one is.
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Leave | Self::Null => None,
        }
    }
}

impl<T> From<T> for Patch<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T: Default> Patch<T> {
    fn open(&mut self) -> &mut T {
        if !matches!(self, Self::Set(_)) {
            *self = Self::Set(T::default());
        }
        match self {
            Self::Set(value) => value,
            Self::Leave | Self::Null => unreachable!("set above"),
        }
    }
}

impl<T: Slot + Default> Slot for Patch<T> {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        if scalar == Scalar::Null {
            *self = Self::Null;
            return true;
        }
        let mut value = T::default();
        let fits = value.scalar(scalar);
        if fits {
            *self = Self::Set(value);
        }
        fits
    }
    fn object(&mut self) -> Option<Object<'_>> {
        match T::opens() {
            Opens::Object => self.open().object(),
            _ => None,
        }
    }
    fn list(&mut self) -> Option<&mut dyn ListSlot> {
        match T::opens() {
            Opens::List => self.open().list(),
            _ => None,
        }
    }
    fn raw(&mut self) -> Option<&mut Value> {
        match T::opens() {
            Opens::Json => self.open().raw(),
            _ => None,
        }
    }
    fn opens() -> Opens {
        T::opens()
    }
    fn clear(&mut self) {
        *self = Self::Leave;
    }
    fn shown(&self) -> View<'_> {
        match self {
            Self::Leave => View::Absent,
            Self::Null => View::Null,
            Self::Set(value) => value.shown(),
        }
    }
}
