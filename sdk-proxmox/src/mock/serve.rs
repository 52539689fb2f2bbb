//! From an HTTP request to a handler and back.

use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use proxbox_runtime::{Method, OpFlags};
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::answer::{Answer, Outcome, Refusal, failed, page, refuse, response, truncated};
use super::call::Call;
use super::fault::{Trouble, strike};
use super::listener::{CuttableListener, Scissors};
use super::{
    Cluster, Recorded, Shared, access, api, generic, lock, params, route, terminal, upload,
};
use crate::Product;

/// PVE's own limit since http-server 5.2.1.
const BODY_LIMIT: usize = 512 * 1024;

/// Calls that need no login.
const OPEN: &[&str] = &["/access/ticket", "/access/domains"];

pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let router = Router::new()
        .fallback(serve)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(shared);
    let service = router.into_make_service_with_connect_info::<Scissors>();
    let server = axum::serve(CuttableListener(listener), service);
    let stopped = async move {
        // An error means that the handle is gone, which is an end as well.
        let _ = stopped.await;
    };
    if let Err(error) = server.with_graceful_shutdown(stopped).await {
        tracing::debug!(%error, "mock ended");
    }
}

async fn serve(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: Request,
) -> Response {
    let _served = shared.load.enter();
    let (parts, body) = read(request).await;
    let path = parts.uri.path().strip_prefix("/api2/json").unwrap_or_default().to_owned();
    let trouble = strike(&mut lock(&shared.faults), parts.method.as_str(), &path);
    let mut recorded = Recorded {
        method: parts.method.to_string(),
        path: path.clone(),
        params: Default::default(),
        user: None,
        status: 0,
    };
    if let Some(Trouble::Delay(pause)) = &trouble {
        tokio::time::sleep(*pause).await;
    }
    let outcome = match (&trouble, body) {
        (Some(Trouble::Status(status, text)), _) => Err(refuse(*status, text.as_str())),
        (Some(Trouble::Page(..)), _) => Ok(Answer::default()),
        (_, Err(refusal)) => Err(refusal),
        (_, Ok(body)) => outcome(&shared, &parts, &path, body, &mut recorded),
    };
    let told = lock(&shared.cluster).told();
    let wants_socket = parts.headers.contains_key(http::header::UPGRADE);
    let response = match &trouble {
        Some(Trouble::Page(status, html)) => page(*status, html),
        None | Some(Trouble::Delay(_))
            if wants_socket && outcome.is_ok() && path.ends_with("/vncwebsocket") =>
        {
            let mut query = Map::new();
            params::read_pairs(parts.uri.query().unwrap_or_default(), &mut query);
            let given =
                |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (port, ticket) = (given("port"), given("vncticket"));
            terminal::serve(&shared, parts, &port, &ticket).await
        }
        _ => response(&outcome, told),
    };
    let reset = trouble == Some(Trouble::Reset);
    if reset {
        scissors.cut();
    } else {
        recorded.status = response.status().as_u16();
    }
    lock(&shared.journal).push(recorded);
    match trouble {
        Some(Trouble::Truncate) => truncated(response).await,
        _ => response,
    }
}

/// The head of a request, and the parameters in its body. Only files may be large.
async fn read(request: Request) -> (Parts, Result<Map<String, Value>, Refusal>) {
    if upload::has_file(&request) {
        let (parts, body) = request.into_parts();
        let params = upload::read(Request::from_parts(parts.clone(), body)).await;
        return (parts, params);
    }
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let params = match axum::body::to_bytes(body, BODY_LIMIT).await {
        Ok(body) => {
            let mut params = Map::new();
            params::read_body(&kind, &body, &mut params).map(|()| params)
        }
        Err(_) => Err(refuse(501, "for data too large")),
    };
    (parts, params)
}

fn outcome(
    shared: &Shared,
    parts: &Parts,
    path: &str,
    body: Map<String, Value>,
    recorded: &mut Recorded,
) -> Outcome {
    let mut params = body;
    // Query parameters override those of the body.
    let mut query = Map::new();
    params::read_pairs(parts.uri.query().unwrap_or_default(), &mut query);
    params.extend(query);
    recorded.params = masked(&params);

    let mut cluster = lock(&shared.cluster);
    cluster.settle();
    let not_implemented =
        || refuse(501, format!("Method '{} {path}' not implemented", parts.method));
    if parts.uri.path().strip_prefix("/api2/json").is_none() {
        return Err(refuse(404, "no such uri"));
    }
    let open = OPEN.contains(&path);
    let writes = parts.method != http::Method::GET;
    let user = match access::sender(&cluster, &parts.headers, writes) {
        Ok(user) => user,
        Err(_) if open => String::new(),
        Err(refusal) => return Err(refusal),
    };
    cluster.caller.clone_from(&user);
    recorded.user = Some(user.clone()).filter(|user| !user.is_empty());
    let matched =
        route::find(cluster.product, parts.method.as_str(), path).ok_or_else(not_implemented)?;
    if matched.op.flags.has(OpFlags::NO_TOKEN) && user.contains('!') {
        let text = format!("URI '{path}' not available with API token, need proper ticket.");
        return Err(refuse(403, format!("Permission check failed ({text})")));
    }
    let mut all = params.clone();
    for (name, value) in &matched.values {
        all.insert((*name).to_owned(), Value::from(value.as_str()));
    }
    // What was measured is no parameter.
    all.retain(|name, _| !name.starts_with('('));
    params::check(matched.op, &all)?;
    let call = Call { op: matched.op, path: matched.values, params, user };
    answer(&mut cluster, &call, path)
}

fn answer(cluster: &mut Cluster, call: &Call, path: &str) -> Outcome {
    node_is_there(cluster, call)?;
    cluster.permit(call)?;
    generic::guest_is_there(cluster, call)?;
    let reads = call.op.method == Method::Get;
    if let Some(answer) = cluster.answers.get(path).filter(|_| reads) {
        return Ok(answer.clone().into());
    }
    // What was made for a call that then fails is taken back.
    let volumes = (!reads).then(|| cluster.volumes.clone());
    let outcome = match api::handler(cluster.product, call.op) {
        Some(handler) => handler(cluster, call),
        None => generic::answer(cluster, call),
    };
    if let (Err(_), Some(volumes)) = (&outcome, volumes) {
        cluster.volumes = volumes;
    }
    outcome
}

/// Calls below a node are forwarded to it: its name is resolved, then it is connected to.
fn node_is_there(cluster: &Cluster, call: &Call) -> Result<(), Refusal> {
    if cluster.product != Product::Pve || !call.op.path.starts_with("/nodes/{node}") {
        return Ok(());
    }
    let name = call.at("node");
    match cluster.node(name) {
        _ if name == "localhost" => Ok(()),
        None => Err(failed(format!(
            "hostname lookup '{name}' failed - failed to get address info for: {name}: Name or \
             service not known"
        ))),
        Some(node) if !node.online => Err(refuse(
            595,
            "Errors during connection establishment, proxy handshake: No route to host",
        )),
        Some(_) => Ok(()),
    }
}

fn masked(params: &Map<String, Value>) -> std::collections::BTreeMap<String, Value> {
    let secret = |name: &str| {
        let words = ["password", "ticket", "secret", "token", "otp", "challenge", "apikey"];
        words.iter().any(|word| name.contains(word))
    };
    let mask = |(name, value): (&String, &Value)| match secret(name) {
        true => (name.clone(), Value::from("<redacted>")),
        false => (name.clone(), value.clone()),
    };
    params.iter().map(mask).collect()
}
