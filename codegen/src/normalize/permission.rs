//! Who may call an operation: two dialects, one form.
//!
//! `{"user": "all"}`, or a tree of `all` and `any` over `{"path", "privileges", "any"}` and the rules
//! that depend on the caller: `{"self": "userid"}`, `{"group": ["User.Modify"]}`. Prose that says
//! more is noted as `"more": true`.

use serde_json::{Map, Value, json};

use super::schema::truthy;

/// The one form of what a description says about permissions.
pub(super) fn convert(source: &Value) -> Value {
    let mut out = Map::new();
    for (keyword, value) in source.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "user" | "userParam" => {
                let keyword = if keyword == "user" { "user" } else { "self" };
                out.insert(keyword.into(), value.clone());
            }
            "check" => out.extend(check(value)),
            "and" | "or" => {
                let parts: Vec<Value> = list(value).map(convert).collect();
                let keyword = if keyword == "and" { "all" } else { "any" };
                out.insert(keyword.into(), parts.into());
            }
            // What the text adds cannot be checked: that there is one is a fact.
            "description" => {
                out.insert("more".into(), true.into());
            }
            other => {
                out.insert(other.into(), value.clone());
            }
        }
    }
    out.into()
}

/// A check in prefix form, or PBS's and PDM's object.
fn check(value: &Value) -> Map<String, Value> {
    if let Some(members) = value.as_object() {
        let segments: Vec<&str> =
            list(&value["path"]).filter_map(Value::as_str).filter(|s| !s.is_empty()).collect();
        let path = format!("/{}", segments.join("/"));
        let any = members.get("partial").is_some_and(truthy);
        return object(json!({"path": path, "privileges": value["privs"], "one": any}));
    }
    let parts: Vec<&Value> = list(value).collect();
    let [head, rest @ ..] = &parts[..] else { return Map::new() };
    match (head.as_str().unwrap_or_default(), rest) {
        (word @ ("and" | "or"), rest) => {
            let parts: Vec<Value> = rest.iter().map(|part| check(part).into()).collect();
            let keyword = if word == "and" { "all" } else { "any" };
            object(json!({ keyword: parts }))
        }
        ("perm", [path, privileges, options @ ..]) => {
            let any = options
                .chunks(2)
                .any(|pair| pair[0] == "any" && pair.get(1).is_some_and(|v| truthy(v)));
            object(json!({"path": path, "privileges": privileges, "one": any}))
        }
        ("perm-modify", [path, ..]) => object(json!({"modify": path})),
        ("userid-param", [what, ..]) if *what == "self" => object(json!({"self": "userid"})),
        ("userid-param", [what, ..]) => object(json!({"realm": what})),
        ("userid-group", [privileges, ..]) => object(json!({"group": privileges})),
        (other, rest) => object(json!({ other: rest })),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::convert;

    #[test]
    fn both_dialects_become_one_form() {
        let perl = json!({"description": "…", "check":
            ["or", ["perm", "/vms/{vmid}", ["VM.Audit", "VM.Config"], "any", 1], ["userid-param", "self"]]});
        assert_eq!(
            convert(&perl),
            json!({"more": true, "any": [
                {"path": "/vms/{vmid}", "privileges": ["VM.Audit", "VM.Config"], "one": true},
                {"self": "userid"}]})
        );
        let rust = json!({"or": [
            {"check": {"partial": false, "path": ["access", "users"], "privs": ["Sys.Audit"]}},
            {"userParam": "userid"}]});
        assert_eq!(
            convert(&rust),
            json!({"any": [
                {"path": "/access/users", "privileges": ["Sys.Audit"], "one": false},
                {"self": "userid"}]})
        );
        assert_eq!(convert(&json!({"user": "all"})), json!({"user": "all"}));
    }
}
