//! IP addresses: which interface has which, when several claim one, and which are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::draft::{Draft, Wanted};
use super::foundation::our_tag;
use super::guests::Placed;
use super::hardware::PlacedNic;
use super::vocabulary::OUR_TAG;
use super::{Action, Existing, Fields, Key, Kind, Operation, Policy, Reason, Ref, Stage, Value};

/// A guest with its interfaces.
pub(super) type Equipped<'i> = (Placed<'i>, Vec<PlacedNic<'i>>);

/// An interface that says it has an address.
struct Claim<'a> {
    address: IpNet,
    guest: usize,
    placed: &'a Placed<'a>,
    nic: &'a PlacedNic<'a>,
}

/// An address that a guest has, with its object in NetBox.
pub(super) struct Held {
    pub(super) address: IpNet,
    pub(super) object: Ref,
}

/// The outcome for all addresses.
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

/// Settles all addresses of all guests: two guests may claim the same one.
pub(super) fn plan(draft: &mut Draft<'_>, guests: &[Equipped<'_>]) -> Settled {
    let mut claims: BTreeMap<IpAddr, Vec<Claim<'_>>> = BTreeMap::new();
    let mut order: BTreeMap<(usize, IpAddr), usize> = BTreeMap::new();
    for (guest, (placed, nics)) in guests.iter().enumerate() {
        for nic in nics {
            for address in usable(draft, nic) {
                let position = order.len();
                order.entry((guest, address.addr())).or_insert(position);
                let claim = Claim { address, guest, placed, nic };
                claims.entry(address.addr()).or_default().push(claim);
            }
        }
    }
    let mut settled = Settled {
        held: BTreeMap::new(),
        used: BTreeSet::new(),
        moved: BTreeSet::new(),
        vanished: BTreeSet::new(),
        assigned: BTreeMap::new(),
    };
    let existing = index(draft, &mut settled);
    let paths = guests.iter().filter_map(|(placed, _)| Some((placed.machine.id()?, &*placed.path)));
    let paths: BTreeMap<i64, &str> = paths.collect();
    for (host, claims) in &claims {
        let existing = existing.get(host).map_or(&[][..], Vec::as_slice);
        settle(draft, &mut settled, existing, claims, &paths);
    }
    for (guest, held) in &mut settled.held {
        held.sort_by_key(|held| order.get(&(*guest, held.address.addr())).copied());
    }
    settled
}

/// Addresses that NetBox takes on an interface and that mean something outside of the guest.
fn usable(draft: &mut Draft<'_>, nic: &PlacedNic<'_>) -> Vec<IpNet> {
    let mut usable = Vec::new();
    for address in &nic.nic.addresses {
        if is_noise(draft.policy, address.addr()) {
            continue;
        }
        if names_a_network(address) {
            let key = Key::new(Kind::IpAddress, format!("{}/{address}", nic.path));
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
    let of_machine = object.text("assigned_object_type") == Kind::VmInterface.model();
    object.reference("assigned_object_id").filter(|_| of_machine)
}

/// Who gets the address: who has it in NetBox, else the first to claim it.
fn settle(
    draft: &mut Draft<'_>,
    settled: &mut Settled,
    existing: &[&Existing],
    claims: &[Claim<'_>],
    paths: &BTreeMap<i64, &str>,
) {
    let holder = claims.iter().find_map(|claim| {
        let id = claim.nic.interface.id()?;
        let object = existing.iter().find(|object| vm_interface(object) == Some(id))?;
        Some((claim, *object))
    });
    // Addresses in a VRF are another network's; a new one goes to the global table.
    let global = || existing.iter().copied().find(|object| !object.fields.contains_key("vrf"));
    let (winner, found) = match (holder, claims) {
        (Some((claim, object)), _) => (claim, Some(object)),
        (None, [first, ..]) => (first, global()),
        (None, []) => return,
    };
    for claim in claims.iter().filter(|claim| !std::ptr::eq(*claim, winner)) {
        let path = format!("{}/{}", claim.nic.path, claim.address);
        let why = format!("{} has the same address", winner.placed.label);
        draft.skip(Key::new(Kind::IpAddress, path), why);
    }
    if let Some(object) = found
        && !may_take(draft, object, winner)
    {
        let path = format!("{}/{}", winner.nic.path, winner.address);
        let why = "NetBox has it on an object that is not ours; release it there to have it synced";
        return draft.skip(Key::new(Kind::IpAddress, path), why);
    }
    give(draft, settled, found, winner, paths);
}

/// Free addresses, the interface's own, and ours on machines that we know.
fn may_take(draft: &Draft<'_>, object: &Existing, claim: &Claim<'_>) -> bool {
    if object.reference("assigned_object_id").is_none() {
        return true;
    }
    let Some(interface) = vm_interface(object) else { return false };
    let known = draft.mirror.get(Kind::VmInterface, interface).is_some();
    claim.nic.interface.id() == Some(interface) || (object.has_tag(OUR_TAG) && known)
}

fn give(
    draft: &mut Draft<'_>,
    settled: &mut Settled,
    found: Option<&Existing>,
    claim: &Claim<'_>,
    paths: &BTreeMap<i64, &str>,
) {
    let fields = Fields::from([
        ("address", claim.address.to_string().into()),
        ("assigned_object_type", Kind::VmInterface.model().into()),
        ("assigned_object_id", claim.nic.interface.clone().into()),
        ("status", "active".into()),
        ("tags", our_tag()),
    ]);
    if let Some(object) = found {
        settled.used.insert(object.id);
        let machine = vm_interface(object)
            .and_then(|id| draft.mirror.get(Kind::VmInterface, id))
            .and_then(|interface| interface.reference("virtual_machine"));
        if machine.is_some() && machine != claim.placed.machine.id() {
            settled.moved.insert(object.id);
            release(draft, object.id, paths);
        }
    }
    let key = Key::new(Kind::IpAddress, format!("{}/{}", claim.nic.path, claim.address.addr()));
    let label = format!("{} of {}", claim.address, claim.placed.label);
    let wanted = Wanted::new(key, found.map(|object| object.id), fields).labelled(label);
    if let Some(object) = draft.settle(wanted) {
        let held = Held { address: claim.address, object };
        settled.held.entry(claim.guest).or_default().push(held);
    }
}

/// NetBox does not move an address that is somebody's primary one.
fn release(draft: &mut Draft<'_>, address: i64, paths: &BTreeMap<i64, &str>) {
    if !draft.may_change(Kind::IpAddress) {
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
                stage: Stage::Release,
                key: Key::new(Kind::VirtualMachine, path),
                label: machine.text("name").to_owned(),
                action: Action::Update(Ref::Id(machine.id)),
                before: Fields::from([(field, Ref::Id(address).into())]),
                after: Fields::from([(field, Value::Null)]),
                reason: Reason::InTheWay,
            });
        }
    }
}
