//! One object type: the struct, its schema, its accessors.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::{declared_type, doc, ident, rust_type, value_type};
use super::print::{EmitError, Items, print, wrap};
use super::rows::SharedRows;
use crate::ir::{Field, Presence, Property, Type};

/// What an object type is printed from.
pub(super) struct Shape<'a> {
    pub(super) name: &'a str,
    pub(super) docs: Vec<String>,
    pub(super) fields: &'a [Field],
    pub(super) property: Option<&'a Property>,
    /// Parameters of an operation: sent in their own way, never as JSON by themselves.
    pub(super) is_request: bool,
    /// Whether people fill it: with setters to chain.
    pub(super) has_setters: bool,
    /// Arguments of `new`, in order; no `new` if absent.
    pub(super) required: Option<Vec<&'a Field>>,
}

/// Prints the struct and everything that makes it a record.
pub(super) fn emit_record(
    shape: &Shape<'_>,
    shared: &SharedRows,
    items: &mut Items,
) -> Result<(), EmitError> {
    let name = ident(shape.name);
    let docs = shape.docs.iter().map(|line| format!(" {line}"));
    let members = shape.fields.iter().map(|field| {
        let (doc, name, ty) = (doc(field), ident(&field.rust), declared_type(field));
        quote!(#[doc = #doc] pub #name: #ty)
    });
    // Parameters that must be given are given to `new`; a derived default beside it costs as much to
    // check as all else of them.
    let wants_values = shape.required.as_ref().is_some_and(|required| !required.is_empty());
    let derive = match shape.is_request && wants_values {
        true => quote!(#[derive(Clone)]),
        false => quote!(#[derive(Clone, Default)]),
    };
    items.tokens(quote! {
        #(#[doc = #docs])*
        #derive
        #[non_exhaustive]
        pub struct #name {
            #(#members,)*
            #[doc = " Members that the description does not foresee."]
            pub extra: BTreeMap<String, Value>,
        }
    })?;
    let new = match &shape.required {
        Some(required) => print(emit_new(shape, required))?,
        None => String::new(),
    };
    items.verbatim(&schema(shape, shared, &new));
    if shape.has_setters {
        items.verbatim(&setters(shape));
    }
    items.verbatim(&accessors(shape));
    items.defined.insert(shape.name.to_owned());
    let mentioned = shape.fields.iter().filter_map(|field| field.ty.names());
    items.mentioned.extend(mentioned.map(str::to_owned));
    Ok(())
}

/// The schema, one line per field: `prettyplease` would spread each row over many.
fn schema(shape: &Shape<'_>, shared: &SharedRows, new: &str) -> String {
    let name = shape.name;
    let rows: String = shape.fields.iter().map(|field| shared.row(field)).collect();
    let rows = if rows.is_empty() { "&[]".to_owned() } else { format!("&[\n{rows}    ]") };
    let new: String = new.lines().map(|line| format!("    {line}\n")).collect();
    let schema = match shape.property {
        None => format!("Schema::new({name:?}, {rows})"),
        Some(property) => {
            format!("Schema::property({name:?}, {rows}, {})", property_rules(property))
        }
    };
    format!(
        "impl {name} {{\n    /// The fields and what is known about them.\n    \
         pub const SCHEMA: &'static Schema = &{schema};\n{new}}}\n"
    )
}

fn property_rules(property: &Property) -> String {
    let default_key = &property.default_key;
    let aliases: Vec<String> =
        property.aliases.iter().map(|(spelling, key)| format!("({spelling:?}, {key:?})")).collect();
    let key_aliases: Vec<String> = property
        .key_aliases
        .iter()
        .map(|(spelling, name, value)| format!("({spelling:?}, {name:?}, {value:?})"))
        .collect();
    format!(
        "&PropertyRules {{\n        default_key: {default_key:?},\n        \
         aliases: &[{}],\n        key_aliases: &[{}],\n    }}",
        aliases.join(", "),
        key_aliases.join(", ")
    )
}

fn emit_new(shape: &Shape<'_>, required: &[&Field]) -> TokenStream {
    let arguments = required.iter().map(|field| {
        let (name, ty) = (ident(&field.rust), value_type(field));
        match field.ty {
            Type::Text => quote!(#name: impl Into<String>),
            Type::Property(_) | Type::Reference(_) => quote!(#name: impl Into<#ty>),
            _ => quote!(#name: #ty),
        }
    });
    let values = required.iter().map(|field| {
        let name = ident(&field.rust);
        let value = match field.ty {
            Type::Text | Type::Property(_) | Type::Reference(_) => quote!(#name.into()),
            _ => quote!(#name),
        };
        match field.presence {
            Presence::Plain if value.to_string() == field.rust => quote!(#name),
            Presence::Plain => quote!(#name: #value),
            Presence::Optional => quote!(#name: Some(#value)),
            Presence::Patch => quote!(#name: Patch::Set(#value)),
        }
    });
    let given = |field: &&Field| required.iter().any(|one| one.wire == field.wire);
    let unset = shape.fields.iter().filter(|field| !given(field)).map(|field| {
        let name = ident(&field.rust);
        match field.ty {
            Type::Indexed(_) => quote!(#name: Indexed::default()),
            _ => quote!(#name: None),
        }
    });
    let rest = match shape.is_request {
        true => quote!(#(#unset,)* extra: BTreeMap::new()),
        false => quote!(..Self::default()),
    };
    quote! {
        #[doc = " With everything that must be given."]
        pub fn new(#(#arguments),*) -> Self {
            Self { #(#values,)* #rest }
        }
    }
}

/// Names that a setter would hide.
const INHERENT: [&str; 12] = [
    "bare", "clone", "default", "extra", "into", "keep", "new", "op", "request", "schema", "slot",
    "view",
];

/// A setter per field that `new` does not ask for.
fn setters(shape: &Shape<'_>) -> String {
    let given = |field: &&Field| {
        shape.required.iter().flatten().any(|required| required.wire == field.wire)
    };
    let fields = shape.fields.iter().filter(|field| {
        !given(field)
            && !INHERENT.contains(&field.rust.as_str())
            && !field.flags.contains(&"READ_ONLY")
    });
    let mut sections = [("optional", Vec::new()), ("patch", Vec::new()), ("family", Vec::new())];
    for field in fields {
        let (section, ty) = match (&field.ty, field.presence) {
            (Type::Indexed(inner), _) => (2, rust_type(inner)),
            (_, Presence::Optional) => (0, value_type(field)),
            (_, Presence::Patch) => (1, value_type(field)),
            (_, Presence::Plain) => continue,
        };
        let ty = ty.to_string().replace(' ', "").replace(',', ", ");
        sections[section].1.push(format!("{}: {ty}", field.rust));
    }
    let mut text = String::new();
    for (name, fields) in sections.iter().filter(|(_, fields)| !fields.is_empty()) {
        let fields = wrap(fields.iter().map(String::as_str));
        text.push_str(&format!("    {name} {{\n{fields}    }}\n"));
    }
    match text.is_empty() {
        true => text,
        false => format!("proxbox_runtime::setters! {{ {} {{\n{text}}} }}\n", shape.name),
    }
}

/// The fields in the order of the schema.
fn accessors(shape: &Shape<'_>) -> String {
    let fields = shape.fields.iter().enumerate();
    let fields: Vec<String> =
        fields.map(|(index, field)| format!("{index} {}", field.rust)).collect();
    let fields = wrap(fields.iter().map(String::as_str));
    let kind = if shape.is_request { "parameters" } else { "record" };
    format!("proxbox_runtime::{kind}! {{ {} {{\n{fields}}} }}\n", shape.name)
}
