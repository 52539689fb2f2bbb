//! What is modelled: one handler per operation, found by method and path.

mod access;
mod agent;
mod backup;
mod cluster;
mod config;
mod copies;
mod create;
mod disks;
mod guests;
mod moves;
mod nodes;
mod pools;
mod power;
mod snapshots;
mod storage;
mod tasks;
mod terminal;

use proxbox_runtime::{Method, Op};

use super::answer::{Outcome, Refusal, failed, refuse};
use super::call::Call;
use super::{Cluster, Guest};
use crate::Product;

/// Answers one call. It may change the cluster.
pub(crate) type Handler = fn(&mut Cluster, &Call) -> Outcome;

/// The handler of a modelled operation.
pub(crate) fn handler(product: Product, op: &Op) -> Option<Handler> {
    if product != Product::Pve {
        // What all products have in common.
        return Some(match (op.method, op.path) {
            (Method::Post, "/access/ticket") => access::ticket,
            (Method::Get, "/version") => cluster::version,
            (Method::Get, "/nodes/{node}/tasks/{upid}/status") => tasks::status,
            (Method::Get, "/nodes/{node}/tasks/{upid}/log") => tasks::log,
            (Method::Get, "/nodes/{node}/tasks") => tasks::of_node,
            (Method::Post, path) if path.ends_with("/termproxy") => terminal::ticket,
            (Method::Get, path) if path.ends_with("/vncwebsocket") => terminal::socket,
            _ => return None,
        });
    }
    match op.method {
        Method::Get => reader(op.path),
        Method::Post => creator(op.path),
        Method::Put => updater(op.path),
        Method::Delete => remover(op.path),
        Method::Patch => None,
    }
}

#[rustfmt::skip]
fn reader(path: &str) -> Option<Handler> {
    Some(match path {
        "/access/domains" => access::domains,
        "/access/permissions" => access::permissions,
        "/access/ticket" => access::no_ticket,
        "/access/users" => access::users,
        "/access/users/{userid}" => access::user,
        "/access/users/{userid}/token" => access::tokens,
        "/cluster/backup" => cluster::backup_jobs,
        "/cluster/nextid" => cluster::next_id,
        "/cluster/replication" => cluster::replications,
        "/cluster/resources" => cluster::resources,
        "/cluster/status" => cluster::status,
        "/cluster/tasks" => tasks::of_cluster,
        "/nodes" => nodes::list,
        "/nodes/{node}/network" => nodes::network,
        "/nodes/{node}/network/{iface}" => nodes::interface,
        "/nodes/{node}/status" => nodes::status,
        "/nodes/{node}/version" | "/version" => cluster::version,
        "/nodes/{node}/lxc" | "/nodes/{node}/qemu" => guests::list,
        "/nodes/{node}/lxc/{vmid}/config" | "/nodes/{node}/qemu/{vmid}/config" => config::read,
        "/nodes/{node}/lxc/{vmid}/status/current"
        | "/nodes/{node}/qemu/{vmid}/status/current" => guests::current,
        "/nodes/{node}/lxc/{vmid}/snapshot"
        | "/nodes/{node}/qemu/{vmid}/snapshot" => snapshots::list,
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config"
        | "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config" => snapshots::config,
        "/nodes/{node}/lxc/{vmid}/pending" | "/nodes/{node}/qemu/{vmid}/pending" => config::pending,
        "/nodes/{node}/lxc/{vmid}/migrate"
        | "/nodes/{node}/qemu/{vmid}/migrate" => moves::preconditions,
        "/nodes/{node}/storage/{storage}/prunebackups" => backup::prune_list,
        "/nodes/{node}/vzdump/extractconfig" => backup::extract_config,
        "/nodes/{node}/lxc/{vmid}/interfaces" => agent::container_interfaces,
        "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces" => agent::interfaces,
        "/nodes/{node}/storage" => storage::of_node,
        "/nodes/{node}/storage/{storage}/content" => storage::content,
        "/nodes/{node}/storage/{storage}/status" => storage::status,
        "/nodes/{node}/tasks" => tasks::of_node,
        "/nodes/{node}/tasks/{upid}/log" => tasks::log,
        "/nodes/{node}/tasks/{upid}/status" => tasks::status,
        "/nodes/{node}/vncwebsocket"
        | "/nodes/{node}/lxc/{vmid}/vncwebsocket"
        | "/nodes/{node}/qemu/{vmid}/vncwebsocket" => terminal::socket,
        "/pools" => pools::list,
        "/pools/{poolid}" => pools::get,
        "/storage" => storage::list,
        "/storage/{storage}" => storage::get,
        _ => return None,
    })
}

#[rustfmt::skip]
fn creator(path: &str) -> Option<Handler> {
    Some(match path {
        "/access/ticket" => access::ticket,
        "/nodes/{node}/lxc" | "/nodes/{node}/qemu" => create::create,
        "/nodes/{node}/lxc/{vmid}/clone" | "/nodes/{node}/qemu/{vmid}/clone" => copies::clone,
        "/nodes/{node}/qemu/{vmid}/config" => config::update_later,
        "/nodes/{node}/lxc/{vmid}/migrate" | "/nodes/{node}/qemu/{vmid}/migrate" => moves::migrate,
        "/nodes/{node}/lxc/{vmid}/template" | "/nodes/{node}/qemu/{vmid}/template" => copies::template,
        "/nodes/{node}/lxc/{vmid}/status/start"
        | "/nodes/{node}/qemu/{vmid}/status/start" => power::start,
        "/nodes/{node}/lxc/{vmid}/status/stop"
        | "/nodes/{node}/qemu/{vmid}/status/stop" => power::stop,
        "/nodes/{node}/lxc/{vmid}/status/shutdown"
        | "/nodes/{node}/qemu/{vmid}/status/shutdown" => power::shutdown,
        "/nodes/{node}/lxc/{vmid}/status/reboot"
        | "/nodes/{node}/qemu/{vmid}/status/reboot" => power::reboot,
        "/nodes/{node}/qemu/{vmid}/status/reset" => power::reset,
        "/nodes/{node}/lxc/{vmid}/status/resume"
        | "/nodes/{node}/qemu/{vmid}/status/resume" => power::resume,
        "/nodes/{node}/lxc/{vmid}/status/suspend"
        | "/nodes/{node}/qemu/{vmid}/status/suspend" => power::suspend,
        "/nodes/{node}/startall" => power::start_all,
        "/nodes/{node}/stopall" => power::stop_all,
        "/nodes/{node}/lxc/{vmid}/move_volume"
        | "/nodes/{node}/qemu/{vmid}/move_disk" => disks::relocate,
        "/nodes/{node}/vzdump" => backup::make,
        "/nodes/{node}/lxc/{vmid}/snapshot"
        | "/nodes/{node}/qemu/{vmid}/snapshot" => snapshots::take,
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback"
        | "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback" => snapshots::rollback,
        "/nodes/{node}/storage/{storage}/upload" => storage::upload,
        "/nodes/{node}/termproxy"
        | "/nodes/{node}/lxc/{vmid}/termproxy"
        | "/nodes/{node}/qemu/{vmid}/termproxy" => terminal::ticket,
        "/pools" => pools::create,
        "/storage" => storage::create,
        _ => return None,
    })
}

#[rustfmt::skip]
fn updater(path: &str) -> Option<Handler> {
    Some(match path {
        "/nodes/{node}/lxc/{vmid}/config" | "/nodes/{node}/qemu/{vmid}/config" => config::update,
        "/nodes/{node}/lxc/{vmid}/resize" | "/nodes/{node}/qemu/{vmid}/resize" => disks::resize,
        "/nodes/{node}/qemu/{vmid}/unlink" => disks::unlink,
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config"
        | "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config" => snapshots::describe,
        "/pools" | "/pools/{poolid}" => pools::update,
        "/storage/{storage}" => storage::update,
        _ => return None,
    })
}

#[rustfmt::skip]
fn remover(path: &str) -> Option<Handler> {
    Some(match path {
        "/nodes/{node}/lxc/{vmid}" | "/nodes/{node}/qemu/{vmid}" => moves::destroy,
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}"
        | "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}" => snapshots::remove,
        "/nodes/{node}/storage/{storage}/content/{volume}" => storage::remove_volume,
        "/nodes/{node}/storage/{storage}/prunebackups" => backup::prune,
        "/nodes/{node}/tasks/{upid}" => tasks::stop,
        "/pools/{poolid}" => pools::remove,
        "/storage/{storage}" => storage::remove,
        _ => return None,
    })
}

/// Refuses callers without a privilege on `path`.
fn need(cluster: &Cluster, path: &str, privilege: &str) -> Result<(), Refusal> {
    match cluster.may(privilege) {
        true => Ok(()),
        false => Err(refuse(403, format!("Permission check failed ({path}, {privilege})"))),
    }
}

/// The guest of the path, which must be on the node of the path.
fn guest<'a>(
    cluster: &'a mut Cluster,
    call: &Call,
    privilege: &str,
) -> Result<&'a mut Guest, Refusal> {
    let (vmid, kind) = (call.vmid(), call.kind());
    let place = format!("/vms/{vmid}");
    need(cluster, &place, privilege)?;
    let node = node_name(cluster, call);
    let missing = || {
        failed(format!(
            "Configuration file '{}' does not exist",
            Guest::config_file(&node, kind, vmid)
        ))
    };
    let guest = cluster.guests.get_mut(&vmid).ok_or_else(missing)?;
    if guest.hidden {
        return Err(refuse(403, format!("Permission check failed ({place}, {privilege})")));
    }
    if guest.kind != kind || guest.node != node {
        return Err(missing());
    }
    Ok(guest)
}

/// Starts the task of a guest that a call is about: `qmstart`, `vzstart`.
fn task(
    cluster: &mut Cluster,
    call: &Call,
    verb: &str,
    effect: impl Fn(&mut Cluster) + Send + Sync + 'static,
) -> String {
    let node = node_name(cluster, call);
    let (kind, id) = (task_kind(call, verb), call.vmid().to_string());
    cluster.spawn(&node, (&kind, &id), &call.user, effect)
}

/// Starts such a task, which fails.
fn task_fails(
    cluster: &mut Cluster,
    call: &Call,
    verb: &str,
    error: impl Into<String>,
) -> String {
    let node = node_name(cluster, call);
    let (kind, id) = (task_kind(call, verb), call.vmid().to_string());
    cluster.spawn_failing(&node, (&kind, &id), &call.user, error)
}

fn task_kind(call: &Call, verb: &str) -> String {
    match verb {
        "resize" | "move_volume" => verb.to_owned(),
        _ => call.kind().task(verb),
    }
}

/// The node of the path; `localhost` is the first one.
fn node_name(cluster: &Cluster, call: &Call) -> String {
    let name = call.at("node");
    match cluster.nodes.first() {
        Some(first) if name == "localhost" => first.name.clone(),
        _ => name.to_owned(),
    }
}
