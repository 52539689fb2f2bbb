//! A node of the mock.

use serde_json::{Value, json};

/// A node of a [`super::Cluster`].
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its number in the cluster, from 1.
    pub id: u32,
    /// Its address in the cluster's network.
    pub ip: String,
    /// Whether it runs. Calls to a node that does not are answered 595.
    pub online: bool,
    /// Logical CPUs.
    pub cpus: u32,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of the root file system.
    pub disk: u64,
    /// Rows of `/nodes/{node}/network`.
    pub network: Vec<Value>,
}

impl Node {
    /// The row of `/nodes` and `/cluster/resources`; numbers need Sys.Audit and a running node.
    pub(crate) fn row(&self, with_numbers: bool) -> Value {
        let mut row = json!({
            "id": format!("node/{}", self.name),
            "node": self.name,
            "type": "node",
            "status": if self.online { "online" } else { "unknown" },
        });
        if self.online {
            row["level"] = "".into();
            row["cgroup-mode"] = 2.into();
        }
        if self.online && with_numbers {
            row["cpu"] = json!(0.0125 * f64::from(self.id));
            row["maxcpu"] = self.cpus.into();
            row["mem"] = (self.memory / 3).into();
            row["maxmem"] = self.memory.into();
            row["disk"] = (self.disk / 5).into();
            row["maxdisk"] = self.disk.into();
            row["uptime"] = (86_400 * u64::from(self.id) + 1234).into();
        }
        row
    }

    /// The answer of `/nodes/{node}/status`, with the text values that nodes really send.
    pub(crate) fn status(&self, release: &str) -> Value {
        json!({
            "uptime": 86_400 * u64::from(self.id) + 1234,
            "cpu": 0.0125 * f64::from(self.id),
            "wait": 0.001,
            "idle": 0,
            "loadavg": ["0.42", "0.35", "0.37"],
            "kversion": "Linux 6.14.8-2-pve #1 SMP PREEMPT_DYNAMIC PMX 6.14.8-2 (2025-07-22T10:04Z)",
            "pveversion": format!("pve-manager/{release}/5a9cc2d1b6f5a6a1"),
            "cpuinfo": {
                "model": "AMD EPYC 7313P 16-Core Processor",
                "cpus": self.cpus,
                "cores": self.cpus / 2,
                "sockets": 1,
                "mhz": "3460.659",
                "hvm": "1",
                "user_hz": 100,
                "flags": "fpu vme de pse tsc msr pae mce cx8 apic sep",
            },
            "memory": {
                "total": self.memory,
                "used": self.memory / 3,
                "free": self.memory / 2,
                "available": self.memory / 3 * 2,
            },
            "swap": { "total": 8_589_930_496_u64, "used": 0, "free": 8_589_930_496_u64 },
            "rootfs": {
                "total": self.disk,
                "used": self.disk / 5,
                "free": self.disk / 5 * 4,
                "avail": self.disk / 5 * 4,
            },
            "ksm": { "shared": 42_268_934_144_u64 },
            "boot-info": { "mode": "efi", "secureboot": 0 },
            "current-kernel": {
                "sysname": "Linux",
                "release": "6.14.8-2-pve",
                "version": "#1 SMP PREEMPT_DYNAMIC PMX 6.14.8-2 (2025-07-22T10:04Z)",
                "machine": "x86_64",
            },
        })
    }
}
