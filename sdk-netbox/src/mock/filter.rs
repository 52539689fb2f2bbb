//! Which objects of a collection a request asks for.

use std::collections::BTreeMap;

use proxbox_runtime::{Field, Kind};
use serde_json::{Value, json};

use super::addresses::network;
use super::answer::{Answer, Errors};
use super::lookup;
use super::model::{Model, models};
use super::relations;
use super::render;
use super::state::{Row, State};

/// Parameters that are no filters.
const PLAIN: [&str; 10] = [
    "limit", "offset", "start", "ordering", "fields", "omit", "brief", "exclude", "format",
    "export",
];

struct Filter {
    base: String,
    lookup: String,
    wanted: Vec<String>,
}

/// The ids of the objects that pass all filters.
///
/// A filter that NetBox does not have is ignored, as NetBox does. One that NetBox has and this
/// mock lacks is an error, because its answer would be wrong in silence.
pub(super) fn select(
    state: &State,
    model: &Model,
    query: &[(String, String)],
) -> Result<Vec<i64>, Answer> {
    let filters = filters(state, model, query);
    validate(state, model, &filters)?;
    let mut selected = Vec::new();
    for (id, row) in state.table(model.path).into_iter().flat_map(|table| &table.rows) {
        let mut passes = true;
        for filter in &filters {
            passes = passes && filter.passes(state, model, *id, row)?;
        }
        if passes {
            selected.push(*id);
        }
    }
    Ok(selected)
}

fn filters(state: &State, model: &Model, query: &[(String, String)]) -> Vec<Filter> {
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in query.iter().filter(|(name, _)| !PLAIN.contains(&name.as_str())) {
        by_name.entry(name).or_default().push(value.clone());
    }
    let filter = |(name, wanted): (&str, Vec<String>)| {
        let (base, lookup) = declared(state, model, name)?;
        Some(Filter { base, lookup, wanted })
    };
    by_name.into_iter().filter_map(filter).collect()
}

/// Base name and lookup of a filter that NetBox has.
fn declared(state: &State, model: &Model, name: &str) -> Option<(String, String)> {
    let known = |base: &str, lookup: &str| {
        model.filters.iter().any(|field| {
            field.name == base && (lookup.is_empty() || field.lookups.suffixes().contains(&lookup))
        })
    };
    // A custom field that is not defined has no filter.
    let custom = name.strip_prefix("cf_").is_some_and(|name| {
        let name = name.split_once("__").map_or(name, |(name, _)| name);
        super::custom_fields::is_defined(state, model, name)
    });
    if custom || known(name, "") {
        for (window, lookup) in [("_after", "after"), ("_before", "before")] {
            if let Some(base) = name.strip_suffix(window).filter(|_| !custom) {
                return Some((base.to_owned(), lookup.to_owned()));
            }
        }
        return match name.split_once("__").filter(|_| custom) {
            Some((base, lookup)) => Some((base.to_owned(), lookup.to_owned())),
            None => Some((name.to_owned(), String::new())),
        };
    }
    let (base, lookup) = name.rsplit_once("__")?;
    known(base, lookup).then(|| (base.to_owned(), lookup.to_owned()))
}

/// Refuses values that cannot be meant: no number, no such object, no such choice.
fn validate(state: &State, model: &Model, filters: &[Filter]) -> Result<(), Answer> {
    let mut errors = Errors::default();
    for filter in filters {
        let name = match filter.lookup.is_empty() {
            true => filter.base.clone(),
            false => format!("{}__{}", filter.base, filter.lookup),
        };
        for value in &filter.wanted {
            if let Some(message) = misfit(state, model, filter, value) {
                errors.add(&name, message);
            }
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Answer::json(400, errors.into_value())),
    }
}

fn misfit(state: &State, model: &Model, filter: &Filter, value: &str) -> Option<String> {
    let base = filter.base.as_str();
    let none =
        || Some(format!("Select a valid choice. {value} is not one of the available choices."));
    if !matches!(filter.lookup.as_str(), "" | "n") || value == "null" {
        return None;
    }
    if base == "id" {
        return value.parse::<i64>().err().map(|_| "Enter a whole number.".to_owned());
    }
    let (target, by_id) = match (base, base.strip_suffix("_id")) {
        ("tag", _) => ("extras/tags", false),
        ("tag_id", _) => ("extras/tags", true),
        (_, Some(field)) => {
            let target = target_of(model, field).or_else(|| assigned_target(model, field));
            (target?, true)
        }
        (field, None) => match target_of(model, field) {
            Some(target) => (target, false),
            None => {
                let Some(Kind::Choice(values, _)) =
                    model.read.field(base).map(|field: &Field| field.kind)
                else {
                    return None;
                };
                return if values.is_empty() || values.contains(&value) { None } else { none() };
            }
        },
    };
    if by_id || model.is_plugins() {
        return match value.parse::<i64>() {
            Err(_) => Some(format!("“{value}” is not a valid value.")),
            Ok(id) => {
                if state.row(target, id).is_none() {
                    none()
                } else {
                    None
                }
            }
        };
    }
    let table = state.table(target)?;
    let known = table
        .rows
        .iter()
        .any(|(id, row)| natural(target, *id, row).to_string().trim_matches('"') == value);
    if known { None } else { none() }
}

/// What a reference's filter without `_id` compares: the slug, or the name where there is none.
fn natural(path: &str, id: i64, row: &Row) -> Value {
    let key = match path {
        "ipam/vrfs" => "rd",
        "vpn/l2vpns" => "identifier",
        "users/users" => "username",
        _ if row.contains_key("slug") => "slug",
        _ => "name",
    };
    let name = || models().get(path).map(|model| json!(render::display(model, id, row)));
    row.get(key).cloned().or_else(name).unwrap_or_default()
}

fn target_of(model: &Model, field: &str) -> Option<&'static str> {
    relations::way(model, field).map(|way| way.target)
}

/// The collection of what an address is assigned to, or of whose that is.
fn assigned_target(model: &Model, field: &str) -> Option<&'static str> {
    model.read.find("assigned_object")?;
    match field {
        "interface" => Some("dcim/interfaces"),
        "vminterface" => Some("virtualization/interfaces"),
        "device" => Some("dcim/devices"),
        "virtual_machine" => Some("virtualization/virtual-machines"),
        _ => None,
    }
}

impl Filter {
    fn passes(&self, state: &State, model: &Model, id: i64, row: &Row) -> Result<bool, Answer> {
        if self.base == "q" {
            return Ok(self.wanted.iter().all(|word| mentions(model, id, row, word)));
        }
        if let Some(passes) = self.within(row) {
            return Ok(passes);
        }
        let missing = || {
            let (base, lookup) = (&self.base, &self.lookup);
            let detail =
                format!("the mock has no filter {base} with lookup `{lookup}` for {}", model.path);
            Answer::detail(501, detail)
        };
        let have = values(state, model, id, row, &self.base).ok_or_else(missing)?;
        // An object must have all of the tags.
        if matches!(self.base.as_str(), "tag" | "tag_id") && self.lookup.is_empty() {
            let has = |wanted: &String| {
                lookup::passes("", &have, std::slice::from_ref(wanted)).unwrap_or(false)
            };
            return Ok(self.wanted.iter().all(has));
        }
        let lookup = match self.lookup.as_str() {
            "" if relations::ignores_case(model, &self.base) || is_loose(state, &self.base) => {
                if self.base.starts_with("cf_") {
                    "ic"
                } else {
                    "ie"
                }
            }
            lookup => lookup,
        };
        lookup::passes(lookup, &have, &self.wanted).ok_or_else(missing)
    }

    /// Filters over networks: an address in a prefix, a prefix in another or around it.
    fn within(&self, row: &Row) -> Option<bool> {
        let net = |name: &str| network(row.get(name)?.as_str()?);
        let have = net("address").or_else(|| net("prefix"))?;
        let wanted = self.wanted.iter().filter_map(|text| network(text));
        let mut wanted = wanted.filter(|wanted| wanted.addr().is_ipv4() == have.addr().is_ipv4());
        Some(match self.base.as_str() {
            "parent" | "within_include" => wanted.any(|wanted| wanted.contains(&have)),
            "within" => wanted.any(|wanted| wanted.contains(&have) && wanted != have),
            "contains" => wanted.any(|wanted| have.contains(&wanted)),
            _ => return None,
        })
    }
}

/// Whether a custom field is text that is looked for within.
fn is_loose(state: &State, base: &str) -> bool {
    let Some(name) = base.strip_prefix("cf_") else { return false };
    let fields =
        state.table("extras/custom-fields").into_iter().flat_map(|table| table.rows.values());
    let of =
        |row: &Row, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    fields.into_iter().any(|row| {
        of(row, "name") == name
            && of(row, "filter_logic") != "exact"
            && matches!(of(row, "type").as_str(), "text" | "longtext" | "url")
    })
}

fn mentions(model: &Model, id: i64, row: &Row, word: &str) -> bool {
    let word = word.to_lowercase();
    let fields = [
        "name",
        "slug",
        "description",
        "comments",
        "serial",
        "address",
        "dns_name",
        "mac_address",
        "facility",
        "physical_address",
        "shipping_address",
        "asset_tag",
        "cid",
        "prefix",
        "label",
        "part_id",
        "ssid",
        "username",
        "model",
    ];
    let texts = fields.iter().filter_map(|name| row.get(*name)?.as_str());
    let display = render::display(model, id, row);
    texts.chain([display.as_str()]).any(|text| text.to_lowercase().contains(&word))
}

/// The values that an object has for a filter; nothing if the mock does not know the filter.
fn values(state: &State, model: &Model, id: i64, row: &Row, base: &str) -> Option<Vec<Value>> {
    match base {
        "id" => return Some(vec![json!(id)]),
        "tag" => return Some(natural_keys(state, "extras/tags", row.get("tags")?)),
        "tag_id" => return Some(row.get("tags")?.as_array()?.clone()),
        "object_type" if row.contains_key("object_types") => {
            return Some(row.get("object_types")?.as_array()?.clone());
        }
        "has_primary_ip" => {
            let set = ["primary_ip4", "primary_ip6"]
                .iter()
                .any(|f| row.get(*f).is_some_and(Value::is_i64));
            return Some(vec![json!(set)]);
        }
        _ => {}
    }
    if let Some(name) = base.strip_prefix("cf_") {
        let shown = super::custom_fields::shown(state, model, row);
        let value = &shown[name];
        return Some(vec![value.get("id").unwrap_or(value).clone()]);
    }
    if let Some(values) = relations::special(state, model, id, row, base) {
        return Some(values);
    }
    let through = through_assignment(state, row, base).or_else(|| through_scope(state, row, base));
    if through.is_some() {
        return through;
    }
    let (word, by_id) = match base.strip_suffix("_id") {
        Some(word) if relations::way(model, word).is_some() => (word, true),
        _ => (base, false),
    };
    match relations::way(model, word) {
        Some(way) => {
            let ids = relations::ends(state, model, row, word, &way);
            if ids.is_empty() {
                return Some(vec![Value::Null]);
            }
            let ids: Value = ids.into();
            // Filters of the plugin name ids with and without the suffix.
            let by_id = by_id || model.is_plugins();
            Some(if by_id { each(&ids) } else { natural_keys(state, way.target, &ids) })
        }
        None => match row.get(base) {
            Some(value) => Some(vec![value.clone()]),
            None => derived(state, model, id, row, base),
        },
    }
}

/// A field that is not stored but shown: the family of an address, a count.
fn derived(state: &State, model: &Model, id: i64, row: &Row, base: &str) -> Option<Vec<Value>> {
    model.read.find(base)?;
    let object = render::object(state, model, id, row);
    let value = &object[base];
    Some(vec![value.get("value").unwrap_or(value).clone()])
}

fn each(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn natural_keys(state: &State, path: &str, ids: &Value) -> Vec<Value> {
    let key = |id: &Value| {
        let id = id.as_i64()?;
        Some(natural(path, id, state.row(path, id)?))
    };
    match ids {
        Value::Null => vec![Value::Null],
        ids => each(ids).iter().filter_map(key).collect(),
    }
}

/// Filters of addresses by the interface they are on, and by whose it is.
fn through_assignment(state: &State, row: &Row, base: &str) -> Option<Vec<Value>> {
    let kind = row.get("assigned_object_type")?;
    let (field, by_id) = base.strip_suffix("_id").map_or((base, false), |field| (field, true));
    let (label, path, owner) = match field {
        "interface" | "device" => ("dcim.interface", "dcim/interfaces", "device"),
        "vminterface" | "virtual_machine" => {
            ("virtualization.vminterface", "virtualization/interfaces", "virtual_machine")
        }
        "assigned_to_interface" => return Some(vec![json!(!kind.is_null())]),
        _ => return None,
    };
    let none = Some(vec![Value::Null]);
    let Some(id) = row.get("assigned_object_id").and_then(Value::as_i64).filter(|_| kind == label)
    else {
        return none;
    };
    let Some(interface) = state.row(path, id) else {
        return none;
    };
    let is_owner = matches!(field, "device" | "virtual_machine");
    Some(match (is_owner, by_id) {
        (false, true) => vec![json!(id)],
        (false, false) => vec![interface.get("name").cloned().unwrap_or_default()],
        (true, true) => vec![interface.get(owner).cloned().unwrap_or_default()],
        (true, false) => {
            let target =
                if owner == "device" { "dcim/devices" } else { "virtualization/virtual-machines" };
            natural_keys(state, target, interface.get(owner)?)
        }
    })
}

/// Filters by the site, region or location that is an object's scope.
fn through_scope(state: &State, row: &Row, base: &str) -> Option<Vec<Value>> {
    let kind = row.get("scope_type")?;
    let (field, by_id) = base.strip_suffix("_id").map_or((base, false), |field| (field, true));
    let (label, path) = match field {
        "site" => ("dcim.site", "dcim/sites"),
        "site_group" => ("dcim.sitegroup", "dcim/site-groups"),
        "region" => ("dcim.region", "dcim/regions"),
        "location" => ("dcim.location", "dcim/locations"),
        _ => return None,
    };
    let id = row.get("scope_id").filter(|_| kind == label).unwrap_or(&Value::Null);
    Some(if by_id { vec![id.clone()] } else { natural_keys(state, path, id) })
}
