//! API tokens of Proxmox's users, and tickets for consoles of guests.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use sdk_proxmox::Product;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::raw::read;
use super::{ApiError, App};
use crate::auth::{Caller, Scope};
use crate::console::{console_ticket, find_guest};
use crate::edge::{Body, Path, RequestId, Routes, get, post};
use crate::endpoints::Selection;
use crate::plugin::flags::Flags;
use crate::proxy::{Call, Sender, api_of, fault, only, write};
use crate::runs::StartError;

/// The routes of both.
pub(super) fn routes() -> Routes {
    Routes::new("access")
        .add(
            get("/proxmox/access/tokens/{userid}", tokens)
                .needs(Scope::Admin)
                .chooses_endpoints()
                .says("Lists the API tokens of a user, without their secrets."),
        )
        .add(
            post("/proxmox/access/tokens/{userid}/{tokenid}/regenerate", regenerate)
                .any_key()
                .chooses_endpoints()
                .says("Gives a token another secret, shown this once; where endpoint and key permit writes."),
        )
        .add(
            post("/proxmox/console/sessions", console)
                .needs(Scope::Console)
                .takes::<Wanted>()
                .says("Gives a ticket for the console of a guest, where the endpoint permits commands in guests."),
        )
}

async fn tokens(
    State(app): State<App>,
    Path(userid): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let Flags { selection, .. } = Flags::parse(&query.unwrap_or_default())?;
    let session = only(&app, Product::Pve, &selection, None).await?;
    let client = session.client().await.map_err(StartError::from)?;
    let members = Map::from_iter([("userid".to_owned(), Value::from(userid))]);
    let read = read(&client, "/access/users/{userid}/token", members).await;
    read.map(Json).map_err(|error| fault(&session.row.name, &error))
}

async fn regenerate(
    State(app): State<App>,
    Path((userid, tokenid)): Path<(String, String)>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let sender = Sender { caller, id };
    let Flags { selection, .. } = Flags::parse(&query.unwrap_or_default())?;
    let session = only(&app, Product::Pve, &selection, None).await?;
    let matched = api_of(Product::Pve).find("PUT", "/access/users/u/token/t");
    let op = matched.ok_or_else(|| ApiError::not_found("There are no tokens here."))?.op;
    let operation = format!("PUT /access/users/{userid}/token/{tokenid}");
    let members = json!({ "userid": userid, "tokenid": tokenid, "regenerate": 1 });
    let members = members.as_object().cloned().unwrap_or_default();
    let call = Call::new(&sender, session, op, members, operation, None)?;
    write(app, sender, call, None).await
}

/// Which console is wanted.
#[derive(Debug, Deserialize, ToSchema)]
struct Wanted {
    endpoint_id: i64,
    vmid: i64,
}

async fn console(
    State(app): State<App>,
    Extension(caller): Extension<Arc<Caller>>,
    Extension(id): Extension<RequestId>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let selection =
        Selection { proxmox_ids: Some(vec![wanted.endpoint_id]), ..Selection::default() };
    let guest = find_guest(&app, &selection, None, wanted.vmid).await?;
    let ticket = console_ticket(&app, &Sender { caller, id }, &guest).await?;
    Ok((StatusCode::CREATED, Json(ticket)))
}
