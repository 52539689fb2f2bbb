//! Headers: whose request it is, and patterns of what a key may do.
#![no_main]

use axum::http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use proxbox::auth::Scopes;
use proxbox::edge::TrustedProxies;

fuzz_target!(|data: (&str, &[u8], &str, &str)| {
    let (networks, forwarded, scope, operation) = data;
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(forwarded) {
        headers.insert("x-forwarded-for", value);
    }
    if let Ok(trusted) = networks.parse::<TrustedProxies>() {
        trusted.client([127, 0, 0, 1].into(), &headers);
    }
    if let Ok(scopes) = Scopes::parse(&[scope.to_owned()]) {
        scopes.permit_write(operation);
        let again = Scopes::parse(&scopes.names()).expect("what is shown can be read");
        assert_eq!(scopes, again);
    }
});
