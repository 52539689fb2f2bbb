//! Connections to a host that are kept between requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::header::HOST;
use http::{HeaderValue, Request, Uri};

use crate::connect::Connector;
use crate::link::Link;
use crate::{BoxError, Forwarded, ForwardedBody};

/// pveproxy closes idle connections after five seconds; one closed under our feet costs a retry.
pub(crate) const IDLE: Duration = Duration::from_secs(4);

/// Connections to one host.
pub(crate) struct Pool {
    connector: Arc<Connector>,
    /// Where it is.
    url: Uri,
    /// What the `Host` header says.
    authority: HeaderValue,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Connections that nobody uses, and since when. The last one was used last.
    links: Vec<(Link, Instant)>,
    /// Whether somebody closes those that stay so.
    watched: bool,
}

/// Why an exchange brought no answer.
pub(crate) enum Failed {
    /// There is no connection.
    Connect(BoxError),
    /// None came in time.
    Late,
    /// The connection broke when the request was, or may have been, sent.
    Lost(hyper::Error),
}

impl Pool {
    pub(crate) fn new(connector: Arc<Connector>, url: &str) -> Result<Self, http::Error> {
        let url: Uri = url.parse()?;
        let authority = HeaderValue::from_str(url.authority().map_or("", |told| told.as_str()))?;
        Ok(Self { connector, url, authority, idle: Mutex::default() })
    }

    /// Sends a request, over a connection that is kept where there is one.
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        mut request: Request<String>,
    ) -> Result<Forwarded, Failed> {
        request.headers_mut().insert(HOST, self.authority.clone());
        loop {
            let kept = self.take();
            let is_kept = kept.is_some();
            let mut link = match kept {
                Some(link) => link,
                // In a box: it is large, and seldom needed.
                None => {
                    Box::pin(self.connector.connect(&self.url)).await.map_err(Failed::Connect)?
                }
            };
            let mut failed = match link.exchange(request).await {
                Some(Ok(answer)) => {
                    let whole = |body| ForwardedBody::linked(body, link, self.clone());
                    return Ok(answer.map(whole));
                }
                Some(Err(failed)) => failed,
                None => return Err(Failed::Late),
            };
            request = match failed.take_message() {
                // Closed before anything was sent: another one carries it.
                Some(unsent) if is_kept => unsent,
                _ => return Err(Failed::Lost(failed.into_error())),
            };
        }
    }

    /// Keeps a connection whose answer was read to its end.
    pub(crate) fn keep(self: &Arc<Self>, link: Link) {
        let mut idle = self.idle();
        idle.links.push((link, Instant::now()));
        if !std::mem::replace(&mut idle.watched, true) {
            tokio::spawn(close_the_idle(Arc::downgrade(self)));
        }
    }

    fn take(&self) -> Option<Link> {
        loop {
            let (mut link, since) = self.idle().links.pop()?;
            if since.elapsed() < IDLE && link.is_free() {
                return Some(link);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what nobody uses any more, until there is nothing to close.
async fn close_the_idle(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.links.retain(|(_, since)| since.elapsed() < IDLE);
        idle.watched = !idle.links.is_empty();
        if !idle.watched {
            return;
        }
    }
}
