//! `/sync/individual/*`: one object with what it stands on, for buttons that wait for the answer.

mod subjects;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use subjects::{SUBJECTS, Subject};

use super::flags::Flags;
use super::proxmox;
use crate::auth::Scope;
use crate::edge::{ApiError, App, Body, Path, Routes, get, post};
use crate::endpoints::{Connected, connect};
use crate::order::Order;
use crate::plan::{Key, Kind};
use crate::runs::{Ending, Job, StartError, draw, lease_name, perform};
use crate::store::Ledger;
use crate::sync::{Object, Outcome, State as Became};

/// How long it waits for its turn: the plugin gives up after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// The route of all of them.
pub(super) fn routes() -> Routes {
    let path = "/sync/individual/{kind}";
    let says =
        "Syncs one object with what it stands on; `error` says what is wrong, with status 200.";
    Routes::new("sync")
        .add(get(path, answer).needs(Scope::SyncRun).chooses_endpoints().says(says))
        .add(post(path, answer).needs(Scope::SyncRun).chooses_endpoints().says(says))
        .add(
            get("/sync/individual/vm/{cluster}/{node}/{type}/{vmid}", guest)
                .needs(Scope::SyncRun)
                .says("Syncs one guest with what it stands on."),
        )
}

/// The same for a guest that the path names.
async fn guest(
    state: State<App>,
    Path((cluster, node, kind, vmid)): Path<(String, String, String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let pairs = [("cluster_name", cluster), ("node", node), ("type", kind), ("vmid", vmid)];
    let query =
        form_urlencoded::Serializer::new(query.unwrap_or_default()).extend_pairs(pairs).finish();
    answer(state, Path("vm".to_owned()), RawQuery(Some(query)), Body(Map::new())).await
}

async fn answer(
    State(app): State<App>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    Body(body): Body<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let subject = SUBJECTS.into_iter().find(|subject| subject.name == kind);
    let Some(subject) = subject else {
        let names: Vec<&str> = SUBJECTS.iter().map(|subject| subject.name).collect();
        let detail = format!("{kind} cannot be synced alone; these can: {}.", names.join(", "));
        return Err(ApiError::not_found(detail));
    };
    let request = Request::parse(subject, &query.unwrap_or_default(), body)?;
    let answer = request.carry_out(&app).await?;
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], answer).into_response())
}

/// What is asked for.
struct Request {
    subject: Subject,
    parameters: BTreeMap<String, String>,
    flags: Flags,
}

impl Request {
    fn parse(subject: Subject, query: &str, body: Map<String, Value>) -> Result<Self, ApiError> {
        let mut parameters: BTreeMap<String, String> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        parameters.extend(members(body));
        parameters.retain(|_, value| !value.is_empty());
        let missing = subject.needs.iter().find(|name| !parameters.contains_key(**name));
        if let Some(name) = missing {
            let detail = format!("{name} is missing; without it no {} is known", subject.name);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Err(ApiError::new(status, "The query is not valid", detail));
        }
        // These name the object here, and endpoints elsewhere.
        let others =
            parameters.iter().filter(|(name, _)| !["ip_address", "name"].contains(&name.as_str()));
        let mut filtered = form_urlencoded::Serializer::new(String::new());
        filtered.extend_pairs(others);
        let flags = Flags::parse(&filtered.finish())?;
        Ok(Self { subject, parameters, flags })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    fn vmid(&self) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.get("vmid") else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let detail = format!("vmid: {text} is no number");
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "The query is not valid", detail)
        })
    }

    fn order(&self) -> Result<Order, ApiError> {
        let of_guest = self.subject.needs.contains(&"vmid");
        let guests = self.vmid()?.filter(|_| of_guest).map(|vmid| BTreeSet::from([vmid]));
        let node = (self.subject.kind == Kind::Device).then(|| self.own_name()).flatten();
        Ok(Order {
            parts: self.subject.parts.iter().copied().collect(),
            options: self.flags.options.clone(),
            guests,
            nodes: node.map(|node| BTreeSet::from([node.to_owned()])),
            ..Order::default()
        })
    }

    fn own_name(&self) -> Option<&str> {
        self.subject.named_by.iter().find_map(|name| self.get(name))
    }

    async fn carry_out(self, app: &App) -> Result<String, ApiError> {
        let Flags { options, selection, .. } = &self.flags;
        let connected = connect(&app.store, selection, options).await.map_err(StartError::from)?;
        let connected = match self.only_its_cluster(connected).await {
            Ok(connected) => connected,
            Err(why) => {
                return Ok(self.told(Became::Failed, None, Vec::new(), Some(why)).to_string());
            }
        };
        let order = self.order()?;
        if options.boolean("dry_run") == Some(true) {
            return Ok(self.dry_run(app, connected, order).await.to_string());
        }
        let name = lease_name(connected.netbox.url());
        let job = |events, ledger: Ledger| -> Job {
            Box::new(move || {
                Box::pin(async move {
                    let outcome = perform(&order, &connected, &ledger, None, events).await;
                    let frame = self.summed_up(&connected, outcome).await;
                    Ending { ok: frame["error"].is_null(), frame }
                })
            })
        };
        let log = app.runs.start_in_turn(&name, PATIENCE, job).await?;
        Ok(log.ended().await.map(|event| event.data.clone()).unwrap_or_default())
    }

    /// Leaves the endpoints of other clusters out: they may have a guest of the same number.
    async fn only_its_cluster(&self, mut connected: Connected) -> Result<Connected, String> {
        let Some(wanted) = self.get("cluster_name") else { return Ok(connected) };
        let mut targets = Vec::new();
        let mut failed = None;
        for target in std::mem::take(&mut connected.targets) {
            match proxmox::cluster_name(&target.client).await {
                Ok(name) if name.eq_ignore_ascii_case(wanted) => targets.push(target),
                Ok(_) => {}
                Err(error) => failed = Some(format!("endpoint {}: {error}", target.name)),
            }
        }
        if targets.is_empty() {
            let no = format!("No Proxmox endpoint shows the cluster {wanted}");
            return Err(failed.map_or(no.clone(), |why| format!("{no}; {why}")));
        }
        connected.targets = targets;
        Ok(connected)
    }

    async fn dry_run(&self, app: &App, connected: Connected, order: Order) -> Value {
        let ledger = Ledger::of_netbox(app.store.clone(), lease_name(connected.netbox.url()));
        match draw(&order, &connected, &ledger).await {
            Ok(plan) => {
                let mut told = self.told(Became::Unchanged, None, Vec::new(), None);
                told["action"] = "dry_run".into();
                told["plan"] = plan.to_string().into();
                told
            }
            Err(outcome) => self.told(Became::Failed, None, Vec::new(), Some(outcome.message)),
        }
    }

    /// The answer, once the run has ended.
    async fn summed_up(&self, connected: &Connected, outcome: Outcome) -> Value {
        let own: Vec<(&Key, &Object)> =
            outcome.objects.iter().filter(|(key, _)| self.is_own(key)).collect();
        let became = own.iter().map(|(_, object)| object.state).max();
        let error = match (outcome.failed.first(), became) {
            (Some(failure), _) => Some(format!("{}: {}", failure.object, failure.message)),
            (None, None) => Some(self.not_found()),
            (None, Some(Became::Orphaned)) => Some(self.not_found()),
            (None, Some(Became::Skipped)) => outcome.warnings.first().cloned(),
            _ => None,
        };
        let object = match own.as_slice() {
            [(key, Object { id: Some(id), .. })] => shown(connected, key.kind, *id).await,
            _ => None,
        };
        let dependencies = outcome.objects.iter().filter(|(key, _)| !self.is_own(key));
        let dependencies = dependencies.filter_map(|(key, object)| dependency(key, object.state));
        self.told(became.unwrap_or(Became::Failed), object, dependencies.collect(), error)
    }

    fn not_found(&self) -> String {
        let name = self.own_name().unwrap_or_default();
        format!("Proxmox shows no {} {name}, or NetBox has no place for it", self.subject.name)
    }

    fn is_own(&self, key: &Key) -> bool {
        let of_guest = |vmid: &str| key.path.split('/').nth(1) == Some(vmid);
        key.kind == self.subject.kind
            && match (key.kind, self.own_name()) {
                (Kind::Cluster, _) | (_, None) => true,
                (Kind::TaskHistory, Some(upid)) => key.path == upid,
                (Kind::Backup, Some(volume)) => key.path.ends_with(volume),
                (Kind::VirtualMachine, Some(vmid)) => of_guest(vmid),
                (_, Some(name)) => {
                    let name = name.split('/').next().unwrap_or(name);
                    key.path.ends_with(&format!("/{name}"))
                }
            }
    }

    fn told(
        &self,
        became: Became,
        object: Option<Value>,
        dependencies: Vec<Value>,
        error: Option<String>,
    ) -> Value {
        let action = if error.is_some() { "error" } else { action(became) };
        let names = ["cluster_name", "node", "type", "vmid"];
        let names = names.iter().chain(self.subject.named_by);
        let resource: Map<String, Value> =
            names.filter_map(|name| Some(((*name).to_owned(), self.get(name)?.into()))).collect();
        json!({
            "object_type": self.subject.name.replace('-', "_"), "action": action,
            "proxmox_resource": resource, "netbox_object": object,
            "dry_run": self.flags.options.boolean("dry_run") == Some(true),
            "dependencies_synced": dependencies, "error": error,
        })
    }
}

/// The members of a JSON body; none where there is no body.
fn members(body: Map<String, Value>) -> impl Iterator<Item = (String, String)> {
    let text = |value: Value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    body.into_iter().map(move |(name, value)| (name, text(value)))
}

/// The object as NetBox shows it. That it cannot be read is no failure of the sync.
async fn shown(connected: &Connected, kind: Kind, id: i64) -> Option<Value> {
    let path = format!("{}{id}/", kind.path());
    let read = connected.netbox.raw(axum::http::Method::GET, &path, &[], None).await;
    read.inspect_err(|error| tracing::warn!(%path, %error, "cannot be read again")).ok()
}

const fn action(became: Became) -> &'static str {
    match became {
        Became::Created => "created",
        Became::Updated | Became::Deleted => "updated",
        Became::Seen | Became::Unchanged => "unchanged",
        Became::Skipped | Became::Orphaned => "noop",
        Became::Failed => "error",
    }
}

/// Clusters, nodes, guests and storages that were written on the way.
fn dependency(key: &Key, became: Became) -> Option<Value> {
    if !matches!(became, Became::Created | Became::Updated) {
        return None;
    }
    let (cluster, own) = key.path.split_once('/').unwrap_or((&key.path, ""));
    let action = action(became);
    Some(match key.kind {
        Kind::Cluster => json!({
            "object_type": "cluster", "action": action, "name": cluster, "cluster_name": cluster,
        }),
        Kind::Device => json!({
            "object_type": "node", "action": action, "name": own, "cluster_name": cluster,
            "node_name": own,
        }),
        Kind::Storage => json!({
            "object_type": "storage", "action": action, "name": own, "cluster_name": cluster,
            "storage_name": own,
        }),
        _ => return None,
    })
}
