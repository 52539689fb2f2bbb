//! Lets only holders of a key pass, and each only to what the key is for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;

use super::{ApiError, App, Need, Peer, router};

/// The header with the API key.
pub const API_KEY: &str = "X-Proxbox-API-Key";

/// What each route needs, by its path and method.
pub(super) type Needs = Arc<HashMap<String, Vec<(Method, Need)>>>;

/// Checks the key of every request but those to open routes. Whoever has a key is told what there is
/// not; whoever has none is not even told that.
pub(super) async fn require_key(
    State((app, needs)): State<(App, Needs)>,
    mut request: Request,
    next: Next,
) -> Response {
    let need = needed(&needs, &request);
    if need == Some(&Need::Nothing) {
        return next.run(request).await;
    }
    let client = client_address(&app, &request);
    let key = presented_key(request.headers());
    let caller = match app.door.admit(client, key.as_ref()).await {
        Ok(caller) => caller,
        Err(refusal) => {
            app.metrics.refused();
            return ApiError::from(refusal).into_response();
        }
    };
    if let Some(Need::Scope(scope)) = need
        && !caller.scopes.permit(scope)
    {
        return ApiError::not_permitted(&caller, &scope.to_string()).into_response();
    }
    // Looking at the headers alone must not start anything.
    if request.method() == Method::HEAD && need.is_some_and(|need| !need.is_harmless()) {
        return router::not_allowed(request.method().clone(), request.uri().clone())
            .into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn needed<'n>(needs: &'n Needs, request: &Request) -> Option<&'n Need> {
    let path = request.extensions().get::<MatchedPath>()?;
    let method = match request.method() {
        &Method::HEAD => &Method::GET,
        method => method,
    };
    let of_path = needs.get(path.as_str())?;
    of_path.iter().find(|(of, _)| of == method).map(|(_, need)| need)
}

fn presented_key(headers: &HeaderMap) -> Option<SecretString> {
    let bearer = || {
        // Prometheus and others have no other place for it.
        let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, key) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(key)
    };
    let text = headers.get(API_KEY).and_then(|value| value.to_str().ok()).or_else(bearer)?.trim();
    (!text.is_empty()).then(|| text.to_owned().into())
}

pub(super) fn client_address(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<Peer>>();
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |ConnectInfo(Peer(peer))| peer.ip());
    app.settings.trusted_proxies.client(peer, request.headers())
}
