//! The static description of a record: one row per field, shared by decoding, validation, mocks
//! and the proxy.

use crate::Availability;

/// A record's fields, sorted by wire name.
#[derive(Debug)]
pub struct Schema {
    /// Name of the Rust type.
    pub name: &'static str,
    /// One row per field, sorted by [`Field::name`]; the index is what the accessors take.
    pub fields: &'static [Field],
    /// How the record is written as one line of text, if it is a property string.
    pub property: Option<&'static crate::PropertyRules>,
}

impl Schema {
    /// A record that travels as a JSON object.
    pub const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, property: None }
    }

    /// A record that travels as a property string.
    pub const fn property(
        name: &'static str,
        fields: &'static [Field],
        rules: &'static crate::PropertyRules,
    ) -> Self {
        Self { name, fields, property: Some(rules) }
    }

    /// Position of the field with exactly this wire name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.fields.binary_search_by(|field| field.name.cmp(name)).ok()
    }

    /// The field that `name` belongs to: by its name, or as member of an indexed family (`net0`).
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let index = self.find(name).or_else(|| self.find_family(name).map(|(index, _)| index))?;
        self.fields.get(index)
    }

    /// The indexed family (`net[n]`) that `name` is a member of, and the member's number.
    pub fn find_family(&self, name: &str) -> Option<(usize, u16)> {
        let (prefix, number) = crate::split_index(name)?;
        let index = self.find(&format!("{prefix}[n]"))?;
        Some((index, number))
    }
}

/// One field of a record or one parameter of an operation.
#[derive(Debug)]
pub struct Field {
    /// Name on the wire; `net[n]` stands for the family `net0`, `net1`, …
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Required, nullable, secret, …
    pub flags: FieldFlags,
    /// What upstream says about its values.
    pub rules: &'static Rules,
}

impl Field {
    /// A field without rules.
    pub const fn new(name: &'static str, kind: Kind, flags: u16) -> Self {
        Self { name, kind, flags: FieldFlags(flags), rules: &Rules::NONE }
    }

    /// A field whose values are bounded.
    pub const fn ruled(name: &'static str, kind: Kind, flags: u16, rules: &'static Rules) -> Self {
        Self { name, kind, flags: FieldFlags(flags), rules }
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Nothing but null.
    Null,
    /// Any JSON value.
    Any,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    Text,
    /// Text out of an open set.
    Enum(&'static [&'static str]),
    /// An object.
    Record(&'static Schema),
    /// A record written as one line of text.
    Property(&'static Schema),
    /// Numbered fields of one family.
    Indexed(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// An object with free keys.
    Map,
    /// A page of a NetBox list, with the kind of its rows.
    Page(&'static Kind),
    /// NetBox: read as value and label, written as the value; the values, and their labels.
    Choice(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// NetBox: an id, or the object's natural key.
    Reference(&'static Schema),
}

/// Properties of a field that are true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldFlags(pub u16);

impl FieldFlags {
    /// No property.
    pub const NONE: u16 = 0;
    /// A request without it is refused.
    pub const REQUIRED: u16 = 1;
    /// A row without it cannot be told from others.
    pub const IDENTITY: u16 = 1 << 1;
    /// Null is a value of its own.
    pub const NULLABLE: u16 = 1 << 2;
    /// Never logged or shown.
    pub const SECRET: u16 = 1 << 3;
    /// Set by the server only.
    pub const READ_ONLY: u16 = 1 << 4;
    /// Upstream asks not to use it any more.
    pub const DEPRECATED: u16 = 1 << 5;
    /// Part of the path.
    pub const PATH: u16 = 1 << 6;

    /// Whether all of `flags` are set.
    pub const fn has(self, flags: u16) -> bool {
        self.0 & flags == flags
    }
}

/// What upstream says about a field's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Fewest characters.
    pub min_length: Option<u32>,
    /// Most characters.
    pub max_length: Option<u32>,
    /// Regular expression for the whole text, as Rust's engines write it.
    pub pattern: Option<&'static str>,
    /// Upstream's name for the syntax (`pve-node`, `mac-addr`, `date-time`).
    pub format: Option<&'static str>,
    /// What upstream assumes when the field is left out.
    pub default: Option<&'static str>,
    /// Unit of the number (`bytes`, `MiB`, `seconds`).
    pub unit: Option<&'static str>,
    /// Another field that must be given too.
    pub requires: Option<&'static str>,
    /// When the field came and went.
    pub availability: Availability,
    /// Values of an enum that came or went.
    pub values: &'static [(&'static str, Availability)],
    /// The field that must have one of these values for this one to be there.
    pub only_with: Option<(&'static str, &'static [&'static str])>,
}

impl Rules {
    /// No rule at all.
    pub const NONE: Self = Self {
        min: None,
        max: None,
        min_length: None,
        max_length: None,
        pattern: None,
        format: None,
        default: None,
        unit: None,
        requires: None,
        availability: Availability::ALWAYS,
        values: &[],
        only_with: None,
    };
}
