//! `/proxmox/endpoints`, `/pbs/endpoints` and `/pdm/endpoints`: where Proxmox is.

use axum::Json;
use axum::extract::State;
use sdk_proxmox::Product;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::given::{nullable, secret, set};
use crate::auth::Scope;
use crate::edge::{ApiError, App, Body, Path, Routes, chain, delete, get, post, put};
use crate::endpoints::address;
use crate::proxy;
use crate::store::{ProxmoxEndpoint, SecretChange, Store, StoredProduct};

/// The routes of a product's endpoints.
pub(super) fn routes(product: Product, prefix: &str) -> Routes {
    let (all, one) = (format!("{prefix}/endpoints"), format!("{prefix}/endpoints/{{id}}"));
    let listed = async move |State(app): State<App>| list(&app, product).await;
    let created = async move |State(app): State<App>, Body(body)| {
        add(&app.store, product, body).await.map(Json)
    };
    let shown =
        async move |State(app): State<App>, Path(id)| stored(&app, product, id).await.map(Json);
    let changed = async move |State(app): State<App>, Path(id), Body(body)| {
        update(&app, product, id, body).await
    };
    let removed = async move |State(app): State<App>, Path(id)| remove(&app, product, id).await;
    let routes = Routes::new("endpoints")
        .add(get(&all, listed).needs(Scope::Read).says("Lists the endpoints."))
        .add(
            post(&all, created)
                .needs(Scope::Admin)
                .says("Stores another endpoint; 400 when the name is taken.")
                .takes::<ProxmoxEndpointBody>()
                .answers::<ProxmoxEndpoint>(),
        )
        .add(
            get(&one, shown)
                .needs(Scope::Read)
                .says("Shows an endpoint.")
                .answers::<ProxmoxEndpoint>(),
        )
        .add(
            put(&one, changed)
                .needs(Scope::Admin)
                .says("Changes an endpoint; credentials that are left out stay.")
                .takes::<ProxmoxEndpointBody>()
                .answers::<ProxmoxEndpoint>(),
        )
        .add(
            delete(&one, removed)
                .needs(Scope::Admin)
                .says("Deletes an endpoint with its credentials.")
                .answers::<Message>(),
        );
    match product {
        // The contract has other ways to look at clusters.
        Product::Pve => routes,
        Product::Pbs | Product::Pdm => {
            let status = async move |State(app): State<App>| status(&app, product).await;
            routes.add(
                get(format!("{prefix}/status"), status)
                    .needs(Scope::Read)
                    .says("Says which endpoints answer, and why others do not."),
            )
        }
    }
}

/// Body of POST and PUT; what is left out stays as it is, or gets its default.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct ProxmoxEndpointBody {
    name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    ip_address: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    domain: Option<Option<String>>,
    port: Option<u16>,
    username: Option<String>,
    verify_ssl: Option<bool>,
    enabled: Option<bool>,
    allow_writes: Option<bool>,
    access_methods: Option<String>,
    allow_guest_commands: Option<bool>,
    allow_node_shell: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    timeout: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    max_retries: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    retry_backoff: Option<Option<f64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    site_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    site_slug: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    site_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    tenant_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    tenant_slug: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    tenant_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    token_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, write_only)]
    token_value: SecretChange,
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, write_only)]
    password: SecretChange,
}

/// `{"message": ...}`
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Message {
    pub(super) message: &'static str,
}

async fn list(app: &App, product: Product) -> Result<Json<Vec<ProxmoxEndpoint>>, ApiError> {
    Ok(Json(app.store.endpoints_of(product).await?))
}

async fn update(
    app: &App,
    product: Product,
    id: i64,
    body: ProxmoxEndpointBody,
) -> Result<Json<ProxmoxEndpoint>, ApiError> {
    let mut endpoint = stored(app, product, id).await?;
    let (token_value, password) = body.apply(&mut endpoint);
    check(&endpoint)?;
    app.store.update_proxmox_endpoint(&endpoint, token_value, password).await?;
    Ok(Json(stored(app, product, id).await?))
}

async fn remove(app: &App, product: Product, id: i64) -> Result<Json<Message>, ApiError> {
    match app.store.delete_endpoint(product, id).await? {
        true => Ok(Json(Message { message: "Proxmox endpoint deleted." })),
        false => Err(unknown(product, id)),
    }
}

/// Whether each endpoint answers, and why it does not.
async fn status(app: &App, product: Product) -> Result<Json<Value>, ApiError> {
    let sessions = app.sessions.all(product).await?;
    let one = |session: &std::sync::Arc<crate::endpoints::Session>| {
        let session = session.clone();
        async move {
            let reason = match session.client().await {
                Ok(client) => proxy::version(&client).await.err().map(|error| chain(&error)),
                Err(error) => Some(chain(&error)),
            };
            let row = &session.row;
            json!({
                "endpoint_id": row.id, "name": row.name, "port": row.port,
                "host": address::host(&row.ip_address, row.domain.as_deref()),
                "reachable": reason.is_none(), "reason": reason,
            })
        }
    };
    let enabled = sessions.iter().filter(|session| session.row.enabled);
    let items = futures_util::future::join_all(enabled.map(one)).await;
    Ok(Json(json!({ "items": items })))
}

/// Checks and stores another endpoint.
pub async fn add(
    store: &Store,
    product: Product,
    body: ProxmoxEndpointBody,
) -> Result<ProxmoxEndpoint, ApiError> {
    let mut endpoint = blank(product);
    let (token_value, password) = body.apply(&mut endpoint);
    check(&endpoint)?;
    endpoint.id = store.add_proxmox_endpoint(&endpoint, token_value, password).await?;
    Ok(endpoint)
}

impl ProxmoxEndpointBody {
    /// Takes over what was given, and hands out the credentials.
    ///
    /// Where a shell of nodes is permitted, its password stays beside a token that comes: the plugin
    /// sends one or the other, and `null` for the rest.
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
        set(&mut endpoint.allow_guest_commands, self.allow_guest_commands);
        set(&mut endpoint.allow_node_shell, self.allow_node_shell);
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
        let password = match (self.password, &self.token_value) {
            (SecretChange::Clear, SecretChange::Set(_)) if endpoint.allow_node_shell => {
                SecretChange::Keep
            }
            (password, _) => password,
        };
        set(&mut endpoint.has_token, known_after(&self.token_value));
        set(&mut endpoint.has_password, known_after(&password));
        (self.token_value, password)
    }
}

fn known_after(change: &SecretChange) -> Option<bool> {
    match change {
        SecretChange::Keep => None,
        SecretChange::Set(_) => Some(true),
        SecretChange::Clear => Some(false),
    }
}

fn blank(product: Product) -> ProxmoxEndpoint {
    ProxmoxEndpoint {
        id: 0,
        name: String::new(),
        ip_address: String::new(),
        domain: None,
        port: product.port(),
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
        allow_guest_commands: false,
        allow_node_shell: false,
        product: StoredProduct(product),
        revision: 1,
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

async fn stored(app: &App, product: Product, id: i64) -> Result<ProxmoxEndpoint, ApiError> {
    app.store.endpoint_of(product, id).await?.ok_or_else(|| unknown(product, id))
}

fn unknown(product: Product, id: i64) -> ApiError {
    ApiError::not_found(format!(
        "There is no {product} endpoint {id}; the list names those there are."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_comes_leaves_the_password_of_a_permitted_shell() {
        let push = || -> ProxmoxEndpointBody {
            let body = json!({ "token_name": "a", "token_value": "b", "password": null });
            serde_json::from_value(body).unwrap()
        };
        for (permitted, expected) in [(true, true), (false, false)] {
            let mut endpoint = blank(Product::Pve);
            endpoint.has_password = true;
            endpoint.allow_node_shell = permitted;
            push().apply(&mut endpoint);
            assert_eq!(endpoint.has_password, expected);
        }
        let mut endpoint = blank(Product::Pve);
        (endpoint.has_password, endpoint.allow_node_shell) = (true, true);
        let cleared: ProxmoxEndpointBody =
            serde_json::from_value(json!({ "password": null })).unwrap();
        assert!(matches!(cleared.apply(&mut endpoint).1, SecretChange::Clear));
    }
}
