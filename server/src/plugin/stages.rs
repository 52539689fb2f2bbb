//! The stages of a full update, each by itself: the plugin runs them one after another.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};

use super::flags::Flags;
use super::full_update::ended;
use super::netbox_reads::machine_id;
use crate::auth::Scope;
use crate::edge::{ApiError, App, Path, Route, Routes, get, sse};
use crate::endpoints::connect;
use crate::options::Options;
use crate::order::Order;
use crate::part::Part;
use crate::runs::{RunLog, StartError, stage};

/// How long a stage waits for its turn. Clients wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where each stage is; below it, at `/stream`, as server-sent events.
const STAGES: [(&str, Part); 10] = [
    ("/dcim/devices/create", Part::Devices),
    ("/virtualization/virtual-machines/storage/create", Part::Storage),
    ("/virtualization/virtual-machines/create", Part::VirtualMachines),
    ("/virtualization/virtual-machines/task-history/create", Part::TaskHistory),
    ("/virtualization/virtual-machines/virtual-disks/create", Part::VirtualDisks),
    ("/virtualization/virtual-machines/backups/all/create", Part::Backups),
    ("/virtualization/virtual-machines/snapshots/all/create", Part::Snapshots),
    ("/dcim/devices/interfaces/create", Part::NodeInterfaces),
    ("/virtualization/virtual-machines/interfaces/create", Part::VmInterfaces),
    ("/virtualization/virtual-machines/interfaces/ip-address/create", Part::IpAddresses),
];

/// Stages of jobs. Without `/stream` these paths list the jobs as Proxmox has them.
const OF_JOBS: [(&str, Part); 2] = [
    ("/proxmox/replication/stream", Part::Replications),
    ("/proxmox/cluster/backup/stream", Part::BackupRoutines),
];

/// Stages for one virtual machine, by NetBox's id.
const OF_MACHINE: [(&str, Part); 4] = [
    ("/virtualization/virtual-machines/{id}/create", Part::VirtualMachines),
    ("/virtualization/virtual-machines/{id}/virtual-disks/create", Part::VirtualDisks),
    ("/virtualization/virtual-machines/{id}/backups/create", Part::Backups),
    ("/virtualization/virtual-machines/{id}/snapshots/create", Part::Snapshots),
];

/// The routes of all stages.
pub(super) fn routes() -> Routes {
    let mut routes = Routes::new("sync");
    let streamed = |part: Part| {
        async move |State(app): State<App>, query| {
            let keepalive = app.settings.keepalive;
            let log = start(State(app), query, part, None).await?;
            Ok::<_, ApiError>(sse::stage(log.subscribe(), keepalive))
        }
    };
    for (path, part) in STAGES {
        let json = async move |app, query| ended(start(app, query, part, None).await?).await;
        routes = add(routes, get(path, json), get(format!("{path}/stream"), streamed(part)));
    }
    for (path, part) in OF_JOBS {
        routes = add_stream(routes, get(path, streamed(part)));
    }
    for (path, part) in OF_MACHINE {
        let json = async move |app, Path(id): Path<String>, query| {
            let id = machine_id(&id)?;
            ended(start(app, query, part, Some(id)).await?).await
        };
        let events = async move |State(app): State<App>, Path(id): Path<String>, query| {
            let id = machine_id(&id)?;
            let keepalive = app.settings.keepalive;
            let log = start(State(app), query, part, Some(id)).await?;
            Ok::<_, ApiError>(sse::stage(log.subscribe(), keepalive))
        };
        routes = add(routes, get(path, json), get(format!("{path}/stream"), events));
    }
    routes
}

fn add(routes: Routes, json: Route, events: Route) -> Routes {
    let says = "Runs this stage of a full update and answers what came of it.";
    let routes = routes.add(json.needs(Scope::SyncRun).chooses_endpoints().says(says));
    add_stream(routes, events)
}

fn add_stream(routes: Routes, events: Route) -> Routes {
    routes.add(
        events
            .needs(Scope::SyncRun)
            .chooses_endpoints()
            .sends("text/event-stream")
            .says("Runs this stage of a full update as server-sent events, ending in `complete`."),
    )
}

async fn start(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    part: Part,
    machine: Option<i64>,
) -> Result<Arc<RunLog>, ApiError> {
    let Flags { options, selection, machines } = Flags::parse(&query.unwrap_or_default())?;
    let connected = connect(&app.store, &selection, &options).await.map_err(StartError::from)?;
    let machines = machine.map(|id| BTreeSet::from([id])).or(machines);
    let parts = parts(part, machines.is_some(), &options);
    let order = Order { parts, options, machines, ..Order::default() };
    Ok(stage(&app.runs, connected, order, PATIENCE).await?)
}

/// The stage of the guests also brings what hangs on them, unless stages of their own do.
fn parts(part: Part, for_machines: bool, options: &Options) -> BTreeSet<Part> {
    let mut parts = BTreeSet::from([part]);
    if part != Part::VirtualMachines {
        return parts;
    }
    let wants = |name: &str| options.boolean(name) != Some(false);
    if wants("sync_vm_network") {
        parts.insert(Part::VmInterfaces);
        if wants("assign_vm_interface_ips") {
            parts.insert(Part::IpAddresses);
        }
    }
    if wants("sync_task_history") {
        parts.insert(Part::TaskHistory);
    }
    if for_machines {
        // "Sync now" has no stage for disks.
        parts.insert(Part::VirtualDisks);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_of_the_guests_leaves_to_others_what_they_are_asked_for() {
        let of = |pairs: &[&str], machine| {
            let mut options = Options::default();
            pairs.iter().for_each(|name| options.set(*name, "false"));
            parts(Part::VirtualMachines, machine, &options)
        };
        use Part::{IpAddresses, TaskHistory, VirtualDisks, VirtualMachines, VmInterfaces};
        let both = ["sync_vm_network", "sync_task_history"];
        assert_eq!(of(&both, false), [VirtualMachines].into());
        assert_eq!(of(&both, true), [VirtualMachines, VirtualDisks].into());
        assert_eq!(
            of(&["assign_vm_interface_ips"], false),
            [VirtualMachines, VmInterfaces, TaskHistory].into()
        );
        assert_eq!(
            of(&[], false),
            [VirtualMachines, VmInterfaces, IpAddresses, TaskHistory].into()
        );
    }
}
