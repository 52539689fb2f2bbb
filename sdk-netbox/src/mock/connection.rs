//! Connections that can be broken on purpose.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Breaks the connection that a request came over.
#[derive(Debug, Clone, Default)]
pub(super) struct Cord(Arc<AtomicBool>);

impl Cord {
    /// The next thing written fails, so the client sees no answer.
    pub(super) fn cut(&self) {
        self.0.store(true, Relaxed);
    }
}

/// A listener whose connections have a cord.
pub(super) struct Corded(pub(super) TcpListener);

/// A connection with its cord.
pub(super) struct Connection {
    stream: TcpStream,
    cord: Cord,
}

impl Listener for Corded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            // A connection that went away while it waited concerns nobody.
            if let Ok((stream, peer)) = self.0.accept().await {
                let cord = Cord::default();
                return (Connection { stream, cord }, peer);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Corded>> for Cord {
    fn connect_info(stream: IncomingStream<'_, Corded>) -> Self {
        stream.io().cord.clone()
    }
}

impl Connection {
    fn check(&self) -> io::Result<()> {
        match self.cord.0.load(Relaxed) {
            true => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            false => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
