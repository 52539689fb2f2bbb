//! Corrections of what upstream publishes: each named, with its evidence, and an error once it no
//! longer applies.

use serde_json::Value;
use thiserror::Error;

use crate::product::Product;
use crate::spec::METHODS;

/// A correction whose reason is gone.
#[derive(Debug, Clone, Error)]
#[error(
    "the correction `{name}` of {product} no longer applies: remove it from codegen/src/fixups.rs"
)]
pub struct Stale {
    /// The correction.
    pub name: &'static str,
    /// The product it is for.
    pub product: Product,
}

/// Corrects the joined document of a product. A single release has no history to correct.
pub fn apply(product: Product, spec: &mut Value, releases: usize) -> Result<(), Stale> {
    match product {
        Product::Netbox if releases > 1 => shaping_is_older_than_its_description(spec)
            .then_some(())
            .ok_or(Stale { name: "shaping_is_older_than_its_description", product }),
        Product::Pdm => an_envelope_is_no_answer(spec)
            .then_some(())
            .ok_or(Stale { name: "an_envelope_is_no_answer", product }),
        _ => Ok(()),
    }
}

/// PDM describes the log of a task with the envelope around it (`data`, `success`, `total`), and the
/// list in it as one of its lines; what it sends is what the other products send
/// (`proxmox-rest-server`, `formatter.rs`: `data` is the answer).
fn an_envelope_is_no_answer(spec: &mut Value) -> bool {
    let mut applied = false;
    for item in spec["paths"].as_object_mut().into_iter().flatten().map(|(_, item)| item) {
        let Some(operation) = item.get_mut("get") else { continue };
        let schema = &mut operation["responses"]["200"]["content"]["application/json"]["schema"];
        let envelope = ["data", "success", "total"];
        if envelope.iter().all(|name| schema["properties"].get(name).is_some()) {
            let line = schema["properties"]["data"].clone();
            *schema = serde_json::json!({"type": "array", "items": line});
            applied = true;
        }
    }
    applied
}

/// NetBox lists `brief`, `fields` and `omit` among the parameters of its lists since 4.6 only. It reads
/// `fields` since 4.0 (netbox#15087), `omit` since 4.5.2 (netbox#21244), `brief` for much longer.
fn shaping_is_older_than_its_description(spec: &mut Value) -> bool {
    let mut applied = false;
    for item in spec["paths"].as_object_mut().into_iter().flatten().map(|(_, item)| item) {
        for method in METHODS {
            let operation = item.get_mut(method);
            let parameters = operation.and_then(|op| op.get_mut("parameters"));
            for parameter in parameters.and_then(Value::as_array_mut).into_iter().flatten() {
                let shapes =
                    matches!(parameter["name"].as_str(), Some("brief" | "fields" | "omit"));
                let schema = parameter.get_mut("schema").and_then(Value::as_object_mut);
                if let (true, Some(schema)) = (shapes, schema) {
                    applied |= schema.remove("x-since").is_some();
                    schema.remove("x-after");
                }
            }
        }
    }
    applied
}
