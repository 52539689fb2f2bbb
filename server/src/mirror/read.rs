//! Reads each kind of object once, and only the fields that the planner looks at.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use proxbox_runtime::{Call, Page, Query, Record, Slot, record_to_value};
use sdk_netbox::{Client, Error, filters, ops};

use super::{Mirror, normalize};
use crate::plan::{Existing, Kind, VMID_FIELD};

/// Lists in flight at the same time. NetBox gains nothing from more.
const LANES: usize = 4;

/// What does not depend on what runs. Addresses and disks have no filter for ours: whoever has an
/// address that a guest claims must be known, whatever it is.
const BASE: [Kind; 12] = [
    Kind::IpAddress,
    Kind::MacAddress,
    Kind::VirtualDisk,
    Kind::CustomField,
    Kind::Tag,
    Kind::ClusterType,
    Kind::Manufacturer,
    Kind::DeviceType,
    Kind::DeviceRole,
    Kind::VirtualMachineType,
    Kind::Site,
    Kind::Cluster,
];

/// Reads what does not depend on what runs.
pub async fn read_base(netbox: &Client) -> Result<Mirror, Error> {
    let mut mirror = Mirror::default();
    let wanted = BASE.map(|kind| (kind, base_filters(kind)));
    fill(netbox, &mut mirror, wanted.to_vec()).await?;
    Ok(mirror)
}

/// Reads the nodes with these names, and what belongs to clusters with these names.
pub async fn read_rest(
    netbox: &Client,
    mirror: &mut Mirror,
    clusters: &[&str],
    nodes: &[&str],
) -> Result<(), Error> {
    let is_ours = |cluster: &&Existing| {
        let name = cluster.text("name").to_lowercase();
        clusters.iter().map(|ours| ours.to_lowercase()).any(|ours| {
            // A second cluster of the same name has its endpoint's behind it.
            name == ours || name.starts_with(&format!("{ours} ("))
        })
    };
    let ids: Vec<i64> = mirror.all(Kind::Cluster).filter(is_ours).map(|found| found.id).collect();
    let mut wanted = Vec::new();
    if !nodes.is_empty() {
        wanted.push((Kind::Device, vec![filters::dcim::devices::NAME.in_(nodes)]));
    }
    if !ids.is_empty() {
        let machines = filters::virtualization::virtual_machines::CLUSTER_ID.in_(&ids);
        let interfaces = filters::virtualization::interfaces::CLUSTER_ID.in_(&ids);
        wanted.push((Kind::VirtualMachine, vec![machines]));
        wanted.push((Kind::VmInterface, vec![interfaces]));
    }
    fill(netbox, mirror, wanted).await?;
    // By id: NetBox refuses a filter by the name of a device that it does not have.
    let devices: Vec<i64> = mirror.all(Kind::Device).map(|device| device.id).collect();
    if devices.is_empty() {
        return Ok(());
    }
    let interfaces = filters::dcim::interfaces::DEVICE_ID.in_(&devices);
    fill(netbox, mirror, vec![(Kind::Interface, vec![interfaces])]).await
}

fn base_filters(kind: Kind) -> Vec<Query> {
    match kind {
        Kind::CustomField => vec![filters::extras::custom_fields::NAME.eq(VMID_FIELD)],
        // Libraries of device types hold thousands.
        Kind::DeviceType => vec![filters::dcim::device_types::MANUFACTURER.eq("proxmox")],
        _ => Vec::new(),
    }
}

async fn fill(
    netbox: &Client,
    mirror: &mut Mirror,
    wanted: Vec<(Kind, Vec<Query>)>,
) -> Result<(), Error> {
    let one = |(kind, filters)| async move {
        match read_kind(netbox, kind, filters).await {
            Ok(objects) => Ok((kind, Some(objects))),
            // NetBox before 4.6 has no virtual machine types.
            Err(error) if kind == Kind::VirtualMachineType && error.is_not_found() => {
                Ok((kind, None))
            }
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

/// NetBox refuses a filter for a manufacturer that it does not have.
fn is_unknown_choice(kind: Kind, error: &Error) -> bool {
    kind == Kind::DeviceType && error.status() == Some(400)
}

/// Reads the objects of one kind that match.
pub fn read_kind(
    netbox: &Client,
    kind: Kind,
    filters: Vec<Query>,
) -> BoxFuture<'_, Result<Vec<Existing>, Error>> {
    use ops::{dcim, extras, ipam, virtualization};
    match kind {
        Kind::CustomField => list(netbox, kind, &extras::CUSTOM_FIELDS_LIST, filters),
        Kind::Tag => list(netbox, kind, &extras::TAGS_LIST, filters),
        Kind::ClusterType => list(netbox, kind, &virtualization::CLUSTER_TYPES_LIST, filters),
        Kind::Manufacturer => list(netbox, kind, &dcim::MANUFACTURERS_LIST, filters),
        Kind::DeviceType => list(netbox, kind, &dcim::DEVICE_TYPES_LIST, filters),
        Kind::DeviceRole => list(netbox, kind, &dcim::DEVICE_ROLES_LIST, filters),
        Kind::VirtualMachineType => {
            list(netbox, kind, &virtualization::VIRTUAL_MACHINE_TYPES_LIST, filters)
        }
        Kind::Site => list(netbox, kind, &dcim::SITES_LIST, filters),
        Kind::Cluster => list(netbox, kind, &virtualization::CLUSTERS_LIST, filters),
        Kind::Device => list(netbox, kind, &dcim::DEVICES_LIST, filters),
        Kind::Interface => list(netbox, kind, &dcim::INTERFACES_LIST, filters),
        Kind::VirtualMachine => list(netbox, kind, &virtualization::VIRTUAL_MACHINES_LIST, filters),
        Kind::VmInterface => list(netbox, kind, &virtualization::INTERFACES_LIST, filters),
        Kind::MacAddress => list(netbox, kind, &dcim::MAC_ADDRESSES_LIST, filters),
        Kind::VirtualDisk => list(netbox, kind, &virtualization::VIRTUAL_DISKS_LIST, filters),
        Kind::IpAddress => list(netbox, kind, &ipam::IP_ADDRESSES_LIST, filters),
    }
}

fn list<'c, T>(
    netbox: &'c Client,
    kind: Kind,
    call: &Call<(), Page<T>>,
    filters: Vec<Query>,
) -> BoxFuture<'c, Result<Vec<Existing>, Error>>
where
    T: Record + Slot + Default + Send + 'static,
{
    let fields = kind.fields().iter().map(|field| field.name);
    let list = netbox.list(call, filters).fields(fields);
    async move {
        let rows = list.all().await?;
        let objects = rows.iter().map(|row| normalize::existing(kind, &record_to_value(row)));
        Ok(objects.flatten().collect())
    }
    .boxed()
}
