//! Settings of a client.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Identity};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::client::{Client, Inner};
use crate::counters::Counters;
use crate::error::{Error, ErrorKind};
use crate::retry::Retry;
use crate::token::authorization;

/// Gunicorn closes idle connections after two seconds; one that it may be closing is not used.
const IDLE: Duration = Duration::from_millis(1500);

/// Collects the settings of a [`Client`].
#[derive(Debug)]
pub struct Builder {
    url: String,
    token: Option<SecretString>,
    headers: Vec<(String, String)>,
    ca_pem: Option<Vec<u8>>,
    /// Chain and key.
    certificate: Option<SecretSlice<u8>>,
    proxy: Option<SecretString>,
    resolver: Option<Resolver>,
    accept_invalid_certs: bool,
    connect_timeout: Duration,
    read_timeout: Duration,
    timeout: Duration,
    concurrency: usize,
    retries: u32,
    fresh_connections: bool,
    check_release: bool,
}

/// What finds the addresses of host names.
struct Resolver(Arc<dyn reqwest::dns::Resolve>);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl Builder {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            headers: Vec::new(),
            ca_pem: None,
            certificate: None,
            proxy: None,
            resolver: None,
            accept_invalid_certs: false,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(120),
            timeout: Duration::from_secs(300),
            concurrency: 8,
            retries: 3,
            fresh_connections: false,
            check_release: true,
        }
    }

    /// The API token, v1 (40 hexadecimal digits) or v2 (`nbt_<key>.<secret>`).
    pub fn token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// A header for every request, `X-NetBox-Branch` for instance.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Trusts these PEM certificates instead of the system's.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Shows a certificate of its own, for proxies that ask for one: a PEM text with the chain and the
    /// key.
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.certificate = Some(pem.into().into());
        self
    }

    /// Reaches NetBox through a proxy, `http://proxy:3128` for instance. Those that the environment
    /// names are not used.
    pub fn proxy(mut self, url: impl Into<SecretString>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Accepts any certificate, if true: anybody on the way can then read the token.
    pub fn accept_invalid_certs(mut self, accept: bool) -> Self {
        self.accept_invalid_certs = accept;
        self
    }

    /// Finds the addresses of host names in a way of its own. Connections go to the addresses that it
    /// gives, so that it can refuse some.
    pub fn resolver(mut self, resolver: Arc<dyn reqwest::dns::Resolve>) -> Self {
        self.resolver = Some(Resolver(resolver));
        self
    }

    /// Longest wait for a connection; 10 seconds unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest wait for the next part of an answer; two minutes unless set.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Longest time for one try of a request; five minutes unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Most requests in flight; 8 unless set.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests.max(1);
        self
    }

    /// How often a failed request is sent again, if that is safe; 3 unless set.
    pub fn retries(mut self, times: u32) -> Self {
        self.retries = times;
        self
    }

    /// Whether a request that uses what NetBox's release lacks fails before it is sent; it does.
    ///
    /// NetBox ignores filters and fields that it does not know.
    pub fn check_release(mut self, check: bool) -> Self {
        self.check_release = check;
        self
    }

    /// Opens a new connection for each write, if true.
    ///
    /// NetBox's workers keep a connection once they have it, so writes over pooled connections
    /// may all land on one worker while the others idle. A new connection costs about 1 ms.
    pub fn fresh_connections(mut self, fresh: bool) -> Self {
        self.fresh_connections = fresh;
        self
    }

    /// The client. Nothing is sent yet.
    pub fn build(self) -> Result<Client, Error> {
        let invalid = |reason| Error::new(&Method::GET, "/api/", ErrorKind::Invalid(reason));
        let address = Address::parse(&self.url).map_err(invalid)?;
        let headers = self.header_map().map_err(invalid)?;
        let pooled = self.http(&address, IDLE).map_err(invalid)?;
        let fresh = match self.fresh_connections {
            true => Some(self.http(&address, Duration::ZERO).map_err(invalid)?),
            false => None,
        };
        let inner = Inner {
            address,
            pooled,
            fresh,
            headers,
            gate: Semaphore::new(self.concurrency),
            counters: Counters::default(),
            release: OnceLock::new(),
            check_release: self.check_release,
        };
        let retry = Retry { times: self.retries, patches: false };
        Ok(Client::new(Arc::new(inner), retry))
    }

    fn header_map(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        if let Some(token) = &self.token {
            headers.insert(http::header::AUTHORIZATION, authorization(token)?);
        }
        Ok(headers)
    }

    fn http(&self, address: &Address, idle: Duration) -> Result<reqwest::Client, String> {
        // Fails when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .redirect(Policy::none())
            // Not those of the environment.
            .no_proxy()
            .user_agent(concat!("proxbox-sdk-netbox/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .timeout(self.timeout)
            .tcp_nodelay(true);
        builder = match idle.is_zero() {
            true => builder.pool_max_idle_per_host(0),
            false => builder.pool_idle_timeout(idle),
        };
        if let Some(pem) = &self.ca_pem {
            let roots = Certificate::from_pem_bundle(pem)
                .map_err(|error| format!("the CA certificates cannot be read: {error}"))?;
            if roots.is_empty() {
                return Err("the CA file holds no PEM certificate".to_owned());
            }
            builder = builder.tls_certs_only(roots);
        } else if !address.is_secure() {
            // The system's certificates are not even looked for where none is needed.
            builder = builder.tls_certs_only([]);
        }
        if let Some(pem) = &self.certificate {
            // What the parser says of a key stays out of the error.
            let own = Identity::from_pem(pem.expose_secret())
                .map_err(|_| "the client certificate is not a PEM text with chain and key")?;
            builder = builder.identity(own);
        }
        if let Some(url) = &self.proxy {
            let proxy = reqwest::Proxy::all(url.expose_secret())
                .map_err(|_| "the proxy's address is not one: http://host:port is")?;
            builder = builder.proxy(proxy);
        }
        if let Some(Resolver(resolver)) = &self.resolver {
            builder = builder.dns_resolver(resolver.clone());
        }
        if self.accept_invalid_certs {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        builder
            .build()
            .map_err(|error| format!("the HTTP client cannot be set up: {}", chain(&error)))
    }
}

/// A header out of text; the value is never part of the message.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let known = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no header name"))?;
    let value = HeaderValue::try_from(value)
        .map_err(|_| format!("the value for the header `{name}` cannot be sent"))?;
    Ok((known, value))
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
