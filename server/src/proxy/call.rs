//! One checked call to one endpoint.

use std::sync::Arc;

use axum::response::Response;
use proxbox_runtime::{Op, Request};
use sdk_proxmox::{Forwarded, Passed};
use serde_json::{Map, Value};

use super::{answer, fault, guard, params};
use crate::auth::Caller;
use crate::console::not_allowed;
use crate::edge::{ApiError, App, RequestId};
use crate::endpoints::Session;
use crate::runs::StartError;

/// Who sends a call, and in which request.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) caller: Arc<Caller>,
    pub(crate) id: RequestId,
}

/// A call that got no answer.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ApiError,
    /// Whether it may have been carried out all the same.
    pub(super) sent: bool,
}

/// A call that was checked.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) session: Arc<Session>,
    pub(super) op: &'static Op,
    pub(super) members: Map<String, Value>,
    /// Method and path, as they were called.
    pub(super) operation: String,
    /// What the client calls the request.
    pub(super) name: Option<String>,
}

impl Call {
    /// A call that its sender may make, with parameters that keep the operation's rules.
    pub(crate) fn new(
        sender: &Sender,
        session: Arc<Session>,
        op: &'static Op,
        members: Map<String, Value>,
        operation: String,
        name: Option<String>,
    ) -> Result<Self, ApiError> {
        guard::passable(op)?;
        guard::permit(&sender.caller, op, &operation)?;
        if guard::is_in_guest(op) && !session.row.allow_guest_commands {
            return Err(not_allowed(&session.row.name, "allow_guest_commands"));
        }
        params::check(op, &members)?;
        Ok(Self { session, op, members, operation, name })
    }

    /// Sends a call that changes nothing, and passes the answer on as it comes.
    pub(super) async fn read(self, app: &App) -> Result<Response, ApiError> {
        let forwarded = self.send(app, None).await.map_err(|failed| failed.error)?;
        answer::passed_on(&self.session.row.name, forwarded)
    }

    /// Sends the call, unless its endpoint is left alone for the moment.
    pub(super) async fn send(&self, app: &App, body: Option<Passed>) -> Result<Forwarded, Failed> {
        let name = &self.session.row.name;
        let unsent = |error| Failed { error, sent: false };
        self.session.admit().map_err(|wait| {
            let detail = format!(
                "Proxmox endpoint {name} did not answer again and again; it is tried again in {} s.",
                wait.as_secs().max(1)
            );
            let status = axum::http::StatusCode::SERVICE_UNAVAILABLE;
            unsent(ApiError::new(status, "The endpoint is left alone", detail).retry_after(wait))
        })?;
        let client = self.session.client().await;
        let client = client.map_err(|error| unsent(StartError::from(error).into()))?;
        let request = Request::from_members(self.op, &self.members);
        let outcome = client.forward(request, body).await;
        let silent = matches!(&outcome, Err(error) if error.is_unanswered());
        self.session.note(!silent);
        app.metrics.proxied(name, outcome.as_ref().ok().map(|answer| answer.status().as_u16()));
        outcome.map_err(|error| {
            let sent = !error.is_not_sent();
            Failed { error: fault(name, &error), sent }
        })
    }
}
