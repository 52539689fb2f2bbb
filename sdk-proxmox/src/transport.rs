//! The seam between typed calls and the wire.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proxbox_runtime::Request;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Download, Error, Forwarded, Passed, Upload};

/// A future on the heap, so that [`Transport`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connection that no longer speaks HTTP.
pub type ByteStream = Pin<Box<dyn Socket>>;

/// What a [`ByteStream`] can do.
pub trait Socket: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Socket for T {}

/// Carries a request to Proxmox and brings the answer back.
///
/// An answer with an error status is still an answer; `Err` means that none came.
pub trait Transport: Send + Sync {
    /// Sends one request.
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Reply, Error>>;

    /// Sends one request with a file; never again.
    fn upload(&self, _request: Request, _file: Upload) -> BoxFuture<'_, Result<Reply, Error>> {
        Box::pin(async { Err(Error::Invalid("this transport takes no files".into())) })
    }

    /// Sends one request whose answer is a file. An answer with an error status is an error.
    fn download(&self, _request: Request) -> BoxFuture<'_, Result<Download, Error>> {
        Box::pin(async { Err(Error::Invalid("this transport brings no files".into())) })
    }

    /// Sends one request, with a body of its own where there is one, and gives the answer before its
    /// body is there.
    fn forward(
        &self,
        _request: Request,
        _body: Option<Passed>,
    ) -> BoxFuture<'_, Result<Forwarded, Error>> {
        Box::pin(async { Err(Error::Invalid("this transport passes nothing on".into())) })
    }

    /// Sends one request that turns its connection into a WebSocket, and gives that connection. It is
    /// sent to the host of this name, as an answer has it.
    fn upgrade<'a>(
        &'a self,
        _request: Request,
        _host: Option<&'a str>,
    ) -> BoxFuture<'a, Result<ByteStream, Error>> {
        Box::pin(async { Err(Error::Invalid("this transport opens no consoles".into())) })
    }
}

/// An answer, not yet interpreted.
#[derive(Clone, Default)]
pub struct Reply {
    /// HTTP status; Proxmox also uses 595 to 599.
    pub status: u16,
    /// Reason phrase, where it is not the standard one. Before release 8.4 the only place of the
    /// error text.
    pub reason: Option<String>,
    /// How long to wait before the next try, where the server, or a proxy before it, says so.
    pub retry_after: Option<Duration>,
    /// The host that answered, where there are several.
    pub host: Option<Arc<str>>,
    /// Body as it came.
    pub body: Bytes,
}

/// Shows no body: tickets and secrets travel in it.
impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("bytes", &self.body.len())
            .finish()
    }
}
