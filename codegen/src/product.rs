//! The upstream products whose APIs are generated.

use std::fmt;
use std::str::FromStr;

/// An upstream product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Product {
    /// NetBox
    Netbox,
    /// Proxmox VE
    Pve,
}

impl Product {
    /// Where the product's specs lie below `specs/`.
    pub fn spec_path(self, release: &str) -> String {
        match self {
            Self::Netbox => format!("netbox/{release}.json"),
            Self::Pve => format!("proxmox/pve-{release}.json"),
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netbox => "netbox",
            Self::Pve => "pve",
        })
    }
}

impl FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "netbox" => Ok(Self::Netbox),
            "pve" => Ok(Self::Pve),
            other => Err(format!("`{other}` is no product; known are `netbox` and `pve`")),
        }
    }
}
