//! One model for both APIs, between the OpenAPI documents and the Rust that is printed.

mod arena;
mod groups;
mod netbox;
mod proxmox;

pub use groups::SHARED;
pub use netbox::lower_netbox;
pub use proxmox::lower_proxmox;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::normalize::in_rust;

/// An API.
#[derive(Debug, Serialize)]
pub struct Api {
    /// All operations, by path and method.
    pub ops: Vec<Op>,
    /// All object types, by name.
    pub records: Vec<Record>,
    /// All enums, by name.
    pub enums: Vec<Enum>,
    /// Other names of the same object type: (name, record).
    pub aliases: Vec<(String, String)>,
}

/// What a value may be. Records and enums are meant by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub enum Type {
    /// Any JSON.
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
    Enum(String),
    /// An object.
    Record(String),
    /// An object written as one line of text.
    Property(String),
    /// Numbered fields of one family.
    Indexed(Box<Type>),
    /// A list.
    List(Box<Type>),
    /// An object with free keys.
    Map,
    /// A page of a NetBox list.
    Page(Box<Type>),
    /// A value with its label.
    Choice(Box<Type>, Vec<(String, String)>),
    /// A foreign key in a request: an id or this object.
    Reference(String),
}

/// An object type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Record {
    /// Rust name.
    pub name: String,
    /// File it is printed in.
    pub group: String,
    /// Where upstream describes it.
    pub origin: String,
    /// Fields, sorted by wire name.
    pub fields: Vec<Field>,
    /// Set for property strings.
    pub property: Option<Property>,
}

/// How a property string is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Property {
    /// The key whose name may be left out.
    pub default_key: Option<String>,
    /// (spelling, key)
    pub aliases: Vec<(String, String)>,
    /// (spelling, field for the spelling, field for the value)
    pub key_aliases: Vec<(String, String, String)>,
}

/// How a field is declared in Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Presence {
    /// Always there: parts of a path, and what tells a row from others.
    Plain,
    /// Perhaps there.
    Optional,
    /// Perhaps there, perhaps null, and the two differ.
    Patch,
}

/// A field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Field {
    /// Name on the wire.
    pub wire: String,
    /// Name in Rust.
    pub rust: String,
    /// What it holds.
    pub ty: Type,
    /// How it is declared.
    pub presence: Presence,
    /// Names of `FieldFlags`, sorted.
    pub flags: Vec<&'static str>,
    /// What upstream says about its values.
    pub rules: Rules,
}

/// What upstream says about a field's values; numbers as their text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Rules {
    /// Smallest number.
    pub min: Option<String>,
    /// Largest number.
    pub max: Option<String>,
    /// Fewest characters.
    pub min_length: Option<String>,
    /// Most characters.
    pub max_length: Option<String>,
    /// Upstream's regular expression.
    pub pattern: Option<String>,
    /// Upstream's name for the syntax.
    pub format: Option<String>,
    /// What upstream assumes when the field is left out.
    pub default: Option<String>,
    /// Unit of the number.
    pub unit: Option<String>,
    /// Another field that must be given too.
    pub requires: Option<String>,
    /// When the field came and went.
    pub availability: Availability,
    /// Values of an enum that came or went.
    pub values: Vec<(String, Availability)>,
    /// The field that must have one of these values for this one to be there.
    pub only_with: Option<(String, Vec<String>)>,
}

/// The releases that have something, as far as they are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Availability {
    /// The first one, if older ones are known that lack it, and the last of those.
    pub since: Option<(String, String)>,
    /// The last one, if newer ones lack it, and the first of those.
    pub until: Option<(String, String)>,
}

impl Availability {
    fn of(schema: &Value) -> Self {
        let text = |key: &str| schema[key].as_str().map(str::to_owned);
        let pair = |with: &str, without: &str| Some((text(with)?, text(without)?));
        Self { since: pair("x-since", "x-after"), until: pair("x-until", "x-before") }
    }

    /// Whether nothing is known to lack it.
    pub fn is_always(&self) -> bool {
        *self == Self::default()
    }
}

/// What a caller needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Permission {
    /// Only the administrator of the system itself.
    Root,
    /// Nothing, not even a login.
    World,
    /// A login.
    User,
    /// Privileges on a path; all of them, or one.
    Privileges {
        /// Path of the access control list, with `{name}` for parameters.
        path: String,
        /// Names of privileges.
        privileges: Vec<String>,
        /// Whether one of them is enough.
        one: bool,
    },
    /// To be the user that the call is about.
    Itself,
    /// One of these privileges on a group of the user that the call is about.
    Group(Vec<String>),
    /// This privilege on the realm of the user that the call is about.
    Realm(String),
    /// The right to change permissions on a path.
    Modify(String),
    /// All of these.
    All(Vec<Permission>),
    /// One of these.
    Any(Vec<Permission>),
    /// Upstream's text says more than its data.
    Told,
}

/// An enum over text.
#[derive(Debug, Clone, Serialize)]
pub struct Enum {
    /// Rust name.
    pub name: String,
    /// File it is printed in.
    pub group: String,
    /// Values, sorted.
    pub values: Vec<String>,
    /// What NetBox shows for values, where it says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// An operation.
#[derive(Debug, Serialize)]
pub struct Op {
    /// Unique: method and path, or NetBox's operation id.
    pub id: String,
    /// `GET`, …
    pub method: String,
    /// Path with `{name}` places.
    pub path: String,
    /// File it is printed in.
    pub group: String,
    /// Cargo feature that it is compiled with.
    pub feature: String,
    /// Parameters; Proxmox: all, NetBox: of the path.
    pub params: Vec<Field>,
    /// NetBox: filters of a list.
    pub filters: Vec<Filter>,
    /// NetBox: the body.
    pub body: Option<Type>,
    /// What a successful answer holds; nothing if absent.
    pub returns: Option<Type>,
    /// Names of `OpFlags`, sorted.
    pub flags: Vec<&'static str>,
    /// When the operation came and went.
    pub availability: Availability,
    /// Who may call it; NetBox does not say.
    pub permission: Option<Permission>,
}

/// A filter of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Base name.
    pub name: String,
    /// Name of the runtime's filter type.
    pub lookups: &'static str,
    /// When the filter came and went.
    pub availability: Availability,
    /// Operators that came or went otherwise.
    pub limited: Vec<(String, Availability)>,
}

impl Rules {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(schema: &Value) -> Self {
        let plain = |key: &str| match &schema[key] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        };
        let pattern =
            plain("x-proxmox-pattern").map(|text| in_rust(&text)).or_else(|| plain("pattern"));
        Self {
            min: plain("minimum"),
            max: plain("maximum"),
            min_length: plain("minLength"),
            max_length: plain("maxLength"),
            // What the engine cannot read is not checked; `cargo xtask report` names it.
            pattern: pattern.filter(|pattern| is_readable(pattern)),
            format: plain("format"),
            default: plain("default"),
            unit: plain("x-unit"),
            requires: plain("x-proxmox-requires"),
            availability: Availability::of(schema),
            values: values_of(schema),
            only_with: only_with(schema),
        }
    }
}

/// Whether the engine that checks values reads this pattern.
pub fn is_readable(pattern: &str) -> bool {
    fancy_regex::Regex::new(pattern).is_ok()
}

fn values_of(schema: &Value) -> Vec<(String, Availability)> {
    let bound = |keyword: &str, value: &str| schema[keyword][value].as_str().map(str::to_owned);
    let values = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let known = values.map(|value| {
        let pair = |with: &str, without: &str| Some((bound(with, value)?, bound(without, value)?));
        let since = pair("x-enum-since", "x-enum-after");
        let until = pair("x-enum-until", "x-enum-before");
        (value.to_owned(), Availability { since, until })
    });
    known.filter(|(_, availability)| !availability.is_always()).collect()
}

fn only_with(schema: &Value) -> Option<(String, Vec<String>)> {
    let field = schema["x-proxmox-type-property"].as_str()?;
    let values = schema["x-proxmox-instance-types"].as_array()?;
    let values: Vec<String> = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    (!values.is_empty()).then(|| (field.to_owned(), values))
}

impl Type {
    /// The name of the record or enum that this type is made of, if it is.
    pub fn names(&self) -> Option<&str> {
        match self {
            Self::Enum(name)
            | Self::Record(name)
            | Self::Property(name)
            | Self::Reference(name) => Some(name),
            Self::Indexed(inner)
            | Self::List(inner)
            | Self::Page(inner)
            | Self::Choice(inner, _) => inner.names(),
            Self::Any | Self::Bool | Self::Int | Self::Float | Self::Text | Self::Map => None,
        }
    }

    fn rename(&mut self, to: &dyn Fn(&str) -> String) {
        match self {
            Self::Enum(name)
            | Self::Record(name)
            | Self::Property(name)
            | Self::Reference(name) => *name = to(name),
            Self::Indexed(inner)
            | Self::List(inner)
            | Self::Page(inner)
            | Self::Choice(inner, _) => {
                inner.rename(to);
            }
            Self::Any | Self::Bool | Self::Int | Self::Float | Self::Text | Self::Map => {}
        }
    }
}

/// Fields that are never logged or shown. `PATH` parameters are public by nature.
fn is_secret(wire: &str) -> bool {
    const WORDS: [&str; 18] = [
        "apitoken",
        "auth-key",
        "auth-token",
        "authkey",
        "hook-token",
        "password",
        "preshared",
        "psk",
        "secret",
        "ticket",
        "token-value",
        "totp",
        "csrfpreventiontoken",
        "sshkeys",
        "private",
        "apikey",
        "encryption-key",
        "keyring",
    ];
    let wire = wire.to_ascii_lowercase().replace('_', "-");
    WORDS.iter().any(|word| wire.contains(word))
        || wire.ends_with("hmac-key")
        || matches!(wire.as_str(), "token" | "key" | "otp")
}

/// Sorts fields and gives each a Rust name of its own.
fn finish_fields(fields: &mut [Field]) {
    fields.sort_by(|a, b| a.wire.cmp(&b.wire));
    for at in 0..fields.len() {
        let name = crate::names::field_name(&fields[at].wire);
        let taken = |name: &str| fields[..at].iter().any(|field| field.rust == name);
        let second = match fields[at].wire.ends_with("[n]") {
            // `numa` and `numa[n]` are two fields of one guest.
            true => format!("{name}_n"),
            false => format!("{name}_"),
        };
        let alternatives = [name.clone(), second];
        let free = alternatives.iter().find(|name| !taken(name)).cloned();
        fields[at].rust = free.unwrap_or_else(|| format!("{name}_{at}"));
    }
}
