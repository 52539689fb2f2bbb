//! What people do to guests: started, stopped, snapshotted, moved. Each is written down before it is
//! sent, and sent once where the client gives it a name.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sdk_proxmox::Product;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ApiError, App};
use crate::auth::Caller;
use crate::console::{Guest, find_guest, task_stream, wants_events};
use crate::edge::{Body, Path, Query, RequestId, Routes, post};
use crate::endpoints::Selection;
use crate::proxy::{Call, Sender, api_of, digest, fault, idempotency_key, write};
use crate::runs::StartError;

/// Verbs, and where Proxmox has them below a guest.
const VERBS: [(&str, &str); 6] = [
    ("start", "/status/start"),
    ("stop", "/status/stop"),
    ("shutdown", "/status/shutdown"),
    ("reboot", "/status/reboot"),
    ("snapshot", "/snapshot"),
    ("migrate", "/migrate"),
];

/// GoDoxy's words for three of them.
const OF_GODOXY: [(&str, &str); 3] =
    [("start", "/status/start"), ("stop", "/status/shutdown"), ("restart", "/status/reboot")];

/// Bytes of what Proxmox answers.
const LONGEST: usize = 64 * 1024;

/// How long a client may wait for the end of a task.
const LONGEST_WAIT: u64 = 300;

/// The routes of all verbs.
pub(super) fn routes() -> Routes {
    let mut routes = Routes::new("guests");
    let says = "Does this to a guest and answers the task: 202. With `wait` it waits for its end, and \
                asked for text/event-stream it streams the task's log.";
    for (verb, place) in VERBS {
        for kind in ["qemu", "lxc"] {
            let handler =
                async move |State(app): State<App>,
                            Path(vmid): Path<i64>,
                            Query(asked): Query<Asked>,
                            Extension(caller): Extension<Arc<Caller>>,
                            Extension(id): Extension<RequestId>,
                            headers: HeaderMap,
                            Body(body): Body<Map<String, Value>>| {
                    let sender = Sender { caller, id };
                    let doing = Doing { verb, kind, place, node: None, vmid };
                    doing.carry_out(app, sender, asked, &headers, body).await
                };
            routes = routes.add(
                post(format!("/proxmox/{kind}/{{vmid}}/{verb}"), handler)
                    .any_key()
                    .query("endpoint_id", "integer", "The plugin's number of the endpoint")
                    .query("wait", "integer", "Seconds to wait for the end; up to 300")
                    .with(202)
                    .says(says),
            );
        }
    }
    for (verb, place) in OF_GODOXY {
        let handler = async move |State(app): State<App>,
                                  Path((node, vmid)): Path<(String, i64)>,
                                  Query(asked): Query<Asked>,
                                  Extension(caller): Extension<Arc<Caller>>,
                                  Extension(id): Extension<RequestId>,
                                  headers: HeaderMap,
                                  Body(body): Body<Map<String, Value>>| {
            let sender = Sender { caller, id };
            let doing = Doing { verb, kind: "lxc", place, node: Some(node), vmid };
            doing.carry_out(app, sender, asked, &headers, body).await
        };
        for prefix in ["/proxmox", "/api/v1/proxmox"] {
            routes = routes.add(
                post(format!("{prefix}/lxc/{{node}}/{{vmid}}/{verb}"), handler)
                    .any_key()
                    .query("wait", "integer", "Seconds to wait for the end; up to 300")
                    .with(202)
                    .says(says),
            );
        }
    }
    routes
}

/// What the query says.
#[derive(Debug, Deserialize)]
struct Asked {
    /// The plugin's own number of the endpoint, which the endpoint's name ends in.
    endpoint_id: Option<i64>,
    wait: Option<u64>,
}

/// What is done to which guest.
struct Doing {
    verb: &'static str,
    kind: &'static str,
    place: &'static str,
    node: Option<String>,
    vmid: i64,
}

impl Doing {
    async fn carry_out(
        self,
        app: App,
        sender: Sender,
        asked: Asked,
        headers: &HeaderMap,
        body: Map<String, Value>,
    ) -> Result<Response, ApiError> {
        if !sender.caller.scopes.permit_some_write() {
            // Whoever may change nothing is not told where what runs.
            return Err(ApiError::not_permitted(&sender.caller, "proxy:write"));
        }
        let selection = selection(&app, asked.endpoint_id).await?;
        let name = idempotency_key(headers)?;
        let guest = find_guest(&app, &selection, self.node.as_deref(), self.vmid).await?;
        if guest.kind.word() != self.kind {
            let detail =
                format!("Guest {} is {} and not {}.", self.vmid, guest.kind.word(), self.kind);
            return Err(ApiError::not_found(detail));
        }
        let path = format!("/nodes/{}/{}/{}{}", guest.node, self.kind, self.vmid, self.place);
        let matched = api_of(Product::Pve).find("POST", &path);
        let op = matched.ok_or_else(|| ApiError::not_found(format!("There is no {path}.")))?.op;
        let mut members = body;
        members.insert("node".into(), guest.node.as_str().into());
        members.insert("vmid".into(), self.vmid.into());
        if self.verb == "snapshot" && !members.contains_key("snapname") {
            members.insert("snapname".into(), snapshot_name(name.as_deref()).into());
        }
        let operation = format!("POST {path}");
        let caller = sender.caller.clone();
        let call = Call::new(&sender, guest.session.clone(), op, members, operation, name)?;
        let answer = write(app.clone(), sender, call, None).await?;
        if !answer.status().is_success() {
            return refused(answer, self.verb).await;
        }
        let bytes = to_bytes(answer.into_body(), LONGEST).await.unwrap_or_default();
        let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let upid = told["data"].as_str().unwrap_or_default().to_owned();
        if wants_events(headers) {
            return task_stream(&app, caller, &guest.session, &upid).await;
        }
        self.answer(&guest, &upid, asked.wait).await
    }

    async fn answer(
        self,
        guest: &Guest,
        upid: &str,
        wait: Option<u64>,
    ) -> Result<Response, ApiError> {
        let row = &guest.session.row;
        let log = format!("/api/v1/proxmox/{}/tasks/{upid}", row.id);
        let mut told = json!({
            "message": format!("{} of {} {} started", self.verb, self.kind, self.vmid),
            "verb": self.verb, "vmid": self.vmid, "type": self.kind, "node": guest.node,
            "endpoint_id": row.id, "upid": upid, "status": "accepted", "log": log,
        });
        let Some(seconds) = wait else {
            return Ok(
                (StatusCode::ACCEPTED, [(header::LOCATION, log)], Json(told)).into_response()
            );
        };
        let client = guest.session.client().await.map_err(StartError::from)?;
        let limit = Duration::from_secs(seconds.min(LONGEST_WAIT));
        let task = client.task(upid).map_err(|error| fault(&row.name, &error))?;
        match task.wait(limit).await {
            Ok(outcome) => {
                told["status"] = if outcome.is_success() { "completed" } else { "failed" }.into();
                told["exit"] = outcome.to_string().into();
                let status = match outcome.is_success() {
                    true => StatusCode::OK,
                    false => {
                        let what = format!("{} of {} {} failed", self.verb, self.kind, self.vmid);
                        told["detail"] = format!("{what}: {outcome}").into();
                        told["message"] = what.into();
                        StatusCode::BAD_GATEWAY
                    }
                };
                Ok((status, Json(told)).into_response())
            }
            Err(sdk_proxmox::Error::Timeout { .. }) => {
                told["status"] = "running".into();
                Ok((StatusCode::ACCEPTED, [(header::LOCATION, log)], Json(told)).into_response())
            }
            Err(error) => Err(fault(&row.name, &error)),
        }
    }
}

/// What Proxmox refused, in the words that the plugin reads.
async fn refused(answer: Response, verb: &str) -> Result<Response, ApiError> {
    let status = answer.status();
    let bytes = to_bytes(answer.into_body(), LONGEST).await.unwrap_or_default();
    let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let why = told["message"].as_str().unwrap_or("Proxmox does not say why").trim().to_owned();
    Err(ApiError::new(status, "Proxmox did not do it", format!("{verb}: {why}"))
        .with("reason", "proxmox_refused")
        .with("proxmox_status", status.as_u16()))
}

/// The endpoint that the plugin means: its own number ends the endpoint's name. Without such an end the
/// number is the row's.
async fn selection(app: &App, id: Option<i64>) -> Result<Selection, ApiError> {
    let Some(id) = id else { return Ok(Selection::default()) };
    let rows = app.store.proxmox_endpoints().await?;
    let named = rows.iter().find(|row| row.name.ends_with(&format!("(nb:{id})")));
    let own = || rows.iter().find(|row| row.id == id && !row.name.contains("(nb:"));
    let row = named.or_else(own);
    let row =
        row.ok_or_else(|| ApiError::not_found(format!("There is no Proxmox endpoint {id}.")))?;
    Ok(Selection { proxmox_ids: Some(vec![row.id]), ..Selection::default() })
}

/// A name that Proxmox takes: it begins with a letter. The same request gives the same name.
fn snapshot_name(request: Option<&str>) -> String {
    if let Some(request) = request {
        let digest =
            digest(&request).iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>();
        return format!("proxbox-{digest}");
    }
    format!("proxbox-{}", jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S"))
}
