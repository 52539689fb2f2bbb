//! What is free in a prefix, a range or a group, and taking it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::addresses::{network, range_ends};
use super::answer::Answer;
use super::model::{Model, models};
use super::render;
use super::route::Asked;
use super::rules::{integer, text};
use super::state::{Row, State};
use super::write;

/// Addresses, VLANs and numbers on one page unless the request says.
const PAGE: usize = 50;

/// What is given out below an object, and where it is kept then.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Ips,
    Prefixes,
    Vlans,
    Asns,
}

impl Kind {
    fn of(collection: &str, word: &str) -> Option<Self> {
        Some(match (collection, word) {
            ("ipam/prefixes" | "ipam/ip-ranges", "available-ips") => Self::Ips,
            ("ipam/prefixes", "available-prefixes") => Self::Prefixes,
            ("ipam/vlan-groups", "available-vlans") => Self::Vlans,
            ("ipam/asn-ranges", "available-asns") => Self::Asns,
            _ => return None,
        })
    }

    fn collection(self) -> &'static str {
        match self {
            Self::Ips => "ipam/ip-addresses",
            Self::Prefixes => "ipam/prefixes",
            Self::Vlans => "ipam/vlans",
            Self::Asns => "ipam/asns",
        }
    }
}

/// Answers `available-...` below an object; nothing where NetBox has no such thing.
pub(super) fn answer(
    state: &mut State,
    parent: &'static Model,
    id: i64,
    word: &str,
    asked: &Asked<'_>,
) -> Option<Answer> {
    let kind = Kind::of(parent.path, word)?;
    let row = state.row(parent.path, id)?.clone();
    Some(match asked.method {
        "GET" | "HEAD" => list(state, kind, parent, id, &row, asked),
        "POST" => match super::route::json_body(asked.body) {
            Ok(body) => take(state, kind, parent, id, &row, &body),
            Err(answer) => answer,
        },
        _ => super::route::not_allowed(asked),
    })
}

fn list(
    state: &State,
    kind: Kind,
    parent: &Model,
    id: i64,
    row: &Row,
    asked: &Asked<'_>,
) -> Answer {
    let limit = asked.query.iter().find(|(name, _)| name == "limit");
    let limit = match limit.and_then(|(_, text)| text.parse::<usize>().ok()) {
        Some(0) => state.max_page,
        Some(limit) => limit.min(state.max_page),
        None => PAGE,
    };
    let vrf =
        integer(row, "vrf").map_or(Value::Null, |id| render::embedded(state, "ipam/vrfs", id));
    let rows: Vec<Value> = match kind {
        Kind::Ips => free_ips(state, parent, row)
            .take(limit)
            .map(|ip| {
                let family = if ip.is_ipv4() { 4 } else { 6 };
                json!({ "family": family, "address": format!("{ip}/{}", mask(row)), "vrf": vrf })
            })
            .collect(),
        Kind::Prefixes => free_prefixes(state, id, row)
            .into_iter()
            .map(|net| {
                let family = if net.addr().is_ipv4() { 4 } else { 6 };
                json!({ "family": family, "prefix": net.to_string(), "vrf": vrf })
            })
            .collect(),
        Kind::Vlans => free_vids(state, id, row)
            .into_iter()
            .take(limit)
            .map(|vid| json!({ "vid": vid, "group": render::embedded(state, parent.path, id) }))
            .collect(),
        Kind::Asns => {
            let rir = integer(row, "rir").map(|id| render::embedded(state, "ipam/rirs", id));
            let free = free_asns(state, row).into_iter().take(limit);
            free.map(|asn| json!({ "rir": rir, "asn": asn })).collect()
        }
    };
    Answer::json(200, rows.into())
}

fn take(
    state: &mut State,
    kind: Kind,
    parent: &'static Model,
    id: i64,
    row: &Row,
    body: &Value,
) -> Answer {
    let items = body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
    let wanted: Option<Vec<_>> = items.iter().map(|item| item.as_object().cloned()).collect();
    let Some(wanted) = wanted else {
        let errors = json!([{ "non_field_errors": ["Invalid data. Expected a dictionary."] }]);
        return Answer::json(400, errors);
    };
    let errors: Vec<Value> = wanted.iter().map(|one| refused(kind, row, one)).collect();
    if errors.iter().any(|error| error.as_object().is_some_and(|members| !members.is_empty())) {
        return Answer::json(400, errors.into());
    }
    let Some(filled) = filled(state, kind, parent, id, row, wanted) else {
        let text = "Insufficient resources are available to satisfy the request";
        return Answer::detail(409, text);
    };
    let Some(model) = models().get(kind.collection()) else { return Answer::nothing(404) };
    match body.is_array() {
        true => write::create(state, model, &filled.into()),
        false => write::create(state, model, &filled.into_iter().next().unwrap_or_default()),
    }
}

/// What is wrong with one of the things that are asked for.
fn refused(kind: Kind, parent: &Row, one: &Map<String, Value>) -> Value {
    let length = one.get("prefix_length");
    match kind {
        Kind::Prefixes => {
            let most = if text(parent, "prefix").contains(':') { 128 } else { 32 };
            match length.map(Value::as_u64) {
                None => json!({ "prefix_length": "this field can not be missing" }),
                Some(None) => json!({ "prefix_length": "this field must be int type" }),
                Some(Some(length)) if length > most => {
                    let version = if most == 32 { 4 } else { 6 };
                    json!({ "prefix_length": format!("Invalid prefix length ({length}) for IPv{version}") })
                }
                Some(Some(_)) => json!({}),
            }
        }
        Kind::Ips => match length.and_then(Value::as_u64) {
            Some(length) if length < u64::from(mask(parent)) => json!({ "prefix_length": format!(
                "Prefix length must be greater than or equal to the parent mask length ({})",
                mask(parent)
            ) }),
            _ => json!({}),
        },
        Kind::Vlans if !one.contains_key("name") => json!({ "name": ["This field is required."] }),
        Kind::Vlans | Kind::Asns => json!({}),
    }
}

/// The bodies with what is given out in them; nothing if there is too little of it.
fn filled(
    state: &State,
    kind: Kind,
    parent: &Model,
    id: i64,
    row: &Row,
    wanted: Vec<Map<String, Value>>,
) -> Option<Vec<Value>> {
    let mut ips = free_ips(state, parent, row);
    let mut nets = if kind == Kind::Prefixes { free_prefixes(state, id, row) } else { Vec::new() };
    let vids = if kind == Kind::Vlans { free_vids(state, id, row) } else { Vec::new() };
    let asns = if kind == Kind::Asns { free_asns(state, row) } else { Vec::new() };
    let (mut vids, mut asns) = (vids.into_iter(), asns.into_iter());
    let vrf = row.get("vrf").cloned().unwrap_or_default();
    let mut bodies = Vec::new();
    for mut one in wanted {
        let length = one.remove("prefix_length").and_then(|length| length.as_u64());
        match kind {
            Kind::Ips => {
                let length = length.unwrap_or(u64::from(mask(row)));
                one.insert("address".into(), format!("{}/{length}", ips.next()?).into());
                one.insert("vrf".into(), vrf.clone());
            }
            Kind::Prefixes => {
                let length = u8::try_from(length?).ok()?;
                let at = nets.iter().position(|net| net.prefix_len() <= length)?;
                let whole = nets.remove(at);
                let first = IpNet::new(whole.addr(), length).ok()?;
                // What is left of it is free for the next.
                let rest = subtract(whole, first);
                nets.splice(at..at, rest);
                one.insert("prefix".into(), first.to_string().into());
                one.insert("vrf".into(), vrf.clone());
            }
            Kind::Vlans => {
                one.insert("vid".into(), vids.next()?.into());
                one.insert("group".into(), id.into());
            }
            Kind::Asns => {
                one.insert("asn".into(), asns.next()?.into());
                one.insert("rir".into(), row.get("rir").cloned().unwrap_or_default());
            }
        }
        bodies.push(Value::from(one));
    }
    Some(bodies)
}

/// The mask of a prefix, or of the ends of a range.
fn mask(row: &Row) -> u8 {
    let text = [text(row, "prefix"), text(row, "start_address")];
    text.into_iter().find_map(network).map_or(32, |net| net.prefix_len())
}

/// Addresses that nobody has, in order.
fn free_ips(state: &State, parent: &Model, row: &Row) -> impl Iterator<Item = IpAddr> + use<> {
    let (first, last) = ends(parent, row).unwrap_or((1, 0));
    let four = !text(row, "prefix").contains(':') && !text(row, "start_address").contains(':');
    let everywhere =
        row.get("vrf").is_none_or(Value::is_null) && text(row, "status") == "container";
    let here = |other: &&Row| everywhere || other.get("vrf") == row.get("vrf");
    let rows = |path| state.table(path).into_iter().flat_map(|table| table.rows.values());
    let taken: BTreeSet<u128> = rows("ipam/ip-addresses")
        .filter(here)
        .filter_map(|other| network(text(other, "address")))
        .filter(|net| net.addr().is_ipv4() == four)
        .map(|net| number(net.addr()))
        .collect();
    let populated: Vec<(u128, u128)> = rows("ipam/ip-ranges")
        .filter(here)
        .filter(|range| range.get("mark_populated") == Some(&json!(true)))
        .filter_map(range_ends)
        .filter(|(from, _)| from.addr().is_ipv4() == four)
        .map(|(from, to)| (number(from.addr()), number(to.addr())))
        .collect();
    let mut next = Some(first);
    std::iter::from_fn(move || {
        loop {
            let ip = next.filter(|ip| *ip <= last)?;
            let around = populated.iter().find(|(from, to)| (from..=to).contains(&&ip));
            // A range is left at its end: it may be larger than anyone can count through.
            next = around.map_or(ip, |(_, to)| *to).checked_add(1);
            if around.is_none() && !taken.contains(&ip) {
                return Some(address(ip, four));
            }
        }
    })
}

/// The first and the last address that may be given out.
fn ends(parent: &Model, row: &Row) -> Option<(u128, u128)> {
    if parent.path == "ipam/ip-ranges" {
        let (from, to) = range_ends(row)?;
        return Some((number(from.addr()), number(to.addr())));
    }
    let net = network(text(row, "prefix"))?;
    let (first, last) = (number(net.network()), number(net.broadcast()));
    let whole = row.get("is_pool") == Some(&json!(true));
    let narrow = net.prefix_len() + 2 > net.max_prefix_len();
    Some(match (whole || narrow, net.addr().is_ipv4()) {
        (true, _) => (first, last),
        (false, true) => (first + 1, last - 1),
        (false, false) => (first + 1, last),
    })
}

pub(super) fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => ip.into(),
    }
}

fn address(number: u128, four: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(short) if four => std::net::Ipv4Addr::from(short).into(),
        _ => std::net::Ipv6Addr::from(number).into(),
    }
}

/// The largest networks of a prefix that none of those in it covers.
fn free_prefixes(state: &State, id: i64, row: &Row) -> Vec<IpNet> {
    let Some(whole) = network(text(row, "prefix")) else { return Vec::new() };
    let everywhere =
        row.get("vrf").is_none_or(Value::is_null) && text(row, "status") == "container";
    let table = state.table("ipam/prefixes");
    let others = table.into_iter().flat_map(|table| &table.rows);
    let taken = others
        .filter(|(other, row_of)| {
            **other != id && (everywhere || row_of.get("vrf") == row.get("vrf"))
        })
        .filter_map(|(_, row)| network(text(row, "prefix")))
        .filter(|net| whole.contains(net));
    let mut free = vec![whole];
    for net in taken {
        free = free.into_iter().flat_map(|one| subtract(one, net)).collect();
    }
    free.sort();
    free
}

/// What is left of a network without another.
fn subtract(whole: IpNet, gone: IpNet) -> Vec<IpNet> {
    if gone.contains(&whole) {
        return Vec::new();
    }
    if !whole.contains(&gone) {
        return vec![whole];
    }
    let halves = whole.subnets(whole.prefix_len() + 1).into_iter().flatten();
    halves.flat_map(|half| subtract(half, gone)).collect()
}

/// The numbers that a group's VLANs may have.
pub(super) fn vid_ranges(row: &Row) -> Vec<(i64, i64)> {
    let ranges = row.get("vid_ranges").and_then(Value::as_array).into_iter().flatten();
    let ranges: Vec<_> = ranges
        .filter_map(|range| Some((range.get(0)?.as_i64()?, range.get(1)?.as_i64()?)))
        .collect();
    if ranges.is_empty() { vec![(1, 4094)] } else { ranges }
}

fn free_vids(state: &State, id: i64, row: &Row) -> Vec<i64> {
    let vlans = state.referrers("ipam/vlans", "group", &id.to_string());
    let taken: BTreeSet<i64> =
        vlans.iter().filter_map(|id| integer(state.row("ipam/vlans", *id)?, "vid")).collect();
    let all = vid_ranges(row).into_iter().flat_map(|(from, to)| from..=to);
    all.filter(|vid| !taken.contains(vid)).collect()
}

fn free_asns(state: &State, row: &Row) -> Vec<i64> {
    let (Some(from), Some(to)) = (integer(row, "start"), integer(row, "end")) else {
        return Vec::new();
    };
    let all = state.table("ipam/asns").into_iter().flat_map(|table| table.rows.values());
    let taken: BTreeSet<i64> = all.filter_map(|row| integer(row, "asn")).collect();
    (from..=to).filter(|asn| !taken.contains(asn)).take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_network_are_the_largest_parts() {
        let net = |text: &str| network(text).expect("a network");
        let left = subtract(net("10.7.0.0/24"), net("10.7.0.0/26"));
        assert_eq!(left, [net("10.7.0.64/26"), net("10.7.0.128/25")]);
        assert!(subtract(net("10.0.0.0/24"), net("10.0.0.0/8")).is_empty());
    }
}
