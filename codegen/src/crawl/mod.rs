//! From what a server published to the description inside it.

mod apidoc;
mod error;
mod openapi;
mod page;

pub use apidoc::read_apidoc;
pub use error::CrawlError;
pub use openapi::read_openapi;
pub use page::{is_html, release_of, script_of};
