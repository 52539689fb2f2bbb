//! Connections that must say what they want in time, so that slow ones cannot pile up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Time for the head of a request to arrive, from its first byte on; for the first request of a
/// connection, from the connection on.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a connection may be silent that has been answered. Streams say something every 15 seconds.
const IDLE: Duration = Duration::from_secs(120);

/// How long a peer may take nothing of what is written to it.
const STALLED: Duration = Duration::from_secs(60);

/// How an answer begins after which the connection speaks something else.
const SWITCHED: &[u8] = b"HTTP/1.1 101";

/// How a note begins that is no answer yet: the body may come.
const CONTINUE: &[u8] = b"HTTP/1.1 100";

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A connection whose reads fail when a head takes too long or none comes, and whose writes fail when
/// nobody takes them.
///
/// What follows the head is left alone: bodies have a limit of their own, and an answer may take as long
/// as it likes to begin.
pub(super) struct Watched<S> {
    stream: S,
    awaits: Awaits,
    /// When it is too late for what is awaited.
    due: Instant,
    /// Looks whether it is, at that time or before: setting it anew for every request costs more.
    alarm: Pin<Box<Sleep>>,
    /// Since when nothing is taken of what is written.
    stalled: Option<Pin<Box<Sleep>>>,
    /// How much of the end of a head was read last.
    matched: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// The rest of a head, until the deadline.
    Head,
    /// The body, or the peer to go away.
    Nothing,
    /// An answer was sent, so the next byte begins another head; it comes before the deadline.
    Next,
    /// No heads any more: the connection has become a WebSocket.
    Upgraded,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> Self {
        let due = Instant::now() + PATIENCE;
        let alarm = Box::pin(sleep_until(due));
        Self { stream, awaits: Awaits::Head, due, alarm, stalled: None, matched: 0 }
    }

    fn saw(&mut self, bytes: &[u8]) {
        let begins = self.awaits == Awaits::Next && !bytes.is_empty();
        if begins {
            self.awaits = Awaits::Head;
            self.matched = 0;
        }
        if self.awaits == Awaits::Head && self.completes_head(bytes) {
            self.awaits = Awaits::Nothing;
        } else if begins {
            self.due = Instant::now() + PATIENCE;
        }
    }

    fn completes_head(&mut self, bytes: &[u8]) -> bool {
        // Mostly the whole head comes at once, and nothing else.
        bytes.ends_with(END_OF_HEAD)
            || bytes.iter().any(|byte| {
                self.matched = match END_OF_HEAD.get(self.matched) {
                    Some(expected) if expected == byte => self.matched + 1,
                    _ => usize::from(*byte == b'\r'),
                };
                self.matched == END_OF_HEAD.len()
            })
    }

    /// Takes note of what is answered. The first part holds the status line: it is written at once.
    fn answered(&mut self, bytes: &[u8]) {
        if self.awaits == Awaits::Nothing && !bytes.is_empty() && !bytes.starts_with(CONTINUE) {
            let upgraded = bytes.starts_with(SWITCHED);
            self.awaits = if upgraded { Awaits::Upgraded } else { Awaits::Next };
        }
    }

    /// Begins the time anew within which an answered connection has to say something. Who writes is woken
    /// by its end, whether or not it reads before.
    fn said_something(&mut self, context: &mut Context<'_>) {
        if self.awaits == Awaits::Next {
            self.due = Instant::now() + IDLE;
            let _ = self.poll_late(context);
        }
    }

    /// Ready when it is too late.
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.alarm.deadline() > self.due {
            self.alarm.as_mut().reset(self.due);
        }
        while self.alarm.as_mut().poll(context).is_ready() {
            if self.due <= Instant::now() {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(self.due);
        }
        Poll::Pending
    }

    /// Gives a write up that was waited for too long.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALLED)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
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
            Poll::Pending if matches!(self.awaits, Awaits::Head | Awaits::Next) => {
                ready!(self.poll_late(context));
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
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.said_something(context);
        }
        self.watch(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, flushed)
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
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        if written.is_ready() {
            self.said_something(context);
        }
        self.watch(context, written)
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
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_answered_is_kept_as_long_as_something_is_said() {
        let (mut peer, mut ours) = pair();
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        read(&mut ours).await.unwrap();
        ours.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        for _ in 0..100 {
            let keepalive = Duration::from_secs(15);
            assert!(timeout(keepalive, read(&mut ours)).await.is_err(), "the stream is open");
            ours.write_all(b":\n\n").await.unwrap();
        }
        let silent = Instant::now();
        assert_eq!(read(&mut ours).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(silent.elapsed(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_only_written_to_is_woken_when_its_time_is_over() {
        let (mut peer, mut ours) = pair();
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        read(&mut ours).await.unwrap();
        let (start, mut written) = (Instant::now(), false);
        let ended = std::future::poll_fn(|context| {
            if !std::mem::replace(&mut written, true) {
                let answer = b"HTTP/1.1 200 OK\r\n\r\n";
                assert!(Pin::new(&mut ours).poll_write(context, answer).is_ready());
                return Poll::Pending;
            }
            let mut bytes = [0; 16];
            Pin::new(&mut ours).poll_read(context, &mut ReadBuf::new(&mut bytes))
        });
        let ended = timeout(LONG, ended).await.unwrap();
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_was_asked_for_is_no_second_head() {
        let (mut peer, mut ours) = pair();
        peer.write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n").await.unwrap();
        read(&mut ours).await.unwrap();
        ours.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
        peer.write_all(b"{}").await.unwrap();
        read(&mut ours).await.unwrap();
        assert!(timeout(LONG, read(&mut ours)).await.is_err(), "the answer may take an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (_peer, mut ours) = pair();
        let start = Instant::now();
        let written = ours.write_all(&[0; 4096]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), STALLED);
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
        let start = Instant::now();
        assert_eq!(read(&mut ours).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), PATIENCE);
    }
}
