//! One checked call to one endpoint.

use std::sync::Arc;

use axum::extract::Request as HttpRequest;
use axum::response::Response;
use proxbox_runtime::{Op, Request};
use sdk_proxmox::{Error, Forwarded, Passed};
use serde_json::{Map, Value};

use super::fault::left_alone;
use super::guard::Permitted;
use super::{answer, fault, guard, params};
use crate::auth::{Caller, Refusal};
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

impl Sender {
    /// The one of a request. Where nobody checked a key, there is none.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        let given = request.extensions();
        let caller = given.get::<Arc<Caller>>().cloned().ok_or(Refusal::Missing)?;
        let id = given.get().cloned().unwrap_or_else(|| RequestId::of(request.headers()));
        Ok(Self { caller, id })
    }
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
    /// A call by its sender, if it may be made.
    pub(crate) fn new(
        sender: &Sender,
        session: Arc<Session>,
        op: &'static Op,
        members: Map<String, Value>,
        operation: String,
        name: Option<String>,
    ) -> Result<Self, ApiError> {
        let permitted = guard::permitted(&sender.caller, op, operation)?;
        Self::permitted(permitted, session, members, name)
    }

    /// A call that its sender may make, with parameters that keep the operation's rules.
    pub(super) fn permitted(
        Permitted { op, operation, .. }: Permitted,
        session: Arc<Session>,
        members: Map<String, Value>,
        name: Option<String>,
    ) -> Result<Self, ApiError> {
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
        let sent = self.session.admit().map_err(|wait| unsent(left_alone(name, wait)))?;
        let made;
        let client = match self.session.known_client() {
            Some(client) => client,
            None => {
                let client = Box::pin(self.session.client()).await;
                made = client.map_err(|error| unsent(StartError::from(error).into()))?;
                &made
            }
        };
        let request = Request::from_members(self.op, &self.members);
        // The body comes from the client: where it breaks off, nobody knows whose fault it was.
        let with_body = body.is_some();
        let outcome = client.forward(request, body).await;
        match &outcome {
            Err(Error::Lost { .. } | Error::Timeout { .. }) if with_body => {}
            Err(error) => self.session.note(!error.is_unanswered(), sent),
            Ok(_) => self.session.note(true, sent),
        }
        app.metrics.proxied(name, outcome.as_ref().ok().map(|answer| answer.status().as_u16()));
        outcome.map_err(|error| {
            let sent = !error.is_not_sent();
            Failed { error: fault(name, &error), sent }
        })
    }
}
