//! One exchange over HTTP, with fail-over between the hosts of a cluster.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use proxbox_runtime::{Method, Payload, Request};
use reqwest::multipart;
use tokio::sync::oneshot;

use crate::counters::Counters;
use crate::files::text_parts;
use crate::host::Host;
use crate::pool::Failed;
use crate::{
    ApiError, CallName, ConnectFailure, Download, Error, FileStream, Forwarded, ForwardedBody,
    Passed, Reply, Upload,
};

/// A file takes as long as it takes. What is read has the time limit between its parts; what is sent has
/// one for the answer, once it is sent.
const NO_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The hosts of a cluster and the connections to them.
pub(crate) struct Wire {
    pub(crate) client: reqwest::Client,
    /// The same without a limit between the parts of an answer: while a file is sent, none come.
    pub(crate) uploads: reqwest::Client,
    /// Time for the answer to a file, from its last byte on.
    pub(crate) patience: Duration,
    pub(crate) hosts: Vec<Host>,
    /// The host that answered last, asked first.
    pub(crate) preferred: AtomicUsize,
    pub(crate) counters: Arc<Counters>,
}

impl Wire {
    /// Sends a request to the first host that can be connected to.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<Reply, Error> {
        let mut refused = None;
        for (index, host) in self.in_order() {
            match self.ask(host, request, headers).await {
                Err(error @ Error::Connect { .. }) => skip(&mut refused, error),
                outcome => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return outcome;
                }
            }
        }
        Err(refused.unwrap_or_else(|| Error::Invalid("the client has no host".into())))
    }

    /// The hosts in the order in which they are asked: first the one that answered last.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Host)> {
        let first = self.preferred.load(Ordering::Relaxed);
        let indexes = (0..self.hosts.len()).map(move |step| (first + step) % self.hosts.len());
        indexes.map(|index| (index, &self.hosts[index]))
    }

    /// Sends a request to the first host that can be connected to. The body of the answer is not read.
    pub(crate) async fn forward(
        &self,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<Forwarded, Error> {
        let mut refused = None;
        for (index, host) in self.in_order() {
            match self.head_of(host, request, headers).await {
                Err(error @ Error::Connect { .. }) => skip(&mut refused, error),
                outcome => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return outcome;
                }
            }
        }
        Err(refused.unwrap_or_else(|| Error::Invalid("the client has no host".into())))
    }

    /// Sends a request with a body that can be read once only, to the host that answered last. The body
    /// of the answer is not read.
    pub(crate) async fn forward_body(
        &self,
        request: &Request,
        headers: &HeaderMap,
        body: Passed,
    ) -> Result<Forwarded, Error> {
        let host = self.preferred_host()?;
        let (content, over) = told_at_its_end(body.content, body.length);
        let sent = self
            .uploads
            .request(method_of(request), host.url(request))
            .headers(headers.clone())
            .header(CONTENT_TYPE, body.content_type)
            .header(CONTENT_LENGTH, body.length)
            .body(content);
        self.sent(host, request, sent, over).await.map(passed_on)
    }

    async fn head_of(
        &self,
        host: &Host,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<Forwarded, Error> {
        let _slot = host.slots.acquire().await;
        self.counters.request();
        let call = || CallName::from(request);
        let Some(pool) = &host.pool else {
            let failed = |error| failure(call(), &host.name, error);
            let sent = self.build(host, request, headers).timeout(NO_LIMIT);
            return Box::pin(sent.send()).await.map(passed_on).map_err(failed);
        };
        let message = message(host, request, headers).map_err(|error| {
            Error::Invalid(format!("{}: the request cannot be built: {error}", call()))
        })?;
        let name = || host.name.clone();
        pool.exchange(message).await.map_err(|failed| match failed {
            Failed::Connect(source) => {
                let why = connect_failure(&*source);
                Error::Connect { call: call(), host: name(), why, source }
            }
            Failed::Late => {
                let source = "no answer came in time".into();
                Error::Timeout { call: call(), host: name(), source }
            }
            Failed::Lost(lost) => Error::Lost { call: call(), host: name(), source: lost.into() },
        })
    }

    /// The answer to a file, which takes as long as it takes to be sent.
    async fn sent(
        &self,
        host: &Host,
        request: &Request,
        sent: reqwest::RequestBuilder,
        over: oneshot::Receiver<()>,
    ) -> Result<reqwest::Response, Error> {
        let _slot = host.slots.acquire().await;
        self.counters.request();
        let late = async {
            // Also where it breaks off.
            let _ = over.await;
            tokio::time::sleep(self.patience).await;
        };
        tokio::select! {
            answer = sent.timeout(NO_LIMIT).send() => {
                answer.map_err(|error| failure(request.into(), &host.name, error))
            }
            () = late => {
                let source = "no answer came after the last byte".into();
                Err(Error::Timeout { call: request.into(), host: host.name.clone(), source })
            }
        }
    }

    async fn ask(
        &self,
        host: &Host,
        request: &Request,
        headers: &HeaderMap,
    ) -> Result<Reply, Error> {
        let _slot = host.slots.acquire().await;
        self.counters.request();
        let failed = |error| failure(request.into(), &host.name, error);
        let response = self.build(host, request, headers).send().await.map_err(failed)?;
        self.whole(host, request, response).await
    }

    /// Sends a request with a file to the host that answered last. A file is read once only, so there
    /// is no second host.
    pub(crate) async fn send_file(
        &self,
        request: &Request,
        headers: &HeaderMap,
        file: Upload,
    ) -> Result<Reply, Error> {
        let host = self.preferred_host()?;
        let mut form = multipart::Form::new();
        for (name, value) in text_parts(request) {
            form = form.text(name, value);
        }
        let (content, over) = told_at_its_end(file.content, file.length);
        let part = multipart::Part::stream_with_length(content, file.length).file_name(file.name);
        let sent = self
            .uploads
            .post(host.url(request))
            .headers(headers.clone())
            .multipart(form.part("filename", part));
        let response = self.sent(host, request, sent, over).await?;
        self.whole(host, request, response).await
    }

    /// Sends a request to a host, the one that answered last unless named; an answer with an error status is an error.
    /// The body of any other is not read.
    pub(crate) async fn open(
        &self,
        request: &Request,
        host: Option<&str>,
        headers: &HeaderMap,
        more: &HeaderMap,
    ) -> Result<reqwest::Response, Error> {
        let named = self.hosts.iter().find(|known| host == Some(&*known.name));
        let host = match named {
            Some(host) => host,
            None => self.preferred_host()?,
        };
        self.counters.request();
        let sent = self.build(host, request, headers).headers(more.clone()).timeout(NO_LIMIT);
        let failed = |error| failure(request.into(), &host.name, error);
        let response = sent.send().await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() && status != http::StatusCode::SWITCHING_PROTOCOLS {
            let reply = self.whole(host, request, response).await?;
            return Err(Error::Api(Box::new(ApiError::read(request.into(), &reply))));
        }
        Ok(response)
    }

    fn preferred_host(&self) -> Result<&Host, Error> {
        let host = self.hosts.get(self.preferred.load(Ordering::Relaxed));
        host.ok_or_else(|| Error::Invalid("the client has no host".into()))
    }

    /// The whole answer.
    async fn whole(
        &self,
        host: &Host,
        request: &Request,
        mut response: reqwest::Response,
    ) -> Result<Reply, Error> {
        let failed = |error| failure(request.into(), &host.name, error);
        let reason = response
            .extensions_mut()
            .remove::<hyper::ext::ReasonPhrase>()
            .map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        // The other form, a date, is not what busy servers send.
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok());
        let retry_after = retry_after.map(Duration::from_secs);
        let body = response.bytes().await.map_err(failed)?;
        self.counters.bytes(body.len());
        tracing::trace!(%status, method = %request.op.method, path = request.path, "answered");
        Ok(Reply { status, reason, retry_after, host: Some(host.name.clone()), body })
    }

    fn build(
        &self,
        host: &Host,
        request: &Request,
        headers: &HeaderMap,
    ) -> reqwest::RequestBuilder {
        let builder = self.client.request(method_of(request), host.url(request));
        let mut headers = headers.clone();
        let text = payload(request, &mut headers);
        let builder = builder.headers(headers);
        if text.is_empty() { builder } else { builder.body(text) }
    }
}

/// The body of a request, which the headers are told of.
fn payload(request: &Request, headers: &mut HeaderMap) -> String {
    let (kind, text) = match &request.payload {
        Payload::Empty => {
            if request.op.method != Method::Get {
                // Proxies in front of a node insist on a length.
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
            return String::new();
        }
        Payload::Form(pairs) => ("application/x-www-form-urlencoded", Payload::encode_form(pairs)),
        Payload::Json(value) => ("application/json", value.to_string()),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    text
}

/// A request as it is written into a connection.
fn message(
    host: &Host,
    request: &Request,
    headers: &HeaderMap,
) -> Result<http::Request<String>, http::Error> {
    let mut all = HeaderMap::with_capacity(8);
    all.insert(ACCEPT, HeaderValue::from_static("*/*"));
    all.insert(USER_AGENT, HeaderValue::from_static(crate::USER_AGENT));
    all.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut message = http::Request::new(payload(request, &mut all));
    *message.method_mut() = method_of(request);
    *message.uri_mut() = host.target(request)?;
    *message.headers_mut() = all;
    Ok(message)
}

fn passed_on(response: reqwest::Response) -> Forwarded {
    http::Response::from(response).map(ForwardedBody::of_client)
}

fn method_of(request: &Request) -> http::Method {
    match request.op.method {
        Method::Delete => http::Method::DELETE,
        Method::Get => http::Method::GET,
        Method::Patch => http::Method::PATCH,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
    }
}

/// A body of this length, and what says that its last byte was taken.
fn told_at_its_end(content: FileStream, length: u64) -> (reqwest::Body, oneshot::Receiver<()>) {
    let (say, over) = oneshot::channel();
    let (mut say, mut left) = (Some(say), length);
    let watched = content.inspect_ok(move |part| {
        left = left.saturating_sub(part.len() as u64);
        if left == 0 {
            // Nobody may be waiting for it.
            say.take().map(|say| say.send(()));
        }
    });
    (reqwest::Body::wrap_stream(watched), over)
}

/// Notes a host that cannot be connected to. The one asked first says best what is wrong.
fn skip(refused: &mut Option<Error>, error: Error) {
    tracing::debug!(%error, "host skipped");
    refused.get_or_insert(error);
}

/// The body of an answer, as it comes.
pub(crate) fn body_of(response: reqwest::Response) -> Download {
    let length = response.content_length();
    let content = response.bytes_stream().map_err(std::io::Error::other);
    Download { length, content: Box::pin(content) }
}

/// Tells apart what never left, what may have arrived, and what came back in part.
fn failure(call: CallName, host: &Arc<str>, error: reqwest::Error) -> Error {
    // The URL holds the query.
    let error = error.without_url();
    let host = host.clone();
    if error.is_builder() {
        return Error::Invalid(format!("{call}: the request cannot be built: {error}"));
    }
    if error.is_connect() {
        let why = match error.is_timeout() {
            true => ConnectFailure::Timeout,
            false => connect_failure(&error),
        };
        return Error::Connect { call, host, why, source: error.into() };
    }
    if error.is_timeout() {
        return Error::Timeout { call, host, source: error.into() };
    }
    Error::Lost { call, host, source: error.into() }
}

fn connect_failure(error: &(dyn StdError + 'static)) -> ConnectFailure {
    let mut deepest = error.to_string();
    let mut cause = Some(error);
    while let Some(link) = cause {
        if let Some(failure) = link.downcast_ref::<std::io::Error>().and_then(io_failure) {
            return failure;
        }
        if let Some(error) = link.downcast_ref::<rustls::Error>() {
            return tls_failure(error);
        }
        deepest = link.to_string();
        // hyper-util has no type for it.
        if deepest.contains("dns error") {
            return ConnectFailure::UnknownHost;
        }
        cause = link.source();
    }
    ConnectFailure::Other(deepest)
}

fn io_failure(error: &std::io::Error) -> Option<ConnectFailure> {
    // An error inside of an I/O error is not in the chain of sources, and they come nested.
    if let Some(inner) = error.get_ref() {
        if let Some(inner) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls_failure(inner));
        }
        if let Some(failure) = inner.downcast_ref::<std::io::Error>().and_then(io_failure) {
            return Some(failure);
        }
    }

    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Some(ConnectFailure::Refused),
        std::io::ErrorKind::TimedOut => Some(ConnectFailure::Timeout),
        _ => None,
    }
}

fn tls_failure(error: &rustls::Error) -> ConnectFailure {
    let advice = match error {
        rustls::Error::InvalidCertificate(_) => {
            "; give the cluster's CA (`ca_pem`) or pin the certificate (`fingerprint`)"
        }
        rustls::Error::InvalidMessage(_) => "; is this port without TLS?",
        _ => "",
    };
    ConnectFailure::Tls(format!("{error}{advice}"))
}
