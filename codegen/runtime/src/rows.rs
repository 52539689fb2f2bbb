//! A list that one bad element never costs.

use std::ops::{Deref, DerefMut};

use serde_json::Value;

use crate::{ListSlot, Opens, Scalar, Slot, View};

/// An element that did not decode, with its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// Position in the list as it came.
    pub index: usize,
    /// What came.
    pub value: Value,
}

/// A list. It reads like a slice; elements that did not decode are kept aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    rows: Vec<T>,
    rejected: Vec<Rejected>,
}

impl<T> Rows<T> {
    /// The elements that did not decode.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// The elements as a plain list, without what was rejected.
    pub fn into_vec(self) -> Vec<T> {
        self.rows
    }

    /// Adds an element at the end.
    pub fn push(&mut self, row: T) {
        self.rows.push(row);
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), rejected: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Rows<T> {
    fn from(rows: Vec<T>) -> Self {
        Self { rows, rejected: Vec::new() }
    }
}

impl<T, const N: usize> From<[T; N]> for Rows<T> {
    fn from(rows: [T; N]) -> Self {
        rows.into_iter().collect()
    }
}

/// A list of texts from literals.
impl<const N: usize> From<[&str; N]> for Rows<String> {
    fn from(rows: [&str; N]) -> Self {
        rows.into_iter().map(str::to_owned).collect()
    }
}

impl<T> FromIterator<T> for Rows<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        Vec::from_iter(rows).into()
    }
}

impl<T> IntoIterator for Rows<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Rows<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl<T> Deref for Rows<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<T> DerefMut for Rows<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.rows
    }
}

impl<T: Slot + Default> Slot for Rows<T> {
    fn scalar(&mut self, scalar: Scalar<'_>) -> bool {
        // A stopped container answers `null` for its list of interfaces.
        matches!(scalar, Scalar::Null | Scalar::Text(""))
    }
    fn opens() -> Opens {
        Opens::List
    }
    fn list(&mut self) -> Option<&mut dyn ListSlot> {
        Some(self)
    }
    fn shown(&self) -> View<'_> {
        let mut views = Vec::with_capacity(self.rows.len() + self.rejected.len());
        let mut rejected = self.rejected.iter().peekable();
        let mut rows = self.rows.iter();
        loop {
            if let Some(held) = rejected.next_if(|held| held.index == views.len()) {
                views.push(View::Json(&held.value));
            } else if let Some(row) = rows.next() {
                views.push(row.shown());
            } else {
                break;
            }
        }
        // Rows taken out since leave later positions unreachable; what was kept still goes last.
        views.extend(rejected.map(|held| View::Json(&held.value)));
        View::List(views)
    }
}

impl<T: Slot + Default> ListSlot for Rows<T> {
    fn restart(&mut self) {
        *self = Self::default();
    }
    fn push(&mut self) -> &mut dyn Slot {
        self.rows.push(T::default());
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }
    fn pop(&mut self) {
        self.rows.pop();
    }
    fn reject(&mut self, value: Value) {
        self.rows.pop();
        let index = self.rows.len() + self.rejected.len();
        self.rejected.push(Rejected { index, value });
    }
    fn last(&self) -> Option<View<'_>> {
        self.rows.last().map(Slot::shown)
    }
}
