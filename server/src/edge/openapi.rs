//! The OpenAPI document: handlers' routes and generated ones in one, and pages to read it.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sdk_proxmox::Product;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa_swagger_ui::Config;

use super::{ApiError, App, Path};
use crate::proxy;

/// The pages show what they make of the document, and pictures that they hold themselves.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     frame-ancestors 'none'; base-uri 'self'",
);

/// The document as it is sent, made by the first who asks.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// What the handlers' routes say of themselves.
    pub(super) described: Value,
    sent: OnceLock<(Bytes, HeaderValue)>,
}

impl Document {
    pub(super) fn new(described: Value) -> Self {
        Self { described, sent: OnceLock::new() }
    }

    /// The whole document.
    pub(super) fn whole(&self) -> Value {
        let members = |name: &str| match self.described.get(name) {
            Some(Value::Object(members)) => members.clone(),
            _ => Map::new(),
        };
        let mut paths = members("paths");
        for (product, prefix, tag) in [
            (Product::Pve, "/proxmox/api2/json", "pve"),
            (Product::Pbs, "/pbs/api2/json", "pbs"),
            (Product::Pdm, "/pdm/api2/json", "pdm"),
        ] {
            paths.extend(proxy::paths(prefix, tag, proxy::api_of(product).ops()));
        }
        document("proxbox", env!("CARGO_PKG_VERSION"), paths, members("schemas"))
    }
}

/// An OpenAPI document of these paths.
pub(crate) fn document(
    title: &str,
    version: &str,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title, "version": version,
            "license": { "name": "Apache-2.0 OR MIT" },
            "x-proxmox-generated-openapi": proxy::generated(),
        },
        "x-proxmox-generated-openapi": proxy::generated(),
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {
                "endpoint": {
                    "name": "proxmox_endpoint_ids", "in": "query", "required": false,
                    "description": "The endpoint, where there are several",
                    "schema": { "type": "string", "pattern": "^[0-9]+(,[0-9]+)*$" },
                },
            },
            "responses": {
                "Error": {
                    "description": "What failed, why, and what to do",
                    "content": { "application/json": { "schema": {
                        "type": "object",
                        "properties": {
                            "message": { "type": ["string", "null"] },
                            "detail": { "type": "string" },
                            "python_exception": { "type": "null" },
                        },
                    } } },
                },
            },
            "securitySchemes": {
                "key": { "type": "apiKey", "in": "header", "name": super::API_KEY },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

/// `/openapi.json`
pub(super) async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    let document = &app.document;
    let (bytes, tag) = document.sent.get_or_init(|| {
        // Readers that take JSON for YAML refuse this character unless it is spelled.
        let text = document.whole().to_string().replace('\u{7f}', "\\u007f");
        let digest = Sha256::digest(&text);
        let tag: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::from_str(&format!("\"{tag}\""));
        (Bytes::from(text), tag.unwrap_or(HeaderValue::from_static("\"0\"")))
    });
    if headers.get(header::IF_NONE_MATCH) == Some(tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag.clone())]).into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, bytes.clone()).into_response()
}

/// `/docs`
pub(super) async fn page() -> Result<Response, ApiError> {
    file("index.html")
}

/// `/docs/{file}`
pub(super) async fn part(Path(name): Path<String>) -> Result<Response, ApiError> {
    file(&name)
}

fn file(name: &str) -> Result<Response, ApiError> {
    let config = Config::from("/openapi.json")
        .try_it_out_enabled(true)
        .doc_expansion("none")
        .filter(true)
        .validator_url("none")
        .persist_authorization(false)
        .default_models_expand_depth(-1);
    let found = utoipa_swagger_ui::serve(name, config.into()).map_err(|error| {
        tracing::error!(%error, "the pages for the document are not there");
        ApiError::not_found("The page is not there.")
    })?;
    let Some(found) = found else {
        return Err(ApiError::not_found(format!("GET /docs/{name} is not part of this server.")));
    };
    let kind = HeaderValue::from_str(&found.content_type);
    let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let bytes = match name {
        // It is served without a slash at its end, so that what belongs to it needs its folder.
        "index.html" => {
            let page = String::from_utf8_lossy(&found.bytes);
            page.replacen("<head>", "<head><base href=\"/docs/\">", 1).into_bytes()
        }
        _ => found.bytes.into_owned(),
    };
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)];
    Ok((headers, bytes).into_response())
}
