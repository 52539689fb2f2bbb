//! Bodies and paths of proxied calls: found, checked, and made into requests.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use proxbox_runtime::{OpIndex, Request, validate_params};
use serde_json::{Map, Value};

static INDEX: LazyLock<OpIndex> = LazyLock::new(|| OpIndex::new(sdk_proxmox::pve::ops()));

fuzz_target!(|data: (u8, &str, &str, &[u8])| {
    let (method, path, boundary, body) = data;
    let _ = proxbox::proxy::parse_form(body, boundary);
    let method = ["GET", "POST", "PUT", "DELETE"][usize::from(method) % 4];
    let Some(matched) = INDEX.find(method, path) else { return };
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(body) else { return };
    members.extend(
        matched.values.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())),
    );
    if validate_params(matched.op, &members).is_empty() {
        let request = Request::from_members(matched.op, &members);
        assert_eq!(request.path.split('/').count(), matched.op.path.split('/').count());
    }
});
