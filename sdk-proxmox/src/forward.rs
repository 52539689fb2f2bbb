//! Requests and answers that are passed on as they are: for programs that stand between a client and
//! Proxmox.

use proxbox_runtime::Request;

use crate::{Client, Error, FileStream};

/// An answer with its head, whatever its status, and its body as it comes. Where Proxmox has a reason
/// phrase of its own, it is a `hyper::ext::ReasonPhrase` among the extensions.
pub type Forwarded = http::Response<reqwest::Body>;

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
