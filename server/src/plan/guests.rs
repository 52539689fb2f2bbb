//! Guests as virtual machines: found by vmid and cluster, never by name alone.

use std::collections::{BTreeMap, BTreeSet};

use super::clusters::Place;
use super::draft::{Draft, Wanted};
use super::foundation::Foundation;
use super::names::{self, Claim};
use super::vocabulary::{self, OUR_TAG, VMID_FIELD};
use super::{
    Action, DuplicateName, Existing, Fields, Key, Kind, Operation, Overwrite, Reason, Ref, Stage,
    SyncMode, Value, absence, cloud_init, states,
};
use crate::inventory::{Guest, GuestKind, GuestStatus, Inventory};
use crate::part::Part;

/// A guest that has a virtual machine.
pub(super) struct Placed<'i> {
    pub(super) guest: &'i Guest,
    /// Path of its key: `lab/100`.
    pub(super) path: String,
    /// `web01 (lab/100)`
    pub(super) label: String,
    pub(super) machine: Ref,
}

/// Settles the virtual machines of one inventory.
pub(super) fn plan<'i>(
    draft: &mut Draft<'_>,
    foundation: &Foundation,
    place: &Place,
    inventory: &'i Inventory,
    tags: &BTreeMap<&str, String>,
) -> Vec<Placed<'i>> {
    let machines: Vec<&Existing> = match place.cluster.id() {
        Some(id) => {
            let machines = draft.mirror.all(Kind::VirtualMachine);
            machines.filter(|machine| machine.reference("cluster") == Some(id)).collect()
        }
        None => Vec::new(),
    };
    let mut guests: Vec<&Guest> = inventory.guests.iter().collect();
    guests.sort_by_key(|guest| guest.vmid);
    guests.dedup_by_key(|guest| guest.vmid);
    let found = identify(draft, &machines, &guests);
    found.values().for_each(|machine| draft.present(machine.id));
    let missing = missing(draft, &machines, &found);
    absence::plan(draft, place, inventory, &missing);
    // Guests that are not synced keep their objects, and nothing is made for them.
    guests.retain(|guest| mode(draft, guest) != SyncMode::Disabled);
    if let Some(chosen) = &draft.policy.machines {
        // Another cluster may have a guest of the same number.
        guests.retain(|guest| found.get(&guest.vmid).is_some_and(|one| chosen.contains(&one.id)));
    }
    let names = name(draft, place, &machines, &guests, &found);
    let cloud_inits = draft.mirror.by_reference(Kind::CloudInit, "virtual_machine");
    let mut placed = Vec::new();
    for guest in guests {
        let machine = found.get(&guest.vmid).copied();
        let name = names.get(&guest.vmid).cloned().unwrap_or_default();
        let wanted = wanted(draft, foundation, place, inventory, guest, machine, name, tags);
        let (path, label) = (wanted.key.path.clone(), wanted.label.clone());
        if let Some(machine) = draft.settle(wanted) {
            note(draft, place, inventory, guest, &path, &machine);
            cloud_init::plan(draft, &cloud_inits, guest, &path, &machine);
            placed.push(Placed { guest, path, label, machine });
        }
    }
    placed
}

/// How far the operator has this guest synced.
fn mode(draft: &Draft<'_>, guest: &Guest) -> SyncMode {
    match guest.template {
        true => draft.policy.template_mode,
        false => draft.policy.modes.get(&Kind::VirtualMachine).copied().unwrap_or_default(),
    }
}

/// What the plugin keeps beside a machine.
fn note(
    draft: &mut Draft<'_>,
    place: &Place,
    inventory: &Inventory,
    guest: &Guest,
    path: &str,
    machine: &Ref,
) {
    let mut state = Fields::from([
        ("endpoint", place.rows.endpoint()),
        ("proxmox_node", place.rows.node(&guest.node)),
        ("proxmox_node_name", guest.node.as_str().into()),
        ("proxmox_cluster", place.rows.cluster()),
        ("proxmox_cluster_name", inventory.cluster.name.as_str().into()),
        ("proxmox_vm_id", Value::Int(guest.vmid)),
        ("proxmox_vm_type", guest.kind.word().into()),
        ("proxmox_link", link(inventory, guest).into()),
        ("proxmox_tags", guest.tags.join(";").into()),
    ]);
    if let Some(name) = &guest.name {
        state.insert("proxmox_vm_name", name.as_str().into());
    }
    // An endpoint that is named on the command line has no number.
    if inventory.endpoint != 0 {
        state.insert("proxmox_endpoint_raw_id", Value::Int(inventory.endpoint));
    }
    if guest.status != GuestStatus::Unknown {
        state.insert("proxmox_status", guest.status.word().into());
    }
    // Without the configuration they are unknown, and left as they were.
    if guest.starts_at_boot.is_some() {
        state.extend([
            ("proxmox_start_at_boot", guest.starts_at_boot.into()),
            ("proxmox_unprivileged_container", guest.unprivileged.unwrap_or(false).into()),
            ("proxmox_qemu_agent", guest.agent.unwrap_or(false).into()),
            ("proxmox_search_domain", guest.search_domain.as_deref().into()),
            ("proxmox_os", guest.os.as_deref().into()),
            ("proxmox_cpu_type", guest.cpu.as_deref().into()),
        ]);
    }
    states::plan(draft, Kind::VirtualMachine, path, machine, state);
}

/// Where the guest is in Proxmox's own web interface.
fn link(inventory: &Inventory, guest: &Guest) -> String {
    format!("{}/#v1:0:={}/{}", inventory.link, guest.kind.word(), guest.vmid)
}

/// The vmid that a machine stands for: in its custom field, else in the plugin's row beside it.
fn vmid_of(draft: &Draft<'_>, machine: &Existing) -> Option<i64> {
    machine.custom_int(VMID_FIELD).or_else(|| {
        let state = draft.state_of(Kind::MachineState, machine.id)?;
        draft.mirror.get(Kind::MachineState, state)?.int("proxmox_vm_id")
    })
}

/// The machine of each guest: the one with its vmid, else the only one of its name that has none.
fn identify<'m>(
    draft: &Draft<'_>,
    machines: &[&'m Existing],
    guests: &[&Guest],
) -> BTreeMap<i64, &'m Existing> {
    let mut found = BTreeMap::new();
    let mut nameless: BTreeMap<String, Vec<&'m Existing>> = BTreeMap::new();
    for machine in machines {
        match vmid_of(draft, machine) {
            Some(vmid) => {
                found.entry(vmid).or_insert(*machine);
            }
            None => nameless.entry(machine.text("name").to_lowercase()).or_default().push(machine),
        }
    }
    let present: BTreeSet<i64> = guests.iter().map(|guest| guest.vmid).collect();
    let mut wanting: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for guest in guests.iter().filter(|guest| !found.contains_key(&guest.vmid)) {
        if let Some(name) = &guest.name {
            wanting.entry(names::cut(name, 0).to_lowercase()).or_default().push(guest.vmid);
        }
    }
    found.retain(|vmid, _| present.contains(vmid));
    for (name, vmids) in wanting {
        if let ([vmid], Some([machine])) = (&vmids[..], nameless.get(&name).map(Vec::as_slice)) {
            found.insert(*vmid, machine);
        }
    }
    found
}

/// Machines whose guests Proxmox does not show.
fn missing<'m>(
    draft: &Draft<'_>,
    machines: &[&'m Existing],
    found: &BTreeMap<i64, &Existing>,
) -> Vec<(i64, &'m Existing)> {
    let claimed: BTreeSet<i64> = found.values().map(|machine| machine.id).collect();
    let unclaimed = machines.iter().filter(|machine| !claimed.contains(&machine.id));
    unclaimed.filter_map(|machine| Some((vmid_of(draft, machine)?, *machine))).collect()
}

/// Names for all guests, by vmid. A guest whose name could not be read keeps the one it has.
fn name(
    draft: &mut Draft<'_>,
    place: &Place,
    machines: &[&Existing],
    guests: &[&Guest],
    found: &BTreeMap<i64, &Existing>,
) -> BTreeMap<i64, String> {
    let claimed: BTreeSet<i64> = found.values().map(|machine| machine.id).collect();
    let mut taken: BTreeSet<String> = machines
        .iter()
        .filter(|machine| !claimed.contains(&machine.id))
        .map(|machine| machine.text("name").to_lowercase())
        .collect();
    let mut resolved = BTreeMap::new();
    let mut claims = Vec::new();
    let stand_in = |guest: &Guest| match guest.kind {
        GuestKind::Qemu => format!("VM {}", guest.vmid),
        GuestKind::Lxc => format!("CT{}", guest.vmid),
    };
    let stand_ins: BTreeMap<i64, String> =
        guests.iter().map(|guest| (guest.vmid, stand_in(guest))).collect();
    for guest in guests {
        let held = found.get(&guest.vmid).map(|machine| machine.text("name"));
        match (&guest.name, held) {
            (Some(name), _) => claims.push(Claim { vmid: guest.vmid, name, held }),
            (None, Some(held)) => {
                taken.insert(held.to_lowercase());
                resolved.insert(guest.vmid, held.to_owned());
            }
            (None, None) => {
                claims.push(Claim { vmid: guest.vmid, name: &stand_ins[&guest.vmid], held });
            }
        }
    }
    let given = names::resolve(&claims, &taken);
    for claim in &claims {
        let Some(given) = given.get(&claim.vmid) else { continue };
        if let Some(index) = given.duplicate {
            draft.duplicate_name(DuplicateName {
                cluster: place.name.clone(),
                vmid: claim.vmid,
                original: claim.name.to_owned(),
                resolved: given.name.clone(),
                index,
            });
        }
        resolved.insert(claim.vmid, given.name.clone());
    }
    release_names(draft, place, &resolved, found);
    resolved
}

/// Where a guest gets a name that another one only gives up in the same step, the other one gets
/// out of the way first: NetBox checks row by row.
fn release_names(
    draft: &mut Draft<'_>,
    place: &Place,
    names: &BTreeMap<i64, String>,
    found: &BTreeMap<i64, &Existing>,
) {
    if !draft.may_change(Kind::VirtualMachine, Part::VirtualMachines) {
        return;
    }
    let wanted: BTreeMap<String, i64> =
        names.iter().map(|(vmid, name)| (name.to_lowercase(), *vmid)).collect();
    for (vmid, holder) in found {
        let name = holder.text("name");
        if wanted.get(&name.to_lowercase()).is_none_or(|wanting| wanting == vmid) {
            continue;
        }
        draft.push(Operation {
            number: 0,
            stage: Stage::Release,
            part: Part::VirtualMachines,
            key: Key::new(Kind::VirtualMachine, format!("{}/{vmid}", place.name)),
            label: name.to_owned(),
            action: Action::Update(Ref::Id(holder.id)),
            before: Fields::from([("name", name.into())]),
            after: Fields::from([("name", format!("proxbox-rename-{}", holder.id).into())]),
            base: Some(Fields::new()),
            reason: Reason::InTheWay,
        });
    }
}

#[expect(clippy::too_many_arguments, reason = "each is another source of fields")]
fn wanted(
    draft: &Draft<'_>,
    foundation: &Foundation,
    place: &Place,
    inventory: &Inventory,
    guest: &Guest,
    machine: Option<&Existing>,
    name: String,
    tags: &BTreeMap<&str, String>,
) -> Wanted {
    let path = format!("{}/{}", place.name, guest.vmid);
    let label = format!("{name} ({path})");
    let status = if guest.status == GuestStatus::Running { "active" } else { "offline" };
    let mut fields = Fields::from([
        ("name", name.into()),
        ("status", status.into()),
        ("cluster", place.cluster.clone().into()),
        ("description", format!("Synced from Proxmox node {}", guest.node).into()),
        ("tags", tag_slugs(draft, guest, machine, tags)),
    ]);
    let chosen = place.rows.role(&guest.node, guest.kind);
    let chosen = chosen.or_else(|| draft.policy.default_roles.get(&guest.kind).copied());
    let ours = || foundation.roles.get(vocabulary::guest_role(guest.kind)).cloned();
    let role = chosen.map(Ref::Id).or_else(ours);
    let references = [
        ("device", place.devices.get(&guest.node)),
        ("site", place.site.as_ref()),
        ("role", role.as_ref()),
        ("virtual_machine_type", foundation.vm_types.get(vocabulary::guest_type(guest.kind))),
    ];
    for (field, reference) in references {
        if let Some(reference) = reference {
            fields.insert(field, reference.clone().into());
        }
    }
    if let Some(tenant) = inventory.tenant {
        fields.insert("tenant", Value::Int(tenant));
    }
    if let Some(vcpus) = guest.vcpus {
        fields.insert("vcpus", Value::Hundredths(vcpus));
    }
    if let Some(memory) = guest.memory_mb {
        fields.insert("memory", Value::Int(memory));
    }
    custom(draft, foundation, inventory, guest, &mut fields);
    let chosen = guest.metadata.iter().filter(|_| draft.policy.parse_description_metadata);
    for (field, id) in chosen {
        let tenant = *field == "tenant";
        fields.insert(field, if tenant { Value::Int(*id) } else { Ref::Id(*id).into() });
    }
    let key = Key::new(Kind::VirtualMachine, path);
    let mut wanted = Wanted::new(key, machine.map(|machine| machine.id), fields).labelled(label);
    if guest.status == GuestStatus::Unknown {
        wanted.unsure.insert("status");
    }
    wanted.mode = guest.template.then_some(draft.policy.template_mode);
    wanted
}

fn custom(
    draft: &Draft<'_>,
    foundation: &Foundation,
    inventory: &Inventory,
    guest: &Guest,
    fields: &mut Fields,
) {
    let storages: BTreeSet<&str> =
        guest.disks.iter().filter_map(|disk| disk.storage.as_deref()).collect();
    let storages = storages.into_iter().collect::<Vec<_>>().join(", ");
    let text = |text: String| (!text.is_empty()).then_some(text);
    let status = (guest.status != GuestStatus::Unknown).then(|| guest.status.word());
    foundation.custom(
        draft,
        fields,
        Kind::VirtualMachine,
        [
            (VMID_FIELD, guest.vmid.into()),
            ("proxmox_vmid", guest.vmid.to_string().into()),
            ("proxmox_vm_type", guest.kind.word().into()),
            ("proxmox_start_at_boot", guest.starts_at_boot.into()),
            ("proxmox_unprivileged_container", guest.unprivileged.into()),
            ("proxmox_qemu_agent", guest.agent.into()),
            ("proxmox_search_domain", guest.search_domain.as_deref().into()),
            ("proxmox_link", link(inventory, guest).into()),
            ("proxmox_node", guest.node.as_str().into()),
            ("proxmox_cluster", inventory.cluster.name.as_str().into()),
            ("proxmox_status", status.into()),
            ("proxmox_tags", text(guest.tags.join(", ")).into()),
            ("proxmox_os", guest.os.as_deref().into()),
            ("proxmox_cpu_type", guest.cpu.as_deref().into()),
            ("proxmox_storage_names", text(storages).into()),
            ("proxmox_endpoint_id", (inventory.endpoint != 0).then_some(inventory.endpoint).into()),
        ],
    );
}

/// Our tag, and the guest's own where they may be added.
fn tag_slugs(
    draft: &Draft<'_>,
    guest: &Guest,
    machine: Option<&Existing>,
    tags: &BTreeMap<&str, String>,
) -> Value {
    let own = machine.is_none() || draft.policy.overwrite.contains(&Overwrite::VmProxmoxTags);
    let own_tags = guest.tags.iter().filter(|_| own);
    let slugs = own_tags.filter_map(|name| tags.get(name.as_str()).cloned());
    Value::Set(slugs.chain([OUR_TAG.to_owned()]).collect::<BTreeSet<_>>().into())
}
