//! Takes connections, plain or over TLS.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::patience::Watched;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Handshakes at the same time; further connections wait to be taken.
const HANDSHAKES: usize = 256;

/// A connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Takes connections and watches over their heads.
pub(super) struct Incoming {
    tcp: TcpListener,
    tls: Option<TlsAcceptor>,
    /// A slow handshake holds nobody up.
    handshakes: JoinSet<Option<(Stream, SocketAddr)>>,
}

impl Incoming {
    pub(super) fn new(tcp: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        Self { tcp, tls: tls.map(TlsAcceptor::from), handshakes: JoinSet::new() }
    }

    /// The next connection.
    pub(super) async fn accept(&mut self) -> (Watched<Stream>, SocketAddr) {
        loop {
            let room = self.handshakes.len() < HANDSHAKES;
            let (stream, peer) = tokio::select! {
                taken = Listener::accept(&mut self.tcp), if room => taken,
                Some(done) = self.handshakes.join_next() => match done {
                    Ok(Some((stream, peer))) => return (Watched::new(stream), peer),
                    _ => continue,
                },
            };
            // Frames are small and should not wait for each other.
            let _ = stream.set_nodelay(true);
            let Some(tls) = &self.tls else { return (Watched::new(Stream::Plain(stream)), peer) };
            let handshake = tls.accept(stream);
            self.handshakes.spawn(async move {
                match timeout(HANDSHAKE, handshake).await {
                    Ok(Ok(stream)) => Some((Stream::Tls(Box::new(stream)), peer)),
                    Ok(Err(error)) => {
                        tracing::debug!(%peer, %error, "TLS handshake failed");
                        None
                    }
                    Err(_) => None,
                }
            });
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        matches!(self, Self::Plain(_))
    }
}
