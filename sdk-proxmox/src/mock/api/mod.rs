//! What is modelled: one handler per operation, found by method and path.

mod access;
mod agent;
mod backup;
mod cluster;
mod config;
mod copies;
mod create;
mod disks;
mod firewall;
mod guests;
mod ha;
mod host;
mod jobs;
mod moves;
mod nodes;
mod pools;
mod power;
mod sdn;
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
        "/access/users/{userid}/token/{tokenid}" => access::token,
        "/access/acl" => access::acl,
        "/access/groups" => access::groups,
        "/access/groups/{groupid}" => access::group,
        "/access/roles" => access::roles,
        "/access/roles/{roleid}" => access::role,
        "/cluster/backup" => jobs::backups,
        "/cluster/backup/{id}" => jobs::backup,
        "/cluster/firewall/macros" => firewall::macros,
        "/cluster/ha/groups" | "/cluster/ha/groups/{group}" => ha::groups,
        "/cluster/ha/status/current" => ha::status,
        "/cluster/log" => host::cluster_log,
        "/cluster/options" => host::cluster_options,
        "/cluster/nextid" => cluster::next_id,
        "/cluster/replication" => jobs::replications,
        "/cluster/replication/{id}" => jobs::replication,
        "/cluster/resources" => cluster::resources,
        "/cluster/status" => cluster::status,
        "/cluster/tasks" => tasks::of_cluster,
        "/nodes" => nodes::list,
        "/cluster" | "/nodes/{node}"
        | "/nodes/{node}/lxc/{vmid}" | "/nodes/{node}/qemu/{vmid}" => host::index,
        "/cluster/notifications/targets" => host::notification_targets,
        "/cluster/sdn/subnets" | "/cluster/sdn/vnets" | "/cluster/sdn/zones"
        | "/cluster/sdn/vnets/{vnet}/subnets" => sdn::list,
        "/nodes/{node}/aplinfo" => host::appliances,
        "/nodes/{node}/sdn/zones" => sdn::of_node,
        "/nodes/{node}/apt/update" => host::updates,
        "/nodes/{node}/apt/versions" => host::packages,
        "/nodes/{node}/capabilities/qemu/cpu" => host::cpu_models,
        "/nodes/{node}/hosts" => host::hosts,
        "/nodes/{node}/journal" => host::journal,
        "/nodes/{node}/report" => host::report,
        "/nodes/{node}/services" => host::services,
        "/nodes/{node}/services/{service}/state" => host::service,
        "/nodes/{node}/subscription" => host::subscription,
        "/nodes/{node}/syslog" => host::syslog,
        "/nodes/{node}/time" => host::time,
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
        path if path.starts_with("/nodes/{node}/qemu/{vmid}/agent/") => agent::ask,
        "/nodes/{node}/qemu/{vmid}/feature" | "/nodes/{node}/lxc/{vmid}/feature" => guests::feature,
        "/nodes/{node}/qemu/{vmid}/cloudinit" => guests::cloudinit,
        "/nodes/{node}/qemu/{vmid}/cloudinit/dump" => guests::cloudinit_dump,
        "/nodes/{node}/storage" => storage::of_node,
        "/nodes/{node}/storage/{storage}/content" => storage::content,
        "/nodes/{node}/storage/{storage}/content/{volume}" => storage::volume,
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
        path if path.ends_with("/rrddata") => host::statistics,
        path if path.ends_with("/firewall/refs") => firewall::references,
        path if path.starts_with("/nodes/{node}/ceph/") => host::ceph,
        "/cluster/ceph/status" => host::ceph,
        _ => return None,
    })
}

#[rustfmt::skip]
fn creator(path: &str) -> Option<Handler> {
    Some(match path {
        "/cluster/backup" => jobs::create_backup,
        "/cluster/ha/groups" => ha::groups,
        "/cluster/replication" => jobs::create_replication,
        "/nodes/{node}/apt/update" => host::refresh_packages,
        "/nodes/{node}/hosts" => host::set_hosts,
        "/nodes/{node}/network" => host::create_interface,
        "/nodes/{node}/services/{service}/reload"
        | "/nodes/{node}/services/{service}/restart"
        | "/nodes/{node}/services/{service}/start"
        | "/nodes/{node}/services/{service}/stop" => host::switch_service,
        "/access/ticket" => access::ticket,
        "/access/roles" => access::create_role,
        "/access/users" => access::create_user,
        "/access/users/{userid}/token/{tokenid}" => access::create_token,
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
        path if path.starts_with("/nodes/{node}/qemu/{vmid}/agent") => agent::ask,
        "/nodes/{node}/lxc/{vmid}/snapshot"
        | "/nodes/{node}/qemu/{vmid}/snapshot" => snapshots::take,
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/rollback"
        | "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/rollback" => snapshots::rollback,
        "/nodes/{node}/storage/{storage}/content" => storage::allocate,
        "/nodes/{node}/storage/{storage}/download-url" => storage::download,
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
        "/cluster/backup/{id}" => jobs::update_backup,
        "/cluster/ha/groups/{group}" => ha::groups,
        "/cluster/replication/{id}" => jobs::update_replication,
        "/cluster/sdn" => sdn::apply,
        "/nodes/{node}/network" => host::reload_network,
        "/nodes/{node}/network/{iface}" => host::update_interface,
        "/access/acl" => access::update_acl,
        "/access/password" => access::change_password,
        "/access/roles/{roleid}" => access::update_role,
        "/access/users/{userid}" => access::update_user,
        "/nodes/{node}/lxc/{vmid}/config" | "/nodes/{node}/qemu/{vmid}/config" => config::update,
        "/nodes/{node}/lxc/{vmid}/resize" | "/nodes/{node}/qemu/{vmid}/resize" => disks::resize,
        "/nodes/{node}/qemu/{vmid}/unlink" => disks::unlink,
        "/nodes/{node}/qemu/{vmid}/cloudinit" | "/nodes/{node}/qemu/{vmid}/sendkey" => guests::nothing,
        "/nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config"
        | "/nodes/{node}/qemu/{vmid}/snapshot/{snapname}/config" => snapshots::describe,
        "/nodes/{node}/storage/{storage}/content/{volume}" => storage::describe_volume,
        "/pools" | "/pools/{poolid}" => pools::update,
        "/storage/{storage}" => storage::update,
        _ => return None,
    })
}

#[rustfmt::skip]
fn remover(path: &str) -> Option<Handler> {
    Some(match path {
        "/cluster/backup/{id}" => jobs::remove_backup,
        "/cluster/ha/groups/{group}" => ha::groups,
        "/cluster/replication/{id}" => jobs::remove_replication,
        "/cluster/sdn/vnets/{vnet}" | "/cluster/sdn/zones/{zone}" => sdn::remove,
        "/nodes/{node}/network/{iface}" => host::remove_interface,
        "/access/groups/{groupid}" => access::remove_group,
        "/access/roles/{roleid}" => access::remove_role,
        "/access/users/{userid}" => access::remove_user,
        "/access/users/{userid}/token/{tokenid}" => access::remove_token,
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
    match cluster.allowed(path, privilege) {
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
    let by_pool = cluster.guests.get(&vmid).is_some_and(|g| cluster.may_on_guest(g, privilege));
    if !by_pool {
        need(cluster, &place, privilege)?;
    }
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
fn task_fails(cluster: &mut Cluster, call: &Call, verb: &str, error: impl Into<String>) -> String {
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
