//! Which bulk calls write which kind of object.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use proxbox_runtime::{Call, Record, Rows, Slot, record_to_value};
use sdk_netbox::{Bulk, Client, Error, ops};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::plan::{Kind, Removed};

/// Objects for one request.
#[derive(Debug, Clone)]
pub(super) enum Batch {
    /// Bodies of new objects.
    Create(Vec<Map<String, Value>>),
    /// Changed fields with the `id`.
    Update(Vec<Map<String, Value>>),
    /// Ids of objects to delete.
    Delete(Removed, Vec<i64>),
}

impl Batch {
    fn len(&self) -> usize {
        match self {
            Self::Create(rows) | Self::Update(rows) => rows.len(),
            Self::Delete(_, ids) => ids.len(),
        }
    }
}

/// The id, or the error, of each object in the order of the batch.
pub(super) type Answers = Vec<Result<i64, Error>>;

/// Sends one batch.
pub(super) fn send(netbox: &Client, kind: Kind, batch: Batch) -> BoxFuture<'_, Answers> {
    use ops::{dcim, extras, ipam, virtualization};
    match kind {
        Kind::CustomField => run(
            netbox,
            extras::CUSTOM_FIELDS_CREATE,
            extras::CUSTOM_FIELDS_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::Tag => run(netbox, extras::TAGS_CREATE, extras::TAGS_BULK_PARTIAL_UPDATE, batch),
        Kind::ClusterType => run(
            netbox,
            virtualization::CLUSTER_TYPES_CREATE,
            virtualization::CLUSTER_TYPES_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::Manufacturer => {
            run(netbox, dcim::MANUFACTURERS_CREATE, dcim::MANUFACTURERS_BULK_PARTIAL_UPDATE, batch)
        }
        Kind::DeviceType => {
            run(netbox, dcim::DEVICE_TYPES_CREATE, dcim::DEVICE_TYPES_BULK_PARTIAL_UPDATE, batch)
        }
        Kind::DeviceRole => {
            run(netbox, dcim::DEVICE_ROLES_CREATE, dcim::DEVICE_ROLES_BULK_PARTIAL_UPDATE, batch)
        }
        Kind::VirtualMachineType => run(
            netbox,
            virtualization::VIRTUAL_MACHINE_TYPES_CREATE,
            virtualization::VIRTUAL_MACHINE_TYPES_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::Site => run(netbox, dcim::SITES_CREATE, dcim::SITES_BULK_PARTIAL_UPDATE, batch),
        Kind::Cluster => run(
            netbox,
            virtualization::CLUSTERS_CREATE,
            virtualization::CLUSTERS_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::Device => run(netbox, dcim::DEVICES_CREATE, dcim::DEVICES_BULK_PARTIAL_UPDATE, batch),
        Kind::Interface => {
            run(netbox, dcim::INTERFACES_CREATE, dcim::INTERFACES_BULK_PARTIAL_UPDATE, batch)
        }
        Kind::VirtualMachine => run(
            netbox,
            virtualization::VIRTUAL_MACHINES_CREATE,
            virtualization::VIRTUAL_MACHINES_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::VmInterface => run(
            netbox,
            virtualization::INTERFACES_CREATE,
            virtualization::INTERFACES_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::MacAddress => {
            run(netbox, dcim::MAC_ADDRESSES_CREATE, dcim::MAC_ADDRESSES_BULK_PARTIAL_UPDATE, batch)
        }
        Kind::VirtualDisk => run(
            netbox,
            virtualization::VIRTUAL_DISKS_CREATE,
            virtualization::VIRTUAL_DISKS_BULK_PARTIAL_UPDATE,
            batch,
        ),
        Kind::IpAddress => {
            run(netbox, ipam::IP_ADDRESSES_CREATE, ipam::IP_ADDRESSES_BULK_PARTIAL_UPDATE, batch)
        }
    }
}

fn run<B, P, R>(
    netbox: &Client,
    create: Call<B, R>,
    update: Call<Vec<P>, Rows<R>>,
    batch: Batch,
) -> BoxFuture<'_, Answers>
where
    B: Record + DeserializeOwned + 'static,
    P: Record + DeserializeOwned + 'static,
    R: Record + Slot + Default + Send + 'static,
{
    async move {
        let count = batch.len();
        let netbox = netbox.with_batch(count);
        let answer = match &batch {
            Batch::Create(rows) => ids(netbox.create_all(&create, &typed::<B>(rows)).await, id_of),
            // Fields are set to values, so a PATCH may be sent twice.
            Batch::Update(rows) => {
                let netbox = netbox.repeating_patches();
                ids(netbox.update_all(&update, &typed::<P>(rows)).await, id_of)
            }
            Batch::Delete(removed, wanted) => delete(&netbox, *removed, wanted).await,
        };
        answer.unwrap_or_else(|error| vec![Err(error); count])
    }
    .boxed()
}

async fn delete(netbox: &Client, removed: Removed, wanted: &[i64]) -> Result<Answers, Error> {
    use ops::{dcim, ipam, virtualization};
    let deleted = match removed {
        Removed::IpAddress => {
            netbox.delete_all(&ipam::IP_ADDRESSES_BULK_DESTROY, wanted, None).await
        }
        Removed::MacAddress => {
            netbox.delete_all(&dcim::MAC_ADDRESSES_BULK_DESTROY, wanted, None).await
        }
        Removed::VirtualDisk => {
            netbox.delete_all(&virtualization::VIRTUAL_DISKS_BULK_DESTROY, wanted, None).await
        }
        Removed::VmInterface => {
            netbox.delete_all(&virtualization::INTERFACES_BULK_DESTROY, wanted, None).await
        }
    };
    let answers = deleted?.items.into_iter().zip(wanted);
    Ok(answers.map(|(item, id)| item.map(|()| *id).map_err(|failed| failed.error)).collect())
}

fn typed<B: DeserializeOwned>(rows: &[Map<String, Value>]) -> Vec<B> {
    // Decoding is lenient: it never refuses an object, and what has no field stays in `extra`.
    rows.iter().filter_map(|row| serde_json::from_value(Value::Object(row.clone())).ok()).collect()
}

fn ids<R>(answer: Result<Bulk<R>, Error>, id: impl Fn(&R) -> i64) -> Result<Answers, Error> {
    let items = answer?.items.into_iter();
    Ok(items.map(|item| item.map(|row| id(&row)).map_err(|failed| failed.error)).collect())
}

fn id_of<R: Record>(row: &R) -> i64 {
    record_to_value(row).get("id").and_then(Value::as_i64).unwrap_or_default()
}
