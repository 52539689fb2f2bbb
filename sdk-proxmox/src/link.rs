//! A connection that is driven by whoever uses it.
//!
//! The usual way gives each connection a task, so that every request and every answer is handed from task
//! to task and back, mostly between threads. Here one task does both sides of what it passes on.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest};

use crate::connect::Stream;

/// A connection, and what puts requests into it.
pub(crate) struct Link {
    sender: SendRequest<String>,
    /// None when it is over.
    connection: Option<Box<Connection<Stream, String>>>,
}

impl Link {
    pub(crate) fn new(sender: SendRequest<String>, connection: Connection<Stream, String>) -> Self {
        Self { sender, connection: Some(Box::new(connection)) }
    }

    /// Carries a request, and gives the head of its answer. The request comes back where nothing of it
    /// was sent. Whoever stops waiting drops the connection.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<String>,
    ) -> Result<Response<Incoming>, TrySendError<Request<String>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let connection = &mut self.connection;
        poll_fn(|context| {
            drive(connection, context);
            answer.as_mut().poll(&mut unwoken())
        })
        .await
    }

    /// Lets the connection do what it can. What comes of it is told where it is awaited: an error, too.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.connection, context);
    }

    /// Whether another request can be put in: the host may have closed it meanwhile.
    pub(crate) fn is_free(&mut self) -> bool {
        self.drive(&mut unwoken());
        self.connection.is_some() && self.sender.is_ready()
    }
}

fn drive(connection: &mut Option<Box<Connection<Stream, String>>>, context: &mut Context<'_>) {
    if let Some(open) = connection
        && Pin::new(open).poll(context).is_ready()
    {
        *connection = None;
    }
}

/// For what changes only when the connection is driven, which is done before.
pub(crate) fn unwoken() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
