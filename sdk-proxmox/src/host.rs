//! Addresses of nodes.

use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;
use proxbox_runtime::Request;
use tokio::sync::Semaphore;
use url::{Host as UrlHost, Url};

use crate::Error;
use crate::connect::Connector;
use crate::pool::Pool;

/// One node that answers for the cluster, and the places for calls to it.
pub(crate) struct Host {
    /// `host:port`, for messages.
    pub(crate) name: Arc<str>,
    /// URL up to and with `/api2/json`.
    base: Url,
    /// Whether the connection is encrypted.
    pub(crate) tls: bool,
    pub(crate) slots: Semaphore,
    /// Connections for what is passed on; none where a proxy stands between.
    pub(crate) pool: Option<Arc<Pool>>,
}

impl Host {
    /// Reads `https://pve1:8006`, `pve1`, `10.0.0.1:8006` or `[::1]`; `port` holds where none is given.
    ///
    /// Without TLS only loopback addresses are taken: elsewhere the secret could be read.
    pub(crate) fn parse(text: &str, port: u16, concurrency: usize) -> Result<Self, Error> {
        let invalid =
            |why: &str| Error::Invalid(format!("`{text}` is not the address of a node: {why}"));
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = Url::parse(&whole).map_err(|error| invalid(&error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            let why = "credentials do not belong into an address";
            return Err(Error::Invalid(format!("an address with credentials was refused: {why}")));
        }
        let tls = match url.scheme() {
            "https" => true,
            "http" if is_loopback(&url) => false,
            "http" => return Err(invalid("without TLS only loopback addresses are taken")),
            _ => return Err(invalid("the scheme is https")),
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("it ends with the port"));
        }
        let host = url.host_str().ok_or_else(|| invalid("the host is missing"))?;
        let port = url.port().unwrap_or_else(|| stated_port(&whole, tls).unwrap_or(port));
        let name: Arc<str> = format!("{host}:{port}").into();
        let path = url.path().trim_end_matches('/').trim_end_matches("/api2/json");
        let scheme = url.scheme();
        Ok(Self {
            base: Url::parse(&format!("{scheme}://{name}{path}/api2/json"))
                .map_err(|error| invalid(&error.to_string()))?,
            name,
            tls,
            slots: Semaphore::new(concurrency),
            pool: None,
        })
    }
}

impl Host {
    /// Where a request goes.
    pub(crate) fn url(&self, request: &Request) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path(), request.path));
        if !request.query.is_empty() {
            url.set_query(Some(&request.encoded_query()));
        }
        url
    }

    /// The same without scheme and host, as it stands in a request.
    pub(crate) fn target(&self, request: &Request) -> Result<Uri, http::Error> {
        let target = match request.query.as_slice() {
            [] => [self.base.path(), &request.path].concat(),
            _ => [self.base.path(), &request.path, "?", &request.encoded_query()].concat(),
        };
        Ok(PathAndQuery::from_maybe_shared(target)?.into())
    }

    /// The same with connections of its own for what is passed on.
    pub(crate) fn with_pool(self, connector: Arc<Connector>) -> Result<Self, Error> {
        let pool = Pool::new(connector, self.base.as_str()).map_err(|error| {
            Error::Invalid(format!("`{}` is not the address of a node: {error}", self.base))
        })?;
        Ok(Self { pool: Some(Arc::new(pool)), ..self })
    }
}

/// Whether the address of a proxy is on this machine.
pub(crate) fn is_local(proxy: &str) -> bool {
    Url::parse(proxy).is_ok_and(|url| is_loopback(&url))
}

/// An explicit `:443` is dropped by the URL's normal form, yet is not Proxmox's default.
fn stated_port(whole: &str, tls: bool) -> Option<u16> {
    let authority = whole.split("://").nth(1).and_then(|rest| rest.split('/').next());
    match authority {
        Some(authority) if tls && authority.ends_with(":443") => Some(443),
        Some(authority) if !tls && authority.ends_with(":80") => Some(80),
        _ => None,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(UrlHost::Domain(name)) => name == "localhost",
        Some(UrlHost::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(UrlHost::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_all_common_forms() {
        let cases = [
            ("https://pve1:8006", "https://pve1:8006/api2/json"),
            ("https://pve1:8006/", "https://pve1:8006/api2/json"),
            ("https://pve1:8006/api2/json", "https://pve1:8006/api2/json"),
            ("pve1.example.org", "https://pve1.example.org:8006/api2/json"),
            ("10.0.0.1:443", "https://10.0.0.1/api2/json"),
            ("[2001:db8::1]", "https://[2001:db8::1]:8006/api2/json"),
            ("https://proxy.example.org/pve", "https://proxy.example.org:8006/pve/api2/json"),
            ("http://127.0.0.1:9999", "http://127.0.0.1:9999/api2/json"),
            ("http://[::1]:80", "http://[::1]/api2/json"),
        ];
        for (text, expected) in cases {
            let host = Host::parse(text, 8006, 1).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(host.base.as_str(), expected);
        }
    }

    #[test]
    fn addresses_that_would_leak_or_mislead_are_refused() {
        let refused =
            ["http://pve1:8006", "ftp://pve1", "https://", "https://pve1:8006?x=1", "a b", ""];
        for text in refused {
            assert!(Host::parse(text, 8006, 1).is_err(), "{text}");
        }
        let error = Host::parse("https://root:hunter2@pve1:8006", 8006, 1).err().expect("refused");
        assert!(!error.to_string().contains("hunter2"));
    }
}
