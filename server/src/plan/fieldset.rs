//! The fields of one object.

use super::Value;

/// Fields by NetBox's names, in their order.
///
/// A plan holds tens of thousands of objects with a handful of fields each: a sorted list takes a
/// third of what a tree does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(one, _)| (*one).cmp(name))
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).ok().and_then(|place| self.0.get(place)).map(|(_, value)| value)
    }

    /// The value of a field, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.place(name).ok().and_then(|place| self.0.get_mut(place)).map(|(_, value)| value)
    }

    /// A field with its name.
    pub fn get_key_value(&self, name: &str) -> Option<(&'static str, &Value)> {
        let place = self.place(name).ok()?;
        self.0.get(place).map(|(name, value)| (*name, value))
    }

    /// Sets a field; its value so far.
    pub fn insert(&mut self, name: &'static str, value: Value) -> Option<Value> {
        match self.get_mut(name) {
            Some(have) => Some(std::mem::replace(have, value)),
            None => {
                self.get_or_insert_with(name, || value);
                None
            }
        }
    }

    /// The value of a field, which is set first where it is not there.
    pub fn get_or_insert_with(
        &mut self,
        name: &'static str,
        value: impl FnOnce() -> Value,
    ) -> &mut Value {
        let place = match self.place(name) {
            Ok(place) => place,
            Err(place) => {
                self.0.insert(place, (name, value()));
                place
            }
        };
        &mut self.0[place].1
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.place(name).ok().map(|place| self.0.remove(place).1)
    }

    /// Keeps only some fields.
    pub fn retain(&mut self, mut keep: impl FnMut(&'static str, &Value) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }

    /// Whether a field is there.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// The fields in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Their names.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::ops::Index<&str> for Fields {
    type Output = Value;

    /// Null where there is no such field.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl<const N: usize> From<[(&'static str, Value); N]> for Fields {
    fn from(fields: [(&'static str, Value); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl FromIterator<(&'static str, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'static str, Value)>>(fields: I) -> Self {
        let mut made = Self::new();
        made.extend(fields);
        made.0.shrink_to_fit();
        made
    }
}

impl Extend<(&'static str, Value)> for Fields {
    fn extend<I: IntoIterator<Item = (&'static str, Value)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.insert(name, value);
        }
    }
}

impl IntoIterator for Fields {
    type Item = (&'static str, Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'f> IntoIterator for &'f Fields {
    type Item = (&'static str, &'f Value);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'f, (&'static str, Value)>,
        fn(&'f (&'static str, Value)) -> (&'static str, &'f Value),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}
