//! One schema of the Perl JSON-schema dialect, as OpenAPI 3.0 with `x-proxmox-*` beside it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{typetext, unit};

/// Keywords that are prose or hints for people and are left out.
const PROSE: [&str; 7] = [
    "description",
    "verbose_description",
    "format_description",
    "title",
    "typetext",
    "print_width",
    "renderer",
];

/// Converts a schema; keywords that no rule knows are noted in `unknown`.
pub(super) fn convert(source: &Value, unknown: &mut BTreeSet<String>) -> Value {
    let Some(source) = source.as_object() else {
        return json!({});
    };
    let mut out = Map::new();
    for (keyword, value) in source {
        convert_keyword(keyword, value, source, &mut out, unknown);
    }
    if let Some(required) = required_of(source.get("properties")) {
        out.insert("required".into(), required);
    }
    if let Some(unit) = unit_of(source) {
        out.insert("x-unit".into(), unit.into());
    }
    if out.get("type") == Some(&json!("array")) && !out.contains_key("items") {
        out.insert("items".into(), json!({}));
    }
    if !out.contains_key("x-proxmox-property")
        && out.get("type") == Some(&json!("string"))
        && let Some(property) = text(source, "typetext").and_then(typetext::property_of)
    {
        out.insert("x-proxmox-property".into(), property);
    }
    Value::Object(out)
}

fn convert_keyword(
    keyword: &str,
    value: &Value,
    source: &Map<String, Value>,
    out: &mut Map<String, Value>,
    unknown: &mut BTreeSet<String>,
) {
    match keyword {
        "type" => convert_type(value, out),
        "properties" => {
            let properties = out.entry("properties").or_insert_with(|| json!({}));
            for (name, schema) in value.as_object().into_iter().flatten() {
                properties[name] = convert(schema, unknown);
                unit::add_by_name(name, &mut properties[name]);
            }
        }
        "items" => {
            out.insert("items".into(), convert(value, unknown));
        }
        "oneOf" => {
            let branches = value.as_array().into_iter().flatten();
            let branches: Vec<_> = branches.map(|branch| convert_branch(branch, unknown)).collect();
            out.insert("x-proxmox-one-of".into(), branches.into());
        }
        // PBS and PDM describe the member that tells the branches apart beside them.
        "typeSchema" => {
            if let Some(name) = text(source, "typeProperty") {
                let member = out.entry("properties").or_insert_with(|| json!({}));
                member[name] = convert(value, unknown);
            }
        }
        "typeProperty" => {
            out.insert("x-proxmox-type-property".into(), value.clone());
        }
        "enum" => convert_enum(value, out),
        "minimum" | "maximum" | "min" | "max" => {
            let name = if keyword.starts_with("min") { "minimum" } else { "maximum" };
            if let Some(number) = number(value) {
                out.insert(name.into(), number);
            }
        }
        "minLength" | "maxLength" => {
            if let Some(number) = number(value) {
                out.insert(keyword.into(), number);
            }
        }
        // Perl's, not ECMAScript's as OpenAPI wants.
        "pattern" => {
            out.insert("x-proxmox-pattern".into(), value.clone());
        }
        "format" => convert_format(value, out, unknown),
        "default" => {
            if let Some(default) = default_of(value, source) {
                out.insert("default".into(), default);
            }
        }
        "additionalProperties" => {
            if truthy(value) {
                out.insert("x-proxmox-additional".into(), true.into());
            }
        }
        "requires" | "type-property" | "instance-types" | "alias" | "keyAlias" => {
            let name = keyword.to_lowercase().replace("keyalias", "key-alias");
            out.insert(format!("x-proxmox-{name}"), value.clone());
        }
        "links" => {
            if let Some(field) = child_link(value) {
                out.insert("x-proxmox-identity".into(), field.into());
            }
        }
        // Said by the parent: which of its properties are required, and which is the default.
        "optional" | "default_key" => {}
        prose if PROSE.contains(&prose) => {}
        other => {
            unknown.insert(other.to_owned());
        }
    }
}

fn convert_type(value: &Value, out: &mut Map<String, Value>) {
    match value.as_str() {
        Some("null") => {
            out.insert("x-proxmox-null".into(), true.into());
        }
        Some("any") | None => {}
        Some(other) => {
            out.insert("type".into(), other.into());
        }
    }
}

fn convert_enum(value: &Value, out: &mut Map<String, Value>) {
    // Upstream's order of some enums is random.
    let values: BTreeSet<String> =
        value.as_array().into_iter().flatten().filter_map(plain).collect();
    if !values.is_empty() {
        out.insert("enum".into(), values.into_iter().collect());
    }
}

fn convert_format(value: &Value, out: &mut Map<String, Value>, unknown: &mut BTreeSet<String>) {
    match value {
        Value::String(name) => {
            out.insert("format".into(), name.as_str().into());
        }
        // `type` is a keyword of a schema, or a key of a property string, whose value is an object.
        Value::Object(format) if format.get("type").is_some_and(Value::is_string) => {
            match property_schema(format, unknown) {
                Some(property) => out.insert("x-proxmox-property".into(), property),
                None => out.insert("x-proxmox-list".into(), convert(&format["items"], unknown)),
            };
        }
        Value::Object(keys) => {
            out.insert("x-proxmox-property".into(), property(keys, unknown));
        }
        _ => {}
    }
}

/// A branch of a tagged union; PBS and PDM write its tag as its title.
fn convert_branch(branch: &Value, unknown: &mut BTreeSet<String>) -> Value {
    let mut out = convert(branch, unknown);
    if out.get("x-proxmox-instance-types").is_none()
        && let Some(tag) = branch["title"].as_str()
    {
        out["x-proxmox-instance-types"] = json!([tag]);
    }
    out
}

/// What PBS and PDM write into `format`: a whole schema, of an object or of a list as text.
fn property_schema(format: &Map<String, Value>, unknown: &mut BTreeSet<String>) -> Option<Value> {
    let mut out = convert(&Value::Object(format.clone()), unknown);
    out["properties"].as_object()?;
    if let Some(key) = text(format, "default_key") {
        out["x-proxmox-default-key"] = key.into();
    }
    Some(out)
}

/// A property string's keys as an object schema.
fn property(keys: &Map<String, Value>, unknown: &mut BTreeSet<String>) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|(name, schema)| (name.clone(), convert(schema, unknown))).collect();
    let mut out = json!({"type": "object", "properties": properties});
    let required = keys
        .iter()
        .filter(|(_, schema)| schema.get("alias").is_none())
        .filter(|(_, schema)| !schema.get("optional").is_some_and(truthy))
        .map(|(name, _)| Value::from(name.as_str()))
        .collect::<Vec<_>>();
    if !required.is_empty() {
        out["required"] = required.into();
    }
    let default = keys.iter().find(|(_, schema)| schema.get("default_key").is_some_and(truthy));
    if let Some((name, _)) = default {
        out["x-proxmox-default-key"] = name.as_str().into();
    }
    out
}

fn required_of(properties: Option<&Value>) -> Option<Value> {
    let required: BTreeSet<&str> = properties?
        .as_object()?
        .iter()
        .filter(|(_, schema)| {
            !schema.get("optional").is_some_and(truthy) && !is_conditional(schema)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    (!required.is_empty()).then(|| required.into_iter().collect())
}

/// Whether a member is there for some values of another only: whether it must be given then is said
/// in the branch.
fn is_conditional(schema: &Value) -> bool {
    schema.get("instance-types").is_some()
        || (schema.get("oneOf").is_some() && schema.get("type-property").is_some())
}

/// `links: [{href: "{vmid}"}]` names the field that tells a row from the others.
fn child_link(links: &Value) -> Option<&str> {
    let href = links.as_array()?.iter().find_map(|link| link["href"].as_str())?;
    let name = href.strip_prefix('{')?.strip_suffix('}')?;
    (!name.contains(['{', '}', '/'])).then_some(name)
}

fn unit_of(source: &Map<String, Value>) -> Option<&'static str> {
    if !matches!(text(source, "type"), Some("integer" | "number")) {
        return None;
    }
    text(source, "renderer").and_then(unit::of_renderer).or_else(|| {
        ["description", "verbose_description"]
            .iter()
            .find_map(|keyword| unit::of_prose(text(source, keyword)?))
    })
}

/// A default that is a value of the schema's type; prose about a default is left out.
fn default_of(value: &Value, source: &Map<String, Value>) -> Option<Value> {
    match text(source, "type") {
        Some("boolean") => Some(truthy(value).into()),
        Some("integer" | "number") => number(value),
        _ => plain(value).filter(|text| !text.contains(' ')).map(Value::from),
    }
}

fn text<'a>(source: &'a Map<String, Value>, keyword: &str) -> Option<&'a str> {
    source.get(keyword)?.as_str()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(u8::from(*value).to_string()),
        _ => None,
    }
}

/// Limits are numbers or their text.
fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let whole = text.trim().parse::<i64>().ok().map(Value::from);
            whole.or_else(|| text.trim().parse::<f64>().ok().map(Value::from))
        }
        _ => None,
    }
}

pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "0"),
        _ => false,
    }
}
