//! The HTTP side of the mock: who may ask, what is noted, what goes wrong.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::response::Response;
use http::{HeaderMap, header};
use serde_json::Value;
use tokio::net::TcpListener;
use url::form_urlencoded;

use super::answer::{Answer, Content};
use super::connection::{Cord, Corded};
use super::fault::{Fault, FaultKind};
use super::route::{self, Asked};
use super::state::State;
use super::{service, tokens};

/// Gunicorn's limit for the first line of a request.
const LONGEST_LINE: usize = 4094;
const LARGEST_BODY: usize = 64 * 1024 * 1024;

/// A request that came, and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`
    pub method: String,
    /// `/api/dcim/sites/`
    pub path: String,
    /// As it came, encoded.
    pub query: String,
    /// Status of the answer; 0 if the connection was broken instead.
    pub status: u16,
    /// The versions that it is meant for: `If-Match`.
    pub if_match: Option<String>,
    /// What came with it, once [`Mock::keep_bodies`](super::Mock::keep_bodies) is called.
    pub body: Bytes,
}

/// How long the mock takes, so that a client's requests weigh what they weigh on a real NetBox.
#[derive(Debug, Clone, Copy, Default)]
pub struct Costs {
    /// For every object in a list.
    pub read: Duration,
    /// For every object that is created, changed or deleted.
    pub written: Duration,
}

impl Costs {
    fn of(self, method: &str, sent: &[u8], answer: &Answer) -> Duration {
        let count = |value: &Value| value.as_array().map_or(1, Vec::len);
        let (each, objects) = match (method, &answer.body) {
            ("GET", Content::Json(body)) => (self.read, body.get("results").map_or(1, count)),
            ("GET" | "HEAD" | "OPTIONS", _) => (self.read, 1),
            _ => (self.written, serde_json::from_slice(sent).as_ref().map_or(1, count)),
        };
        each.saturating_mul(u32::try_from(objects).unwrap_or(u32::MAX))
    }
}

/// The mock's state, with what is noted and planned beside it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) seen: Vec<Seen>,
    pub(super) faults: Vec<Fault>,
    pub(super) costs: Costs,
    pub(super) keep_bodies: bool,
    requests: u64,
}

impl World {
    pub(super) fn new(url: String) -> Self {
        let mut state = State::new(url);
        super::write::seed(&mut state);
        Self {
            state,
            seen: Vec::new(),
            faults: Vec::new(),
            costs: Costs::default(),
            keep_bodies: false,
            requests: 0,
        }
    }

    fn strike(&mut self, method: &str, path: &str) -> Option<FaultKind> {
        self.faults.iter_mut().find_map(|fault| fault.strike(method, path))
    }
}

/// Serves until the task is aborted.
pub(super) async fn serve(listener: TcpListener, world: Arc<Mutex<World>>) {
    let router: Router = Router::new().fallback(handle).with_state(world);
    let service = router.into_make_service_with_connect_info::<Cord>();
    // Ends only with the task; there is nobody to tell.
    let _ = axum::serve(Corded(listener), service).await;
}

async fn handle(
    Shared(world): Shared<Arc<Mutex<World>>>,
    ConnectInfo(cord): ConnectInfo<Cord>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
    let (method, path) = (head.method.as_str(), head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let fault = locked(&world).strike(method, path);
    match &fault {
        Some(FaultKind::Delay(delay)) => tokio::time::sleep(*delay).await,
        Some(FaultKind::ResetBefore) => cord.cut(),
        _ => {}
    }
    let (answer, number, cost) = {
        let mut world = locked(&world);
        world.requests += 1;
        let number = world.requests;
        let line = method.len() + path.len() + query.len() + " ? HTTP/1.1".len();
        let mut answer = match &fault {
            Some(FaultKind::Status(status)) => Answer::detail(*status, "as planned"),
            Some(FaultKind::Busy { .. }) => Answer::detail(429, "Request was throttled."),
            Some(FaultKind::Deadlock) => Answer::exception("OperationalError", "deadlock detected"),
            Some(FaultKind::ResetBefore) => Answer::nothing(0),
            _ if line > LONGEST_LINE => {
                let text = format!("Request Line is too large ({line} &gt; {LONGEST_LINE})");
                Answer::page(400, "Bad Request", &text)
            }
            _ => {
                world.state.request_id = request_id(number);
                // What a request left behind that broke off.
                world.state.rollback();
                admitted(&mut world.state, method, path, query, &head.headers, &body)
            }
        };
        let cost = world.costs.of(method, &body, &answer);
        if fault == Some(FaultKind::ResetAfterCommit) {
            cord.cut();
            answer = Answer::nothing(0);
        }
        let body = if world.keep_bodies { body } else { Bytes::new() };
        world.seen.push(Seen {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status: answer.status,
            if_match: if_match(&head.headers).map(str::to_owned),
            body,
        });
        (answer, number, cost)
    };
    if !cost.is_zero() {
        tokio::time::sleep(cost).await;
    }
    respond(answer, number, method == "HEAD", fault.as_ref())
}

fn locked(world: &Mutex<World>) -> std::sync::MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

fn admitted(
    state: &mut State,
    method: &str,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Answer {
    // GraphQL is off, as it can be, and then unknown to everyone.
    if !path.starts_with("/api/") && path != "/api" {
        return Answer::page(404, "Page Not Found", "The requested page does not exist.");
    }
    let open = match path {
        "/api/schema/" => Some(service::schema()),
        "/api/users/tokens/provision/" if method == "POST" => Some(tokens::provision(state, body)),
        _ => None,
    };
    if let Some(answer) = open {
        return answer;
    }
    let writes = !matches!(method, "GET" | "HEAD" | "OPTIONS");
    match tokens::authenticate(state, headers, writes) {
        Ok(user) => state.user = user,
        Err(reason) => return Answer::detail(403, reason),
    }
    let query: Vec<(String, String)> =
        form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let if_match = if_match(headers);
    let asked = Asked { method, path, query: &query, body, if_match };
    route::answer(state, &asked)
}

/// The id of a request, in its answer and in the log of changes.
fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-9000-{number:012}")
}

fn respond(answer: Answer, number: u64, head_only: bool, fault: Option<&FaultKind>) -> Response {
    let (kind, bytes) = match answer.body {
        Content::Nothing => (None, Vec::new()),
        Content::Json(value) => (Some("application/json"), value.to_string().into_bytes()),
        Content::Html(page) => (Some("text/html"), page.into_bytes()),
    };
    let mut response = Response::builder()
        .status(if answer.status == 0 { 500 } else { answer.status })
        .header("API-Version", "4.6")
        .header("X-Request-ID", request_id(number));
    if let Some(kind) = kind {
        response = response.header(header::CONTENT_TYPE, kind);
    }
    if let Some(etag) = answer.etag {
        response = response.header(header::ETAG, etag);
    }
    if let Some(location) = answer.location {
        response = response.header(header::LOCATION, location);
    }
    if let Some(FaultKind::Busy { retry_after }) = fault {
        response = response.header(header::RETRY_AFTER, *retry_after);
    }
    let body = match (head_only, fault) {
        (true, _) => Body::empty(),
        (_, Some(FaultKind::Truncate)) => half(bytes),
        _ => Body::from(bytes),
    };
    // The headers are our own and valid, so there is always a response.
    response.body(body).unwrap_or_default()
}

/// A body that breaks off in the middle.
fn half(mut bytes: Vec<u8>) -> Body {
    bytes.truncate(bytes.len() / 2);
    let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let parts = [Ok(Bytes::from(bytes)), Err(broken)];
    Body::from_stream(futures_util::stream::iter(parts))
}

fn if_match(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok())
}
