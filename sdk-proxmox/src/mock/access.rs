//! Who calls: API token or ticket.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use percent_encoding::percent_decode_str;

use super::Cluster;
use super::answer::{Refusal, refuse};
use super::rights::tokens_of;
use crate::Product;

/// The sender of a request, `user@realm` or `user@realm!name`.
pub(crate) fn sender(
    cluster: &Cluster,
    headers: &HeaderMap,
    writes: bool,
) -> Result<String, Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (prefix, between) = match cluster.product {
        Product::Pve => ("PVEAPIToken=", '='),
        Product::Pbs => ("PBSAPIToken=", ':'),
        Product::Pdm => ("PDMAPIToken=", ':'),
    };
    if let Some(token) = text(AUTHORIZATION).and_then(|value| value.strip_prefix(prefix)) {
        return by_token(cluster, token, between);
    }
    let cookies = text(COOKIE).unwrap_or_default();
    let name = format!("{}=", cluster.product.cookie());
    let ticket = cookies.split(';').find_map(|pair| pair.trim().strip_prefix(&name));
    let Some(ticket) = ticket.filter(|ticket| !ticket.is_empty()) else {
        return Err(unauthorized(cluster, "No ticket"));
    };
    let ticket = percent_decode_str(ticket).decode_utf8_lossy();
    let Some((user, csrf)) = cluster.tickets.get(ticket.as_ref()) else {
        return Err(unauthorized(cluster, "permission denied - invalid PVE ticket"));
    };
    is_enabled(cluster, user)?;
    let sent = headers.get("CSRFPreventionToken").and_then(|value| value.to_str().ok());
    if writes && sent != Some(csrf) {
        return Err(unauthorized(cluster, "Permission denied - invalid csrf token"));
    }
    Ok(user.clone())
}

/// The secret stands behind the last sign between: ids may hold one themselves.
fn by_token(cluster: &Cluster, token: &str, between: char) -> Result<String, Refusal> {
    let (id, secret) = token.rsplit_once(between).unwrap_or((token, ""));
    let (user, name) = id.split_once('!').unwrap_or((id, ""));
    is_enabled(cluster, user)?;
    let made = cluster.stored.get(&tokens_of(user)).into_iter().flatten();
    let made = made.into_iter().find(|row| row.get("tokenid").is_some_and(|known| known == name));
    let known = match made {
        _ if id == cluster.token_id => Some(cluster.token_secret.as_str()),
        Some(row) => row.get("value").and_then(serde_json::Value::as_str),
        None => None,
    };
    match known {
        None => return Err(unauthorized(cluster, "no such token")),
        Some(known) if known != secret => {
            return Err(unauthorized(cluster, "invalid token value!"));
        }
        Some(_) => {}
    }
    Ok(id.to_owned())
}

/// A user who was switched off is not let in, whatever he shows.
fn is_enabled(cluster: &Cluster, user: &str) -> Result<(), Refusal> {
    let row = cluster.access_row("users", "userid", user);
    match row.and_then(|row| row.get("enable")).is_some_and(|enable| *enable == 0) {
        true => Err(unauthorized(cluster, "user is disabled")),
        false => Ok(()),
    }
}

/// Since 9.1.5 there is one text for all of them.
fn unauthorized(cluster: &Cluster, text: &str) -> Refusal {
    let mut parts = cluster.release.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    let release = (part(), part(), part());
    refuse(401, if release >= (9, 1, 5) { "Authentication failed!" } else { text })
}
