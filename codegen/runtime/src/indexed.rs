//! Numbered fields of one family: `net0`, `net1`, … as one map.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use crate::{IndexedSlot, Slot, View};

/// The members of a family such as `net[n]`, by number. Gaps are normal.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexed<T>(BTreeMap<u16, T>);

impl<T> Indexed<T> {
    /// The smallest number that is not taken.
    pub fn first_free(&self) -> u16 {
        (0..u16::MAX).find(|number| !self.0.contains_key(number)).unwrap_or(u16::MAX)
    }
}

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Deref for Indexed<T> {
    type Target = BTreeMap<u16, T>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> DerefMut for Indexed<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<T> FromIterator<(u16, T)> for Indexed<T> {
    fn from_iter<I: IntoIterator<Item = (u16, T)>>(members: I) -> Self {
        Self(BTreeMap::from_iter(members))
    }
}

impl<'a, T> IntoIterator for &'a Indexed<T> {
    type Item = (&'a u16, &'a T);
    type IntoIter = std::collections::btree_map::Iter<'a, u16, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Slot + Default> Slot for Indexed<T> {
    fn indexed(&mut self) -> Option<&mut dyn IndexedSlot> {
        Some(self)
    }
    fn shown(&self) -> View<'_> {
        View::Indexed(self.0.iter().map(|(number, value)| (*number, value.shown())).collect())
    }
}

impl<T: Slot + Default> IndexedSlot for Indexed<T> {
    fn entry(&mut self, number: u16) -> &mut dyn Slot {
        self.0.entry(number).or_default()
    }
    fn remove(&mut self, number: u16) {
        self.0.remove(&number);
    }
}

/// Splits `net12` into `net` and 12. Names without a number, or with one that is not written
/// plainly (`net01`), are not members of a family.
pub fn split_index(name: &str) -> Option<(&str, u16)> {
    let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &name[prefix.len()..];
    let plain = !prefix.is_empty() && (digits == "0" || !digits.starts_with('0'));
    if !plain {
        return None;
    }
    Some((prefix, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::split_index;

    #[test]
    fn only_plain_numbers_make_a_member() {
        assert_eq!(split_index("net0"), Some(("net", 0)));
        assert_eq!(split_index("unused255"), Some(("unused", 255)));
        for other in ["net", "net01", "7", "", "net99999", "scsihw"] {
            assert_eq!(split_index(other), None, "{other}");
        }
    }
}
