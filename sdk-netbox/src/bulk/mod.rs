//! Bulk writes with an answer or an error for each object.

mod batch;
mod create;
mod delete;
mod update;

use crate::api_error::FieldErrors;
use crate::error::Error;

/// What came of each object of a bulk write, in the order of the request.
#[derive(Debug, Clone)]
pub struct Bulk<R> {
    /// One entry per object.
    pub items: Vec<Result<R, ItemError>>,
}

/// Why one object of a bulk write failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("object {index}: {error}")]
pub struct ItemError {
    /// Position in the request.
    pub index: usize,
    /// What is wrong with which field, if NetBox said so.
    pub fields: FieldErrors,
    /// The failure.
    #[source]
    pub error: Error,
}

impl ItemError {
    pub(crate) fn new(index: usize, error: Error) -> Self {
        Self { index, fields: error.field_errors().cloned().unwrap_or_default(), error }
    }

    /// HTTP status, if NetBox answered.
    pub fn status(&self) -> Option<u16> {
        self.error.status()
    }

    /// Whether the write may have happened nevertheless.
    pub fn is_ambiguous(&self) -> bool {
        self.error.is_ambiguous()
    }
}

impl<R> Bulk<R> {
    /// The objects that were written.
    pub fn written(&self) -> impl Iterator<Item = &R> {
        self.items.iter().filter_map(|item| item.as_ref().ok())
    }

    /// The objects that were not, with the reason.
    pub fn failed(&self) -> impl Iterator<Item = &ItemError> {
        self.items.iter().filter_map(|item| item.as_ref().err())
    }

    /// Whether all were written.
    pub fn is_complete(&self) -> bool {
        self.items.iter().all(Result::is_ok)
    }
}
