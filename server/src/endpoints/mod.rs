//! The stored endpoints as clients: the only places that the server ever connects to.

pub mod address;
mod breaker;
mod connect;
mod resolver;
mod scheme;
mod sessions;

pub use connect::{Connected, EndpointError, Selection, connect, connect_for, netbox, targets};
pub use sessions::{NodesError, Session, Sessions};
