//! Sends one request, again if that is safe, and reads the whole answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use proxbox_runtime::{Decoded, Payload, Request, Slot, decode};
use serde_json::Value;

use crate::api_error::ApiError;
use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::release::{Limit, limits, stated};

/// Gunicorn refuses longer request lines with a page that explains nothing.
const LONGEST_LINE: usize = 4094;

/// A request on its way: everything but host and headers.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Encoded.
    pub(crate) query: String,
    pub(crate) body: Option<Bytes>,
    /// What only some releases of NetBox have.
    pub(crate) limits: Vec<Limit>,
}

impl Outgoing {
    pub(crate) fn read(request: &Request) -> Self {
        let method = method_of(request.op.method);
        let body = match &request.payload {
            Payload::Empty => None,
            Payload::Form(pairs) => Some(Bytes::from(Payload::encode_form(pairs))),
            Payload::Json(value) => Some(json(value)),
        };
        let limits = limits(request);
        Self { method, path: request.path.clone(), query: request.encoded_query(), body, limits }
    }

    /// A request without query and body, of something that every release has.
    pub(crate) fn plain(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), query: String::new(), body: None, limits: Vec::new() }
    }
}

pub(crate) fn method_of(method: proxbox_runtime::Method) -> Method {
    use proxbox_runtime::Method as Named;
    match method {
        Named::Delete => Method::DELETE,
        Named::Get => Method::GET,
        Named::Patch => Method::PATCH,
        Named::Post => Method::POST,
        Named::Put => Method::PUT,
    }
}

pub(crate) fn json(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

impl Client {
    /// Sends a request and decodes its answer.
    ///
    /// Fails with the [`Error`] of the last try; an answer that merely differs from NetBox's
    /// description is no failure but drift.
    pub async fn send<R: Slot + Default>(&self, request: Request) -> Result<Decoded<R>, Error> {
        self.fetch(&Outgoing::read(&request)).await
    }

    pub(crate) async fn fetch<R>(&self, outgoing: &Outgoing) -> Result<Decoded<R>, Error>
    where
        R: Slot + Default,
    {
        let body = self.exchange(outgoing).await?;
        self.decode(outgoing, &body)
    }

    fn decode<R>(&self, outgoing: &Outgoing, body: &[u8]) -> Result<Decoded<R>, Error>
    where
        R: Slot + Default,
    {
        if body.is_empty() {
            return Ok(Decoded {
                value: R::default(),
                drift: Vec::new(),
                beside: serde_json::Map::new(),
            });
        }
        let decoded = decode::<R>(body).map_err(|source| {
            let start = String::from_utf8_lossy(body).chars().take(120).collect();
            outgoing.error(ErrorKind::Decode { start, source })
        })?;
        self.inner.counters.drifted(decoded.drift.len());
        for drift in &decoded.drift {
            tracing::debug!(method = %outgoing.method, path = outgoing.path, %drift, "drift");
        }
        Ok(decoded)
    }

    /// Sends a request until it is answered or must not be sent again.
    pub(crate) async fn exchange(&self, outgoing: &Outgoing) -> Result<Bytes, Error> {
        self.exchange_counted(outgoing).await.1
    }

    /// [`Client::exchange`], with how often the request was sent.
    pub(crate) async fn exchange_counted(
        &self,
        outgoing: &Outgoing,
    ) -> (u32, Result<Bytes, Error>) {
        let mut tries = 1;
        if let Err(error) = outgoing.check() {
            return (0, Err(error));
        }
        if let Err(error) = self.check_release(outgoing).await {
            return (0, Err(error));
        }
        loop {
            let error = match self.attempt(outgoing).await {
                Ok(body) => return (tries, Ok(body)),
                Err(error) => error,
            };
            let Some(delay) = self.retry.delay(&outgoing.method, tries, &error) else {
                return (tries, Err(error));
            };
            tracing::debug!(%error, tries, ?delay, "trying again");
            self.inner.counters.retried();
            tokio::time::sleep(delay).await;
            tries += 1;
        }
    }

    pub(crate) async fn attempt(&self, outgoing: &Outgoing) -> Result<Bytes, Error> {
        // The gate is never closed, so this only ever waits.
        let _pass = self.inner.gate.acquire().await;
        let started = Instant::now();
        let response = self.respond(outgoing).await?;
        let status = response.status();
        if let Some(release) = stated(response.headers()) {
            // The first answer's holds: a server that is upgraded is restarted.
            let _ = self.inner.release.set(release);
        }
        let retry_after = retry_after(response.headers());
        let body = response.bytes().await.map_err(|error| self.broken(outgoing, error))?;
        self.inner.counters.received(body.len());
        let (method, path) = (&outgoing.method, &outgoing.path);
        let took = started.elapsed();
        tracing::debug!(%method, path, status = status.as_u16(), ?took, "answered");
        match verdict(status) {
            Ok(()) => Ok(body),
            Err(None) => {
                let error = ApiError::read(status.as_u16(), retry_after, &body);
                Err(outgoing.error(ErrorKind::Api(error)))
            }
            Err(Some(reason)) => Err(outgoing.error(ErrorKind::Invalid(reason))),
        }
    }

    async fn respond(&self, outgoing: &Outgoing) -> Result<reqwest::Response, Error> {
        let inner = &self.inner;
        let url = inner.address.join(&outgoing.path, &outgoing.query);
        let url = url.map_err(|reason| outgoing.error(ErrorKind::Invalid(reason)))?;
        let http = match &inner.fresh {
            Some(fresh) if !outgoing.method.is_safe() => fresh,
            _ => &inner.pooled,
        };
        let mut headers = inner.headers.clone();
        headers.extend(self.extra.clone());
        let mut request = http.request(outgoing.method.clone(), url);
        if let Some(body) = &outgoing.body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.clone());
        }
        let size = outgoing.body.as_ref().map_or(0, Bytes::len);
        inner.counters.sent(&outgoing.method, size);
        let sent = request.headers(headers).send().await;
        sent.map_err(|error| self.broken(outgoing, error))
    }

    fn broken(&self, outgoing: &Outgoing, error: reqwest::Error) -> Error {
        let host = self.inner.address.host();
        Error::transport(&outgoing.method, &outgoing.path, host, error)
    }
}

impl Outgoing {
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(&self.method, &self.path, kind)
    }

    fn check(&self) -> Result<(), Error> {
        // The mount path is not known here; NetBox is rarely mounted deep.
        let line = self.method.as_str().len() + self.path.len() + self.query.len() + 11;
        if line <= LONGEST_LINE {
            return Ok(());
        }
        Err(self.error(ErrorKind::Invalid(format!(
            "the request line has {line} bytes and NetBox takes {LONGEST_LINE}; use fewer filter values"
        ))))
    }
}

/// Whether an answer says yes; if not, a reason where NetBox's own words would mislead.
fn verdict(status: StatusCode) -> Result<(), Option<String>> {
    if status.is_success() {
        return Ok(());
    }
    Err(status.is_redirection().then(|| {
        format!("{status}: the address redirects, and redirects are not followed; use NetBox's own address")
    }))
}

/// `Retry-After` in seconds; dates are not read, NetBox and common proxies send seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
