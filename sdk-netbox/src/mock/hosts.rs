//! The rules of devices, virtual machines and their interfaces.

use serde_json::{Value, json};

use super::addresses::ADDRESSES;
use super::answer::Errors;
use super::model::{Model, models};
use super::render;
use super::rules::{integer, text};
use super::state::{Row, State};

const CLUSTERS: &str = "virtualization/clusters";
const DISKS: &str = "virtualization/virtual-disks";

/// The size that a virtual machine has by its disks, for NetBox to store after each change.
pub(super) fn disk_size(state: &State, machine: i64) -> Value {
    let disks = state.referrers(DISKS, "virtual_machine", &machine.to_string());
    let size = |id: &i64| state.row(DISKS, *id).and_then(|row| integer(row, "size"));
    match disks.is_empty() {
        true => Value::Null,
        false => json!(disks.iter().filter_map(size).sum::<i64>()),
    }
}

/// A virtual machine: where it runs, its size, its addresses.
pub(super) fn virtual_machine(state: &State, id: Option<i64>, row: &Row, errors: &mut Errors) {
    let unset = |name: &&str| row.get(*name).is_none_or(Value::is_null);
    if ["site", "cluster", "device"].iter().all(unset) {
        errors.add("__all__", "A virtual machine must be assigned to a site, cluster, or device.");
    }
    placement(state, row, errors);
    if let Some(size) = id.and_then(|id| disk_size(state, id).as_i64()) {
        match integer(row, "disk") {
            Some(disk) if disk != size => errors.add(
                "disk",
                format!(
                    "The specified disk size ({disk}) must match the aggregate size of assigned \
                     virtual disks ({size})."
                ),
            ),
            _ => {}
        }
    }
    primary_addresses(state, &MACHINE, id, row, errors);
}

/// Site, cluster and host device of a virtual machine must agree.
fn placement(state: &State, row: &Row, errors: &mut Errors) {
    let cluster = integer(row, "cluster").and_then(|id| state.row(CLUSTERS, id));
    let (site, its) = (integer(row, "site"), cluster.and_then(|row| integer(row, "_site")));
    if let (Some(cluster), Some(site), Some(its)) = (cluster, site, its)
        && site != its
    {
        let site = state.row("dcim/sites", site).map_or("", |site| text(site, "name"));
        let cluster = text(cluster, "name");
        let message =
            format!("The selected cluster ({cluster}) is not assigned to this site ({site}).");
        errors.add("cluster", message);
    }
    let Some(device) = integer(row, "device").and_then(|id| state.row("dcim/devices", id)) else {
        return;
    };
    let host = text(device, "name");
    let Some(its) = integer(device, "cluster") else {
        return;
    };
    match cluster {
        None => {
            let its = state.row(CLUSTERS, its).map_or("", |row| text(row, "name"));
            errors.add(
                "cluster",
                format!("Must specify the assigned device's cluster ({its}) when assigning host device {host}."),
            );
        }
        Some(cluster) if integer(row, "cluster") != Some(its) => {
            let cluster = text(cluster, "name");
            let message = format!(
                "The selected device ({host}) is not assigned to this cluster ({cluster})."
            );
            errors.add("device", message);
        }
        Some(_) => {}
    }
}

/// A device: its cluster's site, its addresses.
pub(super) fn device(state: &State, id: Option<i64>, row: &Row, errors: &mut Errors) {
    let cluster = integer(row, "cluster").and_then(|id| state.row(CLUSTERS, id));
    let its = cluster.and_then(|cluster| integer(cluster, "_site"));
    if let Some(its) = its.filter(|its| integer(row, "site") != Some(*its)) {
        let name = state.row("dcim/sites", its).map_or("", |site| text(site, "name"));
        let message = format!("The assigned cluster belongs to a different site ({name})");
        errors.add("cluster", message);
    }
    placed(state, id, row, errors);
    if row.get("virtual_chassis").is_some_and(Value::is_number)
        && row.get("vc_position").is_none_or(Value::is_null)
    {
        let message = "A device assigned to a virtual chassis must have its position defined.";
        errors.add("vc_position", message);
    }
    primary_addresses(state, &DEVICE, id, row, errors);
}

/// Site, location, rack and the place in it must agree.
fn placed(state: &State, id: Option<i64>, row: &Row, errors: &mut Errors) {
    let find = |field: &str, path: &str| integer(row, field).and_then(|id| state.row(path, id));
    let (location, rack) = (find("location", "dcim/locations"), find("rack", "dcim/racks"));
    let site = find("site", "dcim/sites").map_or("", |site| text(site, "name"));
    if let Some(location) = location.filter(|one| integer(one, "site") != integer(row, "site")) {
        let name = text(location, "name");
        errors.add("location", format!("Location {name} does not belong to site {site}."));
    }
    let position = row.get("position").and_then(Value::as_f64);
    let face = text(row, "face");
    let Some(rack) = rack else {
        if !face.is_empty() {
            errors.add("face", "Cannot select a rack face without assigning a rack.");
        }
        if position.is_some() {
            errors.add("position", "Cannot select a rack position without assigning a rack.");
        }
        return;
    };
    let name = text(rack, "name");
    if integer(rack, "site") != integer(row, "site") {
        errors.add("rack", format!("Rack {name} does not belong to site {site}."));
    }
    if let Some(location) =
        location.filter(|_| integer(rack, "location") != integer(row, "location"))
    {
        let place = text(location, "name");
        errors.add("rack", format!("Rack {name} does not belong to location {place}."));
    }
    let Some(position) = position else { return };
    if face.is_empty() {
        return errors.add("face", "Must specify rack face when defining rack position.");
    }
    let rack = integer(row, "rack").unwrap_or_default();
    let kind = find("device_type", "dcim/device-types");
    let (height, full) = size(kind);
    let taken = super::racks::taken(state, rack, id);
    let wanted = (position, position + height);
    let collides = |(from, to, side, deep): &(f64, f64, String, bool)| {
        *from < wanted.1 && wanted.0 < *to && (side == face || *deep || full)
    };
    if taken.iter().any(collides) {
        let kind = kind.map_or("", |kind| text(kind, "model"));
        errors.add(
            "position",
            format!(
                "U{position} is already occupied or does not have sufficient space to accommodate \
                 this device type: {kind} ({height}U)"
            ),
        );
    }
}

/// Height in units of a device type, and whether it fills the rack's depth.
pub(super) fn size(kind: Option<&Row>) -> (f64, bool) {
    let height = kind.and_then(|kind| kind.get("u_height")?.as_f64()).unwrap_or(1.0);
    (height, kind.is_none_or(|kind| kind.get("is_full_depth") != Some(&json!(false))))
}

/// A location is in the site of the one around it.
pub(super) fn location(state: &State, row: &Row, errors: &mut Errors) {
    let parent = integer(row, "parent").and_then(|id| state.row("dcim/locations", id));
    let Some(parent) = parent.filter(|one| integer(one, "site") != integer(row, "site")) else {
        return;
    };
    let site = integer(row, "site").and_then(|id| state.row("dcim/sites", id));
    let site = site.map_or("", |site| text(site, "name"));
    let name = text(parent, "name");
    errors
        .add("__all__", format!("Parent location ({name}) must belong to the same site ({site})."));
}

/// What the machines of a cluster have been given together; nothing where none has any.
pub(super) fn allocated(state: &State, cluster: i64, field: &str) -> Value {
    const MACHINES: &str = "virtualization/virtual-machines";
    let machines = state.referrers(MACHINES, "cluster", &cluster.to_string());
    let given = machines.iter().filter_map(|id| state.row(MACHINES, *id)?.get(field)?.as_f64());
    let given: Vec<f64> = given.collect();
    let sum: f64 = given.iter().sum();
    match given.is_empty() {
        true => Value::Null,
        #[allow(clippy::cast_possible_truncation)]
        false if sum.fract() == 0.0 && field != "vcpus" => json!(sum as i64),
        false => json!(sum),
    }
}

/// Where the interfaces of a kind of host are.
struct Host {
    interfaces: &'static str,
    label: &'static str,
    owner: &'static str,
    word: &'static str,
}

const DEVICE: Host = Host {
    interfaces: "dcim/interfaces",
    label: "dcim.interface",
    owner: "device",
    word: "device",
};

const MACHINE: Host = Host {
    interfaces: "virtualization/interfaces",
    label: "virtualization.vminterface",
    owner: "virtual_machine",
    word: "VM",
};

fn primary_addresses(state: &State, host: &Host, id: Option<i64>, row: &Row, errors: &mut Errors) {
    for (field, six) in [("primary_ip4", false), ("primary_ip6", true)] {
        let Some(ip) = integer(row, field).and_then(|ip| state.row(ADDRESSES, ip)) else {
            continue;
        };
        let address = text(ip, "address");
        if address.contains(':') != six {
            let version = if six { 6 } else { 4 };
            errors.add(field, format!("{address} is not an IPv{version} address."));
            continue;
        }
        let interface = integer(ip, "assigned_object_id")
            .filter(|_| text(ip, "assigned_object_type") == host.label)
            .and_then(|id| state.row(host.interfaces, id));
        if id.is_none() || interface.and_then(|row| integer(row, host.owner)) != id {
            let word = host.word;
            let message =
                format!("The specified IP address ({address}) is not assigned to this {word}.");
            errors.add(field, message);
        }
    }
}

/// An interface's primary MAC address must not be another's.
pub(super) fn interface(
    state: &State,
    model: &Model,
    id: Option<i64>,
    row: &Row,
    errors: &mut Errors,
) {
    beside(state, model, row, errors);
    let mac = integer(row, "primary_mac_address");
    let Some(mac) = mac.and_then(|mac| state.row("dcim/mac-addresses", mac)) else {
        return;
    };
    let Some(holder) = integer(mac, "assigned_object_id") else {
        return;
    };
    let label = text(mac, "assigned_object_type");
    if label != model.label || Some(holder) != id {
        let row = models()
            .labelled(label)
            .and_then(|model| Some((model, state.row(model.path, holder)?)));
        let name = row.map(|(model, row)| render::display(model, holder, row)).unwrap_or_default();
        errors.add(
            "primary_mac_address",
            format!(
                "MAC address {} is assigned to a different interface ({name}).",
                text(mac, "mac_address")
            ),
        );
    }
}

/// An interface's LAG, parent and bridge are of the same host.
fn beside(state: &State, model: &Model, row: &Row, errors: &mut Errors) {
    let (owner, hosts, word) = match model.path {
        "dcim/interfaces" => ("device", "dcim/devices", "device"),
        _ => ("virtual_machine", "virtualization/virtual-machines", "virtual machine"),
    };
    for (field, words) in [("lag", "LAG"), ("parent", "parent"), ("bridge", "bridge")] {
        let other = integer(row, field).and_then(|id| state.row(model.path, id));
        let Some(other) = other.filter(|other| integer(other, owner) != integer(row, owner)) else {
            continue;
        };
        let name = text(other, "name");
        let host = integer(other, owner).and_then(|id| state.row(hosts, id));
        let host = host.map_or("", |host| text(host, "name"));
        errors.add(
            field,
            format!(
                "The selected {words} interface ({name}) belongs to a different {word} ({host})."
            ),
        );
    }
}
