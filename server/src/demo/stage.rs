//! What the demo plays with: two mocks, and the server with its state in a temporary folder.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::auth;
use crate::edge::{App, Server};
use crate::store::Store;

/// The same cluster every time, so that figures can be compared.
const SEED: u64 = 1;

/// Everything that runs during the demo.
pub(super) struct Stage {
    pub(super) proxmox: sdk_proxmox::mock::Mock,
    pub(super) netbox: sdk_netbox::mock::Mock,
    pub(super) server: Server,
    pub(super) key: SecretString,
    state: TempDir,
}

impl Stage {
    /// Starts all of it.
    pub(super) async fn build(
        listen: SocketAddr,
        nodes: usize,
        guests: usize,
    ) -> anyhow::Result<Self> {
        let cluster = sdk_proxmox::mock::Cluster::demo(nodes, guests, SEED);
        let proxmox = sdk_proxmox::mock::Mock::start(cluster).await?;
        let netbox = sdk_netbox::mock::Mock::start().await?;
        let state = tempfile::tempdir().context("no temporary folder for the state")?;
        let store = Store::open(&state.path().join("proxbox.db"), None).await?;
        let server = Server::start(listen, App::new(store))
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        Ok(Self { proxmox, netbox, server, key: auth::generate(), state })
    }

    /// Stops all of it and removes the state.
    pub(super) async fn tear_down(self, grace: Duration) {
        self.server.stop(grace).await;
        self.netbox.stop().await;
        self.proxmox.stop().await;
        if let Err(error) = self.state.close() {
            tracing::warn!(%error, "the temporary folder stays");
        }
    }
}
