//! Values as JSON, for plans and for what is remembered of objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::draft::is_stamp;
use super::{Action, Deed, Did, Fields, Key, Kind, Mode, Operation, Ref, Shape, Value};
use crate::part::Part;

/// Fields by name.
pub fn fields_to_json(fields: &Fields) -> Map<String, Json> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), to_json(value))).collect()
}

/// Fields by name; what the kind does not have is left out.
pub fn fields_from_json(kind: Kind, members: &Map<String, Json>) -> Fields {
    let known = kind.fields().iter().filter_map(|rule| {
        let json = members.get(rule.name)?;
        Some((rule.name, from_json(rule.shape, json)?))
    });
    known.collect()
}

/// An operation with what it changes, from what and why.
pub fn operation_to_json(operation: &Operation) -> Json {
    let (action, id) = match &operation.action {
        Action::Create => ("create", None),
        Action::Update(target) => ("update", target.id()),
        Action::Delete(id) => ("delete", Some(*id)),
    };
    json!({
        "stage": operation.stage.name(),
        "kind": operation.key.kind.model(),
        "path": operation.key.path,
        "label": operation.label,
        "part": operation.part.name(),
        "action": action,
        "reason": operation.reason.code(),
        "id": id,
        "before": fields_to_json(&operation.before),
        "after": fields_to_json(&operation.after),
    })
}

/// What was done to the object with this id, from an operation as it was written.
pub fn did_from_json(operation: &Json, id: i64) -> Option<Did> {
    let text = |name: &str| operation[name].as_str();
    let kind = Kind::from_model(text("kind")?)?;
    let deed = match text("action")? {
        "create" => Deed::Created,
        "update" => Deed::Updated,
        "delete" => Deed::Deleted,
        _ => return None,
    };
    let fields =
        |name: &str| operation[name].as_object().map(|members| fields_from_json(kind, members));
    Some(Did {
        key: Key::new(kind, text("path")?),
        label: text("label")?.to_owned(),
        part: Part::from_name(text("part")?)?,
        deed,
        id,
        before: fields("before")?,
        after: fields("after")?,
    })
}

/// An operation as it was written, without by which run and when.
pub fn lasting(operation: &Json) -> Json {
    let mut operation = operation.clone();
    let kind = operation["kind"].as_str().and_then(Kind::from_model);
    let stamps = kind.into_iter().flat_map(Kind::fields);
    let stamps: Vec<&str> =
        stamps.filter(|rule| rule.mode == Mode::Stamp).map(|rule| rule.name).collect();
    for side in ["before", "after"] {
        let Some(fields) = operation.get_mut(side).and_then(Json::as_object_mut) else { continue };
        fields.retain(|name, _| !stamps.contains(&name.as_str()));
        if let Some(Json::Object(custom)) = fields.get_mut("custom_fields") {
            custom.retain(|name, _| !is_stamp(name));
        }
    }
    operation
}

/// What an operation is about: `update of virtualization.virtualmachine lab/100`.
pub fn in_words(operation: &Json) -> String {
    let text = |name: &str| operation[name].as_str().unwrap_or("?");
    format!("{} of {} {}", text("action"), text("kind"), text("path"))
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Hundredths(value) => json!(*value as f64 / 100.0),
        Value::Text(text) => json!(text),
        Value::Ref(reference) => reference_to_json(reference),
        Value::Refs(references) => references.iter().map(reference_to_json).collect(),
        Value::Set(names) => json!(**names),
        Value::Custom(values) => json!(values),
        Value::Json(json) => json.clone(),
    }
}

/// An id, or the kind and path of an object that the plan creates.
pub fn reference_to_json(reference: &Ref) -> Json {
    match reference {
        Ref::Id(id) => json!({ "id": id }),
        Ref::New(key) => json!({ "new": key.kind.model(), "path": key.path }),
    }
}

fn from_json(shape: Shape, json: &Json) -> Option<Value> {
    if json.is_null() && shape != Shape::Json {
        return Some(Value::Null);
    }
    Some(match shape {
        Shape::Text | Shape::Choice | Shape::Time | Shape::Mac => {
            Value::Text(json.as_str()?.to_owned())
        }
        Shape::Bool => Value::Bool(json.as_bool()?),
        Shape::Int => Value::Int(json.as_i64()?),
        Shape::Decimal => Value::Hundredths((json.as_f64()? * 100.0).round() as i64),
        Shape::Ref => Value::Ref(reference_from_json(json)?),
        Shape::Refs => {
            Value::Refs(json.as_array()?.iter().map(reference_from_json).collect::<Option<_>>()?)
        }
        Shape::Tags | Shape::Names => {
            let name = |name: &Json| name.as_str().map(str::to_owned);
            Value::Set(Arc::new(json.as_array()?.iter().map(name).collect::<Option<_>>()?))
        }
        Shape::Custom => {
            let members = json.as_object()?.iter();
            let members = members.map(|(name, value)| (name.clone(), value.clone()));
            Value::Custom(members.collect::<BTreeMap<_, _>>())
        }
        Shape::Json => Value::Json(json.clone()),
    })
}

/// What [`reference_to_json`] wrote; none for any other JSON.
pub fn reference_from_json(json: &Json) -> Option<Ref> {
    if let Some(id) = json.get("id") {
        return Some(Ref::Id(id.as_i64()?));
    }
    let model = json.get("new")?.as_str()?;
    let kind = Kind::from_model(model)?;
    Some(Ref::New(Key::new(kind, json.get("path")?.as_str()?)))
}
