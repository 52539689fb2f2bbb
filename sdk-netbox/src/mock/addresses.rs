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
        let table = vrf.map_or("global table".to_owned(), |vrf| format!("VRF {}", called(vrf)));
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

/// Whether a change takes an address off its host.
fn leaves(state: &State, id: i64, row: &Row) -> bool {
    let host = |row: &Row| {
        let target = generic_target("assigned_object", row)?;
        let (label, id) = target.split_once(':')?;
        let (path, owner) = match label {
            "dcim.interface" => ("dcim/interfaces", "device"),
            "virtualization.vminterface" => ("virtualization/interfaces", "virtual_machine"),
            _ => return None,
        };
        Some((path, integer(state.row(path, id.parse().ok()?)?, owner)?))
    };
    let before = state.row(ADDRESSES, id).and_then(host);
    before.is_some() && before != host(row)
}

/// Another address with the same host in the same table, if that table wants them unique.
fn same_host(state: &State, id: Option<i64>, row: &Row) -> Option<String> {
    const SHARED: [&str; 6] = ["anycast", "vip", "vrrp", "hsrp", "glbp", "carp"];
    let shared = SHARED.contains(&text(row, "role"));
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
    let same = |held: &&Row| {
        held.get("vrf") == row.get("vrf") && !(shared && SHARED.contains(&text(held, "role")))
    };
    others.find(same).map(|held| text(held, "address").to_owned())
}

/// A routing table by its name, and its distinguisher where it has one.
fn called(vrf: &Row) -> String {
    match text(vrf, "rd") {
        "" => text(vrf, "name").to_owned(),
        rd => format!("{} ({rd})", text(vrf, "name")),
    }
}

/// A network without host bits, put into its form; nothing where it is none.
fn plain_network(row: &mut Row, errors: &mut Errors) -> Option<IpNet> {
    let given = text(row, "prefix").to_owned();
    match network(&given) {
        Some(net) if net.addr() != net.network() => {
            let meant = net.trunc();
            let message = format!("{given} is not a valid prefix. Did you mean {meant}?");
            errors.add("prefix", message);
            None
        }
        Some(net) => {
            row.insert("prefix".to_owned(), json!(net.to_string()));
            Some(net)
        }
        None => {
            errors.add("prefix", format!("Invalid IP prefix format: {given}"));
            None
        }
    }
}

/// A prefix: its form, and that its table does not have it twice.
pub(super) fn prefix(state: &State, id: Option<i64>, row: &mut Row, errors: &mut Errors) {
    let Some(net) = plain_network(row, errors) else { return };
    if net.prefix_len() == 0 {
        return errors.add("prefix", "Cannot create prefix with /0 mask.");
    }
    let vrf = integer(row, "vrf").and_then(|id| state.row("ipam/vrfs", id));
    if vrf.is_some_and(|vrf| vrf.get("enforce_unique") != Some(&json!(true))) {
        return;
    }
    let table = state.table("ipam/prefixes").into_iter().flat_map(|table| &table.rows);
    let same = table.into_iter().find(|(other, held)| {
        Some(**other) != id
            && held.get("vrf").and_then(Value::as_i64) == integer(row, "vrf")
            && network(text(held, "prefix")) == Some(net)
    });
    if same.is_some() {
        let place = vrf.map_or("global table".to_owned(), |vrf| format!("VRF {}", called(vrf)));
        errors.add("prefix", format!("Duplicate prefix found in {place}: {net}"));
    }
}

/// Aggregates do not overlap.
pub(super) fn aggregate(state: &State, id: Option<i64>, row: &mut Row, errors: &mut Errors) {
    let Some(net) = plain_network(row, errors) else { return };
    for (other, held) in state.table("ipam/aggregates").into_iter().flat_map(|table| &table.rows) {
        let Some(known) = network(text(held, "prefix")).filter(|_| Some(*other) != id) else {
            continue;
        };
        if known.contains(&net) {
            let message = format!(
                "Aggregates cannot overlap. {net} is already covered by an existing aggregate ({known})."
            );
            return errors.add("prefix", message);
        }
        if net.contains(&known) {
            let message = format!(
                "Prefixes cannot overlap aggregates. {net} covers an existing aggregate ({known})."
            );
            return errors.add("prefix", message);
        }
    }
}

pub(super) fn range_ends(row: &Row) -> Option<(IpNet, IpNet)> {
    Some((network(text(row, "start_address"))?, network(text(row, "end_address"))?))
}

/// A range: its ends in order, and apart from others.
pub(super) fn range(state: &State, id: Option<i64>, row: &Row, errors: &mut Errors) {
    let Some((start, end)) = range_ends(row) else {
        for name in ["start_address", "end_address"] {
            if network(text(row, name)).is_none() {
                errors.add(name, format!("Invalid IP address format: {}", text(row, name)));
            }
        }
        return;
    };
    if start.addr().is_ipv4() != end.addr().is_ipv4() {
        return errors.add("end_address", "Starting and ending IP address versions must match");
    }
    if start.prefix_len() != end.prefix_len() {
        return errors.add("end_address", "Starting and ending IP address masks must match");
    }
    if end.addr() < start.addr() {
        let message = format!(
            "Ending address must be greater than or equal to the starting address ({start})"
        );
        return errors.add("end_address", message);
    }
    if range_size(row).is_none_or(|size| size > u64::from(u32::MAX)) {
        let message = "Defined range exceeds maximum supported size (4294967295)";
        return errors.add("__all__", message);
    }
    let table = state.table("ipam/ip-ranges").into_iter().flat_map(|table| &table.rows);
    let overlaps = table.into_iter().find(|(other, held)| {
        Some(**other) != id
            && held.get("vrf").and_then(Value::as_i64) == integer(row, "vrf")
            && range_ends(held)
                .is_some_and(|(from, to)| from.addr() <= end.addr() && start.addr() <= to.addr())
    });
    if let Some((_, held)) = overlaps {
        let vrf = integer(row, "vrf").and_then(|id| state.row("ipam/vrfs", id));
        let vrf = vrf.map_or("None".to_owned(), called);
        let name = range_name(held);
        errors.add("__all__", format!("Defined addresses overlap with range {name} in VRF {vrf}"));
    }
}

/// `10.10.0.10-20/24`: what both ends begin with is said once.
pub(super) fn range_name(row: &Row) -> String {
    let Some((start, end)) = range_ends(row) else { return String::new() };
    let (first, last) = (start.addr().to_string(), end.addr().to_string());
    let sign = if start.addr().is_ipv4() { '.' } else { ':' };
    let parts = |text: &str| text.split(sign).map(str::to_owned).collect::<Vec<_>>();
    let (one, other) = (parts(&first), parts(&last));
    let shared = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let rest = match shared < other.len() {
        true => other[shared..].join(&sign.to_string()),
        false => last,
    };
    format!("{first}-{rest}/{}", start.prefix_len())
}

/// How many addresses a range has.
pub(super) fn range_size(row: &Row) -> Option<u64> {
    let (start, end) = range_ends(row)?;
    let number = super::allocate::number;
    u64::try_from(number(end.addr()).checked_sub(number(start.addr()))?.checked_add(1)?).ok()
}

/// The numbers of a group's VLANs are numbers of VLANs, and apart.
pub(super) fn vlan_group(row: &Row, errors: &mut Errors) {
    let Some(ranges) = row.get("vid_ranges").and_then(Value::as_array) else { return };
    let mut known: Vec<(i64, i64)> = Vec::new();
    for range in ranges {
        let ends = (range.get(0).and_then(Value::as_i64), range.get(1).and_then(Value::as_i64));
        let (Some(from), Some(to)) = ends else {
            return errors
                .add("vid_ranges", "Ranges must be specified in the form (lower, upper).");
        };
        if from < 1 || to > 4094 {
            let message = format!("Ending VLAN ID in range ({to}) cannot exceed 4094");
            return errors.add("vid_ranges", message);
        }
        if from > to {
            let message = format!(
                "Ending VLAN ID in range must be greater than or equal to the starting VLAN ID ({from}-{to})"
            );
            return errors.add("vid_ranges", message);
        }
        if known.iter().any(|(first, last)| *first <= to && from <= *last) {
            return errors.add("vid_ranges", "Ranges cannot overlap.");
        }
        known.push((from, to));
    }
}

/// A VLAN is within the numbers of its group.
pub(super) fn vlan(state: &State, row: &Row, errors: &mut Errors) {
    let group = integer(row, "group").and_then(|id| state.row("ipam/vlan-groups", id));
    let (Some(group), Some(vid)) = (group, integer(row, "vid")) else { return };
    let ranges = super::allocate::vid_ranges(group);
    if ranges.iter().any(|(from, to)| (from..=to).contains(&&vid)) {
        return;
    }
    let said: Vec<String> = ranges
        .iter()
        .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") })
        .collect();
    let name = text(group, "name");
    errors
        .add("vid", format!("VID must be in ranges {} for VLANs in group {name}", said.join(",")));
}

/// Other prefixes of the same table.
fn relatives<'a>(state: &'a State, id: i64, row: &'a Row) -> impl Iterator<Item = IpNet> + 'a {
    let table = state.table("ipam/prefixes").into_iter().flat_map(|table| &table.rows);

    table
        .filter(move |(other, held)| **other != id && held.get("vrf") == row.get("vrf"))
        .filter_map(|(_, held)| network(text(held, "prefix")))
}

/// How many prefixes are in a prefix.
pub(super) fn children(state: &State, id: i64, row: &Row) -> usize {
    let own = network(text(row, "prefix"));
    own.map_or(0, |own| relatives(state, id, row).filter(|net| own.contains(net)).count())
}

/// How many prefixes are around a prefix.
pub(super) fn depth(state: &State, id: i64, row: &Row) -> usize {
    let own = network(text(row, "prefix"));
    own.map_or(0, |own| relatives(state, id, row).filter(|net| net.contains(&own)).count())
}

/// How many numbers of a range are taken.
pub(super) fn asn_count(state: &State, row: &Row) -> usize {
    let (Some(from), Some(to)) = (integer(row, "start"), integer(row, "end")) else { return 0 };
    let all = state.table("ipam/asns").into_iter().flat_map(|table| table.rows.values());
    all.filter_map(|row| integer(row, "asn")).filter(|asn| (from..=to).contains(asn)).count()
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
