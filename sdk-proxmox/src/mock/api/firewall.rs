//! What rules of a firewall may name.

use serde_json::{Map, Value, json};

use crate::mock::Cluster;
use crate::mock::answer::{Outcome, data};
use crate::mock::call::Call;

const MACROS: &[(&str, &str)] = &[
    ("DNS", "Domain Name System traffic (upd and tcp)"),
    ("HTTP", "Hypertext Transfer Protocol (WWW)"),
    ("HTTPS", "Hypertext Transfer Protocol (WWW) over SSL"),
    ("Ping", "ICMP echo request"),
    ("SMTP", "Simple Mail Transfer Protocol"),
    ("SSH", "Secure shell traffic"),
];

pub(crate) fn macros(_: &mut Cluster, _: &Call) -> Outcome {
    let row = |(name, text): &(&str, &str)| json!({ "macro": name, "descr": text });
    data(MACROS.iter().map(row).collect::<Vec<_>>())
}

/// Aliases and sets of the datacenter, and of the guest.
pub(crate) fn references(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut own = call.place();
    own.pop();
    let datacenter = vec!["cluster".to_owned(), "firewall".to_owned()];
    let mut scopes = vec![("dc", datacenter.clone())];
    if own != datacenter {
        scopes.push(("guest", own));
    }
    let wanted = call.text("type");
    let mut rows = Vec::new();
    for (kind, folder) in [("alias", "aliases"), ("ipset", "ipset")] {
        for (scope, place) in &scopes {
            let place = [place.as_slice(), &[folder.to_owned()]].concat();
            let entries = cluster.stored.get(&place).into_iter().flatten();
            rows.extend(entries.map(|entry| row(kind, scope, entry)));
        }
    }
    rows.retain(|row| wanted.as_ref().is_none_or(|wanted| row["type"] == wanted.as_str()));
    data(rows)
}

fn row(kind: &str, scope: &str, entry: &Map<String, Value>) -> Value {
    let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
    let sign = if kind == "ipset" { "+" } else { "" };
    let mut row = json!({
        "type": kind, "name": name, "ref": format!("{sign}{scope}/{name}"), "scope": scope,
    });
    if let Some(comment) = entry.get("comment") {
        row["comment"] = comment.clone();
    }
    row
}
