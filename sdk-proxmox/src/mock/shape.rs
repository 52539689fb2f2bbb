//! Empty answers of the right kind, for what is not modelled.

use proxbox_runtime::Kind;
use serde_json::{Value, json};

/// The emptiest value of a kind.
pub(crate) fn empty(kind: &Kind) -> Value {
    match kind {
        Kind::List(_) | Kind::Page(_) => json!([]),
        Kind::Record(_) | Kind::Map | Kind::Indexed(_) => json!({}),
        Kind::Text | Kind::Property(_) => json!(""),
        Kind::Bool | Kind::Int | Kind::Float => json!(0),
        Kind::Enum(values) | Kind::Choice(values) => json!(values.first().unwrap_or(&"")),
        Kind::Null | Kind::Any | Kind::Reference(_) => Value::Null,
    }
}
