//! Listens, and stops without losing a run.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::patience::{PatientListener, Peer};
use super::{App, router};
use crate::schedule::Keeper;

/// Time for answers that are under way when everything else has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A server that answers requests.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    app: App,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Listens on `address`; port 0 takes a free one.
    pub async fn start(address: SocketAddr, app: App) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let service = router(app.clone()).into_make_service_with_connect_info::<Peer>();
        let stopped = stop.clone().cancelled_owned();
        let keeper = Keeper::new(app.store.clone(), app.runs.clone());
        tokio::spawn(keeper.keep(stop.clone()));
        let serve = axum::serve(PatientListener(listener), service).with_graceful_shutdown(stopped);
        let task = tokio::spawn(serve.into_future());
        Ok(Self { address, app, stop, task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the handlers work with.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Stops listening, lets runs end within `grace`, and closes the state.
    pub async fn stop(mut self, grace: Duration) {
        self.stop.cancel();
        self.app.runs.shutdown(grace).await;
        if tokio::time::timeout(LAST_ANSWERS, &mut self.task).await.is_err() {
            // Somebody does not read. The run is safe, so the connection may go.
            self.task.abort();
        }
        self.app.store.close().await;
    }
}
