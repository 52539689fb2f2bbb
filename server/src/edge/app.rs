//! What handlers work with.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;

use super::openapi::Document;
use super::{Metrics, TrustedProxies};
use crate::auth::{Door, Quota};
use crate::console::{Consoles, TerminalLimits};
use crate::endpoints::Sessions;
use crate::logs::LogBuffer;
use crate::runs::{Lease, Runs};
use crate::store::Store;

/// What an operator decides about the service.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a stream is silent at most.
    pub keepalive: Duration,
    /// Requests of a minute for each key; 0 is no limit.
    pub rate_limit: u32,
    /// Proxies whose word about their clients is taken.
    pub trusted_proxies: TrustedProxies,
    /// Origins whose pages may call this server.
    pub cors_origins: Vec<HeaderValue>,
    /// Whether clients come over TLS.
    pub tls: bool,
    /// The lines that were logged of late.
    pub logs: LogBuffer,
    /// How long terminals may take.
    pub terminals: TerminalLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keepalive: Duration::from_secs(15),
            rate_limit: 6000,
            trusted_proxies: TrustedProxies::default(),
            cors_origins: Vec::new(),
            tls: false,
            logs: LogBuffer::default(),
            terminals: TerminalLimits::default(),
        }
    }
}

/// What handlers work with. Clones share it: every request makes some.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of it.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The state.
    pub store: Store,
    /// The runs.
    pub runs: Runs,
    /// Clients of the endpoints.
    pub sessions: Sessions,
    /// Who may come in.
    pub door: Arc<Door>,
    /// Terminals and polls that several clients share.
    pub(crate) consoles: Consoles,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// What the routes say of themselves.
    pub(super) document: Arc<Document>,
    /// What an operator decides.
    pub settings: Arc<Settings>,
}

impl App {
    /// Handlers' state over a store.
    pub fn new(store: Store) -> Self {
        Self::with(store, Settings::default())
    }

    /// The same with settings.
    pub fn with(store: Store, settings: Settings) -> Self {
        let runs = Runs::new(store.clone(), Lease::default());
        let quota = Quota::per_minute(settings.rate_limit);
        Self(Arc::new(Parts {
            runs,
            sessions: Sessions::new(store.clone()),
            door: Arc::new(Door::new(store.clone(), quota)),
            consoles: Consoles::default(),
            metrics: Arc::default(),
            document: Arc::default(),
            settings: Arc::new(settings),
            store,
        }))
    }

    /// The same, which describes itself so.
    pub(super) fn described(mut self, document: Document) -> Self {
        Arc::make_mut(&mut self.0).document = Arc::new(document);
        self
    }

    /// The same over TLS, or not.
    pub(super) fn over_tls(mut self, tls: bool) -> Self {
        let parts = Arc::make_mut(&mut self.0);
        Arc::make_mut(&mut parts.settings).tls = tls;
        self
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
