//! The state of the mock: a cluster, its nodes, guests, storages, pools, users and tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use super::answer::Told;
use super::generic::Stored;
use super::task::Task;
use super::terminal::Terminal;
use super::{Guest, Node};
use crate::Product;

/// A pool of guests and storages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pool {
    /// What it is for.
    pub comment: Option<String>,
    /// Names of its storages; guests name their pool themselves.
    pub storages: BTreeSet<String>,
}

/// A user who can log in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Password for the ticket.
    pub password: String,
    /// The code that a second factor must show, if one is set up.
    pub totp: Option<String>,
}

/// Shows no password.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("second_factor", &self.totp.is_some()).finish_non_exhaustive()
    }
}

/// A setter was called for something that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mock has no {0}")]
pub struct NoSuch(pub String);

/// The state of the mock. All of it may be changed between requests, through
/// [`super::Mock::with`].
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Which product it is. Nodes and guests are PVE's alone.
    pub product: Product,
    /// Whether calls without state of their own are refused with 501 instead of being answered from
    /// the description.
    pub strict: bool,
    /// Name of the cluster; `None` for a node on its own.
    pub name: Option<String>,
    /// Release, `9.1.2`. Before 8.4 error texts are in the reason phrase only.
    pub release: String,
    /// Nodes, in order of their numbers.
    pub nodes: Vec<Node>,
    /// Guests by number.
    pub guests: BTreeMap<u32, Guest>,
    /// Rows of `/storage`, by name.
    pub storages: BTreeMap<String, Map<String, Value>>,
    /// Volumes: backups, images, templates, and disks that were made by calls; other disks are known by
    /// the configurations of their guests alone. Rows of
    /// `/nodes/{node}/storage/{storage}/content` with `storage` added, and `node` where local.
    pub volumes: Vec<Map<String, Value>>,
    /// Pools by name.
    pub pools: BTreeMap<String, Pool>,
    /// Users by name, `user@realm`.
    pub users: BTreeMap<String, User>,
    /// Id of the API token that is taken, `user@realm!name`.
    pub token_id: String,
    /// Its secret.
    pub token_secret: String,
    /// Privileges of whoever calls. See [`Cluster::revoke`].
    pub privileges: BTreeSet<String>,
    /// Rows of `/cluster/backup`.
    pub backup_jobs: Vec<Value>,
    /// Rows of `/cluster/replication`.
    pub replications: Vec<Value>,
    /// What to answer a GET of these paths (`/cluster/options`) instead of anything else.
    pub answers: BTreeMap<String, Value>,
    /// What commands print that are typed into a terminal, besides `echo`, `hostname`, `stty size` and
    /// `exit`.
    pub commands: BTreeMap<String, String>,
    /// Programs that were run in guests.
    pub(crate) programs: Vec<super::program::Done>,
    /// Whether Ceph is set up; without it, calls about it fail.
    pub ceph: bool,
    /// How long tasks run.
    pub task_time: Duration,
    /// How the next task ends, if not with `OK`; one with an error has no effect.
    pub next_exit: Option<String>,
    pub(crate) stored: Stored,
    pub(crate) tasks: Vec<Task>,
    /// Seconds since 1970; moves on with every task.
    pub(crate) clock: u64,
    /// Tickets given out, with their user and CSRF prevention token.
    pub(crate) tickets: BTreeMap<String, (String, String)>,
    pub(crate) tickets_given: u64,
    /// Who sent the request that is being answered.
    pub(crate) caller: String,
    /// What backups hold, by volume.
    pub(crate) archives: BTreeMap<String, Guest>,
    pub(crate) terminals: Vec<Terminal>,
    pub(crate) terminals_given: usize,
}

/// Privileges that reading and changing everything takes.
const PRIVILEGES: &[&str] = &[
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.Audit",
    "Mapping.Audit",
    "Pool.Allocate",
    "Pool.Audit",
    "SDN.Audit",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Modify",
    "User.Modify",
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.Disk",
    "VM.Config.Options",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Snapshot",
];

impl Cluster {
    /// A cluster without nodes and guests, with one token and one user (`root@pam`).
    pub fn empty() -> Self {
        let root = User { password: "mock-password".into(), totp: None };
        Self {
            product: Product::Pve,
            strict: false,
            name: None,
            release: "9.1.2".into(),
            nodes: Vec::new(),
            guests: BTreeMap::new(),
            storages: BTreeMap::new(),
            volumes: Vec::new(),
            pools: BTreeMap::new(),
            users: BTreeMap::from([("root@pam".into(), root)]),
            token_id: "root@pam!proxbox".into(),
            token_secret: "6d6f636b-0000-4000-8000-70726f78626f".into(),
            privileges: PRIVILEGES.iter().map(|name| (*name).to_owned()).collect(),
            backup_jobs: Vec::new(),
            replications: Vec::new(),
            answers: BTreeMap::new(),
            commands: BTreeMap::new(),
            programs: Vec::new(),
            ceph: false,
            task_time: Duration::from_millis(50),
            next_exit: None,
            stored: Stored::new(),
            tasks: Vec::new(),
            clock: 1_767_225_600,
            tickets: BTreeMap::new(),
            tickets_given: 0,
            archives: BTreeMap::new(),
            caller: String::new(),
            terminals: Vec::new(),
            terminals_given: 0,
        }
    }

    /// A Backup Server or a Datacenter Manager without anything in it, with one token and one user.
    pub fn of(product: Product) -> Self {
        let release = match product {
            Product::Pve => "9.1.2",
            Product::Pbs => "4.0.1",
            Product::Pdm => "1.0.1",
        };
        Self { product, release: release.to_owned(), ..Self::empty() }
    }

    /// Fills it from a map of paths to what a GET of them answers, with or without `/api2/json` and
    /// `data` around it. What is created by a POST becomes state that calls change; anything else is
    /// answered as it is.
    pub fn seed(&mut self, seed: &Map<String, Value>) {
        for (path, answer) in seed {
            let path = path.trim_start_matches("/api2/json").trim_end_matches('/');
            let value = answer.get("data").unwrap_or(answer).clone();
            if let Err(value) = super::generic::seed(self, path, value) {
                self.answers.insert(path.to_owned(), value);
            }
        }
    }

    /// The node with this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Adds a guest, or puts it in the place of the one with its number.
    pub fn add_guest(&mut self, guest: Guest) {
        self.guests.insert(guest.vmid, guest);
    }

    /// Removes a guest.
    pub fn remove_guest(&mut self, vmid: u32) -> Result<Guest, NoSuch> {
        self.guests.remove(&vmid).ok_or_else(|| NoSuch(format!("guest {vmid}")))
    }

    /// The guest with this number, to change it.
    pub fn guest_mut(&mut self, vmid: u32) -> Result<&mut Guest, NoSuch> {
        self.guests.get_mut(&vmid).ok_or_else(|| NoSuch(format!("guest {vmid}")))
    }

    /// Gives a guest another name; two guests may have the same.
    pub fn rename(&mut self, vmid: u32, name: &str) -> Result<(), NoSuch> {
        let guest = self.guest_mut(vmid)?;
        guest.config.insert(guest.name_key().into(), name.into());
        Ok(())
    }

    /// Takes a guest's name away.
    pub fn unname(&mut self, vmid: u32) -> Result<(), NoSuch> {
        let guest = self.guest_mut(vmid)?;
        guest.config.remove(guest.name_key());
        Ok(())
    }

    /// Moves a guest to another node.
    pub fn migrate(&mut self, vmid: u32, node: &str) -> Result<(), NoSuch> {
        let node = self.node(node).ok_or_else(|| NoSuch(format!("node {node}")))?.name.clone();
        self.guest_mut(vmid)?.node = node;
        Ok(())
    }

    /// Sets a raw value of a guest's configuration, however odd.
    pub fn set(&mut self, vmid: u32, key: &str, value: impl Into<Value>) -> Result<(), NoSuch> {
        self.guest_mut(vmid)?.config.insert(key.to_owned(), value.into());
        Ok(())
    }

    /// Removes a value, `net1` for instance, from a guest's configuration.
    pub fn unset(&mut self, vmid: u32, key: &str) -> Result<(), NoSuch> {
        self.guest_mut(vmid)?.config.remove(key);
        Ok(())
    }

    /// Leaves a guest out of lists and refuses other calls for it, or shows it again.
    pub fn hide(&mut self, vmid: u32, hidden: bool) -> Result<(), NoSuch> {
        self.guest_mut(vmid)?.hidden = hidden;
        Ok(())
    }

    /// Switches a node off or on. Calls to one that is off are answered 595, and the state of its
    /// guests is unknown.
    pub fn set_online(&mut self, node: &str, online: bool) -> Result<(), NoSuch> {
        let found = self.nodes.iter_mut().find(|found| found.name == node);
        found.ok_or_else(|| NoSuch(format!("node {node}")))?.online = online;
        Ok(())
    }

    /// Takes a privilege away: lists become shorter without a word, other calls answer 403.
    pub fn revoke(&mut self, privilege: &str) {
        self.privileges.remove(privilege);
    }

    /// Gives a privilege.
    pub fn grant(&mut self, privilege: &str) {
        self.privileges.insert(privilege.to_owned());
    }

    /// Forgets all tickets, as after a change of the keys: calls with one answer 401.
    pub fn expire_tickets(&mut self) {
        self.tickets.clear();
    }

    /// Whether high availability looks after a guest.
    pub(crate) fn is_managed(&self, guest: &Guest) -> bool {
        self.ha_state(guest).is_some()
    }

    pub(crate) fn may(&self, privilege: &str) -> bool {
        self.allowed("/", privilege)
    }

    pub(crate) fn is_online(&self, node: &str) -> bool {
        self.node(node).is_some_and(|node| node.online)
    }

    /// The first two numbers of its release.
    pub(crate) fn numbers(&self) -> (u32, u32) {
        let mut parts = self.release.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    /// Where the text of an error is.
    pub(crate) fn told(&self) -> Told {
        match self.product {
            Product::Pbs | Product::Pdm => Told::Plain,
            Product::Pve if self.numbers() >= (8, 4) => Told::Message,
            Product::Pve => Told::Reason,
        }
    }

    /// Guests that the caller sees.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Guest> {
        let seen = |guest: &&Guest| !guest.hidden && self.may_on_guest(guest, "VM.Audit");
        self.guests.values().filter(seen)
    }

    /// The smallest free number for a guest.
    pub(crate) fn next_id(&self) -> u32 {
        (100..).find(|vmid| !self.guests.contains_key(vmid)).unwrap_or(100)
    }
}
