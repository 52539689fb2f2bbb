//! `proxbox serve`

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};

use super::{Exit, stop_requested};
use crate::config::State;
use crate::edge::{App, Origins, Server, Settings, TlsFiles, TrustedProxies};
use crate::logs::LogBuffer;

/// Service managers kill after 20 seconds or more; writing the state down takes the rest.
const GRACE: Duration = Duration::from_secs(16);

const USUAL_PORT: u16 = 8800;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Address and port to listen on; 127.0.0.1:8800 otherwise.
    #[arg(long, value_name = "ADDRESS", env = "PROXBOX_LISTEN")]
    listen: Option<SocketAddr>,
    /// Address to listen on, where --listen does not say it.
    #[arg(long, value_name = "IP", env = "PROXBOX_BIND_HOST")]
    bind_host: Option<IpAddr>,
    /// Port to listen on, where --listen does not say it.
    #[arg(long, value_name = "PORT", env = "PORT")]
    port: Option<u16>,
    /// Certificate for TLS, the chain as PEM; read again when it changes.
    #[arg(long, value_name = "FILE", env = "PROXBOX_TLS_CERTIFICATE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// Its private key.
    #[arg(long, value_name = "FILE", env = "PROXBOX_TLS_KEY", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Requests of a minute for each API key; 0 is no limit.
    #[arg(long, value_name = "N", env = "PROXBOX_RATE_LIMIT", default_value_t = 6000)]
    rate_limit: u32,
    /// Networks of proxies whose X-Forwarded-For is believed, with commas between them.
    #[arg(long, value_name = "NETWORKS", env = "PROXBOX_TRUSTED_PROXIES", default_value = "")]
    trusted_proxies: TrustedProxies,
    /// Origins whose pages may call this server; none otherwise.
    #[arg(long, value_name = "ORIGINS", env = "PROXBOX_CORS_EXTRA_ORIGINS")]
    cors_origin: Vec<Origins>,
}

impl Serve {
    pub(super) async fn run(self, state: &State, logs: LogBuffer) -> anyhow::Result<Exit> {
        crate::config::warn_of_unknown();
        let address = self.address();
        let tls = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(TlsFiles { certificate: certificate.clone(), key: key.clone() })
            }
            _ => None,
        };
        let store = state.open().await?;
        let needs_key = !store.has_keys().await?;
        let attested = store.attest().await?;
        if attested.sealed > 0 && attested.opened == 0 {
            bail!(
                "none of the {} stored credentials opens with the present keys; restore the former \
                 PROXBOX_ENCRYPTION_KEY or key file",
                attested.sealed
            );
        }
        if !attested.is_whole() {
            let unreadable = attested.sealed - attested.opened;
            tracing::warn!(unreadable, "some stored credentials do not open; see their endpoints");
        }
        // Whoever reads the next line in the log may ask it to stop at once.
        let stop = stop_requested();
        let settings = self.settings(logs);
        let server = Server::start_with(address, App::with(store, settings), tls)
            .await
            .with_context(|| format!("cannot listen on {address}"))?;
        tracing::info!(url = server.url(), database = %state.path().display(), "listening");
        if needs_key {
            tracing::warn!(
                "no API key yet: whoever calls /auth/register-key first owns this server; \
                 `proxbox keys create` makes one here"
            );
        }
        stop.await;
        tracing::info!("stopping");
        server.stop(GRACE).await;
        Ok(Exit::Done)
    }

    fn address(&self) -> SocketAddr {
        let host = self.bind_host.unwrap_or(Ipv4Addr::LOCALHOST.into());
        self.listen.unwrap_or_else(|| (host, self.port.unwrap_or(USUAL_PORT)).into())
    }

    fn settings(self, logs: LogBuffer) -> Settings {
        Settings {
            rate_limit: self.rate_limit,
            trusted_proxies: self.trusted_proxies,
            cors_origins: self.cors_origin.into_iter().flat_map(|origins| origins.0).collect(),
            logs,
            ..Settings::default()
        }
    }
}
