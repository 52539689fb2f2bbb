//! From a plan's fields to the JSON that NetBox takes.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::plan::document::reference_from_json;
use crate::plan::{Fields, Key, Kind, Ref, Shape, Value};

/// An object that a body refers to and that is not there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Absent(pub(super) Key);

/// What earlier operations of the run came to.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Ids of objects that were created.
    pub(super) ids: BTreeMap<Key, i64>,
    /// Slugs of tags that could not be created.
    pub(super) lost_tags: Vec<String>,
}

impl Known {
    pub(super) fn id(&self, reference: &Ref) -> Result<i64, Absent> {
        match reference {
            Ref::Id(id) => Ok(*id),
            Ref::New(key) => self.ids.get(key).copied().ok_or_else(|| Absent(key.clone())),
        }
    }
}

/// The body for these fields. What an object can do without is left out when it is not there.
pub(super) fn body(
    kind: Kind,
    fields: &Fields,
    known: &Known,
) -> Result<Map<String, Json>, Absent> {
    let mut body = Map::new();
    for (name, value) in fields {
        let json = match value {
            Value::Null => null(kind, name),
            Value::Bool(value) => json!(value),
            Value::Int(value) => json!(value),
            Value::Hundredths(value) => json!(*value as f64 / 100.0),
            Value::Text(text) => json!(text),
            Value::Ref(reference) => match known.id(reference) {
                Ok(id) => json!(id),
                Err(_) if kind.can_do_without(name) => continue,
                Err(absent) => return Err(absent),
            },
            Value::Refs(references) => {
                let ids: Result<Vec<i64>, Absent> =
                    references.iter().map(|one| known.id(one)).collect();
                match ids {
                    Ok(ids) => json!(ids),
                    Err(_) if kind.can_do_without(name) => continue,
                    Err(absent) => return Err(absent),
                }
            }
            Value::Json(json) => json.clone(),
            Value::Set(names) => set(kind, name, names.iter(), known),
            Value::Custom(values) => json!(resolved(values, known)),
        };
        body.insert((*name).to_owned(), json);
    }
    Ok(body)
}

/// Custom fields with the ids of what was created meanwhile; what is not there is left out.
pub(super) fn resolved(values: &BTreeMap<String, Json>, known: &Known) -> BTreeMap<String, Json> {
    let resolve = |value: &Json| match reference_from_json(value) {
        Some(reference) => known.id(&reference).ok().map(|id| json!(id)),
        None => Some(value.clone()),
    };
    values.iter().filter_map(|(name, value)| Some((name.clone(), resolve(value)?))).collect()
}

fn null(kind: Kind, field: &str) -> Json {
    match kind.field(field).map(|rule| rule.shape) {
        // NetBox clears text with an empty one.
        Some(Shape::Text) => json!(""),
        _ => Json::Null,
    }
}

fn set<'n>(
    kind: Kind,
    field: &str,
    names: impl IntoIterator<Item = &'n String>,
    known: &Known,
) -> Json {
    let is_tags = kind.field(field).is_some_and(|rule| rule.shape == Shape::Tags);
    if !is_tags {
        return names.into_iter().map(|name| json!(name)).collect();
    }
    let there = names.into_iter().filter(|slug| !known.lost_tags.contains(slug));
    there.map(|slug| json!({ "slug": slug })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_ids_and_tags_slugs() {
        let cluster = Key::new(Kind::Cluster, "lab");
        let node = Key::new(Kind::Device, "lab/pve1");
        let known = Known { ids: [(cluster.clone(), 7)].into(), lost_tags: vec!["odd".into()] };
        let fields = Fields::from([
            ("cluster", Ref::New(cluster).into()),
            ("device", Ref::New(node).into()),
            ("vcpus", Value::Hundredths(150)),
            ("description", Value::Null),
            ("primary_ip4", Value::Null),
            (
                "tags",
                Value::Set(
                    std::collections::BTreeSet::from(["odd".to_owned(), "proxbox".to_owned()])
                        .into(),
                ),
            ),
        ]);
        let expected = json!({
            "cluster": 7, "vcpus": 1.5, "description": "", "primary_ip4": null,
            "tags": [{"slug": "proxbox"}],
        });
        let body = body(Kind::VirtualMachine, &fields, &known);
        assert_eq!(body.map(Json::Object), Ok(expected));
    }

    #[test]
    fn what_an_object_cannot_do_without_is_named() {
        let machine = Key::new(Kind::VirtualMachine, "lab/100");
        let fields = Fields::from([("virtual_machine", Ref::New(machine.clone()).into())]);
        let body = body(Kind::VmInterface, &fields, &Known::default());
        assert_eq!(body, Err(Absent(machine)));
    }
}
