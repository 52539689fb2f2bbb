//! What every request passes: the connection, the key, the limits, the list of routes, the errors.

mod app;
mod body;
mod client;
mod cors;
mod error;
mod extract;
mod gate;
mod headers;
mod health;
mod listener;
mod metrics;
mod openapi;
mod patience;
mod request_id;
mod route;
mod router;
mod server;
pub(crate) mod sse;
mod tls;
mod watchdog;

pub use app::{App, Settings};
pub(crate) use body::{Body, read_body};
pub use client::TrustedProxies;
pub use cors::Origins;
pub use error::ApiError;
pub(crate) use error::chain;
pub(crate) use extract::{Path, Query};
pub use gate::API_KEY;
pub(crate) use listener::Peer;
pub(crate) use metrics::Metrics;
pub(crate) use openapi::document;
pub(crate) use request_id::RequestId;
pub(crate) use route::{Need, Route, Routes, delete, get, patch, post, put};
pub use router::{described, router};
pub use server::{Server, StartupError};
pub use tls::{TlsError, TlsFiles};
