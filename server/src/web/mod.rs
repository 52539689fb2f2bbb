//! `/admin/`: a page that shows what the server does. It holds nothing itself: what it shows it asks for
//! with the key that its user gives.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::edge::{ApiError, Need, Path, Routes};

const PAGE: &str = include_str!("admin.html");

/// What belongs to the page.
const PARTS: [(&str, &str, &str); 3] = [
    ("admin.js", "text/javascript; charset=utf-8", include_str!("admin.js")),
    ("admin.css", "text/css; charset=utf-8", include_str!("admin.css")),
    ("icon.svg", "image/svg+xml", include_str!("icon.svg")),
];

/// The routes of the page.
pub(crate) fn routes() -> Routes {
    Routes::new("admin").hidden(Method::GET, "/admin/", Need::Nothing, get(page)).hidden(
        Method::GET,
        "/admin/assets/{file}",
        Need::Nothing,
        get(part),
    )
}

async fn page() -> Response {
    sent("text/html; charset=utf-8", PAGE)
}

async fn part(Path(name): Path<String>) -> Result<Response, ApiError> {
    let found = PARTS.iter().find(|(known, ..)| *known == name);
    let (_, kind, text) =
        found.ok_or_else(|| ApiError::not_found(format!("There is no /admin/assets/{name}.")))?;
    Ok(sent(kind, text))
}

fn sent(kind: &'static str, text: &'static str) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response()
}
