//! What discovery and status cards ask: `/`, `/health`, `/version`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The release of the Python backend whose contract this server speaks.
///
/// The plugin compares it with what it needs (0.0.15 or newer); it is not the version of proxbox.
pub const CONTRACT_VERSION: &str = "0.0.20";

/// Answer of `/`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct About {
    /// Starts with `Proxbox Backend`, by which the plugin knows it.
    message: &'static str,
    proxbox: Links,
}

#[derive(Debug, Serialize, ToSchema)]
struct Links {
    version: &'static str,
    docs: &'static str,
}

/// Answer of `/health`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ready`
    status: &'static str,
    /// Whether the server came up; it does not listen otherwise.
    init_ok: bool,
}

/// Answer of `/version`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Version {
    /// See [`CONTRACT_VERSION`].
    version: &'static str,
}

/// Says who answers here.
pub(super) async fn root() -> Json<About> {
    let proxbox = Links {
        version: env!("CARGO_PKG_VERSION"),
        docs: "https://github.com/emersonfelipesp/netbox-proxbox",
    };
    Json(About { message: "Proxbox Backend in Rust", proxbox })
}

/// Says that requests are taken.
pub(super) async fn health() -> Json<Health> {
    Json(Health { status: "ready", init_ok: true })
}

/// Says which contract is spoken.
pub(super) async fn version() -> Json<Version> {
    Json(Version { version: CONTRACT_VERSION })
}
