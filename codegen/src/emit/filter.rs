//! One collection's filters.

use proc_macro2::TokenStream;
use quote::quote;

use super::call::collection;
use super::field::ident;
use crate::ir::Op;
use crate::names::const_name;

/// Prints the module of a list's filters.
pub(super) fn emit_filters(op: &Op) -> TokenStream {
    let module = ident(&collection(op));
    let doc = format!(" Filters of `{}`.", op.path);
    let constants = op.filters.iter().map(|filter| {
        let (name, ty, wire) =
            (ident(&const_name(&filter.name)), ident(filter.lookups), &filter.name);
        let doc = format!(" `{wire}`");
        quote!(#[doc = #doc] pub const #name: #ty = #ty::new(#wire);)
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
