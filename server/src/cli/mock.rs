//! `proxbox mock`: a mock of one product on a port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use sdk_netbox::mock as netbox;
use sdk_proxmox::Product;
use sdk_proxmox::mock::{Cluster, Fault, Mock, TlsFront, Trouble};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Exit, stop_requested};

/// Serves a mock of a product on loopback, over TLS with a fresh certificate, until it is stopped.
#[derive(Debug, Args)]
pub(super) struct MockCommand {
    /// Which product
    #[arg(value_enum)]
    product: Served,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Plain HTTP instead of TLS
    #[arg(long)]
    plain: bool,
    /// JSON: what GETs of these paths answer (Proxmox), or objects to create per path (NetBox)
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// JSON: a list of requests that go wrong, each with path, method, nth, first and trouble
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Nodes of the PVE cluster
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Guests of the PVE cluster
    #[arg(long, default_value_t = 30)]
    guests: usize,
    /// NetBox: with the plugin netbox-proxbox installed
    #[arg(long)]
    plugin: bool,
    /// Refuse what has no state of its own with 501 instead of answering from the description
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Served {
    Pve,
    Pbs,
    Pdm,
    Netbox,
}

/// A request that goes wrong, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripted {
    #[serde(default)]
    path: String,
    method: Option<String>,
    nth: Option<u32>,
    first: Option<u32>,
    trouble: ScriptedTrouble,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScriptedTrouble {
    Status(u16),
    Busy(u64),
    DelayMs(u64),
    Deadlock,
    Reset,
    ResetAfterCommit,
    Truncate,
}

impl MockCommand {
    pub(super) async fn run(&self) -> Result<Exit> {
        let faults: Vec<Scripted> = match &self.faults {
            Some(path) => read(path)?,
            None => Vec::new(),
        };
        match self.product {
            Served::Netbox => self.netbox(faults).await?,
            Served::Pve => self.proxmox(Product::Pve, faults).await?,
            Served::Pbs => self.proxmox(Product::Pbs, faults).await?,
            Served::Pdm => self.proxmox(Product::Pdm, faults).await?,
        }
        Ok(Exit::Done)
    }

    async fn proxmox(&self, product: Product, faults: Vec<Scripted>) -> Result<()> {
        let mut cluster = match product {
            Product::Pve => Cluster::demo(self.nodes, self.guests, 1),
            other => Cluster::of(other),
        };
        cluster.strict = self.strict;
        if let Some(path) = &self.seed {
            cluster.seed(&read::<Map<String, Value>>(path)?);
        }
        let mock =
            Mock::start_on(self.inner(), cluster).await.context("the port cannot be used")?;
        for fault in faults {
            mock.fault(proxmox_fault(fault)?);
        }
        self.tell(mock.address()).await?;
        say(format_args!("token  {} {}", mock.token_id(), mock.token_secret()));
        say(format_args!("user   root@pam, password mock-password"));
        stop_requested().await;
        Ok(())
    }

    async fn netbox(&self, faults: Vec<Scripted>) -> Result<()> {
        let mock = netbox::Mock::bind(self.inner()).await.context("the port cannot be used")?;
        if self.plugin {
            mock.install_proxbox();
        }
        if let Some(path) = &self.seed {
            create(&mock, &read::<Map<String, Value>>(path)?).await?;
        }
        for fault in faults {
            mock.fault(netbox_fault(fault)?);
        }
        let address = mock.url().trim_start_matches("http://").parse();
        self.tell(address.context("the mock's own address")?).await?;
        say(format_args!("token  {}", mock.token()));
        let (user, password) = mock.administrator();
        say(format_args!("user   {user}, password {password}"));
        stop_requested().await;
        Ok(())
    }

    /// Where the mock itself listens: behind TLS on a port of its own.
    fn inner(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], if self.plain { self.port } else { 0 }))
    }

    async fn tell(&self, address: SocketAddr) -> Result<()> {
        if self.plain {
            say(format_args!("url    http://{address}"));
            return Ok(());
        }
        let outside = SocketAddr::from(([127, 0, 0, 1], self.port));
        let front = TlsFront::start(outside, address).await.context("the port cannot be used")?;
        say(format_args!("url    https://{}", front.address));
        say(format_args!("sha256 {}", front.fingerprint));
        Ok(())
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what is wanted", path.display()))
}

/// Creates the objects of a seed file in its order, as a client would.
async fn create(mock: &netbox::Mock, seed: &Map<String, Value>) -> Result<()> {
    let client = sdk_netbox::Client::builder(mock.url()).token(mock.token()).build()?;
    for (path, objects) in seed {
        let path = if path.starts_with("/api/") { path.clone() } else { format!("/api/{path}/") };
        let created = client.raw(reqwest::Method::POST, &path, &[], Some(objects.clone())).await;
        created.with_context(|| format!("the seed for {path}"))?;
    }
    Ok(())
}

fn proxmox_fault(scripted: Scripted) -> Result<Fault> {
    let trouble = match scripted.trouble {
        ScriptedTrouble::Status(status) => Trouble::Status(status, "scripted".to_owned()),
        ScriptedTrouble::DelayMs(pause) => Trouble::Delay(Duration::from_millis(pause)),
        ScriptedTrouble::Reset => Trouble::Reset,
        ScriptedTrouble::Truncate => Trouble::Truncate,
        other => bail!("a Proxmox mock knows no {other:?}"),
    };
    let mut fault = Fault::on(&scripted.path, trouble);
    if let Some(method) = scripted.method {
        fault = fault.method(method_of(&method)?);
    }
    if let Some(nth) = scripted.nth {
        fault = fault.nth(nth);
    }
    Ok(match scripted.first {
        Some(first) => fault.first(first),
        None => fault,
    })
}

fn method_of(name: &str) -> Result<proxbox_runtime::Method> {
    use proxbox_runtime::Method::{Delete, Get, Patch, Post, Put};
    let known = [Delete, Get, Patch, Post, Put];
    let found = known.into_iter().find(|method| method.as_str() == name.to_uppercase());
    found.with_context(|| format!("`{name}` is no HTTP method"))
}

fn netbox_fault(scripted: Scripted) -> Result<netbox::Fault> {
    use netbox::FaultKind;
    let kind = match scripted.trouble {
        ScriptedTrouble::Status(status) => FaultKind::Status(status),
        ScriptedTrouble::Busy(retry_after) => FaultKind::Busy { retry_after },
        ScriptedTrouble::DelayMs(pause) => FaultKind::Delay(Duration::from_millis(pause)),
        ScriptedTrouble::Deadlock => FaultKind::Deadlock,
        ScriptedTrouble::Reset => FaultKind::ResetBefore,
        ScriptedTrouble::ResetAfterCommit => FaultKind::ResetAfterCommit,
        ScriptedTrouble::Truncate => FaultKind::Truncate,
    };
    let mut fault = netbox::Fault::new(kind).path(&scripted.path);
    if let Some(method) = scripted.method {
        fault = fault.method(&method);
    }
    if let Some(nth) = scripted.nth {
        fault = fault.nth(nth);
    }
    Ok(match scripted.first {
        Some(times) => fault.times(times),
        None => fault,
    })
}

/// Prints a line; whoever does not read it any more is no reason to end.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{line}\n"));
}
