//! `/auth`: the first key, and the keys after it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::{self, Scopes};
use crate::edge::{ApiError, App, Body, Path};
use crate::store::{ApiKey, LastActiveKey};

/// Answer of `/auth/bootstrap-status`; the two are always opposite.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BootstrapStatus {
    needs_bootstrap: bool,
    has_db_keys: bool,
}

/// Body of `/auth/register-key`.
#[derive(Deserialize, ToSchema)]
pub(super) struct FirstKey {
    api_key: String,
    #[serde(default)]
    label: String,
}

/// Body of `POST /auth/keys`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    #[serde(default)]
    label: String,
    /// What it may do; everything where nothing is said.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// A key as it is listed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyRow {
    id: i64,
    label: String,
    is_active: bool,
    /// Unix time in seconds.
    created_at: f64,
    /// What it may do.
    scopes: Vec<String>,
}

/// Answer of `GET /auth/keys`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyList {
    keys: Vec<KeyRow>,
}

/// A new key, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedKey {
    #[serde(flatten)]
    key: KeyRow,
    raw_key: String,
}

/// `{"detail": ...}`
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Detail {
    detail: &'static str,
}

/// Says whether the first key is still to be registered.
pub(super) async fn bootstrap_status(
    State(app): State<App>,
) -> Result<Json<BootstrapStatus>, ApiError> {
    let has_db_keys = app.store.has_keys().await?;
    Ok(Json(BootstrapStatus { needs_bootstrap: !has_db_keys, has_db_keys }))
}

/// Registers the first key: 201 once, 409 for ever after.
pub(super) async fn register_first(
    State(app): State<App>,
    Body(body): Body<FirstKey>,
) -> Result<(StatusCode, Json<Detail>), ApiError> {
    if body.api_key.chars().count() < auth::MINIMUM_LENGTH {
        let detail = format!("An API key needs at least {} characters.", auth::MINIMUM_LENGTH);
        return Err(ApiError::bad_request("The API key is too short", detail));
    }
    let hash = auth::stored_hash(&SecretString::from(body.api_key));
    match app.store.claim_first_key(&hash, &body.label).await? {
        Some(_) => Ok((StatusCode::CREATED, Json(Detail { detail: "API key registered." }))),
        None => {
            let detail = "An API key is already configured.";
            Err(ApiError::new(StatusCode::CONFLICT, "Already registered", detail))
        }
    }
}

/// Lists all keys without their secrets.
pub(super) async fn list(State(app): State<App>) -> Result<Json<KeyList>, ApiError> {
    let keys = app.store.keys().await?.into_iter().map(KeyRow::from).collect();
    Ok(Json(KeyList { keys }))
}

/// Makes a key and shows it this once.
pub(super) async fn create(
    State(app): State<App>,
    Body(body): Body<NewKey>,
) -> Result<(StatusCode, Json<CreatedKey>), ApiError> {
    let scopes = match body.scopes {
        None => Scopes::admin(),
        Some(none) if none.is_empty() => {
            let detail =
                "scopes: name one at least, or leave it out for a key that may do everything";
            return Err(ApiError::bad_request("The scopes are not valid", detail));
        }
        Some(scopes) => Scopes::parse(&scopes).map_err(|error| {
            ApiError::bad_request("The scopes are not valid", error.to_string())
        })?,
    };
    let raw = auth::generate();
    let key = app.store.add_key(&auth::stored_hash(&raw), &body.label, &scopes).await?.into();
    let raw_key = raw.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(CreatedKey { key, raw_key })))
}

/// Deletes a key, unless it is the last one that opens anything.
pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<StatusCode, ApiError> {
    app.store.delete_key(id).await?.ok_or_else(|| unknown(id))?.map_err(|_| last(id))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches a key on.
pub(super) async fn activate(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<KeyRow>, ApiError> {
    switch(&app, id, true).await
}

/// Switches a key off, unless it is the last one that opens anything.
pub(super) async fn deactivate(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<KeyRow>, ApiError> {
    switch(&app, id, false).await
}

async fn switch(app: &App, id: i64, active: bool) -> Result<Json<KeyRow>, ApiError> {
    let key = app.store.set_key_active(id, active).await?.ok_or_else(|| unknown(id))?;
    Ok(Json(key.map_err(|LastActiveKey| last(id))?.into()))
}

fn unknown(id: i64) -> ApiError {
    ApiError::not_found(format!("There is no API key {id}."))
}

fn last(id: i64) -> ApiError {
    let message = "The last active API key must stay";
    let detail = format!(
        "Key {id} is the last active one that may do everything; make another before removing it."
    );
    ApiError::new(StatusCode::CONFLICT, message, detail)
        .with("code", "last_active_api_key_required")
}

impl From<ApiKey> for KeyRow {
    fn from(key: ApiKey) -> Self {
        let scopes = key.scopes.0.names();
        Self {
            id: key.id,
            label: key.label,
            is_active: key.active,
            created_at: key.created_at,
            scopes,
        }
    }
}
