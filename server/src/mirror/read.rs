//! Reads each kind of object once, and only the fields that the planner looks at.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use proxbox_runtime::{Query, Untyped};
use sdk_netbox::{Client, Error, List, filters};

use super::{Mirror, narrow, need, normalize};
use crate::calls::Calls;
use crate::inventory::Inventory;
use crate::plan::{Existing, Kind, Policy, VMID_FIELD, custom_field_names};

/// Lists in flight at the same time. NetBox gains nothing from more.
const LANES: usize = 4;

/// Values in one filter at most; with more, reading everything is cheaper than asking often.
const LISTED: usize = 200;

/// Kinds of which only those are read that belong to what runs.
const DEPENDENT: [Kind; 6] = [
    Kind::Device,
    Kind::Vlan,
    Kind::VirtualMachine,
    Kind::VmInterface,
    Kind::TaskHistory,
    Kind::Interface,
];

/// Reads what does not depend on what runs.
pub async fn read_base(netbox: &Client, policy: &Policy, plugin: bool) -> Result<Mirror, Error> {
    let mut mirror = Mirror::default();
    if !plugin {
        let of_plugin = Kind::ALL.iter().filter(|kind| kind.is_of_plugin());
        mirror.absent.extend(of_plugin);
    }
    let kinds = need::kinds(policy, plugin);
    let later = |kind: Kind| DEPENDENT.contains(&kind) || narrow::narrows(policy, kind);
    let wanted = kinds.into_iter().filter(|kind| !later(*kind));
    let wanted = wanted.map(|kind| (kind, base_filters(kind))).collect();
    fill(netbox, &mut mirror, wanted).await?;
    Ok(mirror)
}

/// Reads what belongs to the clusters and nodes of the inventories.
pub async fn read_rest(
    netbox: &Client,
    mirror: &mut Mirror,
    policy: &Policy,
    inventories: &[Inventory],
) -> Result<(), Error> {
    let plugin = mirror.knows(Kind::ProxmoxEndpoint);
    let kinds = need::kinds(policy, plugin);
    let ids = clusters(mirror, inventories);
    let mut wanted = Vec::new();
    let own = |kind: &Kind| kinds.contains(kind) && !narrow::narrows(policy, *kind);
    for kind in DEPENDENT.into_iter().filter(own) {
        if let Some(filters) = dependent_filters(kind, &ids, inventories) {
            wanted.push((kind, filters));
        }
    }
    fill(netbox, mirror, wanted).await?;
    narrow::read(netbox, mirror, policy, &kinds, inventories).await?;
    // By id: NetBox refuses a filter by the name of a device that it does not have.
    let devices: Vec<i64> = mirror.all(Kind::Device).map(|device| device.id).collect();
    if devices.is_empty() || !kinds.contains(&Kind::Interface) {
        return Ok(());
    }
    let interfaces = filters::dcim::interfaces::DEVICE_ID.in_(&devices);
    fill(netbox, mirror, vec![(Kind::Interface, vec![interfaces])]).await
}

/// Reads all objects of these kinds, of what they belong to and of what hangs on them.
pub async fn read_around(
    netbox: &Client,
    kinds: &BTreeSet<Kind>,
    plugin: bool,
) -> Result<Mirror, Error> {
    const AROUND: [Kind; 10] = [
        Kind::Site,
        Kind::Cluster,
        Kind::Device,
        Kind::Vlan,
        Kind::Interface,
        Kind::VirtualMachine,
        Kind::VmInterface,
        Kind::MacAddress,
        Kind::VirtualDisk,
        Kind::IpAddress,
    ];
    let mut mirror = Mirror::default();
    let kinds = kinds.iter().chain(&AROUND).filter(|kind| plugin || !kind.is_of_plugin());
    let wanted: BTreeSet<Kind> = kinds.copied().collect();
    fill(netbox, &mut mirror, wanted.into_iter().map(|kind| (kind, Vec::new())).collect()).await?;
    Ok(mirror)
}

/// Reads which backups have a note in the journal.
pub async fn read_notes(netbox: &Client, mirror: &mut Mirror) -> Result<(), Error> {
    let of_backups =
        filters::extras::journal_entries::ASSIGNED_OBJECT_TYPE.eq(Kind::Backup.model());
    fill(netbox, mirror, vec![(Kind::JournalEntry, vec![of_backups])]).await
}

/// NetBox's clusters of these names.
fn clusters(mirror: &Mirror, inventories: &[Inventory]) -> Vec<i64> {
    let names: Vec<String> =
        inventories.iter().map(|inventory| inventory.cluster.name.to_lowercase()).collect();
    let is_ours = |cluster: &&Existing| {
        let name = cluster.text("name").to_lowercase();
        // A second cluster of the same name has its endpoint's behind it.
        names.iter().any(|ours| name == *ours || name.starts_with(&format!("{ours} (")))
    };
    mirror.all(Kind::Cluster).filter(is_ours).map(|found| found.id).collect()
}

/// None where nothing of this kind can be there, or is read later.
fn dependent_filters(
    kind: Kind,
    clusters: &[i64],
    inventories: &[Inventory],
) -> Option<Vec<Query>> {
    use filters::{dcim, ipam, plugins_proxbox, virtualization};
    match kind {
        Kind::Device => {
            let names: BTreeSet<&str> = inventories
                .iter()
                .flat_map(|inventory| inventory.nodes.iter().map(|node| node.name.as_str()))
                .collect();
            (!names.is_empty()).then(|| vec![dcim::devices::NAME.in_(names)])
        }
        Kind::Vlan => {
            let numbers = vlans(inventories);
            let listed = || vec![ipam::vlans::VID.in_(&numbers)];
            match numbers.len() {
                0 => None,
                count if count <= LISTED => Some(listed()),
                _ => Some(Vec::new()),
            }
        }
        Kind::VirtualMachine => (!clusters.is_empty())
            .then(|| vec![virtualization::virtual_machines::CLUSTER_ID.in_(clusters)]),
        Kind::VmInterface => (!clusters.is_empty())
            .then(|| vec![virtualization::interfaces::CLUSTER_ID.in_(clusters)]),
        Kind::TaskHistory => {
            let tasks = inventories.iter().flat_map(|inventory| &inventory.tasks);
            let oldest = Timestamp::from_second(tasks.map(|task| task.start).min()?).ok()?;
            Some(vec![plugins_proxbox::task_history::START_TIME.gte(oldest)])
        }
        _ => None,
    }
}

fn vlans(inventories: &[Inventory]) -> BTreeSet<i64> {
    let of_nodes = inventories
        .iter()
        .flat_map(|inventory| &inventory.nodes)
        .flat_map(|node| node.interfaces.iter().flatten())
        .filter_map(|interface| interface.vlan);
    let nics =
        inventories.iter().flat_map(|inventory| &inventory.guests).flat_map(|guest| &guest.nics);
    let of_guests = nics.flat_map(|nic| {
        let trunks = nic.trunks.iter().flat_map(|(from, to)| *from..=*to);
        nic.vlan.into_iter().chain(trunks)
    });
    of_nodes.chain(of_guests).collect()
}

fn base_filters(kind: Kind) -> Vec<Query> {
    match kind {
        Kind::CustomField => vec![filters::extras::custom_fields::NAME.in_(custom_field_names())],
        // Libraries of device types hold thousands.
        Kind::DeviceType => vec![filters::dcim::device_types::MANUFACTURER.eq("proxmox")],
        _ => Vec::new(),
    }
}

pub(super) async fn fill(
    netbox: &Client,
    mirror: &mut Mirror,
    wanted: Vec<(Kind, Vec<Query>)>,
) -> Result<(), Error> {
    let one = |(kind, filters)| async move {
        match read_kind(netbox, kind, filters).await {
            Ok(objects) => Ok((kind, Some(objects))),
            // NetBox before 4.6 has no virtual machine types, an older plugin not all tables.
            Err(error) if may_be_absent(kind) && error.is_not_found() => Ok((kind, None)),
            Err(error) if is_unknown_choice(kind, &error) => Ok((kind, Some(Vec::new()))),
            Err(error) => Err(error),
        }
    };
    let mut read = stream::iter(wanted).map(one).buffer_unordered(LANES);
    while let Some((kind, objects)) = read.try_next().await? {
        match objects {
            Some(objects) => objects.into_iter().for_each(|object| mirror.insert(kind, object)),
            None => mirror.absent.push(kind),
        }
    }
    Ok(())
}

fn may_be_absent(kind: Kind) -> bool {
    kind == Kind::VirtualMachineType || kind.is_of_plugin()
}

/// NetBox refuses a filter for a manufacturer that it does not have.
fn is_unknown_choice(kind: Kind, error: &Error) -> bool {
    kind == Kind::DeviceType && error.status() == Some(400)
}

/// Numbers of the guests that these virtual machines stand for, by NetBox's ids: from the custom
/// field, else from the plugin's row beside the machine.
pub async fn vmids(
    netbox: &Client,
    machines: &BTreeSet<i64>,
    plugin: bool,
) -> Result<BTreeMap<i64, i64>, Error> {
    let by_id = filters::virtualization::virtual_machines::ID.in_(machines);
    let rows = read_kind(netbox, Kind::VirtualMachine, vec![by_id]).await?;
    let number = |row: &Existing| Some((row.id, row.custom_int(VMID_FIELD)?));
    let mut found: BTreeMap<i64, i64> = rows.iter().filter_map(number).collect();
    for row in rows.iter().filter(|_| plugin) {
        if found.contains_key(&row.id) {
            continue;
        }
        // This filter takes one value.
        let of = filters::plugins_proxbox::sync_state_virtual_machines::VIRTUAL_MACHINE_ID;
        let states = read_kind(netbox, Kind::MachineState, vec![of.eq(row.id)]).await?;
        let vmid = states.iter().find_map(|state| state.int("proxmox_vm_id"));
        found.extend(vmid.map(|vmid| (row.id, vmid)));
    }
    Ok(found)
}

/// Reads these fields of the objects of one kind that match, with when each was last changed.
pub async fn read_versions(
    netbox: &Client,
    kind: Kind,
    filter: Query,
    fields: &BTreeSet<&'static str>,
) -> Result<Vec<(Existing, Option<String>)>, Error> {
    const VERSION: &str = "last_updated";
    let fields = fields.iter().copied().chain([VERSION]);
    let list: List<Untyped> = netbox.list(&Calls::of(kind).list, vec![filter]).fields(fields);
    let mut rows = std::pin::pin!(list.stream());
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let version = row.extra.get(VERSION).and_then(|time| time.as_str()).map(str::to_owned);
        found.extend(normalize::existing(kind, &row.extra).map(|object| (object, version)));
    }
    Ok(found)
}

/// Reads the objects of one kind that match.
pub async fn read_kind(
    netbox: &Client,
    kind: Kind,
    filters: Vec<Query>,
) -> Result<Vec<Existing>, Error> {
    let fields = kind.fields().iter().map(|field| field.name);
    let mut list: List<Untyped> = netbox.list(&Calls::of(kind).list, filters).fields(fields);
    if kind == Kind::GuestAddress {
        // The plugin has no order for them, and NetBox pages through nothing that has none.
        list = list.ordering("id");
    }
    let mut rows = std::pin::pin!(list.stream());
    let mut objects = Vec::new();
    // Page by page, so that the whole list is never there twice.
    while let Some(row) = rows.try_next().await? {
        objects.extend(normalize::existing(kind, &row.extra));
    }
    Ok(objects)
}
