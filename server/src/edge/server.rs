//! Listens, and stops without losing a run.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connections::serve;
use super::listener::Incoming;
use super::router::front;
use super::tls::Certificates;
use super::{App, Metrics, TlsError, TlsFiles, watchdog};
use crate::runs::Ended;
use crate::schedule::Keeper;

/// Time for answers that are under way when everything else has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The address cannot be used.
    #[error("the address cannot be listened on")]
    Listen(#[from] io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A server that answers requests.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: App,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on `address`, without TLS; port 0 takes a free one.
    pub async fn start(address: SocketAddr, app: App) -> Result<Self, StartupError> {
        Self::start_with(address, app, None).await
    }

    /// Listens on `address`, over TLS where there is a certificate.
    pub async fn start_with(
        address: SocketAddr,
        app: App,
        tls: Option<TlsFiles>,
    ) -> Result<Self, StartupError> {
        let certificates = tls.map(Certificates::read).transpose()?;
        let config = certificates.as_ref().map(Certificates::config).transpose()?;
        let app = app.over_tls(config.is_some());
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let keeper = Keeper::new(app.store.clone(), app.runs.clone());
        tokio::spawn(keeper.keep(stop.clone()));
        if let Some(certificates) = certificates {
            tokio::spawn(certificates.keep(stop.clone()));
        }
        let incoming = Incoming::new(listener, config);
        let task = tokio::spawn(serve(incoming, front(app.clone()), stop.clone()));
        tokio::spawn(watchdog::keep(stop.clone()));
        tokio::spawn(count_runs(app.runs.endings(), app.metrics.clone()));
        Ok(Self { address, app, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, and where it listens.
    pub fn url(&self) -> String {
        let scheme = if self.app.settings.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What the handlers work with.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Stops listening, ends streams, lets runs end within `grace`, and closes the state.
    pub async fn stop(mut self, grace: Duration) {
        watchdog::stopping();
        self.stop.cancel();
        // Terminals are told by the same signal as the runs are.
        tokio::join!(self.app.runs.shutdown(grace), self.app.consoles.closed(grace));
        if tokio::time::timeout(LAST_ANSWERS, &mut self.task).await.is_err() {
            // Somebody does not read. The run is safe, so the connection may go.
            self.task.abort();
        }
        self.app.store.close().await;
    }
}

/// Counts runs as they end. It ends with the last of those who make them.
async fn count_runs(mut endings: broadcast::Receiver<Ended>, metrics: Arc<Metrics>) {
    loop {
        match endings.recv().await {
            Ok(Ended { ok, frame, took }) => metrics.run_ended(ok, &frame, took),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => break,
        }
    }
}
