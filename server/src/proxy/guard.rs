//! What is never passed on, and what a key needs for the rest.

use axum::http::StatusCode;
use proxbox_runtime::{Method, Op, OpFlags};

use crate::auth::{Caller, Scope};
use crate::edge::ApiError;

/// Parts of paths at which credentials of people are made, changed or traded. Whoever passes them on
/// could be asked for a login that belongs to nobody here.
const NEVER: [&str; 6] =
    ["ticket", "vncticket", "password", "set-user-password", "tfa", "unlock-tfa"];

/// Ends of paths that take other calls in their parameters, or open a tunnel: what those do is checked
/// nowhere here.
const UNSEEN: [&str; 2] = ["execute", "mtunnel"];

/// Ends of paths that run programs, read and write files, or type inside of a guest.
const IN_GUEST: [&str; 6] = [
    "/agent/exec",
    "/agent/exec-status",
    "/agent/file-read",
    "/agent/file-write",
    "/monitor",
    "/sendkey",
];

/// Ends of paths that give a ticket for a console.
const CONSOLES: [&str; 5] = ["termproxy", "vncproxy", "vncshell", "spiceproxy", "spiceshell"];

/// An operation that its caller may make. Only [`permitted`] makes one.
pub(super) struct Permitted {
    pub(super) op: &'static Op,
    /// Method and path, as they were called.
    pub(super) operation: String,
    _only_here: (),
}

/// Refuses what is never passed on, and what the caller's key is not for.
pub(super) fn permitted(
    caller: &Caller,
    op: &'static Op,
    operation: String,
) -> Result<Permitted, ApiError> {
    passable(op)?;
    permit(caller, op, &operation)?;
    Ok(Permitted { op, operation, _only_here: () })
}

/// Refuses operations that are never passed on.
pub(super) fn passable(op: &Op) -> Result<(), ApiError> {
    let refuse =
        |detail: String| Err(ApiError::new(StatusCode::FORBIDDEN, "This is not passed on", detail));
    let mut parts = op.path.split('/');
    let of_people =
        parts.any(|part| NEVER.contains(&part)) || op.path.starts_with("/access/openid/");
    if op.flags.has(OpFlags::NO_TOKEN) || of_people {
        return refuse(format!("{op} is about credentials of people; ask Proxmox itself."));
    }
    let last = op.path.rsplit('/').next().unwrap_or_default();
    if last.ends_with("websocket") || CONSOLES.contains(&last) {
        return refuse(format!(
            "{op} gives access to a console; /proxmox/journalctl and `proxbox pve exec` do that here."
        ));
    }
    if UNSEEN.contains(&last) {
        return refuse(format!("{op} carries calls that cannot be checked; make them one by one."));
    }
    Ok(())
}

/// Whether an operation reaches into a guest: that needs what a console needs.
pub(super) fn is_in_guest(op: &Op) -> bool {
    IN_GUEST.iter().any(|end| op.path.ends_with(end))
}

/// Whether an operation may change something.
pub(super) fn writes(op: &Op) -> bool {
    op.method != Method::Get
}

/// Whether a key is for this operation; the pattern of a write is matched with what is called.
fn permit(caller: &Caller, op: &Op, operation: &str) -> Result<(), ApiError> {
    if is_in_guest(op) && !caller.scopes.permit(&Scope::Console) {
        return Err(ApiError::not_permitted(caller, "console"));
    }
    match writes(op) {
        false if caller.scopes.permit(&Scope::ProxyRead) => Ok(()),
        false => Err(ApiError::not_permitted(caller, "proxy:read")),
        true if caller.scopes.permit_write(operation) => Ok(()),
        true => Err(ApiError::not_permitted(caller, &format!("proxy:write:{operation}"))),
    }
}

#[cfg(test)]
mod tests {
    use sdk_proxmox::Product;

    use super::super::table::api_of;
    use super::*;

    #[test]
    fn tickets_passwords_and_second_factors_are_never_passed_on() {
        for product in [Product::Pve, Product::Pbs, Product::Pdm] {
            let refused: Vec<String> = api_of(product)
                .ops()
                .filter(|op| passable(op).is_err())
                .map(ToString::to_string)
                .collect();
            for word in ["ticket", "tfa", "password", "termproxy", "websocket"] {
                for op in api_of(product).ops().filter(|op| op.path.contains(word)) {
                    assert!(refused.contains(&op.to_string()), "{product} {op}");
                }
            }
            for op in api_of(product).ops().filter(|op| op.path.ends_with("/execute")) {
                assert!(refused.contains(&op.to_string()), "{product} {op}");
            }
            assert!(refused.len() < 44, "{refused:?}");
        }
    }

    #[test]
    fn what_reaches_into_a_guest_is_known() {
        let all = api_of(Product::Pve).ops();
        assert_eq!(all.filter(|op| is_in_guest(op)).count(), IN_GUEST.len());
    }

    #[test]
    fn what_an_inventory_reads_is_passed_on() {
        for path in ["/version", "/cluster/resources", "/access/permissions", "/access/users"] {
            let matched = api_of(Product::Pve).find("GET", path).unwrap();
            assert!(passable(matched.op).is_ok(), "{path}");
        }
    }
}
