//! Logins, users, groups, roles and rights.

use serde_json::{Map, Value, json};

use super::need;
use crate::mock::answer::{Outcome, Refusal, bad_param, data, failed, refuse};
use crate::mock::call::Call;
use crate::mock::property::new_uuid;
use crate::mock::rights::{place, privileges, special_roles, tokens_of};
use crate::mock::{Cluster, User, generic};
use crate::parse::split_list;

pub(crate) fn domains(cluster: &mut Cluster, _: &Call) -> Outcome {
    let mut rows = vec![
        json!({ "realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication" }),
        json!({ "realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server" }),
    ];
    rows.extend(cluster.access_rows("domains").iter().map(|row| {
        let mut shown = json!({ "realm": row.get("realm"), "type": row.get("type") });
        if let Some(comment) = row.get("comment") {
            shown["comment"] = comment.clone();
        }
        shown
    }));
    data(rows)
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
    let made = cluster.access_row("users", "userid", &user);
    if made.is_some_and(|row| row.get("enable").is_some_and(|enable| *enable == 0)) {
        return Err(wrong());
    }
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
    let all = privileges();
    let granted = cluster.privileges.iter().map(String::as_str).chain(all);
    let granted: Map<String, Value> = granted
        .filter(|name| cluster.allowed(&path, name))
        .map(|name| (name.to_owned(), 1.into()))
        .collect();
    data(json!({ path: granted }))
}

pub(crate) fn users(cluster: &mut Cluster, call: &Call) -> Outcome {
    let full = call.flag("full");
    let first = cluster.users.keys().filter(|user| !is_made(cluster, user));
    let mut rows: Vec<Value> = first
        .map(|user| json!({ "userid": user, "enable": 1, "expire": 0, "realm-type": realm(user) }))
        .collect();
    rows.extend(cluster.access_rows("users").iter().cloned().map(|mut row| {
        let user = text(&row, "userid");
        row.insert("realm-type".into(), realm(&user).into());
        match full {
            false => row.remove("groups"),
            true => {
                let groups = text(&row, "groups");
                row.insert("groups".into(), split_list(&groups).join(",").into())
            }
        };
        row.into()
    }));
    data(rows)
}

fn is_made(cluster: &Cluster, user: &str) -> bool {
    cluster.access_row("users", "userid", user).is_some()
}

fn text(row: &Map<String, Value>, key: &str) -> String {
    row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn rows_mut<'a>(cluster: &'a mut Cluster, name: &str) -> &'a mut Vec<Map<String, Value>> {
    cluster.stored.entry(place(name)).or_default()
}

fn realm(user: &str) -> &str {
    user.rsplit_once('@').map_or("", |(_, realm)| realm)
}

pub(crate) fn user(cluster: &mut Cluster, call: &Call) -> Outcome {
    let user = call.at("userid");
    let mut row = match cluster.access_row("users", "userid", user) {
        Some(row) => row.clone(),
        None => {
            known_user(cluster, user)?;
            Map::from_iter([("enable".to_owned(), 1.into()), ("expire".to_owned(), 0.into())])
        }
    };
    row.remove("userid");
    row.insert("groups".into(), json!(cluster.groups_of(user)));
    let tokens: Map<String, Value> = tokens_rows(cluster, user)
        .into_iter()
        .filter_map(|mut token| {
            let id = token.remove("tokenid")?;
            Some((id.as_str()?.to_owned(), token.into()))
        })
        .collect();
    row.insert("tokens".into(), tokens.into());
    data(row)
}

fn known_user(cluster: &Cluster, user: &str) -> Result<(), Refusal> {
    match cluster.users.contains_key(user) || is_made(cluster, user) {
        true => Ok(()),
        false => Err(failed(format!("no such user ('{user}')"))),
    }
}

pub(crate) fn create_user(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/access", "User.Modify")?;
    let user = call.text("userid").unwrap_or_default();
    if known_user(cluster, &user).is_ok() {
        return Err(failed(format!("create user failed: user '{user}' already exists")));
    }
    let mut row = generic::stored_part(call);
    row.entry("enable").or_insert_with(|| 1.into());
    row.entry("expire").or_insert_with(|| 0.into());
    for group in split_list(&text(&row, "groups")) {
        known_group(cluster, group)?;
    }
    rows_mut(cluster, "users").push(row);
    if let Some(password) = call.text("password") {
        cluster.users.insert(user, User { password, totp: None });
    }
    data(Value::Null)
}

pub(crate) fn update_user(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/access", "User.Modify")?;
    let user = call.at("userid").to_owned();
    known_user(cluster, &user)?;
    let mut changes = generic::stored_part(call);
    let append = call.flag("append");
    changes.remove("append");
    let found = rows_mut(cluster, "users").iter_mut().find(|row| text(row, "userid") == user);
    if let Some(row) = found {
        if append && let Some(more) = changes.get("groups").and_then(Value::as_str) {
            let groups = format!("{},{more}", text(row, "groups"));
            changes.insert("groups".into(), groups.trim_matches(',').into());
        }
        row.extend(changes);
    }
    data(Value::Null)
}

/// What was given to a user goes with it.
pub(crate) fn remove_user(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/access", "User.Modify")?;
    let user = call.at("userid").to_owned();
    known_user(cluster, &user)
        .map_err(|_| failed(format!("delete user failed: user '{user}' does not exist")))?;
    rows_mut(cluster, "users").retain(|row| text(row, "userid") != user);
    rows_mut(cluster, "acl").retain(|row| {
        let ugid = text(row, "ugid");
        ugid != user && !ugid.starts_with(&format!("{user}!"))
    });
    cluster.users.remove(&user);
    cluster.tickets.retain(|_, (owner, _)| *owner != user);
    cluster.stored.remove(&tokens_of(&user));
    data(Value::Null)
}

pub(crate) fn change_password(cluster: &mut Cluster, call: &Call) -> Outcome {
    let user = call.text("userid").unwrap_or_default();
    known_user(cluster, &user)?;
    let password = call.text("password").unwrap_or_default();
    let totp = cluster.users.get(&user).and_then(|user| user.totp.clone());
    cluster.users.insert(user, User { password, totp });
    data(Value::Null)
}

fn known_group(cluster: &Cluster, group: &str) -> Result<(), Refusal> {
    match cluster.access_row("groups", "groupid", group) {
        Some(_) => Ok(()),
        None => Err(failed(format!("group '{group}' does not exist"))),
    }
}

fn members(cluster: &Cluster, group: &str) -> Vec<String> {
    let users = cluster.access_rows("users").iter().map(|row| text(row, "userid"));
    users.filter(|user| cluster.groups_of(user).contains(&group)).collect()
}

pub(crate) fn groups(cluster: &mut Cluster, _: &Call) -> Outcome {
    let row = |row: &Map<String, Value>| {
        let mut row = row.clone();
        let users = members(cluster, &text(&row, "groupid")).join(",");
        row.insert("users".into(), users.into());
        Value::from(row)
    };
    data(cluster.access_rows("groups").iter().map(row).collect::<Vec<_>>())
}

pub(crate) fn group(cluster: &mut Cluster, call: &Call) -> Outcome {
    let group = call.at("groupid");
    known_group(cluster, group)?;
    let row = cluster.access_row("groups", "groupid", group).cloned().unwrap_or_default();
    let mut answer = json!({ "members": members(cluster, group) });
    if let Some(comment) = row.get("comment") {
        answer["comment"] = comment.clone();
    }
    data(answer)
}

/// Members lose a group that is removed.
pub(crate) fn remove_group(cluster: &mut Cluster, call: &Call) -> Outcome {
    let group = call.at("groupid").to_owned();
    known_group(cluster, &group)
        .map_err(|refusal| failed(format!("delete group failed: {}", refusal.text)))?;
    rows_mut(cluster, "groups").retain(|row| text(row, "groupid") != group);
    for row in rows_mut(cluster, "users") {
        let groups = text(row, "groups");
        let left: Vec<&str> = split_list(&groups).into_iter().filter(|one| *one != group).collect();
        row.insert("groups".into(), left.join(",").into());
    }
    data(Value::Null)
}

pub(crate) fn roles(cluster: &mut Cluster, _: &Call) -> Outcome {
    let mut rows: Vec<Value> = special_roles()
        .into_iter()
        .map(|(name, privileges)| {
            let privileges: Vec<&str> = privileges.into_iter().collect();
            json!({ "roleid": name, "special": 1, "privs": privileges.join(",") })
        })
        .collect();
    rows.extend(cluster.access_rows("roles").iter().map(|row| {
        json!({ "roleid": row.get("roleid"), "special": 0, "privs": sorted(&text(row, "privs")) })
    }));
    data(rows)
}

fn sorted(list: &str) -> String {
    let mut names = split_list(list);
    names.sort_unstable();
    names.dedup();
    names.join(",")
}

pub(crate) fn role(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.at("roleid");
    let missing = || failed(format!("role '{name}' does not exist"));
    let privileges = cluster.role(name).ok_or_else(missing)?;
    let flags = privileges.into_iter().map(|name| (name, Value::from(1)));
    data(flags.collect::<Map<_, _>>())
}

fn known_privileges(call: &Call) -> Result<String, Refusal> {
    let given = call.text("privs").unwrap_or_default();
    let all = privileges();
    match split_list(&given).into_iter().find(|name| !all.contains(name)) {
        Some(wrong) => {
            let text = format!("invalid format - invalid privilege '{wrong}'\n");
            Err(bad_param("privs", text))
        }
        None => Ok(given),
    }
}

pub(crate) fn create_role(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = call.text("roleid").unwrap_or_default();
    let privileges = known_privileges(call)?;
    if cluster.role(&name).is_some() {
        return Err(failed(format!("create role failed: role '{name}' already exists")));
    }
    let row = json!({ "roleid": name, "privs": privileges });
    rows_mut(cluster, "roles").extend(row.as_object().cloned());
    data(Value::Null)
}

pub(crate) fn update_role(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = own_role(cluster, call, "modified")?;
    let (privileges, append) = (known_privileges(call)?, call.flag("append"));
    for row in rows_mut(cluster, "roles").iter_mut().filter(|row| text(row, "roleid") == name) {
        let before = if append { text(row, "privs") } else { String::new() };
        row.insert("privs".into(), sorted(&format!("{before},{privileges}")).into());
    }
    data(Value::Null)
}

pub(crate) fn remove_role(cluster: &mut Cluster, call: &Call) -> Outcome {
    let name = own_role(cluster, call, "deleted")?;
    rows_mut(cluster, "roles").retain(|row| text(row, "roleid") != name);
    data(Value::Null)
}

/// The role of the path, which was made by somebody.
fn own_role(cluster: &Cluster, call: &Call, done: &str) -> Result<String, Refusal> {
    let name = call.at("roleid");
    if special_roles().iter().any(|(known, _)| known == name) {
        return Err(failed(format!("auto-generated role '{name}' cannot be {done}")));
    }
    match cluster.role(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err(failed(format!("role '{name}' does not exist"))),
    }
}

pub(crate) fn acl(cluster: &mut Cluster, _: &Call) -> Outcome {
    data(cluster.access_rows("acl").iter().cloned().map(Value::from).collect::<Vec<_>>())
}

/// Gives roles to users, groups and tokens on a path, or takes them away.
pub(crate) fn update_acl(cluster: &mut Cluster, call: &Call) -> Outcome {
    let path = call.text("path").unwrap_or_default();
    let roles = call.text("roles").unwrap_or_default();
    let propagate = u8::from(call.text("propagate").is_none_or(|flag| flag == "1"));
    for role in split_list(&roles) {
        if cluster.role(role).is_none() {
            return Err(failed(format!("ACL update failed: role '{role}' does not exist")));
        }
        for (kind, list) in [("user", "users"), ("group", "groups"), ("token", "tokens")] {
            for ugid in split_list(&call.text(list).unwrap_or_default()) {
                is_there(cluster, kind, ugid)?;
                let row = json!({
                    "path": path, "type": kind, "ugid": ugid, "roleid": role, "propagate": propagate,
                });
                let same = |known: &Map<String, Value>| {
                    ["path", "type", "ugid", "roleid"].iter().all(|key| known[*key] == row[*key])
                };
                let rows = rows_mut(cluster, "acl");
                rows.retain(|known| !same(known));
                if !call.flag("delete") {
                    rows.extend(row.as_object().cloned());
                }
            }
        }
    }
    data(Value::Null)
}

fn is_there(cluster: &Cluster, kind: &str, ugid: &str) -> Result<(), Refusal> {
    let known = match kind {
        "user" => known_user(cluster, ugid).is_ok(),
        "group" => known_group(cluster, ugid).is_ok(),
        _ => ugid.split_once('!').is_some_and(|(user, token)| {
            tokens_rows(cluster, user).iter().any(|row| text(row, "tokenid") == token)
        }),
    };
    match known {
        true => Ok(()),
        false => Err(failed(format!("ACL update failed: {kind} '{ugid}' does not exist"))),
    }
}

/// The tokens of a user, without their secrets.
fn tokens_rows(cluster: &Cluster, user: &str) -> Vec<Map<String, Value>> {
    let own = cluster.token_id.split_once('!').filter(|(owner, _)| *owner == user);
    let own = own.and_then(|(_, name)| {
        json!({ "tokenid": name, "expire": 0, "privsep": 0 }).as_object().cloned()
    });
    let made = cluster.stored.get(&tokens_of(user)).into_iter().flatten().cloned();
    own.into_iter()
        .chain(made.map(|mut row| {
            row.remove("value");
            row
        }))
        .collect()
}

pub(crate) fn tokens(cluster: &mut Cluster, call: &Call) -> Outcome {
    need(cluster, "/access", "User.Modify")?;
    let rows = tokens_rows(cluster, call.at("userid")).into_iter().map(Value::from);
    data(rows.collect::<Vec<_>>())
}

fn find_token(cluster: &Cluster, call: &Call) -> Option<Map<String, Value>> {
    let rows = tokens_rows(cluster, call.at("userid"));
    rows.into_iter().find(|row| text(row, "tokenid") == call.at("tokenid"))
}

fn no_token(call: &Call) -> Refusal {
    failed(format!("no such token '{}' for user '{}'", call.at("tokenid"), call.at("userid")))
}

pub(crate) fn token(cluster: &mut Cluster, call: &Call) -> Outcome {
    let mut row = find_token(cluster, call).ok_or_else(|| no_token(call))?;
    row.remove("tokenid");
    data(row)
}

pub(crate) fn create_token(cluster: &mut Cluster, call: &Call) -> Outcome {
    let (user, name) = (call.at("userid").to_owned(), call.at("tokenid").to_owned());
    known_user(cluster, &user)?;
    if find_token(cluster, call).is_some() {
        return Err(bad_param("tokenid", "Token already exists."));
    }
    cluster.clock += 1;
    let secret = new_uuid(u32::try_from(cluster.stored.len()).unwrap_or(0), cluster.clock);
    let mut info = generic::stored_part(call);
    info.entry("privsep").or_insert_with(|| 1.into());
    info.entry("expire").or_insert_with(|| 0.into());
    let mut row = info.clone();
    row.insert("tokenid".into(), name.clone().into());
    row.insert("value".into(), secret.clone().into());
    cluster.stored.entry(tokens_of(&user)).or_default().push(row);
    data(json!({ "full-tokenid": format!("{user}!{name}"), "info": info, "value": secret }))
}

pub(crate) fn remove_token(cluster: &mut Cluster, call: &Call) -> Outcome {
    find_token(cluster, call).ok_or_else(|| no_token(call))?;
    let rows = cluster.stored.entry(tokens_of(call.at("userid"))).or_default();
    rows.retain(|row| text(row, "tokenid") != call.at("tokenid"));
    data(Value::Null)
}
