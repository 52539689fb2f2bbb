//! Clients of the endpoints, kept between requests with their connections and logins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sdk_proxmox::pve::GetNodes;
use sdk_proxmox::{Client, Product};

use super::breaker::Breaker;
use super::connect::connect_proxmox;
use super::{EndpointError, Selection};
use crate::plan::Policy;
use crate::store::{ProxmoxEndpoint, Store, StoreError};
use crate::sync::Target;

/// How long a change of the endpoints by another process may go unnoticed. Changes by this one hold
/// at once.
const KNOWN_FOR: Duration = Duration::from_secs(5);

/// How long the names of a cluster's nodes are taken for right.
const NODES_FOR: Duration = Duration::from_secs(30);

/// Requests to one host at the same time: pveproxy takes 500 connections for each of its workers.
const CONCURRENCY: usize = 64;

/// Clients of all endpoints. Clones share them.
#[derive(Clone, Debug)]
pub struct Sessions {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    known: Mutex<HashMap<Product, Known>>,
}

/// The endpoints of a product, as they were read.
#[derive(Debug, Clone)]
struct Known {
    read: Instant,
    generation: u64,
    sessions: Arc<[Arc<Session>]>,
}

/// An endpoint with its client.
#[derive(Debug)]
pub struct Session {
    /// The endpoint.
    pub row: ProxmoxEndpoint,
    store: Store,
    target: OnceLock<Arc<Target>>,
    shell: OnceLock<Client>,
    breaker: Breaker,
    nodes: Mutex<Option<(Instant, Arc<[String]>)>>,
}

impl Sessions {
    /// Clients of the endpoints in `store`. None is made before it is used.
    pub fn new(store: Store) -> Self {
        Self { shared: Arc::new(Shared { store, known: Mutex::default() }) }
    }

    /// All endpoints of a product.
    pub async fn all(&self, product: Product) -> Result<Arc<[Arc<Session>]>, StoreError> {
        let generation = self.shared.store.generation();
        let before = self.known().get(&product).cloned();
        if let Some(known) = &before
            && known.generation == generation
            && known.read.elapsed() < KNOWN_FOR
        {
            return Ok(known.sessions.clone());
        }
        // In a box: it is large, and seldom needed.
        let rows = Box::pin(self.shared.store.endpoints_of(product)).await?;
        let kept = |row: &ProxmoxEndpoint| {
            let known = before.as_ref()?;
            known.sessions.iter().find(|session| session.row == *row).cloned()
        };
        let session = |row| {
            kept(&row).unwrap_or_else(|| Arc::new(Session::new(row, self.shared.store.clone())))
        };
        let sessions: Arc<[Arc<Session>]> = rows.into_iter().map(session).collect();
        let known = Known { read: Instant::now(), generation, sessions: sessions.clone() };
        self.known().insert(product, known);
        Ok(sessions)
    }

    /// The enabled endpoints of a product that a selection takes.
    pub async fn chosen(
        &self,
        product: Product,
        selection: &Selection,
    ) -> Result<Vec<Arc<Session>>, EndpointError> {
        let all = self.all(product).await?;
        Ok(all.iter().filter(|session| selection.takes(&session.row)).cloned().collect())
    }

    /// Forgets all clients with their connections and logins.
    pub fn forget(&self) {
        self.known().clear();
    }

    /// How many endpoints are left alone because they do not answer, and how many are known.
    pub fn broken(&self) -> (usize, usize) {
        let known = self.known();
        let all = known.values().flat_map(|known| known.sessions.iter());
        let enabled = all.filter(|session| session.row.enabled);
        enabled.fold((0, 0), |(open, count), session| {
            (open + usize::from(session.breaker.is_open()), count + 1)
        })
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Product, Known>> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn new(row: ProxmoxEndpoint, store: Store) -> Self {
        Self {
            row,
            store,
            target: OnceLock::new(),
            shell: OnceLock::new(),
            breaker: Breaker::default(),
            nodes: Mutex::default(),
        }
    }

    /// The client. It is made by the first call; nothing is asked of the endpoint yet.
    pub async fn client(&self) -> Result<Client, EndpointError> {
        Ok(self.target().await?.client.clone())
    }

    /// The client, where it was made already.
    pub fn known_client(&self) -> Option<&Client> {
        self.target.get().map(|target| &target.client)
    }

    /// The client with what NetBox has to say of its place.
    pub async fn target(&self) -> Result<Arc<Target>, EndpointError> {
        if let Some(target) = self.target.get() {
            return Ok(target.clone());
        }
        let (target, sure) = connect_proxmox(&self.store, self.row.clone(), &policy()).await?;
        let target = Arc::new(target);
        // Of several that are made at once one stays.
        Ok(if sure { self.target.get_or_init(|| target).clone() } else { target })
    }

    /// The client of the one who gets a shell of a node: root@pam with the password, never an API token.
    /// None where the endpoint does not have both.
    pub async fn shell_client(&self) -> Result<Option<Client>, EndpointError> {
        if let Some(client) = self.shell.get() {
            return Ok(Some(client.clone()));
        }
        let secrets = self.store.proxmox_secrets(self.row.id).await?;
        if self.row.username != "root@pam" || secrets.password.is_none() {
            return Ok(None);
        }
        let row = ProxmoxEndpoint { token_name: None, ..self.row.clone() };
        let (target, sure) = connect_proxmox(&self.store, row, &policy()).await?;
        let client = target.client;
        Ok(Some(if sure { self.shell.get_or_init(|| client).clone() } else { client }))
    }

    /// Lets a request through now, or says how long the endpoint is left alone.
    pub fn admit(&self) -> Result<Instant, Duration> {
        let now = Instant::now();
        self.breaker.admit(now).map(|()| now)
    }

    /// Notes whether the endpoint answered, whatever it said, to a request that was sent at `sent`.
    pub fn note(&self, answered: bool, sent: Instant) {
        self.breaker.note(answered, sent, Instant::now());
    }

    /// The names of the cluster's nodes, as they were a moment ago.
    pub async fn nodes(&self) -> Result<Arc<[String]>, NodesError> {
        if let Some((read, names)) = &*self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
            && read.elapsed() < NODES_FOR
        {
            return Ok(names.clone());
        }
        let sent = self.admit().map_err(NodesError::LeftAlone)?;
        let told = self.client().await?.send(&GetNodes::new()).await;
        self.note(!matches!(&told, Err(error) if error.is_unanswered()), sent);
        let names: Arc<[String]> = told?.value.iter().map(|row| row.node.to_string()).collect();
        let known = Some((Instant::now(), names.clone()));
        *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(names)
    }
}

fn policy() -> Policy {
    Policy { fetch_max_concurrency: CONCURRENCY, ..Policy::default() }
}

/// Why the nodes of an endpoint are not known.
#[derive(Debug, thiserror::Error)]
pub enum NodesError {
    /// It cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// It did not answer again and again, and is left alone for so long.
    #[error("it is left alone for {} s", .0.as_secs())]
    LeftAlone(Duration),
    /// It did not say.
    #[error(transparent)]
    Proxmox(#[from] sdk_proxmox::Error),
}
