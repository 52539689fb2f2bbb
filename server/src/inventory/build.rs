//! From answers to an inventory, without any I/O.

use std::collections::BTreeMap;

use proxbox_runtime::OpenEnum;
use sdk_proxmox::parse::split_list;
use sdk_proxmox::pve::{ClusterResourcesRow, ClusterResourcesRowType, ClusterStatusRowType};

use super::answers::{Answers, Config, GuestAnswers};
use super::devices::Devices;
use super::nodes::nodes;
use super::{
    CloudInit, Cluster, ClusterMode, Completeness, ConfigRead, Guest, GuestKind, GuestStatus,
    Inventory, Node, Problem, Scope, Seen, cloud_init, lists, metadata,
};

const MIB: i64 = 1 << 20;

/// What is known about an endpoint without asking it.
#[derive(Debug, Clone, Default)]
pub struct Endpoint {
    /// Its id.
    pub id: i64,
    /// Its name, for messages.
    pub name: String,
    /// Where people find its web interface.
    pub link: String,
    /// NetBox id of the site that the operator chose for it.
    pub site: Option<i64>,
    /// NetBox id of the tenant that the operator chose for it.
    pub tenant: Option<i64>,
}

/// Makes an inventory of the answers.
pub fn build(endpoint: &Endpoint, scope: &Scope, mut answers: Answers) -> Inventory {
    let nodes = nodes(&answers);
    let online: BTreeMap<&str, bool> =
        nodes.iter().map(|node| (node.name.as_str(), node.online)).collect();
    let mut problems = answers.problems.clone();
    let mut guests = Vec::new();
    // Taken one by one, so that a cluster is never there twice.
    for row in std::mem::take(&mut answers.resources) {
        let kind = match row.kind {
            Some(ClusterResourcesRowType::Qemu) => GuestKind::Qemu,
            Some(ClusterResourcesRowType::Lxc) => GuestKind::Lxc,
            _ => continue,
        };
        if row.vmid.is_some_and(|vmid| !scope.has_guest(vmid)) {
            continue;
        }
        let (Some(vmid), Some(node)) = (row.vmid, &row.node) else {
            let object = format!("guest {}", row.id.as_deref().unwrap_or("without id"));
            let why = "the list of resources names no vmid or no node for it".to_owned();
            problems.push(Problem { object, why });
            continue;
        };
        let seen = online.get(node.as_str()).copied().unwrap_or(false);
        let own = answers.guests.remove(&vmid).unwrap_or_default();
        guests.push(guest(vmid, kind, node, seen, &row, own, &mut problems));
    }
    guests.sort_by_key(|guest| guest.vmid);
    let mut gaps = answers.gaps.clone();
    let down = nodes.iter().filter(|node| !node.online);
    gaps.extend(down.map(|node| format!("node {} is not online", node.name)));
    let cluster = cluster(endpoint, &answers, &nodes);
    Inventory {
        endpoint: endpoint.id,
        endpoint_name: endpoint.name.clone(),
        link: endpoint.link.clone(),
        cluster,
        site: endpoint.site,
        tenant: endpoint.tenant,
        nodes,
        guests,
        storages: answers.storages.as_deref().map(lists::storages),
        backups: lists::backups(&answers, scope),
        backups_known: lists::backups_known(&answers),
        tasks: lists::tasks(&answers, scope),
        replications: answers.replications.as_deref().map(|rows| lists::replications(rows, scope)),
        backup_jobs: answers.backup_jobs.as_deref().map(lists::backup_jobs),
        is_part: scope.guests.is_some(),
        completeness: match gaps.is_empty() {
            true => Completeness::Complete,
            false => Completeness::Partial(gaps),
        },
        drift: answers.drift,
        problems,
    }
}

/// The cluster's own name, that of the only node, or the endpoint's.
fn cluster(endpoint: &Endpoint, answers: &Answers, nodes: &[Node]) -> Cluster {
    let row = answers.status.iter().find(|row| row.kind == Some(ClusterStatusRowType::Cluster));
    if let Some(name) = row.and_then(|row| row.name.clone()) {
        let quorate = row.and_then(|row| row.quorate).unwrap_or(true);
        return Cluster { name, mode: ClusterMode::Cluster, quorate };
    }
    let (name, mode) = match nodes {
        [node] => (node.name.clone(), ClusterMode::Standalone),
        _ => (endpoint.name.clone(), ClusterMode::Cluster),
    };
    Cluster { name, mode, quorate: true }
}

fn guest(
    vmid: i64,
    kind: GuestKind,
    node: &str,
    node_online: bool,
    row: &ClusterResourcesRow,
    answers: GuestAnswers,
    problems: &mut Vec<Problem>,
) -> Guest {
    let GuestAnswers { config, interfaces: seen, hostname: told_name, snapshots } = answers;
    let config = config.as_ref();
    let devices = match config {
        Some(Config::Qemu(config)) => Devices::of_machine(config, seen.as_ref()),
        Some(Config::Lxc(config)) => Devices::of_container(config, seen.as_ref()),
        None => Devices::default(),
    };
    let name = name(vmid, kind, row, config);
    for (device, why) in &devices.unread {
        let object = format!("guest {vmid} ({})", name.as_deref().unwrap_or("without name"));
        let why = format!("{device} is left out: {why}");
        problems.push(Problem { object, why });
    }
    if config.is_some_and(|config| !config.is_whole()) {
        let object = format!("guest {vmid} ({})", name.as_deref().unwrap_or("without name"));
        let why = "its configuration came without a digest, so it may be cut; its parts are left";
        problems.push(Problem { object, why: why.to_owned() });
    }
    // Without an agent that could tell more, static addresses are all there is.
    let told = seen.is_some() || (devices.fixed && config.is_some_and(is_mute));
    let facts = Facts::of(config);
    let (metadata, wrong) = metadata::parse(facts.notes.as_deref().unwrap_or_default());
    for why in wrong {
        let object = format!("guest {vmid} ({})", name.as_deref().unwrap_or("without name"));
        let why = format!("the netbox-metadata in its notes: {why}; that is left out");
        problems.push(Problem { object, why });
    }
    Guest {
        vmid,
        kind,
        name,
        node: node.to_owned(),
        status: status(row, node_online),
        template: row.template.or(facts.template).unwrap_or(false),
        vcpus: row.maxcpu.filter(|cpus| *cpus > 0.0).or(facts.vcpus).map(hundredths),
        memory_mb: row.maxmem.map(|bytes| bytes / MIB).filter(|mb| *mb > 0).or(facts.memory_mb),
        tags: tags(row, facts.tags),
        starts_at_boot: facts.starts_at_boot,
        unprivileged: facts.unprivileged,
        agent: facts.agent,
        os: facts.os,
        cpu: facts.cpu,
        search_domain: facts.search_domain,
        notes: facts.notes,
        metadata,
        hostname: hostname(config, told_name),
        cloud_init: facts.cloud_init,
        own_interfaces: seen.map(Seen::into_interfaces),
        snapshots,
        config: match config {
            Some(config) if config.is_whole() => ConfigRead::Except(devices.unread_names()),
            _ => ConfigRead::Not,
        },
        disks: devices.disks,
        nics: devices.nics,
        addresses_known: told,
    }
}

/// The name that the guest gives itself: a container's is set by its configuration.
fn hostname(config: Option<&Config>, told: Option<String>) -> Option<String> {
    match config {
        Some(Config::Lxc(config)) => config.hostname.clone(),
        _ => told,
    }
}

/// Whether nothing inside of the guest can be asked.
fn is_mute(config: &Config) -> bool {
    matches!(config, Config::Qemu(_)) && !config.has_agent()
}

/// A guest's state is only as good as its node's: for some minutes after a node went down the
/// cluster still shows what was last seen.
fn status(row: &ClusterResourcesRow, node_online: bool) -> GuestStatus {
    match row.status.as_deref() {
        Some("unknown") | None => GuestStatus::Unknown,
        _ if !node_online => GuestStatus::Unknown,
        Some("running" | "online") => GuestStatus::Running,
        Some(_) => GuestStatus::Stopped,
    }
}

/// The name in the list, in the configuration, or as Proxmox shows guests without one.
fn name(
    vmid: i64,
    kind: GuestKind,
    row: &ClusterResourcesRow,
    config: Option<&Config>,
) -> Option<String> {
    let own = match config {
        Some(Config::Qemu(config)) => config.name.as_ref(),
        Some(Config::Lxc(config)) => config.hostname.as_ref(),
        None => None,
    };
    let known = row.name.as_ref().or(own).map(|name| name.trim()).filter(|name| !name.is_empty());
    match (known, config, kind) {
        (Some(name), ..) => Some(name.to_owned()),
        (None, None, _) => None,
        (None, Some(_), GuestKind::Qemu) => Some(format!("VM {vmid}")),
        (None, Some(_), GuestKind::Lxc) => Some(format!("CT{vmid}")),
    }
}

fn tags(row: &ClusterResourcesRow, config: Option<&str>) -> Vec<String> {
    let text = row.tags.as_deref().or(config).unwrap_or_default();
    let mut tags: Vec<String> = split_list(text).into_iter().map(str::to_owned).collect();
    tags.sort();
    tags.dedup();
    tags
}

fn hundredths(cpus: f64) -> i64 {
    // At most a few thousand CPUs: no digits are lost.
    (cpus * 100.0).round() as i64
}

/// What both kinds of configuration say.
#[derive(Default)]
struct Facts<'c> {
    template: Option<bool>,
    vcpus: Option<f64>,
    memory_mb: Option<i64>,
    tags: Option<&'c str>,
    starts_at_boot: Option<bool>,
    unprivileged: Option<bool>,
    agent: Option<bool>,
    os: Option<String>,
    cpu: Option<String>,
    search_domain: Option<String>,
    notes: Option<String>,
    cloud_init: Option<CloudInit>,
}

impl<'c> Facts<'c> {
    fn of(config: Option<&'c Config>) -> Self {
        match config {
            Some(read @ Config::Qemu(config)) => {
                let cores = config.sockets.unwrap_or(1) * config.cores.unwrap_or(1);
                let memory = config.memory.as_ref().and_then(|memory| memory.parse().ok());
                let cpu = config.cpu.as_ref().and_then(|cpu| cpu.parse().ok());
                Self {
                    template: config.template,
                    vcpus: Some(config.vcpus.unwrap_or(cores) as f64),
                    memory_mb: memory.and_then(|memory| memory.current),
                    tags: config.tags.as_deref(),
                    starts_at_boot: Some(config.onboot.unwrap_or(false)),
                    unprivileged: None,
                    agent: Some(read.has_agent()),
                    os: config.ostype.as_ref().map(|os| os.as_str().to_owned()),
                    cpu: cpu.and_then(|cpu| cpu.cputype),
                    search_domain: config.searchdomain.clone(),
                    notes: config.description.clone(),
                    cloud_init: cloud_init::of_machine(config),
                }
            }
            Some(Config::Lxc(config)) => Self {
                template: config.template,
                vcpus: config.cores.map(|cores| cores as f64).or(config.cpulimit),
                memory_mb: config.memory,
                tags: config.tags.as_deref(),
                starts_at_boot: Some(config.onboot.unwrap_or(false)),
                unprivileged: Some(config.unprivileged.unwrap_or(false)),
                agent: None,
                os: config.ostype.as_ref().map(|os| os.as_str().to_owned()),
                cpu: None,
                search_domain: config.searchdomain.clone(),
                notes: config.description.clone(),
                cloud_init: None,
            },
            None => Self::default(),
        }
    }
}
