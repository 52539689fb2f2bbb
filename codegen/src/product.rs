//! The upstream products whose APIs are generated.

use std::fmt;
use std::str::FromStr;

/// An upstream product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// NetBox
    Netbox,
    /// NetBox with the plugin netbox-proxbox; only what the plugin adds is kept.
    NetboxProxbox,
    /// Proxmox Backup Server
    Pbs,
    /// Proxmox Datacenter Manager
    Pdm,
    /// Proxmox VE
    Pve,
}

impl Product {
    /// All products, in the order in which they are generated.
    pub const ALL: [Self; 5] = [Self::Netbox, Self::NetboxProxbox, Self::Pbs, Self::Pdm, Self::Pve];

    /// The product's name on the command line, in `specs/` and in generated modules.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Netbox => "netbox",
            Self::NetboxProxbox => "netbox-proxbox",
            Self::Pbs => "pbs",
            Self::Pdm => "pdm",
            Self::Pve => "pve",
        }
    }

    /// What the product calls its API.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Netbox => "NetBox REST API",
            Self::NetboxProxbox => "netbox-proxbox REST API",
            Self::Pbs => "Proxmox Backup Server API",
            Self::Pdm => "Proxmox Datacenter Manager API",
            Self::Pve => "Proxmox VE API",
        }
    }

    /// The product as messages call it: `needs PVE 9.1`.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Netbox => "NetBox",
            Self::NetboxProxbox => "netbox-proxbox",
            Self::Pbs => "PBS",
            Self::Pdm => "PDM",
            Self::Pve => "PVE",
        }
    }

    /// Where people find an operation in the official viewer; the path follows. Only Proxmox
    /// products have one.
    pub const fn viewer(self) -> Option<&'static str> {
        match self {
            Self::Netbox | Self::NetboxProxbox => None,
            Self::Pbs => Some("https://pbs.proxmox.com/docs/api-viewer/#"),
            Self::Pdm => Some("https://pdm.proxmox.com/docs/api-viewer/#"),
            Self::Pve => Some("https://pve.proxmox.com/pve-docs/api-viewer/#"),
        }
    }

    /// Whether the product publishes an API viewer rather than an OpenAPI document.
    pub const fn is_proxmox(self) -> bool {
        self.viewer().is_some()
    }

    /// Where the product's spec of a release lies below `specs/`.
    pub fn spec_path(self, release: &str) -> String {
        format!("{}/{release}.json", self.name())
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|product| product.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join("`, `");
            format!("`{text}` is no product; known are `{known}`")
        })
    }
}
