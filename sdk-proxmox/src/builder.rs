//! Settings of a client.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::USER_AGENT;
use crate::connect::Connector;
use crate::counters::Counters;
use crate::host::{self, Host};
use crate::http_transport::HttpTransport;
use crate::login::{Login, Session, TotpCode};
use crate::pool::IDLE;
use crate::release::Releases;
use crate::retry::Retry;
use crate::tls::{self, Certificate, Trust};
use crate::wire::Wire;
use crate::{Client, Error, Product};

/// Settings of a [`Client`]. Nothing is sent before the first call.
#[must_use]
pub struct ClientBuilder {
    product: Product,
    check_release: bool,
    hosts: Vec<String>,
    credentials: Credentials,
    totp: Option<TotpCode>,
    trust: Trust,
    fingerprints: Vec<String>,
    certificate: Option<Certificate>,
    proxy: Option<String>,
    resolver: Option<Arc<dyn reqwest::dns::Resolve>>,
    connect_timeout: Duration,
    read_timeout: Duration,
    timeout: Duration,
    retries: u32,
    concurrency: usize,
}

enum Credentials {
    None,
    Token { id: String, secret: SecretString },
    Password { user: String, password: SecretString },
}

impl ClientBuilder {
    pub(crate) fn new(host: &str) -> Self {
        Self {
            product: Product::Pve,
            check_release: true,
            hosts: vec![host.to_owned()],
            credentials: Credentials::None,
            totp: None,
            trust: Trust::System,
            fingerprints: Vec::new(),
            certificate: None,
            proxy: None,
            resolver: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(300),
            retries: 2,
            concurrency: 8,
        }
    }

    /// The product that is called; Proxmox VE.
    pub fn product(mut self, product: Product) -> Self {
        self.product = product;
        self
    }

    /// Whether a call that the server's release does not know fails before it is sent; it does.
    ///
    /// Calls that every known release has are not looked at. The first other one asks the server
    /// for its release, once.
    pub fn check_release(mut self, check: bool) -> Self {
        self.check_release = check;
        self
    }

    /// Adds another node of the same cluster, asked when the others cannot be connected to.
    pub fn host(mut self, host: &str) -> Self {
        self.hosts.push(host.to_owned());
        self
    }

    /// Authenticates with an API token, `user@realm!name`, and its secret.
    pub fn token(mut self, id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.credentials = Credentials::Token { id: id.into(), secret: secret.into() };
        self
    }

    /// Authenticates with a ticket for `user@realm`, got and renewed when needed.
    pub fn password(mut self, user: impl Into<String>, password: impl Into<SecretString>) -> Self {
        self.credentials = Credentials::Password { user: user.into(), password: password.into() };
        self
    }

    /// Gives the current time-based code where the login asks for a second factor.
    pub fn totp(mut self, code: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.totp = Some(Arc::new(code));
        self
    }

    /// Trusts the authorities in a PEM text, `/etc/pve/pve-root-ca.pem` for instance, and no others.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust = Trust::Authorities(pem.into());
        self
    }

    /// Trusts the certificate with this SHA-256 fingerprint (64 hex digits, colons allowed) and no
    /// other. Call it once per host.
    pub fn fingerprint(mut self, sha256: &str) -> Self {
        self.fingerprints.push(sha256.to_owned());
        self
    }

    /// Trusts any certificate. Whoever stands in between can then read the secret.
    pub fn accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust = match self.trust {
            _ if accept => Trust::Anything,
            Trust::Anything => Trust::System,
            trust => trust,
        };
        self
    }

    /// Shows a certificate of its own, for proxies that ask for one: a PEM text with the chain, and one
    /// with the key.
    pub fn client_certificate(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Self {
        self.certificate = Some(Certificate::new(chain.into(), key.into()));
        self
    }

    /// Reaches the hosts through a proxy, `http://proxy:3128` for instance. Those that the environment
    /// names are not used.
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Some(url.to_owned());
        self
    }

    /// Finds the addresses of host names in a way of its own. Connections go to the addresses that it
    /// gives, so that it can refuse some.
    pub fn resolver(mut self, resolver: Arc<dyn reqwest::dns::Resolve>) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// Time limit for a connection; 10 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Time limit for the next bytes of an answer; 60 seconds.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.read_timeout = limit;
        self
    }

    /// Time limit for one exchange, connection and body included; 300 seconds.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// How often a call is made again after a broken connection or a busy proxy; twice.
    ///
    /// POST is only made again when nothing was sent, PUT and DELETE also when the server says that it is
    /// busy: of what else went wrong nobody knows whether it was done.
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }

    /// How many calls a host gets at the same time; 8. A node has three workers.
    pub fn concurrency(mut self, calls: usize) -> Self {
        self.concurrency = calls.max(1);
        self
    }

    /// The client, or [`Error::Invalid`] for a setting that cannot work.
    pub fn build(self) -> Result<Client, Error> {
        let hosts = self
            .hosts
            .iter()
            .map(|host| Host::parse(host, self.product.port(), self.concurrency))
            .collect::<Result<Vec<_>, _>>()?;
        let tls = self.tls(&hosts)?;
        let hosts = self.with_pools(hosts, &tls)?;
        let client = self.http_client(&hosts, tls.clone(), Some(self.read_timeout))?;
        let uploads = self.http_client(&hosts, tls, None)?;
        let patience = self.timeout;
        let by_token = matches!(self.credentials, Credentials::Token { .. });
        let login = match self.credentials {
            Credentials::None => Login::Anonymous,
            Credentials::Token { id, secret } => Login::token(self.product, &id, &secret)?,
            Credentials::Password { user, .. } if !user.contains('@') => {
                let why = "the realm is missing: user@pam or user@pve";
                return Err(Error::Invalid(format!("`{user}` is not a user's name: {why}")));
            }
            Credentials::Password { user, password } => {
                let ticket = Mutex::new(None);
                let product = self.product;
                Login::Ticket(Session { product, user, password, totp: self.totp, ticket })
            }
        };
        let counters = Arc::new(Counters::default());
        let preferred = AtomicUsize::new(0);
        let counted = counters.clone();
        let wire = Wire { client, uploads, patience, hosts, preferred, counters: counted };
        let retry = Retry { times: self.retries };
        let transport = Arc::new(HttpTransport { wire, login, retry });
        let releases = Releases::new(self.product, self.check_release);
        Ok(Client::new(transport, counters, releases, by_token))
    }

    fn tls(&self, hosts: &[Host]) -> Result<ClientConfig, Error> {
        let pins: Vec<_> = self
            .fingerprints
            .iter()
            .map(|text| tls::fingerprint(text))
            .collect::<Result<_, _>>()?;
        let trust = match &self.trust {
            Trust::System if !hosts.iter().any(|host| host.tls) => {
                // Nothing to verify, so the system's certificates need not be read.
                Trust::Pinned(Vec::new())
            }
            Trust::System if !pins.is_empty() => Trust::Pinned(pins),
            _ if !pins.is_empty() => {
                let why = "a fingerprint excludes `ca_pem` and `accept_invalid_certs`";
                return Err(Error::Invalid(why.into()));
            }
            trust => trust.clone(),
        };
        trust.config(self.certificate.as_ref())
    }

    /// Hosts with connections of their own, unless a proxy stands between.
    fn with_pools(&self, hosts: Vec<Host>, tls: &ClientConfig) -> Result<Vec<Host>, Error> {
        if self.proxy.is_some() {
            return Ok(hosts);
        }
        let limits = (self.connect_timeout, self.read_timeout);
        let connector = Arc::new(Connector::new(tls.clone(), self.resolver.clone(), limits));
        let with_pool = |host: Host| host.with_pool(connector.clone());
        hosts.into_iter().map(with_pool).collect()
    }

    fn http_client(
        &self,
        hosts: &[Host],
        tls: ClientConfig,
        read_timeout: Option<Duration>,
    ) -> Result<reqwest::Client, Error> {
        let builder = reqwest::Client::builder()
            // The reason phrase, all that old releases say about an error, is lost with HTTP/2.
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            // Not those of the environment.
            .no_proxy()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls)
            .pool_idle_timeout(IDLE)
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout);
        let builder = match read_timeout {
            Some(limit) => builder.read_timeout(limit),
            None => builder,
        };
        if let Some(proxy) = &self.proxy
            && hosts.iter().any(|host| !host.tls)
            && !host::is_local(proxy)
        {
            // The rule that lets loopback addresses go without is about what leaves the machine.
            let why = "without TLS a proxy elsewhere would see the login; use https";
            return Err(Error::Invalid(why.into()));
        }
        let builder = match &self.resolver {
            Some(resolver) => builder.dns_resolver(resolver.clone()),
            None => builder,
        };
        let builder = match &self.proxy {
            None => builder,
            // The address may hold a password.
            Some(url) => builder.proxy(reqwest::Proxy::all(url).map_err(|_| {
                Error::Invalid("the proxy's address is not one: http://host:port is".into())
            })?),
        };
        builder
            .build()
            .map_err(|error| Error::Invalid(format!("the HTTP client cannot be built: {error}")))
    }
}
