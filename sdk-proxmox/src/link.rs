//! A connection that is driven by whoever uses it.
//!
//! The usual way gives each connection a task, so that every request and every answer is handed from task
//! to task and back, mostly between threads. Here one task does both sides of what it passes on.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connect::Stream;

/// A connection, and what puts requests into it.
pub(crate) struct Link {
    sender: SendRequest<String>,
    /// None when it is over.
    connection: Open,
    alarm: Alarm,
}

impl Link {
    /// A connection whose answers, and the parts of them, are waited for no longer than `limit`.
    pub(crate) fn new(
        sender: SendRequest<String>,
        connection: Connection<Stream, String>,
        limit: Duration,
    ) -> Self {
        Self { sender, connection: Some(Box::new(connection)), alarm: Alarm::new(limit) }
    }

    /// Carries a request, and gives the head of its answer; none where it does not come in time. The
    /// request comes back where nothing of it was sent. Whoever stops waiting drops the connection.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<String>,
    ) -> Option<Result<Response<Incoming>, TrySendError<Request<String>>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let (connection, alarm) = (&mut self.connection, &mut self.alarm);
        alarm.set();
        let mut is_sent = false;
        poll_fn(|context| {
            let mut look = || answer.as_mut().poll(&mut unwoken());
            let found = match std::mem::replace(&mut is_sent, true) {
                true => drive(connection, context, look),
                // Nothing can be there before it is asked for.
                false => {
                    go_on(connection, context);
                    look()
                }
            };
            match found {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => alarm.poll(context).map(|()| None),
            }
        })
        .await
    }

    /// Lets the connection do what it can until what is looked for is there. What becomes of the
    /// connection is told there: an error, too.
    pub(crate) fn drive<T>(
        &mut self,
        context: &mut Context<'_>,
        look: impl FnMut() -> Poll<T>,
    ) -> Poll<T> {
        drive(&mut self.connection, context, look)
    }

    /// Begins to wait for the next part of an answer.
    pub(crate) fn wait(&mut self) {
        self.alarm.set();
    }

    /// Ready when it was waited for too long.
    pub(crate) fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll(context)
    }

    /// Whether another request can be put in. If the host closed it meanwhile, the request comes back.
    pub(crate) fn is_free(&mut self) -> bool {
        if !self.sender.is_ready() {
            go_on(&mut self.connection, &mut unwoken());
        }
        self.connection.is_some() && self.sender.is_ready()
    }
}

type Open = Option<Box<Connection<Stream, String>>>;

/// Goes on unwoken first: who takes what was read while its task was to be woken wakes the task for nothing.
fn drive<T>(
    connection: &mut Open,
    context: &mut Context<'_>,
    mut look: impl FnMut() -> Poll<T>,
) -> Poll<T> {
    go_on(connection, &mut unwoken());
    let found = look();
    if found.is_ready() {
        return found;
    }
    go_on(connection, context);
    look()
}

fn go_on(connection: &mut Open, context: &mut Context<'_>) {
    if let Some(open) = connection
        && Pin::new(open).poll(context).is_ready()
    {
        *connection = None;
    }
}

/// Rings when nothing came for too long.
struct Alarm {
    limit: Duration,
    due: Instant,
    /// Wakes at that time or before: setting it anew for every request costs more than looking again.
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    fn new(limit: Duration) -> Self {
        let due = Instant::now() + limit;
        Self { limit, due, sleep: Box::pin(sleep_until(due)) }
    }

    fn set(&mut self) {
        self.due = Instant::now() + self.limit;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.sleep.as_mut().poll(context).is_ready() {
            if self.due <= Instant::now() {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(self.due);
        }
        Poll::Pending
    }
}

/// For what changes only when the connection is driven, which is done before.
pub(crate) fn unwoken() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
