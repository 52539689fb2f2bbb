//! The products, and where their APIs differ on the wire.

use std::fmt;

/// A Proxmox product. They share path, envelope and tickets, and differ in these details.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Product {
    /// Proxmox VE
    #[default]
    Pve,
    /// Proxmox Backup Server
    Pbs,
    /// Proxmox Datacenter Manager
    Pdm,
}

impl Product {
    /// The port that it listens on.
    pub const fn port(self) -> u16 {
        match self {
            Self::Pve => 8006,
            Self::Pbs => 8007,
            Self::Pdm => 8443,
        }
    }

    /// The name of the cookie that holds the ticket.
    pub const fn cookie(self) -> &'static str {
        match self {
            Self::Pve => "PVEAuthCookie",
            Self::Pbs => "PBSAuthCookie",
            Self::Pdm => "__Host-PDMAuthCookie",
        }
    }

    /// The header's value for an API token.
    pub(crate) fn token(self, id: &str, secret: &str) -> String {
        match self {
            Self::Pve => format!("PVEAPIToken={id}={secret}"),
            Self::Pbs => format!("PBSAPIToken={id}:{secret}"),
            Self::Pdm => format!("PDMAPIToken={id}:{secret}"),
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pve => "PVE",
            Self::Pbs => "PBS",
            Self::Pdm => "PDM",
        })
    }
}
