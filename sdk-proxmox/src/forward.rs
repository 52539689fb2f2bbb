//! Requests and answers that are passed on as they are: for programs that stand between a client and
//! Proxmox.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use proxbox_runtime::Request;

use crate::link::{Link, unwoken};
use crate::pool::Pool;
use crate::{BoxError, Client, Error, FileStream};

/// An answer with its head, whatever its status, and its body as it comes. Where Proxmox has a reason
/// phrase of its own, it is a `hyper::ext::ReasonPhrase` among the extensions.
pub type Forwarded = http::Response<ForwardedBody>;

/// The body of an answer, read as fast as it is asked for. It ends with an error where the host says
/// nothing for as long as the client's `read_timeout`.
pub struct ForwardedBody(Source);

enum Source {
    Linked(Linked),
    Client(reqwest::Body),
}

/// What comes over a connection that goes back to the others at the end.
struct Linked {
    content: Incoming,
    /// None when all was read.
    link: Option<Link>,
    pool: Arc<Pool>,
    /// Whether the next part is being waited for.
    waits: bool,
}

/// The body of a request that is passed on without being read.
pub struct Passed {
    /// Its `Content-Type`, for `multipart/form-data` with the boundary.
    pub content_type: http::HeaderValue,
    /// Its size in bytes; pveproxy takes no body of unknown size.
    pub length: u64,
    /// Its parts.
    pub content: FileStream,
}

impl std::fmt::Debug for Passed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passed").field("length", &self.length).finish_non_exhaustive()
    }
}

impl ForwardedBody {
    pub(crate) fn linked(content: Incoming, link: Link, pool: Arc<Pool>) -> Self {
        let mut body = Linked { content, link: Some(link), pool, waits: false };
        body.end_if_read();
        Self(Source::Linked(body))
    }

    pub(crate) fn of_client(body: reqwest::Body) -> Self {
        Self(Source::Client(body))
    }
}

impl Linked {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let content = &mut self.content;
        let mut look = || Pin::new(&mut *content).poll_frame(&mut unwoken());
        // What was read already needs no more of the connection.
        let told = match (look(), &mut self.link) {
            (Poll::Pending, Some(link)) => link.drive(context, look),
            (told, _) => told,
        };
        match (told, &mut self.link) {
            (Poll::Ready(frame), _) => {
                self.waits = false;
                match &frame {
                    Some(Err(_)) => self.link = None,
                    Some(Ok(_)) => self.end_if_read(),
                    None => self.give_back(),
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            (Poll::Pending, Some(link)) => {
                if !std::mem::replace(&mut self.waits, true) {
                    link.wait();
                }
                ready!(link.poll_late(context));
                self.link = None;
                Poll::Ready(Some(Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into())))
            }
            // It was late, and said so.
            (Poll::Pending, None) => Poll::Ready(None),
        }
    }

    fn end_if_read(&mut self) {
        if self.content.is_end_stream() {
            self.give_back();
        }
    }

    /// Nothing of this answer is in the connection any more, so another may use it.
    fn give_back(&mut self) {
        if let Some(link) = self.link.take() {
            self.pool.keep(link);
        }
    }
}

impl Body for ForwardedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Source::Linked(body) => body.poll(context),
            Source::Client(body) => {
                Pin::new(body).poll_frame(context).map(|frame| frame.map(|f| f.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Linked(body) => body.content.is_end_stream(),
            Source::Client(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Linked(body) => body.content.size_hint(),
            Source::Client(body) => body.size_hint(),
        }
    }
}

impl std::fmt::Debug for ForwardedBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForwardedBody").finish_non_exhaustive()
    }
}

impl Client {
    /// Sends any request, and gives the answer before its body is there. An error status is an answer
    /// like any other; `Err` means that none came.
    ///
    /// Credentials are the client's own. `body` replaces the request's own one, and is sent once at
    /// most.
    pub async fn forward(
        &self,
        request: Request,
        body: Option<Passed>,
    ) -> Result<Forwarded, Error> {
        self.transport.forward(request, body).await
    }
}
