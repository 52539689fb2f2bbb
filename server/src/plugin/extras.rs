//! What runs stand on: tags, types, roles and custom fields.

use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sdk_netbox::filters::extras::custom_fields::NAME;
use serde_json::{Value, json};

use super::flags::Flags;
use crate::calls::Calls;
use crate::edge::{ApiError, App};
use crate::endpoints::connect;
use crate::order::Order;
use crate::part::Part;
use crate::plan::{Kind, custom_field_names};
use crate::runs::{StartError, stage};

/// How long it waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the last run found and made: the content of its `bootstrap_done` frame.
pub(super) async fn bootstrap_status(State(app): State<App>) -> Result<Response, ApiError> {
    let told = match app.store.last_event("bootstrap_done").await? {
        Some(event) => event.data,
        None => json!({
            "ok": true, "skipped": true, "reason": "no run has been made yet", "warnings": [],
            "created": [], "patched": [], "unchanged": [],
        })
        .to_string(),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], told).into_response())
}

/// Creates what is missing, and answers the custom fields as NetBox has them.
pub(super) async fn custom_fields(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let Flags { options, selection, .. } = Flags::parse(&query.unwrap_or_default())?;
    let connected = connect(&app.store, &selection, &options).await.map_err(StartError::from)?;
    let netbox = connected.netbox.clone();
    let order = Order { parts: [Part::Bootstrap].into(), options, ..Order::default() };
    let log = stage(&app.runs, connected, order, PATIENCE).await?;
    let ended = log.ended().await.map(|event| event.data.clone()).unwrap_or_default();
    let ended: Value = serde_json::from_str(&ended).unwrap_or_default();
    if ended["ok"] != true {
        let detail = ended["message"].as_str().unwrap_or("the run did not end").to_owned();
        return Err(ApiError::bad_gateway("Custom fields cannot be written", detail));
    }
    let fields = netbox.list(&Calls::of(Kind::CustomField).list, [NAME.in_(custom_field_names())]);
    match fields.all().await {
        Ok(fields) => Ok(Json(fields.into_iter().map(|field| json!(field.extra)).collect())),
        Err(error) => Err(ApiError::bad_gateway("NetBox cannot be read", error.to_string())),
    }
}
