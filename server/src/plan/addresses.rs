//! IP addresses: which interface has which, when several claim one, and which are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::draft::{Draft, Wanted};
use super::foundation::{Foundation, our_tag};
use super::guests::Placed;
use super::hardware::PlacedNic;
use super::interfaces::PlacedInterface;
use super::vocabulary::OUR_TAG;
use super::{
    Action, Existing, Fields, Key, Kind, Operation, Policy, Reason, Ref, Stage, Value, states,
};
use crate::part::Part;

/// A guest with its interfaces.
pub(super) type Equipped<'i> = (Placed<'i>, Vec<PlacedNic<'i>>);

/// An interface that can have addresses: of a guest, or of a node.
struct Owner<'a> {
    /// `lab/100/net0`
    path: &'a str,
    /// `web01 (lab/100)`
    label: &'a str,
    /// NetBox's interface.
    interface: &'a Ref,
    kind: Kind,
    part: Part,
    /// Position of the guest; none for a node.
    guest: Option<usize>,
    /// The guest's machine.
    machine: Option<&'a Ref>,
    mac: Option<&'a str>,
    /// Name of the interface.
    name: &'a str,
    /// Name for the address.
    dns_name: Option<&'a str>,
    addresses: &'a [IpNet],
}

/// An interface that says it has an address.
struct Claim<'a> {
    address: IpNet,
    owner: &'a Owner<'a>,
}

/// An address that a guest has, with its object in NetBox.
pub(super) struct Held {
    pub(super) address: IpNet,
    pub(super) object: Ref,
    /// Path of the interface.
    pub(super) interface: String,
}

/// The outcome for all addresses.
#[derive(Default)]
pub(super) struct Settled {
    /// Addresses by position of the guest, in the order in which the guest shows them.
    pub(super) held: BTreeMap<usize, Vec<Held>>,
    /// Objects that belong to an address that was seen.
    pub(super) used: BTreeSet<i64>,
    /// Objects that change from one guest to another.
    pub(super) moved: BTreeSet<i64>,
    /// Objects that are deleted.
    pub(super) vanished: BTreeSet<i64>,
    /// Objects by interface.
    pub(super) assigned: BTreeMap<i64, Vec<i64>>,
}

/// Settles all addresses of all guests and nodes: two may claim the same one.
pub(super) fn plan(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    guests: &[Equipped<'_>],
    interfaces: &[PlacedInterface<'_>],
) -> Settled {
    let owners: Vec<Owner<'_>> = of_guests(guests).chain(of_nodes(interfaces)).collect();
    let mut claims: BTreeMap<IpAddr, Vec<Claim<'_>>> = BTreeMap::new();
    let mut order: BTreeMap<(usize, IpAddr), usize> = BTreeMap::new();
    for owner in &owners {
        for address in usable(draft, owner) {
            let position = order.len();
            if let Some(guest) = owner.guest {
                order.entry((guest, address.addr())).or_insert(position);
            }
            claims.entry(address.addr()).or_default().push(Claim { address, owner });
        }
    }
    let mut settled = Settled::default();
    let existing = index(draft, &mut settled);
    let paths = guests.iter().filter_map(|(placed, _)| Some((placed.machine.id()?, &*placed.path)));
    let paths: BTreeMap<i64, &str> = paths.collect();
    for (host, claims) in &claims {
        let existing = existing.get(host).map_or(&[][..], Vec::as_slice);
        settle(draft, foundation, &mut settled, existing, claims, &paths);
    }
    for (guest, held) in &mut settled.held {
        held.sort_by_key(|held| order.get(&(*guest, held.address.addr())).copied());
    }
    settled
}

fn of_guests<'a>(guests: &'a [Equipped<'_>]) -> impl Iterator<Item = Owner<'a>> {
    guests.iter().enumerate().flat_map(|(position, (placed, nics))| {
        nics.iter().map(move |nic| Owner {
            path: &nic.path,
            label: &placed.label,
            interface: &nic.interface,
            kind: Kind::VmInterface,
            part: Part::IpAddresses,
            guest: Some(position),
            machine: Some(&placed.machine),
            mac: nic.nic.mac.as_deref(),
            name: &nic.nic.name,
            dns_name: placed.guest.hostname.as_deref(),
            addresses: &nic.nic.addresses,
        })
    })
}

fn of_nodes<'a>(interfaces: &'a [PlacedInterface<'_>]) -> impl Iterator<Item = Owner<'a>> {
    interfaces.iter().map(|placed| Owner {
        path: &placed.path,
        label: &placed.path,
        interface: &placed.object,
        kind: Kind::Interface,
        part: Part::NodeInterfaces,
        guest: None,
        machine: None,
        mac: None,
        name: &placed.interface.name,
        dns_name: None,
        addresses: &placed.interface.addresses,
    })
}

/// Addresses that NetBox takes on an interface and that mean something outside of their owner.
fn usable(draft: &mut Draft<'_>, owner: &Owner<'_>) -> Vec<IpNet> {
    let mut usable = Vec::new();
    for address in owner.addresses {
        if is_noise(draft.policy, address.addr()) {
            continue;
        }
        if names_a_network(address) {
            let key = Key::new(Kind::IpAddress, format!("{}/{address}", owner.path));
            draft.skip(key, "is the address of a network, which NetBox refuses on an interface");
        } else {
            usable.push(*address);
        }
    }
    usable
}

fn is_noise(policy: &Policy, address: IpAddr) -> bool {
    let common = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    common
        || match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => {
                policy.ignore_ipv6_link_local_addresses && address.is_unicast_link_local()
            }
        }
}

fn names_a_network(address: &IpNet) -> bool {
    let whole = address.max_prefix_len() - address.prefix_len();
    if address.prefix_len() == 0 {
        return true;
    }
    let host = address.addr();
    whole > 1 && (host == address.network() || (host.is_ipv4() && host == address.broadcast()))
}

/// Existing addresses by host; fills in which interface has which.
fn index<'m>(draft: &Draft<'m>, settled: &mut Settled) -> BTreeMap<IpAddr, Vec<&'m Existing>> {
    let mut by_host: BTreeMap<IpAddr, Vec<&Existing>> = BTreeMap::new();
    for object in draft.mirror.all(Kind::IpAddress) {
        if let Some(interface) = vm_interface(object) {
            settled.assigned.entry(interface).or_default().push(object.id);
        }
        if let Ok(address) = object.text("address").parse::<IpNet>() {
            by_host.entry(address.addr()).or_default().push(object);
        }
    }
    by_host
}

fn vm_interface(object: &Existing) -> Option<i64> {
    assigned_to(object, Kind::VmInterface)
}

fn assigned_to(object: &Existing, kind: Kind) -> Option<i64> {
    let fits = object.text("assigned_object_type") == kind.model();
    object.reference("assigned_object_id").filter(|_| fits)
}

/// Who gets the address: who has it in NetBox, else the first to claim it.
fn settle(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    settled: &mut Settled,
    existing: &[&Existing],
    claims: &[Claim<'_>],
    paths: &BTreeMap<i64, &str>,
) {
    let holder = claims.iter().find_map(|claim| {
        let id = claim.owner.interface.id()?;
        let has_it = |object: &&&Existing| assigned_to(object, claim.owner.kind) == Some(id);
        Some((claim, *existing.iter().find(has_it)?))
    });
    // Addresses in a VRF are another network's; a new one goes to the global table.
    let global = || existing.iter().copied().find(|object| !object.fields.contains_key("vrf"));
    let (winner, found) = match (holder, claims) {
        (Some((claim, object)), _) => (claim, Some(object)),
        (None, [first, ..]) => (first, global()),
        (None, []) => return,
    };
    for claim in claims.iter().filter(|claim| !std::ptr::eq(*claim, winner)) {
        let path = format!("{}/{}", claim.owner.path, claim.address);
        let why = format!("{} has the same address", winner.owner.label);
        draft.skip(Key::new(Kind::IpAddress, path), why);
    }
    if let Some(object) = found
        && !may_take(draft, object, winner)
    {
        let path = format!("{}/{}", winner.owner.path, winner.address);
        let why = "NetBox has it on an object that is not ours; release it there to have it synced";
        return draft.skip(Key::new(Kind::IpAddress, path), why);
    }
    give(draft, foundation, settled, found, winner, paths);
}

/// Free addresses, the interface's own, and ours on machines and nodes that we know.
fn may_take(draft: &Draft<'_>, object: &Existing, claim: &Claim<'_>) -> bool {
    if object.reference("assigned_object_id").is_none() {
        return true;
    }
    let on = |kind| Some((kind, assigned_to(object, kind)?));
    let Some((kind, interface)) = on(Kind::VmInterface).or_else(|| on(Kind::Interface)) else {
        return false;
    };
    let known = draft.mirror.get(kind, interface).is_some();
    let own = kind == claim.owner.kind && claim.owner.interface.id() == Some(interface);
    own || (object.has_tag(OUR_TAG) && known)
}

fn give(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    settled: &mut Settled,
    found: Option<&Existing>,
    claim: &Claim<'_>,
    paths: &BTreeMap<i64, &str>,
) {
    let Claim { address, owner } = claim;
    let mut fields = Fields::from([
        ("address", address.to_string().into()),
        ("assigned_object_type", owner.kind.model().into()),
        ("assigned_object_id", owner.interface.clone().into()),
        ("status", "active".into()),
        ("tags", our_tag()),
    ]);
    if let Some(name) = owner.dns_name.and_then(dns_name) {
        fields.insert("dns_name", name.into());
    }
    let custom = [("proxmox_interface", owner.name.into()), ("proxmox_mac", owner.mac.into())];
    foundation.custom(draft, &mut fields, Kind::IpAddress, custom);
    if let Some(object) = found {
        settled.used.insert(object.id);
        let machine = vm_interface(object)
            .and_then(|id| draft.mirror.get(Kind::VmInterface, id))
            .and_then(|interface| interface.reference("virtual_machine"));
        if machine.is_some() && machine != owner.machine.and_then(Ref::id) {
            settled.moved.insert(object.id);
            release(draft, object.id, paths);
        }
    }
    let path = format!("{}/{}", owner.path, address.addr());
    let label = format!("{address} of {}", owner.label);
    let key = Key::new(Kind::IpAddress, &path);
    let wanted = Wanted::new(key, found.map(|object| object.id), fields).labelled(label);
    let Some(object) = draft.settle(wanted.in_part(owner.part)) else { return };
    let state =
        Fields::from([("proxmox_interface", owner.name.into()), ("proxmox_mac", owner.mac.into())]);
    states::plan_in(draft, owner.part, Kind::IpAddress, &path, &object, state);
    if let Some(guest) = owner.guest {
        let held = Held { address: *address, object, interface: owner.path.to_owned() };
        settled.held.entry(guest).or_default().push(held);
    }
}

/// The name as NetBox takes it; none for what is no name on a network.
fn dns_name(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches('.').to_lowercase();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && name != "localhost" && name.len() <= 255 && name.chars().all(fits))
        .then_some(name)
}

/// NetBox does not move an address that is somebody's primary one.
fn release(draft: &mut Draft<'_>, address: i64, paths: &BTreeMap<i64, &str>) {
    if !draft.may_change(Kind::IpAddress, Part::IpAddresses) {
        return;
    }
    let mirror = draft.mirror;
    for machine in mirror.all(Kind::VirtualMachine) {
        for field in ["primary_ip4", "primary_ip6"] {
            if machine.reference(field) != Some(address) {
                continue;
            }
            let path = paths.get(&machine.id).map(|path| (*path).to_owned());
            let path = path.unwrap_or_else(|| format!("#{}", machine.id));
            draft.push(Operation {
                number: 0,
                stage: Stage::Release,
                part: Part::IpAddresses,
                key: Key::new(Kind::VirtualMachine, path),
                label: machine.text("name").to_owned(),
                action: Action::Update(Ref::Id(machine.id)),
                before: Fields::from([(field, Ref::Id(address).into())]),
                after: Fields::from([(field, Value::Null)]),
                base: Some(Fields::new()),
                reason: Reason::InTheWay,
            });
        }
    }
}
