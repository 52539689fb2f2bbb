//! VLANs that interfaces are in.

use std::collections::BTreeMap;

use super::clusters::Place;
use super::draft::{Draft, Wanted};
use super::foundation::{Foundation, our_tag};
use super::{Existing, Fields, Key, Kind, Ref, Value, states};
use crate::part::Part;

/// VLANs that were settled, by site and number, so that none is settled twice.
#[derive(Default)]
pub(super) struct Vlans {
    settled: BTreeMap<(Option<Ref>, i64), Option<Ref>>,
}

impl Vlans {
    /// The VLAN with this number at the cluster's site; one without site where there is exactly
    /// one, since NetBox takes an interface into no other.
    pub(super) fn settle(
        &mut self,
        draft: &mut Draft<'_>,
        foundation: &Foundation,
        part: Part,
        place: &Place,
        number: i64,
    ) -> Option<Ref> {
        if !(1..=4094).contains(&number) {
            return None;
        }
        let at = (place.site.clone(), number);
        if let Some(known) = self.settled.get(&at) {
            return known.clone();
        }
        let found = existing(draft, place, number).map(|vlan| vlan.id);
        let path = format!("{}/{number}", place.name);
        let mut fields = Fields::from([
            ("vid", Value::Int(number)),
            ("name", format!("VLAN {number}").into()),
            ("site", place.site.clone().into()),
            ("status", "active".into()),
            ("tags", our_tag()),
        ]);
        foundation.custom(draft, &mut fields, Kind::Vlan, [("proxmox_vlan_id", number.into())]);
        let wanted = Wanted::new(Key::new(Kind::Vlan, &path), found, fields).in_part(part);
        let vlan = draft.settle(wanted.labelled(format!("VLAN {number}")));
        if let Some(vlan) = &vlan {
            let state = Fields::from([("proxmox_vlan_id", Value::Int(number))]);
            states::plan_in(draft, part, Kind::Vlan, &path, vlan, state);
        }
        self.settled.insert(at, vlan.clone());
        vlan
    }
}

fn existing<'m>(draft: &Draft<'m>, place: &Place, number: i64) -> Option<&'m Existing> {
    let numbered = || draft.mirror.all(Kind::Vlan).filter(|vlan| vlan.int("vid") == Some(number));
    let site = place.site.as_ref().and_then(Ref::id);
    let at_site = numbered().find(|vlan| site.is_some() && vlan.reference("site") == site);
    at_site.or_else(|| {
        let mut free = numbered()
            .filter(|vlan| !vlan.fields.contains_key("site") && !vlan.fields.contains_key("group"));
        free.next().filter(|_| free.next().is_none())
    })
}
