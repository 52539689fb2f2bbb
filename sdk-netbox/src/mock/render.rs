//! Stored objects in the shape in which NetBox answers them.

use proxbox_runtime::{Field, Kind, Schema};
use serde_json::{Map, Value, json};

use super::custom_fields;
use super::model::{Model, models};
use super::state::{Row, State, generic_target};
use super::{addresses, allocate, cables, context, hosts};

/// The whole object.
pub(super) fn object(state: &State, model: &Model, id: i64, row: &Row) -> Value {
    shape(state, model, model.read, id, row)
}

/// The short form that other objects embed.
pub(super) fn brief(state: &State, model: &Model, id: i64, row: &Row) -> Value {
    match models().brief(model.path).filter(|_| model.brief.is_empty()) {
        Some(schema) => inner(state, model, schema, id, row),
        None => {
            let mut members = Map::new();
            for name in fallback(model) {
                if let Some(field) = model.read.field(name) {
                    members.insert((*name).to_owned(), member(state, model, field, id, row));
                }
            }
            Value::Object(members)
        }
    }
}

/// The names of the short form's fields.
pub(super) fn brief_names(model: &Model) -> Vec<&'static str> {
    match models().brief(model.path).filter(|_| model.brief.is_empty()) {
        Some(schema) => schema.fields.iter().map(|field| field.name).collect(),
        None => fallback(model).to_vec(),
    }
}

fn fallback(model: &Model) -> &[&'static str] {
    match model.path {
        _ if !model.brief.is_empty() => &model.brief,
        "dcim/interfaces" => &["id", "url", "display", "device", "name", "description", "cable"],
        "virtualization/interfaces" => {
            &["id", "url", "display", "virtual_machine", "name", "description"]
        }
        "virtualization/virtual-disks" => {
            &["id", "url", "display", "virtual_machine", "name", "description", "size"]
        }
        _ => &["id", "url", "display", "name", "slug", "description"],
    }
}

/// The object with this id in the form that a field embeds; null if there is none.
fn embedded_as(state: &State, schema: Option<&Schema>, path: &str, id: i64) -> Value {
    match (schema, models().get(path), state.row(path, id)) {
        (Some(schema), Some(model), Some(row)) => inner(state, model, schema, id, row),
        _ => embedded(state, path, id),
    }
}

/// The object with this id in its short form; null if there is none.
pub(super) fn embedded(state: &State, path: &str, id: i64) -> Value {
    match (models().get(path), state.row(path, id)) {
        (Some(model), Some(row)) => brief(state, model, id, row),
        _ => Value::Null,
    }
}

/// The object of a generic reference.
fn generic(state: &State, name: &str, row: &Row) -> Option<Value> {
    let target = generic_target(name, row)?;
    let (label, id) = target.split_once(':')?;
    let model = models().labelled(label)?;
    Some(embedded(state, model.path, id.parse().ok()?))
}

/// An object within another: without the numbers of what refers to it, whatever is published.
fn inner(state: &State, model: &Model, schema: &Schema, id: i64, row: &Row) -> Value {
    let mut object = shape(state, model, schema, id, row);
    // But for those that NetBox keeps with the object.
    let kept = matches!(model.path, "dcim/device-roles" | "dcim/device-types");
    if let Some(members) = object.as_object_mut().filter(|_| !kept) {
        members.retain(|name, _| !model.counts.contains_key(name.as_str()));
    }
    object
}

/// An object in the form that an operation of its own answers.
pub(super) fn shape(state: &State, model: &Model, schema: &Schema, id: i64, row: &Row) -> Value {
    let members = schema.fields.iter().map(|field| {
        let value = member(state, model, field, id, row);
        (field.name.to_owned(), value)
    });
    Value::Object(members.collect())
}

fn member(state: &State, model: &Model, field: &Field, id: i64, row: &Row) -> Value {
    let name = field.name;
    match name {
        "id" => return json!(id),
        "url" => return json!(format!("{}/api/{}/{id}/", state.url, model.path)),
        "display_url" => return json!(format!("{}/{}/{id}/", state.url, model.path)),
        "display" => return json!(display(model, id, row)),
        "tags" => return tags(state, field, row),
        "custom_fields" => return custom_fields::shown(state, model, row),
        _ => {}
    }
    if let Some(derived) = derived(state, model, name, id, row) {
        return derived;
    }
    if let Some(places) = model.counts.get(name) {
        // What is further down in a tree counts too.
        let all = context::with_descendants(state, model, id).into_iter();
        return json!(all.map(|id| count(state, model, places, id)).sum::<usize>());
    }
    if let Some((path, end)) = hidden(state, model, name, id) {
        return end.map_or(Value::Null, |id| embedded_as(state, embedded_form(field), path, id));
    }
    let stored = row.get(name);
    if let (Some(reference), Some(stored)) = (model.references.get(name), stored) {
        return match stored {
            // The description has whole objects here, but NetBox answers short ones.
            Value::Array(ids) => {
                let ids = ids.iter().filter_map(Value::as_i64);
                ids.map(|id| embedded(state, reference.target, id)).collect()
            }
            stored => stored.as_i64().map_or(Value::Null, |id| {
                let mut object = embedded_as(state, embedded_form(field), reference.target, id);
                // The plugin shows the family of an address as a number.
                if model.is_plugins() && object["family"].is_object() {
                    object["family"] = object["family"]["value"].clone();
                }
                // Published with more than is answered.
                if model.path.starts_with("plugins/proxbox/sync-state/")
                    && !reference.target.starts_with("plugins/")
                    && let Some(members) = object.as_object_mut()
                {
                    members.retain(|name, _| {
                        matches!(name.as_str(), "id" | "url" | "display" | "name")
                    });
                }
                object
            }),
        };
    }
    match (field.kind, stored) {
        (Kind::Choice(_, labels), Some(value)) => choice(value, labels),
        (_, Some(value)) => value.clone(),
        (kind, None) => generic(state, name, row).unwrap_or_else(|| nothing(kind)),
    }
}

/// References that the other side stores: where they are, and which object it is.
fn hidden(
    state: &State,
    model: &Model,
    name: &str,
    id: i64,
) -> Option<(&'static str, Option<i64>)> {
    match (model.path, name) {
        ("circuits/circuits", "termination_a" | "termination_z") => {
            let path = "circuits/circuit-terminations";
            let side = if name.ends_with('a') { "A" } else { "Z" };
            let mut ends = state.referrers(path, "circuit", &id.to_string()).into_iter();
            let of = |id: &i64| {
                state.row(path, *id).is_some_and(|row| text_of(row, "term_side") == side)
            };
            Some((path, ends.find(of)))
        }
        (_, "l2vpn_termination") => {
            let path = "vpn/l2vpn-terminations";
            let target = format!("{}:{id}", model.label);
            Some((path, state.referrers(path, "assigned_object", &target).first().copied()))
        }
        ("dcim/module-bays", "installed_module") => {
            let modules = state.referrers("dcim/modules", "module_bay", &id.to_string());
            Some(("dcim/modules", modules.first().copied()))
        }
        _ => None,
    }
}

fn embedded_form(field: &Field) -> Option<&'static Schema> {
    match field.kind {
        Kind::Record(schema) | Kind::List(&Kind::Record(schema)) => Some(schema),
        _ => None,
    }
}

fn tags(state: &State, field: &Field, row: &Row) -> Value {
    let ids = row.get("tags").and_then(Value::as_array).into_iter().flatten();
    let one = |id| embedded_as(state, embedded_form(field), "extras/tags", id);
    ids.filter_map(Value::as_i64).map(one).collect()
}

fn count(state: &State, model: &Model, places: &[(&'static str, &'static str)], id: i64) -> usize {
    let plain = id.to_string();
    let labelled = format!("{}:{id}", model.label);
    let one = |(path, field): &(&'static str, &'static str)| {
        state.count_referrers(path, field, &plain) + state.count_referrers(path, field, &labelled)
    };
    places.iter().map(one).sum()
}

/// Fields that NetBox computes.
fn derived(state: &State, model: &Model, name: &str, id: i64, row: &Row) -> Option<Value> {
    let target = || format!("{}:{id}", model.label);
    if let Some(of_cable) = cables::derived(state, model, name, id) {
        return Some(of_cable);
    }
    Some(match (model.path, name) {
        // IPv6 comes first unless an administrator prefers IPv4.
        (_, "primary_ip") => {
            let fields = ["primary_ip6", "primary_ip4"].iter();
            let ip = fields.filter_map(|field| row.get(*field)?.as_i64()).next();
            ip.map_or(Value::Null, |id| embedded(state, "ipam/ip-addresses", id))
        }
        ("virtualization/clusters", "allocated_vcpus") => hosts::allocated(state, id, "vcpus"),
        ("virtualization/clusters", "allocated_memory") => hosts::allocated(state, id, "memory"),
        ("virtualization/clusters", "allocated_disk") => hosts::allocated(state, id, "disk"),
        (
            "ipam/ip-addresses" | "ipam/prefixes" | "ipam/aggregates" | "ipam/ip-ranges",
            "family",
        ) => {
            let text =
                ["address", "prefix", "start_address"].iter().find_map(|f| row.get(*f)?.as_str());
            let version = if text?.contains(':') { 6 } else { 4 };
            json!({ "value": version, "label": format!("IPv{version}") })
        }
        ("ipam/ip-addresses", "nat_outside") => {
            let ids = state.referrers(model.path, "nat_inside", &id.to_string());
            ids.into_iter().map(|id| embedded(state, model.path, id)).collect()
        }
        (_, "mac_addresses") => {
            let ids = state.referrers("dcim/mac-addresses", "assigned_object", &target());
            ids.into_iter().map(|id| embedded(state, "dcim/mac-addresses", id)).collect()
        }
        ("dcim/interfaces" | "virtualization/interfaces", "mac_address") => {
            let id = row.get("primary_mac_address").and_then(Value::as_i64);
            let mac = id.and_then(|id| state.row("dcim/mac-addresses", id));
            mac.and_then(|mac| mac.get("mac_address")).cloned().unwrap_or_default()
        }
        ("extras/tags", "tagged_items") => {
            let count = |model: &Model| state.count_referrers(model.path, "tags", &id.to_string());
            json!(models().all().map(count).sum::<usize>())
        }
        (_, "config_context") => context::of(state, model, row),
        ("dcim/cables", "a_terminations" | "b_terminations") => cables::shown(state, name, row),
        ("dcim/virtual-chassis", "member_count") => {
            json!(state.count_referrers("dcim/devices", "virtual_chassis", &id.to_string()))
        }
        ("ipam/prefixes", "children") => json!(addresses::children(state, id, row)),
        ("ipam/prefixes", "_depth") => json!(addresses::depth(state, id, row)),
        ("ipam/ip-ranges", "size") => json!(addresses::range_size(row)),
        ("ipam/vlan-groups", "total_vlan_ids") => {
            json!(allocate::vid_ranges(row).iter().map(|(from, to)| to - from + 1).sum::<i64>())
        }
        ("ipam/asn-ranges", "asn_count") => json!(addresses::asn_count(state, row)),
        ("ipam/services", "parent") => {
            let (label, target) = (row.get("parent_object_type"), row.get("parent_object_id"));
            let model = label.and_then(Value::as_str).and_then(|label| models().labelled(label));
            let target = target.and_then(Value::as_i64);
            match (model, target) {
                (Some(model), Some(id)) => embedded(state, model.path, id),
                _ => Value::Null,
            }
        }
        ("extras/custom-fields", "data_type") => json!(match text_of(row, "type") {
            kind @ ("integer" | "decimal" | "boolean") => kind,
            "json" | "object" => "object",
            "multiselect" | "multiobject" => "array",
            _ => "string",
        }),
        ("plugins/proxbox/sync-state/virtual-disks", "proxbox_storage_id") => {
            row.get("proxbox_storage").cloned().unwrap_or_default()
        }
        ("vpn/tunnels", "terminations_count") => {
            json!(state.count_referrers("vpn/tunnel-terminations", "tunnel", &id.to_string()))
        }
        ("users/groups", "user_count") => {
            json!(state.count_referrers("users/users", "groups", &id.to_string()))
        }
        ("core/object-types", "rest_api_endpoint") => {
            let label = format!("{}.{}", text_of(row, "app_label"), text_of(row, "model"));
            json!(models().labelled(&label).map(|model| format!("/api/{}/", model.path)))
        }
        (_, "_depth") => json!(depth(state, model, row)),
        ("core/object-changes", "user") => row.get(name).cloned().unwrap_or_default(),
        _ => return None,
    })
}

fn text_of<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn depth(state: &State, model: &Model, row: &Row) -> usize {
    let parent = |row: &&Row| row.get("parent").and_then(Value::as_i64);
    let up = |row: &&Row| state.row(model.path, parent(row)?);
    // A circle of parents would never end.
    std::iter::successors(Some(row), up).take(50).count() - 1
}

fn choice(value: &Value, labels: &[(&str, &str)]) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Object(_) => value.clone(),
        value => json!({ "value": value, "label": label(value, labels) }),
    }
}

/// What NetBox shows for a value; numbers are shown as they are.
pub(super) fn label(value: &Value, labels: &[(&str, &str)]) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known = labels.iter().find(|(known, _)| *known == text);
    known.map_or(text, |(_, label)| (*label).to_owned())
}

/// What a field without a stored value shows.
fn nothing(kind: Kind) -> Value {
    match kind {
        Kind::List(_) => json!([]),
        Kind::Bool => json!(false),
        _ => Value::Null,
    }
}

/// What NetBox calls an object, seen by itself alone.
pub(super) fn display(model: &Model, id: i64, row: &Row) -> String {
    let text = |name: &str| row.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |name: &str| row.get(name).and_then(Value::as_i64);
    let name = text("name").map(str::to_owned);
    let with = |more: Option<&str>| {
        let name = name.clone().unwrap_or_default();
        more.map_or(name.clone(), |more| format!("{name} ({more})"))
    };
    match model.path {
        "ipam/vlans" => {
            format!("{} ({})", name.unwrap_or_default(), number("vid").unwrap_or_default())
        }
        "core/object-types" => text("display").unwrap_or_default().to_owned(),
        "ipam/vrfs" => with(text("rd")),
        "ipam/asns" => match number("asn").unwrap_or_default() {
            short @ ..=65_535 => format!("AS{short}"),
            long => format!("AS{long} ({}.{})", long >> 16, long & 0xFFFF),
        },
        "ipam/asn-ranges" => {
            let (start, end) = (number("start").unwrap_or(0), number("end").unwrap_or(0));
            format!("{} ({start}-{end})", name.unwrap_or_default())
        }
        "ipam/ip-ranges" => addresses::range_name(row),
        "ipam/services" | "ipam/service-templates" => {
            let ports = row.get("ports").and_then(Value::as_array).into_iter().flatten();
            let ports: Vec<String> = ports.map(Value::to_string).collect();
            let protocol = text("protocol").unwrap_or_default().to_uppercase();
            format!("{} ({protocol}/{})", name.unwrap_or_default(), ports.join(", "))
        }
        "ipam/fhrp-groups" => {
            let protocol = match text("protocol").unwrap_or_default() {
                "vrrp2" => "VRRPv2",
                "vrrp3" => "VRRPv3",
                "carp" => "CARP",
                "clusterxl" => "ClusterXL",
                "hsrp" => "HSRP",
                "glbp" => "GLBP",
                _ => "Other",
            };
            let own = name.map(|name| format!("{name} ")).unwrap_or_default();
            format!("{own}{protocol}: {}", number("group_id").unwrap_or_default())
        }
        "dcim/cables" => text("label").map_or_else(|| format!("#{id}"), str::to_owned),
        "wireless/wireless-lans" => text("ssid").unwrap_or_default().to_owned(),
        "wireless/wireless-links" => text("ssid").map_or_else(|| format!("#{id}"), str::to_owned),
        "vpn/l2vpns" => with(number("identifier").map(|id| id.to_string()).as_deref()),
        "dcim/racks" => with(text("facility_id")),
        "dcim/devices" if name.is_some() => with(text("asset_tag")),
        "extras/custom-fields" => text("label").map_or_else(
            || super::unique::title(name.as_deref().unwrap_or_default()),
            str::to_owned,
        ),
        _ if row.contains_key("device") && text("label").is_some() => with(text("label")),
        _ => {
            let fields = [
                "model",
                "address",
                "prefix",
                "mac_address",
                "cid",
                "username",
                "start_address",
                "object_repr",
                "display",
            ];
            let other = || fields.iter().find_map(|field| text(field)).map(str::to_owned);
            name.or_else(other).unwrap_or_else(|| format!("{} {id}", model.name))
        }
    }
}
