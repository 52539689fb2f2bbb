//! One Proxmox operation: a struct of its parameters that knows how it is called.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::{availability, flags, kind, rust_type, when};
use super::print::{EmitError, Items};
use super::record::{Shape, emit_record};
use super::rows::SharedRows;
use crate::ir::{Field, Op, Permission, Type};
use crate::names::type_name;
use crate::product::Product;

/// The operation's Rust name.
pub(super) fn op_name(op: &Op) -> String {
    type_name(&op.id)
}

/// Prints the parameters as a record and the operation on it.
pub(super) fn emit_operation(
    op: &Op,
    product: Product,
    shared: &SharedRows,
    items: &mut Items,
) -> Result<(), EmitError> {
    let name = op_name(op);
    let (fields, required) = (&op.params, Some(required(op)));
    let docs = docs(op, product);
    let shape = Shape {
        name: &name,
        docs,
        fields,
        property: None,
        is_request: true,
        has_setters: true,
        required,
    };
    emit_record(&shape, shared, items)?;
    items.mentioned.extend(op.returns.as_ref().and_then(Type::names).map(str::to_owned));
    let method = type_name(&op.method.to_lowercase());
    let flags = flags("OpFlags", &op.flags);
    let returns = op.returns.as_ref().map_or_else(|| "Kind::Null".to_owned(), kind);
    let output = output(op.returns.as_ref()).to_string().replace(' ', "");
    let permission =
        op.permission.as_ref().map_or_else(|| "Permission::Told".to_owned(), permission);
    let when =
        availability(&op.availability).map(|text| format!(";\n    {text}")).unwrap_or_default();
    items.verbatim(&format!(
        "proxbox_runtime::operation! {{ {name} -> {output};\n    \
         {method} {:?}, {returns}, {flags};\n    {permission}{when}\n}}\n",
        op.path
    ));
    Ok(())
}

/// The runtime's form of a permission.
pub(super) fn permission(permission: &Permission) -> String {
    let parts = |name: &str, parts: &[Permission]| {
        let parts: Vec<String> = parts.iter().map(self::permission).collect();
        format!("Permission::{name}(&[{}])", parts.join(", "))
    };
    match permission {
        Permission::Root => "Permission::Root".to_owned(),
        Permission::World => "Permission::World".to_owned(),
        Permission::User => "Permission::User".to_owned(),
        Permission::Itself => "Permission::Itself".to_owned(),
        Permission::Told => "Permission::Told".to_owned(),
        Permission::Privileges { path, privileges, one } => {
            let name = if *one { "OneOn" } else { "On" };
            format!("Permission::{name}({path:?}, &{privileges:?})")
        }
        Permission::Group(privileges) => format!("Permission::Group(&{privileges:?})"),
        Permission::Realm(privilege) => format!("Permission::Realm({privilege:?})"),
        Permission::Modify(path) => format!("Permission::Modify({path:?})"),
        Permission::All(all) => parts("All", all),
        Permission::Any(any) => parts("Any", any),
    }
}

/// What people should know before they call it.
fn docs(op: &Op, product: Product) -> Vec<String> {
    let mut docs = vec![format!("`{} {}`", op.method, op.path), String::new()];
    let mut facts = Vec::new();
    if let Some(permission) = &op.permission {
        facts.push(format!("Needs {}.", in_words(permission)));
    }
    if let Some(when) = when(&op.availability) {
        facts.push(format!("{} {when}.", product.short()));
    }
    let has = |flag: &str| op.flags.contains(&flag);
    let errors = [
        ("NO_TOKEN", "Refused with 403 for API tokens: it needs a ticket."),
        ("PROXIED", "Answered by the node of the path: 595 or 596 when that cannot be reached."),
        ("DOWNLOAD", "May answer with a file instead of JSON."),
        ("UPLOAD", "Takes a file, sent as `multipart/form-data`."),
        ("UNSTABLE", "Upstream may change it without notice."),
    ];
    facts.extend(errors.iter().filter(|(flag, _)| has(flag)).map(|(_, text)| (*text).to_owned()));
    for fact in facts {
        docs.extend(wrap_prose(&fact));
    }
    if let Some(viewer) = product.viewer() {
        docs.extend([String::new(), format!("[In the API viewer]({viewer}{})", op.path)]);
    }
    docs
}

/// A permission as rustdoc shows it; paths are code.
fn in_words(permission: &Permission) -> String {
    let joined = |parts: &[Permission], word: &str| {
        let parts: Vec<String> = parts.iter().map(in_words).collect();
        format!("({})", parts.join(word))
    };
    match permission {
        Permission::Root => "`root@pam`".to_owned(),
        Permission::World => "no login".to_owned(),
        Permission::User => "a login".to_owned(),
        Permission::Itself => "to be the user that it is about".to_owned(),
        Permission::Told => "what the viewer's text says".to_owned(),
        Permission::Privileges { path, privileges, one } => {
            let word = if *one { " or " } else { " and " };
            format!("{} on `{path}`", privileges.join(word))
        }
        Permission::Group(privileges) => {
            format!("{} on a group of the user", privileges.join(" or "))
        }
        Permission::Realm(privilege) => format!("{privilege} on the user's realm"),
        Permission::Modify(path) => format!("the right to change permissions on `{path}`"),
        Permission::All(all) => joined(all, " and "),
        Permission::Any(any) => joined(any, " or "),
    }
}

/// Lines of at most 96 columns.
fn wrap_prose(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + word.len() > 94 {
            lines.push(word.to_owned());
        } else {
            let space = if lines[last].is_empty() { "" } else { " " };
            lines[last].push_str(&format!("{space}{word}"));
        }
    }
    lines
}

/// The type of an answer. Scalars may be null, and what answers nothing may answer a task's id.
pub(super) fn output(returns: Option<&Type>) -> TokenStream {
    match returns {
        None => quote!(Value),
        Some(ty @ (Type::Bool | Type::Int | Type::Float | Type::Text | Type::Enum(_))) => {
            let ty = rust_type(ty);
            quote!(Option<#ty>)
        }
        Some(ty) => rust_type(ty),
    }
}

/// Parameters of the path in its order, then the other required ones.
pub(super) fn required(op: &Op) -> Vec<&Field> {
    let of_path = op.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        op.params.iter().find(|field| field.wire == name)
    });
    let others = op.params.iter().filter(|field| {
        field.flags.contains(&"REQUIRED")
            && !field.flags.contains(&"PATH")
            && !matches!(field.ty, Type::Indexed(_))
    });
    of_path.chain(others).collect()
}
