//! A guest of the mock and the rows that show it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::property;

/// Kind of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestKind {
    /// A virtual machine.
    Qemu,
    /// A container.
    Lxc,
}

impl GuestKind {
    /// `qemu` or `lxc`, as in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qemu => "qemu",
            Self::Lxc => "lxc",
        }
    }

    /// Where its configuration file lies.
    fn folder(self) -> &'static str {
        match self {
            Self::Qemu => "qemu-server",
            Self::Lxc => "lxc",
        }
    }

    /// `qmstart`, `vzstart`: the type of a task on such a guest.
    pub(crate) fn task(self, verb: &str) -> String {
        match self {
            Self::Qemu if verb == "migrate" => "qmigrate".to_owned(),
            Self::Qemu => format!("qm{verb}"),
            Self::Lxc => format!("vz{verb}"),
        }
    }

    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Qemu => "VM",
            Self::Lxc => "CT",
        }
    }
}

/// A snapshot of a guest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was taken, seconds since 1970.
    pub time: u64,
    /// The snapshot before it.
    pub parent: Option<String>,
    /// The configuration at that time.
    pub config: Map<String, Value>,
    /// Whether it holds the memory of the running machine.
    pub with_memory: bool,
}

/// A guest of a [`super::Cluster`].
#[derive(Debug, Clone, PartialEq)]
pub struct Guest {
    /// Its number.
    pub vmid: u32,
    /// Virtual machine or container.
    pub kind: GuestKind,
    /// The node that holds it.
    pub node: String,
    /// Its configuration, as `/config` gives it; any value may be put here.
    pub config: Map<String, Value>,
    /// Whether it runs.
    pub running: bool,
    /// Whether it runs and is paused.
    pub paused: bool,
    /// Changes of its configuration that wait for the next start; `None` takes a value away.
    pub pending: BTreeMap<String, Option<Value>>,
    /// Its snapshots, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// Addresses with prefix by number of the interface, as agent or container report them.
    pub addresses: BTreeMap<u16, Vec<String>>,
    /// Whether the agent inside answers; it must also be enabled in the configuration.
    pub agent_answers: bool,
    /// What the agent or the container answers instead, if it is to be odd.
    pub interfaces: Option<Value>,
    /// Its pool.
    pub pool: Option<String>,
    /// Left out of lists, refused elsewhere: the privilege to see it is missing.
    pub hidden: bool,
}

impl Guest {
    /// A stopped guest without configuration.
    pub fn new(vmid: u32, kind: GuestKind, node: &str) -> Self {
        Self {
            vmid,
            kind,
            node: node.to_owned(),
            config: Map::new(),
            running: false,
            paused: false,
            pending: BTreeMap::new(),
            snapshots: Vec::new(),
            addresses: BTreeMap::new(),
            agent_answers: true,
            interfaces: None,
            pool: None,
            hidden: false,
        }
    }

    /// The key of its name in the configuration.
    pub fn name_key(&self) -> &'static str {
        match self.kind {
            GuestKind::Qemu => "name",
            GuestKind::Lxc => "hostname",
        }
    }

    /// A value of its configuration as text.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.config.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Its name, as the configuration has it.
    pub fn name(&self) -> Option<String> {
        self.text(self.name_key())
    }

    pub(crate) fn is_template(&self) -> bool {
        self.text("template").as_deref() == Some("1")
    }

    pub(crate) fn config_file(node: &str, kind: GuestKind, vmid: u32) -> String {
        format!("nodes/{node}/{}/{vmid}.conf", kind.folder())
    }

    /// Whether the configuration turns the agent on: `1`, `enabled=1,...`.
    pub(crate) fn agent_enabled(&self) -> bool {
        self.text("agent").is_some_and(|text| {
            text.starts_with('1') || property::value(&text, "enabled") == Some("1")
        })
    }

    /// The configuration as read: with what waits for the next start unless only what holds now is
    /// asked for, and with the digest of its text.
    pub(crate) fn read_config(&self, now: bool) -> Map<String, Value> {
        let mut guest = self.clone();
        if !now {
            guest.take_pending();
        }
        let mut config = guest.config;
        config.insert("digest".into(), self.digest().into());
        config
    }

    /// Starts or stops it: what waited for that is done.
    pub(crate) fn switch(&mut self, running: bool) {
        self.running = running;
        self.paused = false;
        self.take_pending();
    }

    pub(crate) fn take_pending(&mut self) {
        for (key, value) in std::mem::take(&mut self.pending) {
            match value {
                Some(value) => self.config.insert(key, value),
                None => self.config.remove(&key),
            };
        }
    }

    pub(crate) fn digest(&self) -> String {
        use sha2::{Digest, Sha256};
        let text = format!("{}{:?}", Value::from(self.config.clone()), self.pending);
        // PVE's is a SHA-1: 40 digits.
        Sha256::digest(text).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }

    fn cpus(&self) -> u64 {
        let number = |key| self.text(key).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
        number("cores").saturating_mul(number("sockets"))
    }

    /// Bytes; the configuration has MiB, since 8.0 as a property string.
    fn memory(&self) -> u64 {
        let text = self.text("memory").unwrap_or_default();
        let number = property::value(&text, "current").unwrap_or(&text);
        number.parse().unwrap_or(512_u64).saturating_mul(1 << 20)
    }

    fn disk(&self) -> u64 {
        let root = ["scsi0", "rootfs", "virtio0", "sata0", "ide0"];
        let disk = root.iter().find_map(|key| self.text(key)).unwrap_or_default();
        property::value(&disk, "size").and_then(crate::parse::disk_size).unwrap_or(0)
    }

    fn shown_name(&self) -> String {
        match (self.name(), self.kind) {
            (Some(name), GuestKind::Qemu) => name,
            (Some(name), GuestKind::Lxc) => name.replace(' ', ""),
            (None, GuestKind::Qemu) => format!("VM {}", self.vmid),
            (None, GuestKind::Lxc) => format!("CT{}", self.vmid),
        }
    }

    fn numbers(&self) -> Value {
        let seed = u64::from(self.vmid).wrapping_mul(2_654_435_761);
        let used = |of: u64| {
            if self.running { of / 100 * (20 + seed % 60) } else { 0 }
        };
        let counter = |factor: u64| {
            if self.running { seed % 1_000_003 * factor } else { 0 }
        };
        json!({
            "status": if self.running { "running" } else { "stopped" },
            "maxmem": self.memory(),
            "mem": used(self.memory()),
            "maxdisk": self.disk(),
            "disk": if self.kind == GuestKind::Lxc { used(self.disk()) } else { 0 },
            "uptime": if self.running { 3600 + seed % 2_000_000 } else { 0 },
            "cpu": if self.running { json!((seed % 1000) as f64 / 10_000.0) } else { json!(0) },
            "netin": counter(977),
            "netout": counter(613),
            "diskread": counter(4096),
            "diskwrite": counter(8192),
        })
    }

    /// The row of `/nodes/{node}/qemu` or `lxc`.
    pub(crate) fn row(&self) -> Value {
        let mut row = self.numbers();
        row["vmid"] = self.vmid.into();
        row["name"] = self.shown_name().into();
        row["cpus"] = self.cpus().into();
        if self.running {
            row["pid"] = (100_000 + self.vmid).into();
        }
        if self.kind == GuestKind::Lxc {
            row["type"] = "lxc".into();
            row["swap"] = 0.into();
            row["maxswap"] = (512_u64 << 20).into();
        }
        // Present only where true, unlike in the list of resources.
        if self.is_template() {
            row["template"] = 1.into();
        }
        self.add_marks(&mut row);
        row
    }

    /// The row of `/cluster/resources`.
    pub(crate) fn resource(&self, node_online: bool) -> Value {
        let mut row = json!({
            "id": format!("{}/{}", self.kind.as_str(), self.vmid),
            "type": self.kind.as_str(),
            "vmid": self.vmid,
            "node": self.node,
            "status": "unknown",
        });
        if node_online {
            if let (Value::Object(row), Value::Object(numbers)) = (&mut row, self.numbers()) {
                row.extend(numbers);
            }
            row["maxcpu"] = self.cpus().into();
            row["template"] = u8::from(self.is_template()).into();
            // Without a name in the configuration there is none here either.
            if let Some(name) = self.name() {
                row["name"] = name.into();
            }
        }
        if let Some(pool) = &self.pool {
            row["pool"] = pool.as_str().into();
        }
        self.add_marks(&mut row);
        row
    }

    fn add_marks(&self, row: &mut Value) {
        for key in ["tags", "lock"] {
            if let Some(value) = self.config.get(key) {
                row[key] = value.clone();
            }
        }
    }

    /// The answer of `status/current`.
    pub(crate) fn current(&self) -> Value {
        let mut row = self.row();
        row["ha"] = json!({ "managed": 0 });
        if self.kind == GuestKind::Qemu {
            row["qmpstatus"] = if self.paused { "paused".into() } else { row["status"].clone() };
            if self.agent_enabled() {
                row["agent"] = 1.into();
            }
            row["clipboard"] = Value::Null;
        }
        row
    }
}
