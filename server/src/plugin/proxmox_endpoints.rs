//! `/proxmox/endpoints`: the clusters that are read.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::given::{nullable, secret, set};
use super::{ApiError, App, Body, address};
use crate::store::{ProxmoxEndpoint, SecretChange, Store};

/// Body of POST and PUT; what is left out stays as it is, or gets its default.
#[derive(Debug, Default, Deserialize)]
pub struct ProxmoxEndpointBody {
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    ip_address: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    domain: Option<Option<String>>,
    port: Option<u16>,
    username: Option<String>,
    verify_ssl: Option<bool>,
    enabled: Option<bool>,
    allow_writes: Option<bool>,
    access_methods: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    timeout: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    max_retries: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    retry_backoff: Option<Option<f64>>,
    #[serde(default, deserialize_with = "nullable")]
    site_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    site_slug: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    site_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    tenant_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    tenant_slug: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    tenant_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    token_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "secret")]
    token_value: SecretChange,
    #[serde(default, deserialize_with = "secret")]
    password: SecretChange,
}

/// `{"message": ...}`
#[derive(Debug, Serialize)]
pub(super) struct Message {
    message: &'static str,
}

/// Lists all endpoints.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<ProxmoxEndpoint>>, ApiError> {
    Ok(Json(app.store.proxmox_endpoints().await?))
}

/// Shows one endpoint.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<ProxmoxEndpoint>, ApiError> {
    Ok(Json(stored(&app, id).await?))
}

/// Stores another endpoint; 400 when the name is taken.
pub(super) async fn create(
    State(app): State<App>,
    Body(body): Body<ProxmoxEndpointBody>,
) -> Result<Json<ProxmoxEndpoint>, ApiError> {
    add(&app.store, body).await.map(Json)
}

/// Changes an endpoint; credentials that are left out stay.
pub(super) async fn update(
    State(app): State<App>,
    Path(id): Path<i64>,
    Body(body): Body<ProxmoxEndpointBody>,
) -> Result<Json<ProxmoxEndpoint>, ApiError> {
    let mut endpoint = stored(&app, id).await?;
    let (token_value, password) = body.apply(&mut endpoint);
    check(&endpoint)?;
    app.store.update_proxmox_endpoint(&endpoint, token_value, password).await?;
    Ok(Json(stored(&app, id).await?))
}

/// Deletes an endpoint with its credentials.
pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<i64>,
) -> Result<Json<Message>, ApiError> {
    if !app.store.delete_proxmox_endpoint(id).await? {
        return Err(unknown(id));
    }
    Ok(Json(Message { message: "Proxmox endpoint deleted." }))
}

/// Checks and stores another endpoint.
pub async fn add(store: &Store, body: ProxmoxEndpointBody) -> Result<ProxmoxEndpoint, ApiError> {
    let mut endpoint = blank();
    let (token_value, password) = body.apply(&mut endpoint);
    check(&endpoint)?;
    endpoint.id = store.add_proxmox_endpoint(&endpoint, token_value, password).await?;
    Ok(endpoint)
}

impl ProxmoxEndpointBody {
    /// Takes over what was given, and hands out the credentials.
    fn apply(self, endpoint: &mut ProxmoxEndpoint) -> (SecretChange, SecretChange) {
        set(&mut endpoint.name, self.name);
        set(&mut endpoint.ip_address, self.ip_address.map(Option::unwrap_or_default));
        set(&mut endpoint.domain, self.domain);
        set(&mut endpoint.port, self.port);
        set(&mut endpoint.username, self.username);
        set(&mut endpoint.verify_ssl, self.verify_ssl);
        set(&mut endpoint.enabled, self.enabled);
        set(&mut endpoint.allow_writes, self.allow_writes);
        set(&mut endpoint.access_methods, self.access_methods);
        set(&mut endpoint.timeout, self.timeout);
        set(&mut endpoint.max_retries, self.max_retries);
        set(&mut endpoint.retry_backoff, self.retry_backoff);
        set(&mut endpoint.site_id, self.site_id);
        set(&mut endpoint.site_slug, self.site_slug);
        set(&mut endpoint.site_name, self.site_name);
        set(&mut endpoint.tenant_id, self.tenant_id);
        set(&mut endpoint.tenant_slug, self.tenant_slug);
        set(&mut endpoint.tenant_name, self.tenant_name);
        set(&mut endpoint.token_name, self.token_name);
        set(&mut endpoint.has_token, known_after(&self.token_value));
        set(&mut endpoint.has_password, known_after(&self.password));
        (self.token_value, self.password)
    }
}

fn known_after(change: &SecretChange) -> Option<bool> {
    match change {
        SecretChange::Keep => None,
        SecretChange::Set(_) => Some(true),
        SecretChange::Clear => Some(false),
    }
}

fn blank() -> ProxmoxEndpoint {
    ProxmoxEndpoint {
        id: 0,
        name: String::new(),
        ip_address: String::new(),
        domain: None,
        port: 8006,
        username: String::new(),
        verify_ssl: true,
        enabled: true,
        allow_writes: false,
        access_methods: "api".into(),
        timeout: None,
        max_retries: None,
        retry_backoff: None,
        site_id: None,
        site_slug: None,
        site_name: None,
        tenant_id: None,
        tenant_slug: None,
        tenant_name: None,
        token_name: None,
        has_token: false,
        has_password: false,
    }
}

fn check(endpoint: &ProxmoxEndpoint) -> Result<(), ApiError> {
    let refuse = |why: &str| Err(ApiError::bad_request("The Proxmox endpoint is not valid", why));
    let has_name = endpoint.token_name.as_deref().is_some_and(|name| !name.is_empty());
    let out_of_range =
        |value: Option<i64>, most| value.is_some_and(|value| !(0..=most).contains(&value));
    if endpoint.name.trim().is_empty() {
        return refuse("name: required");
    }
    if endpoint.port == 0 {
        return refuse("port: 1 to 65535");
    }
    if !endpoint.username.contains('@') {
        return refuse("username: the realm is missing, as in root@pam");
    }
    if has_name != endpoint.has_token {
        return refuse("token_name and token_value must be provided together");
    }
    if !endpoint.has_token && !endpoint.has_password {
        return refuse("an API token (token_name, token_value) or a password is required");
    }
    if !["api", "api_ssh"].contains(&endpoint.access_methods.as_str()) {
        return refuse("access_methods: api or api_ssh");
    }
    if out_of_range(endpoint.timeout, 3600) || out_of_range(endpoint.max_retries, 20) {
        return refuse("timeout: 0 to 3600 seconds; max_retries: 0 to 20");
    }
    address::check(&endpoint.ip_address, endpoint.domain.as_deref()).or_else(|why| refuse(&why))
}

async fn stored(app: &App, id: i64) -> Result<ProxmoxEndpoint, ApiError> {
    app.store.proxmox_endpoint(id).await?.ok_or_else(|| unknown(id))
}

fn unknown(id: i64) -> ApiError {
    ApiError::not_found(format!(
        "There is no Proxmox endpoint {id}; GET /proxmox/endpoints lists them."
    ))
}
