//! NetBox's list filters as field x operator: `NAME.ic("web")`, `ID.in_([1, 2])`.
//!
//! NetBox ignores a filter that it does not know and answers with *everything*, so an operator
//! exists here only for fields that have it.

use std::fmt::Display;

use crate::Availability;

/// One filter of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(pub Vec<(String, String)>);

/// A filter's name and operators, for mocks and validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryField {
    /// The base name.
    pub name: &'static str,
    /// The operators that may follow it.
    pub lookups: Lookups,
    /// When the filter came and went. A NetBox without it ignores it and answers with everything.
    pub availability: Availability,
    /// Operators that came or went otherwise.
    pub limited: &'static [(&'static str, Availability)],
}

/// Sets of operators that occur together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookups {
    /// The bare name.
    Exact,
    /// Bare and `n`.
    Match,
    /// Bare, `n` and `any`.
    Member,
    /// Bare, `n`, `empty`, `gt`, `gte`, `lt`, `lte`.
    Ordered,
    /// Bare, `n` and all text operators.
    Text,
    /// Bare, `n` and all text operators but `empty`.
    Filled,
    /// Bare, `gte`, `lte`.
    Between,
    /// Bare, `after`, `before`.
    Window,
}

impl Lookups {
    /// The operators, without the bare name.
    pub const fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Exact => &[],
            Self::Match => &["n"],
            Self::Member => &["any", "n"],
            Self::Ordered => &["empty", "gt", "gte", "lt", "lte", "n"],
            Self::Text => &[
                "empty", "ic", "ie", "iew", "iregex", "isw", "n", "nic", "nie", "niew", "nisw",
                "regex",
            ],
            Self::Filled => {
                &["ic", "ie", "iew", "iregex", "isw", "n", "nic", "nie", "niew", "nisw", "regex"]
            }
            Self::Between => &["gte", "lte"],
            Self::Window => &["after", "before"],
        }
    }
}

fn one(name: &str, lookup: &str, value: impl Display) -> Query {
    Query(vec![(key(name, lookup), value.to_string())])
}

fn many<V: Display>(name: &str, values: impl IntoIterator<Item = V>) -> Query {
    Query(values.into_iter().map(|value| (name.to_owned(), value.to_string())).collect())
}

fn key(name: &str, lookup: &str) -> String {
    if lookup.is_empty() { name.to_owned() } else { format!("{name}__{lookup}") }
}

macro_rules! filter_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(&'static str, Availability, &'static [(&'static str, Availability)]);

        impl $name {
            /// The filter with this base name.
            pub const fn new(name: &'static str) -> Self {
                Self(name, Availability::ALWAYS, &[])
            }
            /// The same, in some releases only.
            pub const fn only(self, availability: Availability) -> Self {
                Self(self.0, availability, self.2)
            }
            /// The same, with operators that came or went otherwise.
            pub const fn limited(self, lookups: &'static [(&'static str, Availability)]) -> Self {
                Self(self.0, self.1, lookups)
            }
            /// Name and operators as data.
            pub const fn field(self) -> QueryField {
                QueryField { name: self.0, lookups: Lookups::$name, availability: self.1, limited: self.2 }
            }
            /// Equal to `value`.
            pub fn eq(self, value: impl Display) -> Query {
                one(self.0, "", value)
            }
            /// Equal to one of `values`.
            pub fn in_<V: Display>(self, values: impl IntoIterator<Item = V>) -> Query {
                many(self.0, values)
            }
        }
    };
}

filter_type!(
    /// A filter without operators.
    Exact
);
filter_type!(
    /// A filter for equal and not equal.
    Match
);
filter_type!(
    /// A filter over a list in the object.
    Member
);
filter_type!(
    /// A filter over something with an order.
    Ordered
);
filter_type!(
    /// A filter over text.
    Text
);
filter_type!(
    /// A filter over text that is never empty.
    Filled
);
filter_type!(
    /// A filter over a range.
    Between
);
filter_type!(
    /// A filter over a span of time.
    Window
);

macro_rules! operators {
    ($type:ident: $($(#[$doc:meta])* $method:ident = $lookup:literal,)*) => {
        impl $type { $(
            $(#[$doc])*
            pub fn $method(self, value: impl Display) -> Query {
                one(self.0, $lookup, value)
            }
        )* }
    };
}

operators!(Match:
    /// Not equal to `value`.
    ne = "n",
);
operators!(Member:
    /// Without `value`.
    ne = "n",
    /// With any of a list that contains `value`.
    any = "any",
);
operators!(Ordered:
    /// Not equal to `value`.
    ne = "n",
    /// More than `value`.
    gt = "gt",
    /// At least `value`.
    gte = "gte",
    /// Less than `value`.
    lt = "lt",
    /// At most `value`.
    lte = "lte",
);
macro_rules! text_operators {
    ($($type:ident)*) => { $( operators!($type:
        /// Not equal to `value`.
        ne = "n",
        /// Contains `value`, in any case.
        ic = "ic",
        /// Does not contain `value`, in any case.
        nic = "nic",
        /// Equal to `value`, in any case.
        ie = "ie",
        /// Not equal to `value`, in any case.
        nie = "nie",
        /// Starts with `value`, in any case.
        isw = "isw",
        /// Does not start with `value`, in any case.
        nisw = "nisw",
        /// Ends with `value`, in any case.
        iew = "iew",
        /// Does not end with `value`, in any case.
        niew = "niew",
        /// Matches the regular expression `value`.
        regex = "regex",
        /// Matches the regular expression `value`, in any case.
        iregex = "iregex",
    ); )* };
}

text_operators!(Text Filled);
operators!(Between:
    /// At least `value`.
    gte = "gte",
    /// At most `value`.
    lte = "lte",
);
operators!(Window:
    /// After `value`.
    after = "after",
    /// Before `value`.
    before = "before",
);

macro_rules! emptiness {
    ($($type:ident)*) => { $(
        impl $type {
            /// Set to nothing, if `empty`.
            pub fn empty(self, empty: bool) -> Query {
                one(self.0, "empty", empty)
            }
        }
    )* };
}

emptiness!(Ordered Text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_become_suffixes_and_lists_repeat_the_name() {
        const NAME: Text = Text::new("name");
        const ID: Ordered = Ordered::new("id");
        assert_eq!(NAME.ic("web"), Query(vec![("name__ic".into(), "web".into())]));
        let expected = vec![("id".into(), "1".into()), ("id".into(), "2".into())];
        assert_eq!(ID.in_([1, 2]), Query(expected));
    }
}
