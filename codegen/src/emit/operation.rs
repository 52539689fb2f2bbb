//! One Proxmox operation: a struct of its parameters that knows how it is called.

use proc_macro2::TokenStream;
use quote::quote;

use super::field::{flags, kind, rust_type};
use super::print::{EmitError, Items};
use super::record::{Shape, emit_record};
use super::rows::SharedRows;
use crate::ir::{Field, Op, Type};
use crate::names::type_name;

/// The operation's Rust name.
pub(super) fn op_name(op: &Op) -> String {
    type_name(&op.id)
}

/// Prints the parameters as a record and the operation on it.
pub(super) fn emit_operation(
    op: &Op,
    viewer: &str,
    shared: &SharedRows,
    items: &mut Items,
) -> Result<(), EmitError> {
    let name = op_name(op);
    let docs = vec![
        format!("`{} {}`", op.method, op.path),
        String::new(),
        format!("[In the API viewer]({viewer}{})", op.path),
    ];
    let required = Some(required(op));
    let (fields, property) = (&op.params, None);
    let shape = Shape { name: &name, docs, fields, property, is_request: true, required };
    emit_record(&shape, shared, items)?;
    items.mentioned.extend(op.returns.as_ref().and_then(Type::names).map(str::to_owned));
    let method = type_name(&op.method.to_lowercase());
    let flags = flags("OpFlags", &op.flags);
    let returns = op.returns.as_ref().map_or_else(|| "Kind::Null".to_owned(), kind);
    let output = output(op.returns.as_ref()).to_string().replace(' ', "");
    items.verbatim(&format!(
        "proxbox_runtime::operation! {{ {name} -> {output};\n    \
         {method} {:?}, {returns}, {flags}\n}}\n",
        op.path
    ));
    Ok(())
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
fn required(op: &Op) -> Vec<&Field> {
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
