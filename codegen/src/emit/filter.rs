//! One collection's filters.

use proc_macro2::TokenStream;
use quote::quote;

use super::call::collection;
use super::field::{availability, ident, when};
use crate::ir::{Availability, Op};
use crate::names::const_name;

/// `.limited(&[("any", …)])`, where operators came later than the filter.
fn limited(lookups: &[(String, Availability)]) -> Option<TokenStream> {
    let rows = lookups.iter().map(|(lookup, when)| {
        let when = availability(when).unwrap_or_else(|| "Availability::ALWAYS".to_owned());
        format!("({lookup:?}, {when})")
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    (!rows.is_empty()).then(|| format!(".limited(&[{rows}])").parse().ok()).flatten()
}

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
        let limited = limited(&filter.limited);
        quote!(#[doc = #doc] pub const #name: #ty = #ty::new(#wire)#only #limited;)
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
