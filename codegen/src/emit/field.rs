//! One field: its Rust type and its row in the schema.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::ir::{Availability, Field, Presence, Rules, Type};

/// A name as an identifier; names come from `crate::names` and are valid.
pub(super) fn ident(name: &str) -> Ident {
    format_ident!("{name}")
}

/// The Rust type of a value.
pub(super) fn rust_type(ty: &Type) -> TokenStream {
    match ty {
        Type::Any => quote!(Value),
        Type::Bool => quote!(bool),
        Type::Int => quote!(i64),
        Type::Float => quote!(f64),
        Type::Text => quote!(String),
        Type::Map => quote!(BTreeMap<String, Value>),
        Type::Enum(name) | Type::Record(name) => {
            let name = ident(name);
            quote!(#name)
        }
        Type::Property(name) => {
            let name = ident(name);
            quote!(PropertyString<#name>)
        }
        Type::Reference(name) => {
            let name = ident(name);
            quote!(IdOr<#name>)
        }
        Type::Indexed(inner) => {
            let inner = rust_type(inner);
            quote!(Indexed<#inner>)
        }
        Type::List(inner) => {
            let inner = rust_type(inner);
            quote!(Rows<#inner>)
        }
        Type::Page(inner) => {
            let inner = rust_type(inner);
            quote!(Page<#inner>)
        }
        Type::Choice(inner, _) => {
            let inner = rust_type(inner);
            quote!(Choice<#inner>)
        }
    }
}

/// The declared type of a field.
pub(super) fn declared_type(field: &Field) -> TokenStream {
    let ty = value_type(field);
    match field.presence {
        Presence::Plain => ty,
        Presence::Optional => quote!(Option<#ty>),
        Presence::Patch => quote!(Patch<#ty>),
    }
}

/// The type of a field's value. Objects inside of objects are boxed: rows would otherwise be
/// several kilobytes each, most of them unset.
pub(super) fn value_type(field: &Field) -> TokenStream {
    let ty = rust_type(&field.ty);
    match field.ty {
        Type::Record(_) => quote!(Box<#ty>),
        _ => ty,
    }
}

/// The runtime's description of a type.
pub(super) fn kind(ty: &Type) -> String {
    match ty {
        Type::Any => "Kind::Any".to_owned(),
        Type::Bool => "Kind::Bool".to_owned(),
        Type::Int => "Kind::Int".to_owned(),
        Type::Float => "Kind::Float".to_owned(),
        Type::Text => "Kind::Text".to_owned(),
        Type::Map => "Kind::Map".to_owned(),
        Type::Enum(name) => format!("Kind::Enum({name}::VALUES)"),
        Type::Record(name) => format!("Kind::Record({name}::SCHEMA)"),
        Type::Property(name) => format!("Kind::Property({name}::SCHEMA)"),
        Type::Reference(name) => format!("Kind::Reference({name}::SCHEMA)"),
        Type::Indexed(inner) => format!("Kind::Indexed(&{})", kind(inner)),
        Type::List(inner) => format!("Kind::List(&{})", kind(inner)),
        Type::Page(inner) => format!("Kind::Page(&{})", kind(inner)),
        Type::Choice(inner, labels) => match &**inner {
            Type::Enum(name) => format!("Kind::Choice({name}::VALUES, {name}::LABELS)"),
            _ => format!("Kind::Choice(&[], &{labels:?})"),
        },
    }
}

/// The field's row in the schema: one line, or two where the rules are long.
pub(super) fn schema_row(field: &Field) -> String {
    let (name, kind, flags) = (&field.wire, kind(&field.ty), flags("FieldFlags", &field.flags));
    if field.rules.is_empty() {
        return format!("        Field::new({name:?}, {kind}, {flags}),\n");
    }
    let head = format!("        Field::ruled({name:?}, {kind}, {flags},");
    let rules = rules(&field.rules);
    match head.len() + rules.len() <= 116 {
        true => format!("{head} {rules}),\n"),
        false => format!("{head}\n            {rules}),\n"),
    }
}

/// `FieldFlags::A | FieldFlags::B`
pub(super) fn flags(of: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("{of}::{name}")).collect();
    if names.is_empty() { "0".to_owned() } else { names.join(" | ") }
}

fn rules(rules: &Rules) -> String {
    let number = |text: &Option<String>| text.as_ref()?.parse::<f64>().ok();
    let length = |text: &Option<String>| text.as_ref()?.parse::<u32>().ok();
    let mut members = Vec::new();
    for (name, value) in [("min", number(&rules.min)), ("max", number(&rules.max))] {
        members.extend(value.map(|value| format!("{name}: Some({value:?})")));
    }
    let lengths = [("min_length", &rules.min_length), ("max_length", &rules.max_length)];
    for (name, text) in lengths {
        members.extend(length(text).map(|value| format!("{name}: Some({value})")));
    }
    let texts = [
        ("pattern", &rules.pattern),
        ("format", &rules.format),
        ("default", &rules.default),
        ("unit", &rules.unit),
        ("requires", &rules.requires),
    ];
    for (name, text) in texts {
        members.extend(text.as_ref().map(|text| format!("{name}: Some({text:?})")));
    }
    members.extend(availability(&rules.availability).map(|text| format!("availability: {text}")));
    if !rules.values.is_empty() {
        let value = |(value, when): &(String, Availability)| {
            format!("({value:?}, {})", availability(when).unwrap_or_default())
        };
        let values: Vec<String> = rules.values.iter().map(value).collect();
        members.push(format!("values: &[{}]", values.join(", ")));
    }
    if let Some((field, values)) = &rules.only_with {
        members.push(format!("only_with: Some(({field:?}, &{values:?}))"));
    }
    members.push("..Rules::NONE".to_owned());
    format!("&Rules {{ {} }}", members.join(", "))
}

/// The runtime's description of when something is there; nothing if always.
pub(super) fn availability(availability: &Availability) -> Option<String> {
    let release = |text: &String| {
        let mut numbers = text.split(['.', '-']).map(|part| part.parse::<u16>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        format!("Release({}, {}, {})", next(), next(), next())
    };
    let pair =
        |(with, without): &(String, String)| format!("{}, {}", release(with), release(without));
    let (since, until) = (availability.since.as_ref(), availability.until.as_ref());
    Some(match (since.map(pair), until.map(pair)) {
        (Some(since), Some(until)) => format!("Availability::between({since}, {until})"),
        (Some(since), None) => format!("Availability::since({since})"),
        (None, Some(until)) => format!("Availability::until({until})"),
        (None, None) => return None,
    })
}

/// `since 9.1`, for people; nothing if always.
pub(super) fn when(availability: &Availability) -> Option<String> {
    // Which patch brought it is not known: not every release is described.
    let line =
        |(release, _): &(String, String)| release.split('.').take(2).collect::<Vec<_>>().join(".");
    let (since, until) = (availability.since.as_ref(), availability.until.as_ref());
    match (since.map(line), until.map(line)) {
        (Some(since), Some(until)) => Some(format!("from {since} to {until}")),
        (Some(since), None) => Some(format!("since {since}")),
        (None, Some(until)) => Some(format!("up to {until}")),
        (None, None) => None,
    }
}

/// The line above a field: its wire name and what is known about its values.
pub(super) fn doc(field: &Field) -> String {
    let mut line = format!(" `{}`", field.wire);
    let rules = &field.rules;
    let range = match (&rules.min, &rules.max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("at least {min}")),
        (None, Some(max)) => Some(format!("at most {max}")),
        (None, None) => None,
    };
    let format = rules.format.as_ref().map(|format| format!("`{format}`"));
    let default = rules.default.as_ref().filter(|default| !default.is_empty());
    let default = default.map(|default| format!("default `{}`", default.replace('`', "'")));
    let needs = rules.requires.as_ref().map(|other| format!("only together with `{other}`"));
    let only = rules
        .only_with
        .as_ref()
        .map(|(field, values)| format!("only where `{field}` is {}", values.join(" or ")));
    let values = rules
        .values
        .iter()
        .filter_map(|(value, availability)| Some(format!("`{value}` {}", when(availability)?)));
    let facts =
        [rules.unit.clone(), format, range, default, needs, only, when(&rules.availability)];
    let facts: Vec<String> = facts.into_iter().flatten().chain(values).collect();
    if !facts.is_empty() {
        line.push_str(&format!(": {}", facts.join(", ")));
    }
    match line.chars().count() {
        ..=96 => line,
        _ => line.chars().take(95).chain(['…']).collect(),
    }
}
