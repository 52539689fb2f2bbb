//! What paths and queries say, with errors like all others.

use axum::extract::{FromRequestParts, Path as AxumPath, Query as AxumQuery};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::ApiError;

/// The parameters of a path; 400 with the one that does not fit.
#[derive(Debug)]
pub(crate) struct Path<T>(pub T);

/// The parameters of a query; 400 with the one that does not fit.
#[derive(Debug)]
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = AxumPath::from_request_parts(parts, state).await;
        read.map(|AxumPath(value)| Self(value))
            .map_err(|why| refused(why.status(), "The path is not valid", why.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = AxumQuery::from_request_parts(parts, state).await;
        read.map(|AxumQuery(value)| Self(value))
            .map_err(|why| refused(why.status(), "The query is not valid", why.body_text()))
    }
}

/// The reason alone: what is before it is said by the message.
fn refused(status: StatusCode, message: &str, text: String) -> ApiError {
    let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    ApiError::new(status, message, reason)
}
