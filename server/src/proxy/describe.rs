//! Operations as the OpenAPI document tells of them, out of the same tables that check them.

use proxbox_runtime::{Field, FieldFlags, Kind, Method, Op, OpFlags};
use serde_json::{Map, Value, json};

use super::guard;

/// The document's paths for operations below `prefix`.
pub(crate) fn paths<'o>(
    prefix: &str,
    tag: &str,
    ops: impl Iterator<Item = &'o Op>,
) -> Map<String, Value> {
    let mut paths = Map::new();
    let mut ops: Vec<&Op> = ops.filter(|op| guard::passable(op).is_ok()).collect();
    ops.sort_by_key(|op| (op.path, op.method));
    for op in ops {
        let item = paths.entry(format!("{prefix}{}", op.path)).or_insert_with(|| json!({}));
        item[op.method.as_str().to_lowercase()] = operation(tag, op);
    }
    paths
}

/// What the query of a read may hold.
pub(crate) fn query_of(op: &Op) -> impl Iterator<Item = Value> {
    let fields = op.params.fields.iter();
    fields.filter(|field| !field.flags.has(FieldFlags::PATH) && !is_family(field)).map(parameter)
}

fn operation(tag: &str, op: &Op) -> Value {
    let words = op.path.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty());
    let id: Vec<&str> = [tag, op.method.as_str()].into_iter().chain(words).collect();
    let scope = match guard::writes(op) {
        true => format!("proxy:write:{} {}", op.method, op.path),
        false => "proxy:read".to_owned(),
    };
    let in_query = matches!(op.method, Method::Get | Method::Delete);
    let (query, body): (Vec<&Field>, Vec<&Field>) =
        op.params.fields.iter().partition(|field| in_query || field.flags.has(FieldFlags::PATH));
    let parameters = query.into_iter().filter(|field| !is_family(field)).map(parameter);
    let parameters: Vec<Value> =
        parameters.chain([json!({ "$ref": "#/components/parameters/endpoint" })]).collect();
    let mut told = json!({
        "operationId": id.join("_").to_lowercase(),
        "tags": [tag], "summary": op.to_string(), "parameters": parameters,
        "security": [{ "key": [scope] }],
        "responses": {
            "200": {
                "description": "As Proxmox answers",
                "content": { "application/json": { "schema": envelope(op) } },
            },
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    if !body.is_empty() || op.flags.has(OpFlags::UPLOAD) {
        told["requestBody"] = request_body(op, &body);
    }
    if op.availability != proxbox_runtime::Availability::ALWAYS {
        told["x-proxmox-availability"] = op.availability.to_string().into();
    }
    told
}

fn is_family(field: &Field) -> bool {
    matches!(field.kind, Kind::Indexed(_))
}

fn parameter(field: &Field) -> Value {
    let in_path = field.flags.has(FieldFlags::PATH);
    json!({
        "name": field.name, "in": if in_path { "path" } else { "query" },
        "required": in_path || field.flags.has(FieldFlags::REQUIRED), "schema": schema(field),
    })
}

fn request_body(op: &Op, fields: &[&Field]) -> Value {
    let mut properties = Map::new();
    let mut families = Map::new();
    for field in fields {
        match field.name.strip_suffix("[n]") {
            Some(prefix) => families.insert(format!("^{prefix}[0-9]+$"), schema(field)),
            None => properties.insert(field.name.to_owned(), schema(field)),
        };
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.flags.has(FieldFlags::REQUIRED) && !is_family(field))
        .map(|field| field.name)
        .collect();
    // What an operation does not have is refused.
    let mut object =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !families.is_empty() {
        object["patternProperties"] = families.into();
    }
    if !required.is_empty() {
        object["required"] = required.clone().into();
    }
    let kinds: &[&str] = match op.flags.has(OpFlags::UPLOAD) {
        true => &["multipart/form-data"],
        false => &["application/json", "application/x-www-form-urlencoded"],
    };
    let content: Map<String, Value> =
        kinds.iter().map(|kind| ((*kind).to_owned(), json!({ "schema": object }))).collect();
    json!({ "required": !required.is_empty(), "content": content })
}

fn schema(field: &Field) -> Value {
    let mut schema = of_kind(&field.kind);
    let Some(members) = schema.as_object_mut() else { return schema };
    let rules = field.rules;
    let number = |value: f64| match value.fract() == 0.0 && value.abs() < 9e15 {
        true => Value::from(value as i64),
        false => Value::from(value),
    };
    let told = [
        ("minimum", rules.min.map(number)),
        ("maximum", rules.max.map(number)),
        ("minLength", rules.min_length.map(Value::from)),
        ("maxLength", rules.max_length.map(Value::from)),
        (pattern_word(rules.pattern), rules.pattern.map(Value::from)),
        ("format", rules.format.map(Value::from)),
        ("x-unit", rules.unit.map(Value::from)),
    ];
    members.extend(told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    if field.flags.has(FieldFlags::SECRET) {
        members.insert("writeOnly".into(), true.into());
    }
    schema
}

/// Patterns of Perl that a reader of JSON Schema cannot use have a name of their own.
fn pattern_word(pattern: Option<&str>) -> &'static str {
    let plain = |pattern: &str| {
        let mut groups = pattern.match_indices("(?").map(|(at, _)| &pattern[at + 2..]);
        !pattern.contains("[:") && groups.all(|group| group.starts_with([':', '=', '!']))
    };
    if pattern.is_none_or(plain) { "pattern" } else { "x-perl-pattern" }
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Null => json!({ "type": "null" }),
        // Proxmox says 1 and 0.
        Kind::Bool => json!({ "type": ["boolean", "integer"] }),
        Kind::Int => json!({ "type": "integer" }),
        Kind::Float => json!({ "type": "number" }),
        Kind::Text | Kind::Property(_) => json!({ "type": "string" }),
        Kind::Enum(values) if !values.is_empty() => json!({ "type": "string", "enum": values }),
        Kind::Enum(_) => json!({ "type": "string" }),
        Kind::Indexed(inner) => of_kind(inner),
        Kind::List(inner) => json!({ "type": "array", "items": of_kind(inner) }),
        Kind::Record(_) | Kind::Map => json!({ "type": "object" }),
        _ => json!({}),
    }
}

/// What an answer holds, as far as servers keep to it: types of single values are left out, because
/// releases differ in them.
fn envelope(op: &Op) -> Value {
    let data = match op.returns {
        Kind::List(_) => json!({ "type": ["array", "null"] }),
        Kind::Record(_) | Kind::Map => json!({ "type": ["object", "array", "null"] }),
        _ => json!({}),
    };
    json!({ "type": "object", "properties": { "data": data } })
}

#[cfg(test)]
mod tests {
    use sdk_proxmox::Product;

    use super::super::table::api_of;
    use super::*;

    #[test]
    fn a_call_is_told_with_its_rules() {
        let paths = paths("/proxmox/api2/json", "pve", api_of(Product::Pve).ops());
        let start = &paths["/proxmox/api2/json/nodes/{node}/qemu/{vmid}/status/start"]["post"];
        assert_eq!(start["parameters"][1]["schema"]["minimum"], 100);
        let timeout = "/requestBody/content/application~1json/schema/properties/timeout/minimum";
        assert_eq!(start.pointer(timeout), Some(&0.into()));
        assert!(!paths.contains_key("/proxmox/api2/json/access/ticket"));
        let open = "/requestBody/content/application~1json/schema/additionalProperties";
        assert_eq!(start.pointer(open), Some(&false.into()));
        for (pattern, word) in [
            ("^[a-z]+(?:-[a-z]+)*$", "pattern"),
            ("^[[:^cntrl:]]*$", "x-perl-pattern"),
            ("(?i:a)", "x-perl-pattern"),
            ("(?P<name>a)", "x-perl-pattern"),
        ] {
            assert_eq!(pattern_word(Some(pattern)), word, "{pattern}");
        }
    }
}
