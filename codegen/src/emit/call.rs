//! One NetBox operation: a typed handle.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::{availability, flags, kind, rust_type, schema_row, when};
use super::print::Items;
use crate::ir::{Op, Type};
use crate::names::{const_name, field_name, type_name};

/// The handle's name: the operation's id without the app that its file stands for.
pub(super) fn handle_name(op: &Op) -> String {
    let id = op.id.strip_prefix(&format!("{}_", op.group)).unwrap_or(&op.id);
    const_name(id)
}

/// The module of a collection's filters: the id of its list without app and verb.
pub(super) fn collection(op: &Op) -> String {
    let id = op.id.strip_prefix(&format!("{}_", op.group)).unwrap_or(&op.id);
    field_name(id.strip_suffix("_list").unwrap_or(id))
}

/// The handle and the description behind it.
pub(super) fn emit_call(op: &Op, items: &mut Items) {
    let (name, path) = (handle_name(op), &op.path);
    let method = type_name(&op.method.to_lowercase());
    let body_type = op.body.as_ref().map_or_else(|| "()".to_owned(), |ty| text(body_type(ty)));
    let answer = op.returns.as_ref().map_or_else(|| "Value".to_owned(), |ty| text(rust_type(ty)));
    let body = op.body.as_ref().map_or_else(|| "Kind::Null".to_owned(), kind);
    let returns = op.returns.as_ref().map_or_else(|| "Kind::Null".to_owned(), kind);
    let (params, flags) = (params(op), flags("OpFlags", &op.flags));
    let filters = match op.filters.is_empty() {
        true => "&[]".to_owned(),
        false => format!("crate::filters::{}::{}::ALL", op.group, collection(op)),
    };
    let mut head = format!("pub const {name}: Call<{body_type}, {answer}> = Call::new(&Op {{");
    if head.len() > 100 {
        head = format!(
            "pub const {name}: Call<\n    {body_type},\n    {answer},\n> = Call::new(&Op {{"
        );
    }
    let only = availability(&op.availability);
    let only = only.map(|text| format!("    availability: {text},\n")).unwrap_or_default();
    items.verbatim(&format!(
        "{}{head}\n    \
         method: Method::{method}, path: {path:?}, flags: OpFlags({flags}),\n    \
         params: {params}, filters: {filters},\n    body: {body},\n    returns: {returns},\n{only}    \
         ..Op::PLAIN\n}});\n",
        docs(op)
    ));
}

fn docs(op: &Op) -> String {
    let mut text = format!("/// `{} {}`\n", op.method, op.path);
    let mut facts = Vec::new();
    facts.extend(when(&op.availability).map(|when| format!("NetBox {when}.")));
    match (op.method.as_str(), &op.body) {
        ("DELETE", Some(Type::List(_))) => {
            facts.push(
                "All of them are deleted, or none: an object in use refuses with 409.".into(),
            );
        }
        (_, Some(Type::List(_))) => {
            facts.push("All of them are written, or none; errors come per object.".into());
        }
        ("POST", Some(_)) if op.flags.contains(&"BULK") => {
            facts.push("Takes one object or a list of them.".into());
        }
        _ => {}
    }
    if !facts.is_empty() {
        text.push_str("///\n");
        facts.iter().for_each(|fact| text.push_str(&format!("/// {fact}\n")));
    }
    text
}

fn text(tokens: TokenStream) -> String {
    tokens.to_string().replace(' ', "").replace(',', ", ")
}

fn body_type(ty: &Type) -> TokenStream {
    match ty {
        Type::List(inner) => {
            let inner = rust_type(inner);
            quote!(Vec<#inner>)
        }
        ty => rust_type(ty),
    }
}

fn params(op: &Op) -> String {
    match &op.params[..] {
        [] => "crate::NO_PARAMS".to_owned(),
        [id] if id.wire == "id" => "crate::ID".to_owned(),
        params => {
            let rows: String = params.iter().map(schema_row).collect();
            format!("&Schema::new(\"Path\", &[\n{rows}    ])")
        }
    }
}
