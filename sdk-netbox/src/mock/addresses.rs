//! The rules of addresses: IP, prefix, MAC.

use ipnet::IpNet;
use serde_json::{Value, json};

use super::answer::Errors;
use super::rules::{integer, text};
use super::state::{Row, State, generic_target};

/// Collection of the IP addresses.
pub(super) const ADDRESSES: &str = "ipam/ip-addresses";

/// An IP address, where it is, and whether it may leave.
pub(super) fn ip_address(state: &State, id: Option<i64>, row: &mut Row, errors: &mut Errors) {
    let given = text(row, "address").to_owned();
    let Some(net) = network(&given) else {
        return errors.add("address", format!("Invalid IP address format: {given}"));
    };
    row.insert("address".to_owned(), json!(net.to_string()));
    // Whoever asks for the owner of an address asks by the host alone.
    row.insert("_host".to_owned(), json!(net.addr().to_string()));
    if row.get("assigned_object_id").is_some_and(Value::is_number) {
        let host = net.addr();
        let wide = net.prefix_len() + 1 < net.max_prefix_len();
        let four = host.is_ipv4();
        if wide && host == net.network() {
            let message =
                format!("{host} is a network ID, which may not be assigned to an interface.");
            errors.add("__all__", message);
        } else if wide && four && host == net.broadcast() {
            let message = format!(
                "{host} is a broadcast address, which may not be assigned to an interface."
            );
            errors.add("__all__", message);
        }
    }
    let name = text(row, "dns_name").to_lowercase();
    if name.chars().any(|letter| !letter.is_ascii_alphanumeric() && !"*-._".contains(letter)) {
        errors.add(
            "dns_name",
            "Only alphanumeric characters, asterisks, hyphens, periods, and underscores are \
             allowed in DNS names",
        );
    }
    row.insert("dns_name".to_owned(), json!(name));
    if id.is_some_and(|id| is_primary(state, id) && leaves(state, id, row)) {
        errors.add(
            "__all__",
            "Cannot reassign IP address while it is designated as the primary IP for the parent \
             object",
        );
    }
    if let Some(other) = same_host(state, id, row) {
        let vrf = integer(row, "vrf").and_then(|id| state.row("ipam/vrfs", id));
        let table =
            vrf.map_or("global table".to_owned(), |vrf| format!("VRF {}", text(vrf, "name")));
        errors.add("address", format!("Duplicate IP address found in {table}: {other}"));
    }
}

/// Whether a device or virtual machine is reached by this address.
fn is_primary(state: &State, id: i64) -> bool {
    let hosts = ["dcim/devices", "virtualization/virtual-machines"];
    let fields = ["primary_ip4", "primary_ip6"];
    let used = |host: &str| {
        fields.iter().any(|field| state.count_referrers(host, field, &id.to_string()) > 0)
    };
    hosts.into_iter().any(used)
}

/// Whether a change takes an address off its interface.
fn leaves(state: &State, id: i64, row: &Row) -> bool {
    let before = state.row(ADDRESSES, id).and_then(|row| generic_target("assigned_object", row));
    before.is_some() && before != generic_target("assigned_object", row)
}

/// Another address with the same host in the same table, if that table wants them unique.
fn same_host(state: &State, id: Option<i64>, row: &Row) -> Option<String> {
    const SHARED: [&str; 6] = ["anycast", "vip", "vrrp", "hsrp", "glbp", "carp"];
    if SHARED.contains(&text(row, "role")) {
        return None;
    }
    if let Some(vrf) = integer(row, "vrf") {
        let unique = state.row("ipam/vrfs", vrf).and_then(|vrf| vrf.get("enforce_unique"));
        if unique != Some(&json!(true)) {
            return None;
        }
    }
    let host = row.get("_host")?.to_string();
    let held = state.referrers(ADDRESSES, "_host", &host).into_iter();
    let mut others =
        held.filter(|other| Some(*other) != id).filter_map(|id| state.row(ADDRESSES, id));
    let same =
        |held: &&Row| held.get("vrf") == row.get("vrf") && !SHARED.contains(&text(held, "role"));
    others.find(same).map(|held| text(held, "address").to_owned())
}

/// A network without host bits.
pub(super) fn prefix(row: &mut Row, errors: &mut Errors) {
    let given = text(row, "prefix").to_owned();
    match network(&given) {
        Some(net) if net.addr() != net.network() => {
            let meant = net.trunc();
            let message = format!("{given} is not a valid prefix. Did you mean {meant}?");
            errors.add("prefix", message);
        }
        Some(net) => {
            row.insert("prefix".to_owned(), json!(net.to_string()));
        }
        None => errors.add("prefix", format!("Invalid IP prefix format: {given}")),
    }
}

/// An address with its mask; without one it is a host's.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

/// A MAC address in capitals with colons.
pub(super) fn mac_address(row: &mut Row, errors: &mut Errors) {
    let given = text(row, "mac_address").to_owned();
    let digits: String = given.chars().filter(char::is_ascii_hexdigit).collect();
    let rest = given.chars().all(|letter| letter.is_ascii_hexdigit() || ":-.".contains(letter));
    if digits.len() != 12 || !rest {
        return errors.add("mac_address", format!("Invalid MAC address format: {given}"));
    }
    let pairs: Vec<&str> = (0..12).step_by(2).map(|at| &digits[at..at + 2]).collect();
    row.insert("mac_address".to_owned(), json!(pairs.join(":").to_uppercase()));
}
