//! `/netbox/endpoint`: the one NetBox that is written to.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoints::Message;
use super::given::{nullable, secret, set};
use crate::edge::{ApiError, App, Body, Path};
use crate::endpoints::address;
use crate::store::{NetboxEndpoint, SecretChange, Store, TokenVersion};

/// Body of POST and PUT; what is left out stays as it is, or gets its default.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NetboxEndpointBody {
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    ip_address: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    domain: Option<Option<String>>,
    port: Option<u16>,
    token_version: Option<TokenVersion>,
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, write_only)]
    token_key: SecretChange,
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, write_only)]
    token: SecretChange,
    verify_ssl: Option<bool>,
    enabled: Option<bool>,
}

/// Lists the endpoint: an array of none or one.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<NetboxEndpoint>>, ApiError> {
    Ok(Json(app.store.netbox_endpoint().await?.into_iter().collect()))
}

/// Stores the endpoint; 400 when there is one already.
pub(super) async fn create(
    State(app): State<App>,
    Body(body): Body<NetboxEndpointBody>,
) -> Result<Json<NetboxEndpoint>, ApiError> {
    add(&app.store, body).await.map(Json)
}

/// Changes the endpoint; credentials that are left out stay.
pub(super) async fn update(
    State(app): State<App>,
    Path(id): Path<i64>,
    Body(body): Body<NetboxEndpointBody>,
) -> Result<Json<NetboxEndpoint>, ApiError> {
    let stored = app.store.netbox_endpoint().await?.filter(|endpoint| endpoint.id == id);
    let mut endpoint = stored.ok_or_else(|| unknown(id))?;
    let had_key = endpoint.token_version == TokenVersion::V2;
    let (token_key, token) = body.apply(&mut endpoint);
    let known = Known { token_key: is_set(&token_key, had_key), token: is_set(&token, true) };
    check(&endpoint, known)?;
    app.store.update_netbox_endpoint(&endpoint, token_key, token).await?;
    Ok(Json(endpoint))
}

/// Shows the endpoint.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<NetboxEndpoint>, ApiError> {
    let stored = app.store.netbox_endpoint().await?.filter(|endpoint| endpoint.id == id);
    stored.map(Json).ok_or_else(|| unknown(id))
}

/// Deletes the endpoint with its credentials.
pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Message>, ApiError> {
    match id == 1 && app.store.delete_netbox_endpoint().await? {
        true => Ok(Json(Message { message: "NetBox endpoint deleted." })),
        false => Err(unknown(id)),
    }
}

/// Checks and stores the endpoint where there is none yet.
pub async fn add(store: &Store, body: NetboxEndpointBody) -> Result<NetboxEndpoint, ApiError> {
    let mut endpoint = NetboxEndpoint {
        id: 1,
        name: String::new(),
        ip_address: String::new(),
        domain: None,
        port: 443,
        token_version: TokenVersion::V1,
        verify_ssl: true,
        enabled: true,
    };
    let (token_key, token) = body.apply(&mut endpoint);
    let known = Known { token_key: is_set(&token_key, false), token: is_set(&token, false) };
    check(&endpoint, known)?;
    store.add_netbox_endpoint(&endpoint, token_key, token).await?;
    Ok(endpoint)
}

/// Which credentials there will be.
struct Known {
    token_key: bool,
    token: bool,
}

impl NetboxEndpointBody {
    /// Takes over what was given, and hands out the credentials.
    fn apply(self, endpoint: &mut NetboxEndpoint) -> (SecretChange, SecretChange) {
        set(&mut endpoint.name, self.name);
        set(&mut endpoint.ip_address, self.ip_address.map(Option::unwrap_or_default));
        set(&mut endpoint.domain, self.domain);
        set(&mut endpoint.port, self.port);
        set(&mut endpoint.token_version, self.token_version);
        set(&mut endpoint.verify_ssl, self.verify_ssl);
        set(&mut endpoint.enabled, self.enabled);
        (self.token_key, self.token)
    }
}

fn check(endpoint: &NetboxEndpoint, known: Known) -> Result<(), ApiError> {
    let refuse =
        |detail: &str| Err(ApiError::bad_request("The NetBox endpoint is not valid", detail));
    if endpoint.name.trim().is_empty() {
        return refuse("name: required");
    }
    if endpoint.port == 0 {
        return refuse("port: 1 to 65535");
    }
    if !known.token {
        return refuse("token: required");
    }
    if endpoint.token_version == TokenVersion::V2 && !known.token_key {
        return refuse("token_key: a version 2 token needs its key beside the secret");
    }
    if address::hosts(&endpoint.ip_address, endpoint.domain.as_deref()).len() > 1 {
        return refuse("domain: a NetBox has one host");
    }
    address::check(&endpoint.ip_address, endpoint.domain.as_deref()).or_else(|why| refuse(&why))
}

fn is_set(change: &SecretChange, before: bool) -> bool {
    match change {
        SecretChange::Keep => before,
        SecretChange::Set(_) => true,
        SecretChange::Clear => false,
    }
}

fn unknown(id: i64) -> ApiError {
    ApiError::not_found(format!(
        "There is no NetBox endpoint {id}; POST /netbox/endpoint makes one."
    ))
}
