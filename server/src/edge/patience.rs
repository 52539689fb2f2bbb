//! Connections that must say what they want in time, so that slow ones cannot pile up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Time for the head of a request to arrive, from its first byte on; for the first request of a
/// connection, from the connection on.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an answer begins after which the connection speaks something else.
const SWITCHED: &[u8] = b"HTTP/1.1 101";

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A connection whose reads fail when a head takes too long.
///
/// What follows the head is left alone: bodies have a limit of their own, and a stream may be
/// silent for as long as it likes.
pub(super) struct Watched<S> {
    stream: S,
    awaits: Awaits,
    deadline: Pin<Box<Sleep>>,
    /// How much of the end of a head was read last.
    matched: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// The rest of a head, until the deadline.
    Head,
    /// The body, or the peer to go away.
    Nothing,
    /// An answer was sent, so the next byte begins another head.
    Next,
    /// No heads any more: the connection has become a WebSocket.
    Upgraded,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> Self {
        let deadline = Box::pin(sleep(PATIENCE));
        Self { stream, awaits: Awaits::Head, deadline, matched: 0 }
    }

    fn saw(&mut self, bytes: &[u8]) {
        if self.awaits == Awaits::Next && !bytes.is_empty() {
            self.awaits = Awaits::Head;
            self.matched = 0;
            self.deadline.as_mut().reset(Instant::now() + PATIENCE);
        }
        if self.awaits == Awaits::Head && self.completes_head(bytes) {
            self.awaits = Awaits::Nothing;
        }
    }

    fn completes_head(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| {
            self.matched = match END_OF_HEAD.get(self.matched) {
                Some(expected) if expected == byte => self.matched + 1,
                _ => usize::from(*byte == b'\r'),
            };
            self.matched == END_OF_HEAD.len()
        })
    }

    /// Takes note of what is answered. The first part holds the status line: it is written at once.
    fn answered(&mut self, bytes: &[u8]) {
        if self.awaits == Awaits::Nothing && !bytes.is_empty() {
            let upgraded = bytes.starts_with(SWITCHED);
            self.awaits = if upgraded { Awaits::Upgraded } else { Awaits::Next };
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                read?;
                self.saw(buffer.filled().get(before..).unwrap_or_default());
                Poll::Ready(Ok(()))
            }
            Poll::Pending if self.awaits == Awaits::Head => {
                ready!(self.deadline.as_mut().poll(context));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answered(bytes);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|part| !part.is_empty());
        self.answered(first.map_or(&[], |part| part));
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn pair() -> (DuplexStream, Watched<DuplexStream>) {
        let (peer, ours) = duplex(1024);
        (peer, Watched::new(ours))
    }

    async fn read(ours: &mut Watched<DuplexStream>) -> io::Result<usize> {
        ours.read(&mut [0; 256]).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_or_end_is_given_up() {
        for start in [&b""[..], b"GET / HTTP/1.1\r\nX: y\r\n"] {
            let (mut peer, mut ours) = pair();
            peer.write_all(start).await.unwrap();
            if !start.is_empty() {
                assert_eq!(read(&mut ours).await.unwrap(), start.len());
            }
            assert_eq!(read(&mut ours).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_byte_at_a_time_gains_no_time() {
        let (mut peer, mut ours) = pair();
        let trickle = async {
            while peer.write_all(b"x").await.is_ok() {
                sleep(Duration::from_secs(7)).await;
            }
        };
        let reading = async {
            let start = Instant::now();
            while read(&mut ours).await.is_ok() {}
            start.elapsed()
        };
        tokio::select! {
            () = trickle => panic!("nobody closed the connection"),
            waited = reading => assert_eq!(waited, PATIENCE),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_head_a_request_may_take_as_long_as_it_likes() {
        let (mut peer, mut ours) = pair();
        for part in [&b"GET / HTTP/1.1\r\n\r"[..], b"\n"] {
            peer.write_all(part).await.unwrap();
            read(&mut ours).await.unwrap();
        }
        assert!(timeout(LONG, read(&mut ours)).await.is_err(), "still open after an hour");
        ours.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        assert!(timeout(LONG, read(&mut ours)).await.is_err(), "a stream may be silent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_websocket_may_be_silent_after_its_first_frame() {
        let (mut peer, mut ours) = pair();
        peer.write_all(b"GET /ws HTTP/1.1\r\n\r\n").await.unwrap();
        read(&mut ours).await.unwrap();
        ours.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
        peer.write_all(b"frame").await.unwrap();
        read(&mut ours).await.unwrap();
        assert!(timeout(LONG, read(&mut ours)).await.is_err(), "still open after an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_head_of_a_connection_is_watched_too() {
        let (mut peer, mut ours) = pair();
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        read(&mut ours).await.unwrap();
        ours.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        peer.write_all(b"GET / HT").await.unwrap();
        read(&mut ours).await.unwrap();
        assert_eq!(read(&mut ours).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
