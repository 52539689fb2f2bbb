//! Connections to a host, over TLS or plain.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{HttpConnector, dns};
use hyper_util::rt::TokioIo;
use reqwest::dns::{Addrs, Resolve};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::BoxError;
use crate::link::Link;

/// What HTTP is spoken over.
pub(crate) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The same that reqwest asks of its connections.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Makes connections.
pub(crate) struct Connector {
    service: HttpsConnector<HttpConnector<Resolver>>,
    connect_timeout: Duration,
    read_timeout: Duration,
}

impl Connector {
    /// Connections by these TLS settings, with the limits for making one and for an answer.
    pub(crate) fn new(
        tls: ClientConfig,
        resolver: Option<Arc<dyn Resolve>>,
        (connect_timeout, read_timeout): (Duration, Duration),
    ) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver(resolver));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        http.set_connect_timeout(Some(connect_timeout));
        Self { service: (http, tls).into(), connect_timeout, read_timeout }
    }

    /// A new connection to scheme, host and port.
    pub(crate) async fn connect(&self, to: &Uri) -> Result<Link, BoxError> {
        let made = async {
            let mut service = self.service.clone();
            poll_fn(|context| service.poll_ready(context)).await?;
            let stream = service.call(to.clone()).await?;
            let (sender, connection) = http1::handshake(stream).await?;
            Ok(Link::new(sender, connection, self.read_timeout))
        };
        let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
        tokio::time::timeout(self.connect_timeout, made).await.unwrap_or_else(late)
    }
}

/// Finds the addresses of names: as it is told to, or as the system does.
#[derive(Clone)]
struct Resolver(Option<Arc<dyn Resolve>>);

impl Service<dns::Name> for Resolver {
    type Response = Addrs;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Addrs, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: dns::Name) -> Self::Future {
        let told = self.0.clone();
        Box::pin(async move {
            match told {
                Some(resolver) => {
                    resolver.resolve(reqwest::dns::Name::from_str(name.as_str())?).await
                }
                None => {
                    let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
                    Ok(Box::new(found.collect::<Vec<SocketAddr>>().into_iter()) as Addrs)
                }
            }
        })
    }
}
