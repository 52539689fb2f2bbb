//! One collection's filters.

use proc_macro2::TokenStream;
use quote::quote;

use super::call::collection;
use super::field::{availability, ident, when};
use crate::ir::Op;
use crate::names::const_name;

/// Prints the module of a list's filters.
pub(super) fn emit_filters(op: &Op) -> TokenStream {
    let module = ident(&collection(op));
    let doc = format!(" Filters of `{}`.", op.path);
    let constants = op.filters.iter().map(|filter| {
        let (name, ty, wire) =
            (ident(&const_name(&filter.name)), ident(filter.lookups), &filter.name);
        let when = when(&filter.availability).map(|when| format!(": {when}")).unwrap_or_default();
        let doc = format!(" `{wire}`{when}");
        let only = availability(&filter.availability).and_then(|text| text.parse().ok());
        let only = only.map(|text: TokenStream| quote!(.only(#text)));
        quote!(#[doc = #doc] pub const #name: #ty = #ty::new(#wire)#only;)
    });
    let rows = op.filters.iter().map(|filter| {
        let name = ident(&const_name(&filter.name));
        quote!(#name.field())
    });
    quote! {
        #[doc = #doc]
        pub mod #module {
            use proxbox_runtime::*;
            #(#constants)*
            #[doc = " All of them."]
            pub const ALL: &[QueryField] = &[#(#rows),*];
        }
    }
}
