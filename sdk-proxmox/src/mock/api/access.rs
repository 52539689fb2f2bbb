//! Logins, users and privileges.

use serde_json::{Map, Value, json};

use super::need;
use crate::mock::Cluster;
use crate::mock::answer::{Outcome, bad_param, data, failed, refuse};
use crate::mock::call::Call;

pub(crate) fn domains(_: &mut Cluster, _: &Call) -> Outcome {
    data(json!([
        { "realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication" },
        { "realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server" },
    ]))
}

/// A GET there is a formality for login pages.
pub(crate) fn no_ticket(_: &mut Cluster, _: &Call) -> Outcome {
    data(Value::Null)
}

pub(crate) fn ticket(cluster: &mut Cluster, call: &Call) -> Outcome {
    let wrong = || refuse(401, "authentication failure");
    let username = call.text("username").unwrap_or_default();
    let user = match call.text("realm") {
        Some(realm) if !username.contains('@') => format!("{username}@{realm}"),
        _ => username,
    };
    let password = call.text("password").unwrap_or_default();
    let known = cluster.users.get(&user).ok_or_else(wrong)?;
    let half = format!("PVE:!tfa!{user}");
    let full = match (call.text("tfa-challenge"), &known.totp) {
        (Some(challenge), Some(code)) => challenge == half && password == format!("totp:{code}"),
        (Some(_), None) => false,
        (None, totp) => {
            // A ticket stands in for the password, and for the second factor.
            let renews = cluster.tickets.get(&password).is_some_and(|(owner, _)| *owner == user);
            if !renews && password == known.password && totp.is_some() {
                return data(json!({ "username": user, "ticket": half, "NeedTFA": 1 }));
            }
            renews || password == known.password
        }
    };
    if !full {
        return Err(wrong());
    }
    cluster.tickets_given += 1;
    let number = cluster.tickets_given;
    let ticket = format!("PVE:{user}:{:08X}::mock+signature/{number}==", cluster.clock);
    let csrf = format!("{:08X}:mock/{number}", cluster.clock);
    cluster.tickets.insert(ticket.clone(), (user.clone(), csrf.clone()));
    data(json!({
        "username": user,
        "ticket": ticket,
        "CSRFPreventionToken": csrf,
        "clustername": cluster.name,
        "cap": { "vms": {}, "storage": {}, "nodes": {}, "access": {}, "dc": {} },
    }))
}

pub(crate) fn permissions(cluster: &mut Cluster, call: &Call) -> Outcome {
    let path = call.text("path").unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') {
        return Err(bad_param("path", "value does not look like a valid ACL path"));
    }
    let privileges: Map<String, Value> =
        cluster.privileges.iter().map(|name| (name.clone(), 1.into())).collect();
    data(json!({ path: privileges }))
}

pub(crate) fn users(cluster: &mut Cluster, _: &Call) -> Outcome {
    let row = |user: &String| json!({ "userid": user, "enable": 1, "expire": 0, "realm-type": realm(user) });
    let created = cluster.stored.get(&created_users()).into_iter().flatten().cloned();
    data(cluster.users.keys().map(row).chain(created.map(Value::from)).collect::<Vec<_>>())
}

/// Where users are kept that were created: they cannot log in.
fn created_users() -> Vec<String> {
    vec!["access".to_owned(), "users".to_owned()]
}

pub(crate) fn user(cluster: &mut Cluster, call: &Call) -> Outcome {
    let user = call.at("userid");
    let created = cluster.stored.get(&created_users()).into_iter().flatten();
    if let Some(found) = created.clone().find(|found| found["userid"] == user) {
        return data(found.clone());
    }
    if !cluster.users.contains_key(user) {
        return Err(failed(format!("no such user ('{user}')")));
    }
    let tokens: Map<String, Value> = names_of_tokens(cluster, user)
        .map(|name| (name.to_owned(), json!({ "expire": 0, "privsep": 0 })))
        .collect();
    data(json!({ "enable": 1, "expire": 0, "tokens": tokens }))
}

pub(crate) fn tokens(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/access", "User.Modify")?;
    let row = |name: &str| json!({ "tokenid": name, "expire": 0, "privsep": 0 });
    let created = cluster.stored.get(&call.place()).into_iter().flatten().cloned();
    let own = names_of_tokens(cluster, call.at("userid")).map(row);
    data(own.chain(created.map(Value::from)).collect::<Vec<_>>())
}

fn names_of_tokens<'a>(cluster: &'a Cluster, user: &str) -> impl Iterator<Item = &'a str> {
    let token = cluster.token_id.split_once('!').filter(|(owner, _)| *owner == user);
    token.map(|(_, name)| name).into_iter()
}

fn realm(user: &str) -> &str {
    user.rsplit_once('@').map_or("", |(_, realm)| realm)
}
