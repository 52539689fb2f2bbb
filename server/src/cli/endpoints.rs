//! `proxbox endpoints`

use anyhow::{Context, bail};
use sdk_proxmox::Product;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::Exit;
use crate::cli::say::say;
use crate::config::{State, secret};
use crate::endpoints::address;
use crate::plugin::{endpoints, netbox_endpoint};
use crate::store::Store;

/// `endpoints` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Endpoints {
    /// Lists the NetBox and the Proxmox clusters.
    List,
    /// Stores an endpoint; its credentials are sealed.
    #[command(subcommand)]
    Add(Add),
}

/// `endpoints add` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Add {
    /// The NetBox to write to, with its token in PROXBOX_NETBOX_TOKEN.
    Netbox {
        #[command(flatten)]
        place: Place,
    },
    /// A Proxmox cluster to read, with its secret in PROXBOX_PROXMOX_TOKEN_SECRET.
    Proxmox {
        #[command(flatten)]
        place: Place,
        /// API token, as in sync@pve!proxbox.
        #[arg(long, value_name = "ID")]
        token_id: String,
        /// Another node of the same cluster, asked when the one of the URL is not there.
        #[arg(long, value_name = "HOST")]
        host: Vec<String>,
        #[command(flatten)]
        permits: Permits,
    },
}

/// What may be done on a cluster beside reading it.
#[derive(Debug, clap::Args)]
pub(super) struct Permits {
    /// Permits changes by keys with the scope proxy:write.
    #[arg(long)]
    allow_writes: bool,
    /// Permits commands and journals in machines by keys with the scope console.
    #[arg(long)]
    allow_guest_commands: bool,
    /// Permits them in containers, through a shell of their node: as root@pam, with the password in
    /// PROXBOX_PROXMOX_PASSWORD.
    #[arg(long)]
    allow_node_shell: bool,
}

/// Where an endpoint is.
#[derive(Debug, clap::Args)]
pub(super) struct Place {
    /// URL of the API, as in https://pve1.example.org:8006.
    #[arg(long)]
    url: Url,
    /// What to call it; its host otherwise.
    #[arg(long)]
    name: Option<String>,
    /// Accepts any certificate: whoever stands in between can read the secret.
    #[arg(long)]
    accept_invalid_certs: bool,
}

impl Endpoints {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        match self {
            Self::List => list(&store).await?,
            Self::Add(Add::Netbox { place }) => add_netbox(&store, &place).await?,
            Self::Add(Add::Proxmox { place, token_id, host, permits }) => {
                add_proxmox(&store, &place, &token_id, host, &permits).await?;
            }
        }
        store.close().await;
        Ok(Exit::Done)
    }
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let line = |kind: &str, id: i64, name: &str, host: &str, port: u16, enabled: bool| {
        let state = if enabled { "" } else { "  disabled" };
        say!("{kind:8} {id:>4}  {name}  {host}:{port}{state}");
    };
    if let Some(row) = store.netbox_endpoint().await? {
        let host = address::host(&row.ip_address, row.domain.as_deref());
        line("netbox", row.id, &row.name, host, row.port, row.enabled);
    }
    for row in store.proxmox_endpoints().await? {
        let host = address::host(&row.ip_address, row.domain.as_deref());
        line("proxmox", row.id, &row.name, host, row.port, row.enabled);
    }
    Ok(())
}

async fn add_netbox(store: &Store, place: &Place) -> anyhow::Result<()> {
    let token = required("PROXBOX_NETBOX_TOKEN")?;
    let token = token.expose_secret();
    let mut body = place.body(443)?;
    body["token"] = json!(token);
    if let Some((key, secret)) = token.strip_prefix("nbt_").and_then(|rest| rest.split_once('.')) {
        body["token_version"] = json!("v2");
        body["token_key"] = json!(key);
        body["token"] = json!(secret);
    }
    let row = netbox_endpoint::add(store, serde_json::from_value(body)?).await?;
    say!("stored the NetBox endpoint `{}`", row.name);
    Ok(())
}

async fn add_proxmox(
    store: &Store,
    place: &Place,
    token_id: &str,
    more: Vec<String>,
    permits: &Permits,
) -> anyhow::Result<()> {
    let Some((username, token_name)) = token_id.split_once('!') else {
        bail!("`{token_id}` is not a token: user@realm!name is expected");
    };
    let secret = required("PROXBOX_PROXMOX_TOKEN_SECRET")?;
    let mut body = place.body(8006)?;
    let first = body["domain"].as_str().unwrap_or_default().to_owned();
    body["domain"] = json!([vec![first], more].concat().join(","));
    body["username"] = json!(username);
    body["token_name"] = json!(token_name);
    body["token_value"] = json!(secret.expose_secret());
    body["allow_writes"] = permits.allow_writes.into();
    body["allow_guest_commands"] = permits.allow_guest_commands.into();
    body["allow_node_shell"] = permits.allow_node_shell.into();
    if permits.allow_node_shell {
        body["password"] = json!(required("PROXBOX_PROXMOX_PASSWORD")?.expose_secret());
    }
    let row = endpoints::add(store, Product::Pve, serde_json::from_value(body)?).await?;
    say!("stored the Proxmox endpoint `{}` with id {}", row.name, row.id);
    Ok(())
}

impl Place {
    /// What both kinds of endpoint have in common, as their routes take it.
    fn body(&self, usual_port: u16) -> anyhow::Result<Value> {
        let host = self.url.host_str().context("the URL has no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let plain = match self.url.scheme() {
            "https" => false,
            "http" => true,
            other => bail!("{other}:// is neither http:// nor https://"),
        };
        let port = match (self.url.port(), plain) {
            (Some(port), _) => port,
            (None, true) => 80,
            (None, false) => usual_port,
        };
        if !matches!(self.url.path(), "" | "/") {
            bail!("the URL has the path {}; endpoints are hosts", self.url.path());
        }
        Ok(json!({
            "name": self.name.as_deref().unwrap_or(host),
            "domain": host,
            "port": port,
            // Without TLS there is no certificate to verify.
            "verify_ssl": !plain && !self.accept_invalid_certs,
        }))
    }
}

fn required(variable: &str) -> anyhow::Result<SecretString> {
    secret(variable)?.with_context(|| format!("{variable} is not set"))
}
