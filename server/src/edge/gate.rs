//! Lets only holders of a key pass, and each only to what the key is for.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;

use super::around::{Middleware, Next};
use super::{ApiError, App, Need, Peer, router};
use crate::auth::Caller;
use crate::proxy::place_of;

/// The header with the API key.
pub const API_KEY: &str = "X-Proxbox-API-Key";

/// The same as requests have it.
const HEADER: HeaderName = HeaderName::from_static("x-proxbox-api-key");

/// What each route needs, by its path and method.
pub(super) type Needs = Arc<HashMap<String, Vec<(Method, Need)>>>;

/// Checks the key of every request but those to open routes. Whoever has a key is told what there is
/// not; whoever has none is not even told that.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) app: App,
    pub(super) needs: Needs,
}

impl Middleware for Gate {
    async fn handle(self, mut request: Request, next: impl Next) -> Response {
        let need = needed(&self.needs, &request);
        if need == Some(&Need::Nothing) {
            return next.run(request).await;
        }
        let client = client_address(&self.app, &request);
        let key = presented_key(request.headers());
        let admitted = admit(&self.app, need, client, key).await;
        match admitted.and_then(|caller| only_looks(need, &request).map(|()| caller)) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
                next.run(request).await
            }
            Err(refusal) => refusal.into_response(),
        }
    }
}

async fn admit(
    app: &App,
    need: Option<&Need>,
    client: IpAddr,
    key: Option<SecretString>,
) -> Result<Arc<Caller>, ApiError> {
    let caller = app.door.admit(client, key.as_ref()).await.map_err(|refusal| {
        app.metrics.refused();
        ApiError::from(refusal)
    })?;
    match need {
        Some(Need::Scope(scope)) if !caller.scopes.permit(scope) => {
            Err(ApiError::not_permitted(&caller, &scope.to_string()))
        }
        _ => Ok(caller),
    }
}

/// Looking at the headers alone must not start anything.
fn only_looks(need: Option<&Need>, request: &Request) -> Result<(), ApiError> {
    match request.method() == Method::HEAD && need.is_some_and(|need| !need.is_harmless()) {
        true => Err(router::not_allowed(request.method().clone(), request.uri().clone())),
        false => Ok(()),
    }
}

fn needed<'n>(needs: &'n Needs, request: &Request) -> Option<&'n Need> {
    // The rest depends on the operation.
    if place_of(request.uri().path()).is_some() {
        return Some(&Need::Key);
    }
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
    let text = headers.get(HEADER).and_then(|value| value.to_str().ok()).or_else(bearer)?.trim();
    (!text.is_empty()).then(|| text.to_owned().into())
}

pub(super) fn client_address(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |Peer(peer)| peer.ip());
    app.settings.trusted_proxies.client(peer, request.headers())
}
