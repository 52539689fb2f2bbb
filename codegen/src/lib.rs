//! The generator: published API descriptions in, OpenAPI documents and Rust out.
//!
//! Each stage is a pure function of the one before: [`crawl`] finds the description in what a
//! server published, [`normalize`] turns it into OpenAPI 3.0 that holds facts only, [`ir`] models
//! it, [`emit`] prints Rust. Between them [`history`] joins the releases of one product. Reading and
//! writing files is left to the caller.

pub mod crawl;
pub mod drift;
pub mod emit;
pub mod fixups;
pub mod generate;
pub mod history;
pub mod ir;
pub mod manifest;
pub mod normalize;
pub mod product;
pub mod report;
pub mod spec;

mod names;

pub use names::type_name;
