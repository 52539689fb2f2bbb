//! NetBox's foreign keys in requests.

use crate::{Object, Opens, Scalar, Slot, View};

/// A reference to another object: its id, or attributes that name it.
#[derive(Debug, Clone, PartialEq)]
pub enum IdOr<T> {
    /// The id.
    Id(i64),
    /// Attributes that exactly one object has, `{"slug": "web"}` for instance.
    Key(Box<T>),
}

impl<T> Default for IdOr<T> {
    fn default() -> Self {
        Self::Id(0)
    }
}

impl<T> From<i64> for IdOr<T> {
    fn from(id: i64) -> Self {
        Self::Id(id)
    }
}

impl<T> IdOr<T> {
    /// A reference by natural key.
    pub fn key(key: T) -> Self {
        Self::Key(Box::new(key))
    }
}

impl<T: Slot + Default> Slot for IdOr<T> {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        scalar.as_int().map(|id| *self = Self::Id(id)).is_some()
    }
    fn object(&mut self) -> Option<Object<'_>> {
        if !matches!(self, Self::Key(_)) {
            *self = Self::Key(Box::default());
        }
        match self {
            Self::Key(key) => key.object(),
            Self::Id(_) => None,
        }
    }
    fn opens() -> Opens {
        Opens::Object
    }
    fn shown(&self) -> View<'_> {
        match self {
            Self::Id(id) => View::Int(*id),
            Self::Key(key) => key.shown(),
        }
    }
}
