//! `proxbox serve`

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;

use super::{Exit, stop_requested};
use crate::config::State;
use crate::plugin::{App, Server};

/// Service managers kill after 20 seconds or more; writing the state down takes the rest.
const GRACE: Duration = Duration::from_secs(16);

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS", env = "PROXBOX_LISTEN", default_value = "127.0.0.1:8800")]
    listen: SocketAddr,
}

impl Serve {
    pub(super) async fn run(self, state: &State) -> anyhow::Result<Exit> {
        let store = state.open().await?;
        let needs_key = !store.has_keys().await?;
        let server = Server::start(self.listen, App::new(store))
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        tracing::info!(url = server.url(), database = %state.database.display(), "listening");
        if needs_key {
            tracing::warn!(
                "no API key yet: whoever calls /auth/register-key first owns this server; \
                 `proxbox keys create` makes one here"
            );
        }
        stop_requested().await;
        tracing::info!("stopping");
        server.stop(GRACE).await;
        Ok(Exit::Done)
    }
}
