//! Endpoints that are named on the command line instead of being stored.

use secrecy::SecretString;

use super::secret;
use crate::endpoints::Connected;
use crate::sync::Target;

/// One NetBox and one Proxmox cluster.
#[derive(Debug, Clone, clap::Args)]
pub struct Direct {
    /// NetBox to write to, with its token in PROXBOX_NETBOX_TOKEN; the stored endpoints otherwise.
    #[arg(long, value_name = "URL", env = "PROXBOX_NETBOX_URL", requires = "proxmox_url")]
    pub netbox_url: Option<String>,
    /// Proxmox node to read, with its secret in PROXBOX_PROXMOX_TOKEN_SECRET.
    #[arg(long, value_name = "URL", env = "PROXBOX_PROXMOX_URL", requires = "netbox_url")]
    pub proxmox_url: Option<String>,
    /// API token of that node, as in sync@pve!proxbox.
    #[arg(long, value_name = "ID", env = "PROXBOX_PROXMOX_TOKEN_ID", requires = "proxmox_url")]
    pub proxmox_token_id: Option<String>,
    /// SHA-256 fingerprint of the node's certificate.
    #[arg(long, value_name = "HEX", env = "PROXBOX_PROXMOX_FINGERPRINT", requires = "proxmox_url")]
    pub proxmox_fingerprint: Option<String>,
    /// Accepts any certificate of both: whoever stands in between can read the secrets.
    #[arg(long)]
    pub accept_invalid_certs: bool,
}

/// A setting without which the endpoints cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not set; without it the endpoints on the command line cannot be used")]
pub struct MissingSetting(&'static str);

impl Direct {
    /// Clients of the endpoints; none when none are named.
    pub fn connect(&self) -> anyhow::Result<Option<Connected>> {
        let (Some(netbox_url), Some(proxmox_url)) = (&self.netbox_url, &self.proxmox_url) else {
            return Ok(None);
        };
        let netbox = sdk_netbox::Client::builder(netbox_url)
            .token(required("PROXBOX_NETBOX_TOKEN")?)
            .accept_invalid_certs(self.accept_invalid_certs)
            .build()?;
        let token_id = self.proxmox_token_id.as_deref();
        let token_id = token_id.ok_or(MissingSetting("--proxmox-token-id"))?;
        let mut proxmox = sdk_proxmox::Client::builder(proxmox_url)
            .token(token_id, required("PROXBOX_PROXMOX_TOKEN_SECRET")?);
        proxmox = match &self.proxmox_fingerprint {
            Some(fingerprint) => proxmox.fingerprint(fingerprint),
            None => proxmox.accept_invalid_certs(self.accept_invalid_certs),
        };
        let target = Target {
            endpoint_id: 0,
            name: proxmox_url.clone(),
            link: proxmox_url.trim_end_matches('/').to_owned(),
            client: proxmox.build()?,
            site: None,
            tenant: None,
        };
        Ok(Some(Connected { netbox, targets: vec![target] }))
    }
}

fn required(variable: &'static str) -> anyhow::Result<SecretString> {
    Ok(secret(variable)?.ok_or(MissingSetting(variable))?)
}
