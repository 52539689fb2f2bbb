//! The primary address of each guest.

use super::addresses::{Equipped, Held, Settled};
use super::draft::{Draft, Wanted};
use super::{Existing, Family, Fields, Key, Kind, Policy};
use crate::part::Part;

/// Sets a primary address where a guest has none, or where the one it has is gone.
///
/// One family only: NetBox shows the primary IPv6 address before IPv4 unless told otherwise, so a
/// guest with both would not show what the policy prefers. What people chose stays.
pub(super) fn plan(draft: &mut Draft<'_>, guests: &[Equipped<'_>], settled: &Settled) {
    for (position, (placed, _)) in guests.iter().enumerate() {
        let Some(held) = settled.held.get(&position) else { continue };
        let Some(chosen) = choose(draft.policy, held) else { continue };
        let field = if chosen.address.addr().is_ipv4() { "primary_ip4" } else { "primary_ip6" };
        let machine = placed.machine.id().and_then(|id| draft.mirror.get(Kind::VirtualMachine, id));
        if machine.is_some_and(|machine| stays(draft, settled, machine, field)) {
            continue;
        }
        let fields = Fields::from([(field, chosen.object.clone().into())]);
        let key = Key::new(Kind::VirtualMachine, &placed.path);
        let wanted = Wanted::new(key, placed.machine.id(), fields).labelled(&placed.label);
        let wanted = wanted.in_part(Part::IpAddresses);
        draft.link(&placed.machine, wanted);
    }
}

fn choose<'h>(policy: &Policy, held: &'h [Held]) -> Option<&'h Held> {
    let global = |held: &&Held| match held.address.addr() {
        std::net::IpAddr::V6(address) => !address.is_unicast_link_local(),
        std::net::IpAddr::V4(_) => true,
    };
    let preferred = |held: &&Held| {
        held.address.addr().is_ipv4() == (policy.primary_ip_preference == Family::V4)
    };
    let mut candidates = held.iter().filter(global);
    candidates.clone().find(preferred).or_else(|| candidates.next())
}

/// Whether the machine has a primary address in this field and keeps it.
fn stays(draft: &Draft<'_>, settled: &Settled, machine: &Existing, field: &str) -> bool {
    let Some(id) = machine.reference(field) else { return false };
    let known = draft.mirror.get(Kind::IpAddress, id).is_some();
    known && !settled.moved.contains(&id) && !settled.vanished.contains(&id)
}
