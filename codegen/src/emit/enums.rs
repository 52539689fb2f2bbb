//! One enum: a line per value.

use std::collections::BTreeSet;

use crate::ir::Enum;
use crate::names::variant_name;

/// Prints the enum as text: `prettyplease` does not format what is inside a macro.
pub(super) fn emit_enum(one: &Enum) -> String {
    let mut text = format!(
        "proxbox_runtime::open_enum! {{\n    /// One of {} values, or one of a newer release.\n    \
         pub enum {} {{\n",
        one.values.len(),
        one.name
    );
    let mut taken = BTreeSet::new();
    for value in &one.values {
        let mut variant = variant_name(value);
        // Values that differ in case or punctuation alone.
        while !taken.insert(variant.clone()) {
            variant.push('_');
        }
        let label = one.labels.get(value).map(|label| format!(" as {label:?}"));
        let label = label.unwrap_or_default();
        text.push_str(&format!("        {variant} = {value:?}{label},\n"));
    }
    text.push_str("    }\n}\n");
    text
}
