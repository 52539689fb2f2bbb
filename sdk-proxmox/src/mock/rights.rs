//! Who may do what: roles, and where they are given to users, groups and tokens.

use std::collections::BTreeSet;

use proxbox_runtime::Permission;
use serde_json::{Map, Value};

use super::answer::{Refusal, refuse};
use super::call::Call;
use super::{Cluster, Guest};
use crate::Product;
use crate::parse::split_list;

/// Privileges by category: what its administrators have, its users, and those who only look.
struct Category {
    name: &'static str,
    root: &'static [&'static str],
    admin: &'static [&'static str],
    user: &'static [&'static str],
    audit: &'static [&'static str],
}

const CATEGORIES: &[Category] = &[
    Category {
        name: "VM",
        root: &[],
        admin: &[
            "VM.Allocate",
            "VM.Clone",
            "VM.Config.CPU",
            "VM.Config.Disk",
            "VM.Config.HWType",
            "VM.Config.Memory",
            "VM.Config.Network",
            "VM.Config.Options",
            "VM.GuestAgent.Unrestricted",
            "VM.Migrate",
            "VM.Replicate",
            "VM.Snapshot",
            "VM.Snapshot.Rollback",
        ],
        user: &[
            "VM.Backup",
            "VM.Config.CDROM",
            "VM.Config.Cloudinit",
            "VM.Console",
            "VM.GuestAgent.FileRead",
            "VM.GuestAgent.FileSystemMgmt",
            "VM.GuestAgent.FileWrite",
            "VM.PowerMgmt",
        ],
        audit: &["VM.Audit", "VM.GuestAgent.Audit"],
    },
    Category {
        name: "Sys",
        root: &["Sys.AccessNetwork", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt"],
        admin: &["Sys.Console", "Sys.Syslog"],
        user: &[],
        audit: &["Sys.Audit"],
    },
    Category {
        name: "Datastore",
        root: &[],
        admin: &["Datastore.Allocate", "Datastore.AllocateTemplate"],
        user: &["Datastore.AllocateSpace"],
        audit: &["Datastore.Audit"],
    },
    Category {
        name: "SDN",
        root: &[],
        admin: &["SDN.Allocate"],
        user: &["SDN.Use"],
        audit: &["SDN.Audit"],
    },
    Category {
        name: "User",
        root: &["Realm.Allocate"],
        admin: &["Group.Allocate", "Realm.AllocateUser", "User.Modify"],
        user: &[],
        audit: &[],
    },
    Category {
        name: "Pool",
        root: &[],
        admin: &["Pool.Allocate"],
        user: &["Pool.Audit"],
        audit: &["Pool.Audit"],
    },
    Category {
        name: "Mapping",
        root: &[],
        admin: &["Mapping.Modify"],
        user: &["Mapping.Use"],
        audit: &["Mapping.Audit"],
    },
];

/// All privileges.
pub(crate) fn privileges() -> BTreeSet<&'static str> {
    let of = |category: &'static Category| {
        [category.root, category.admin, category.user, category.audit].concat()
    };
    CATEGORIES.iter().flat_map(of).chain(["Permissions.Modify"]).collect()
}

/// The roles that are always there.
pub(crate) fn special_roles() -> Vec<(String, BTreeSet<&'static str>)> {
    let mut roles = vec![
        ("Administrator".to_owned(), privileges()),
        ("NoAccess".to_owned(), BTreeSet::new()),
        ("PVETemplateUser".to_owned(), BTreeSet::from(["VM.Audit", "VM.Clone"])),
    ];
    let (mut everything, mut looking) = (BTreeSet::new(), BTreeSet::new());
    for category in CATEGORIES {
        let all = [category.admin, category.user, category.audit].concat();
        everything.extend(all.iter().copied());
        looking.extend(category.audit.iter().copied());
        roles.push((format!("PVE{}Admin", category.name), all.into_iter().collect()));
        if !category.user.is_empty() {
            let using = [category.user, category.audit].concat();
            roles.push((format!("PVE{}User", category.name), using.into_iter().collect()));
        }
    }
    everything.remove("Mapping.Modify");
    roles.push(("PVEAdmin".to_owned(), everything));
    roles.push(("PVEAuditor".to_owned(), looking));
    roles.sort();
    roles
}

/// Rows that are kept below `/access`.
pub(crate) fn place(name: &str) -> Vec<String> {
    vec!["access".to_owned(), name.to_owned()]
}

/// Where the tokens of a user are kept.
pub(crate) fn tokens_of(user: &str) -> Vec<String> {
    ["access", "users", user, "token"].map(str::to_owned).to_vec()
}

/// Whether one of several checks is met; the first refusal counts.
fn first_of(checks: impl Iterator<Item = Result<(), Refusal>>) -> Result<(), Refusal> {
    let mut refused = None;
    for check in checks {
        match check {
            Ok(()) => return Ok(()),
            Err(refusal) => {
                refused.get_or_insert(refusal);
            }
        }
    }
    refused.map_or(Ok(()), Err)
}

/// A path of the access control list with the values of a call in it.
fn filled(call: &Call, path: &str) -> String {
    let value = |segment: &str| match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
        Some(name) => match call.path.get(name) {
            Some(value) => value.clone(),
            None => call.text(name).unwrap_or_default(),
        },
        None => segment.to_owned(),
    };
    path.split('/').map(value).collect::<Vec<_>>().join("/")
}

fn text<'a>(row: &'a Map<String, Value>, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Cluster {
    /// Rows that were created below `/access`.
    pub(crate) fn access_rows(&self, name: &str) -> &[Map<String, Value>] {
        self.stored.get(&place(name)).map(Vec::as_slice).unwrap_or_default()
    }

    /// The row of a created user, group or role.
    pub(crate) fn access_row(
        &self,
        name: &str,
        key: &str,
        id: &str,
    ) -> Option<&Map<String, Value>> {
        self.access_rows(name).iter().find(|row| text(row, key) == id)
    }

    /// Whether whoever calls has a privilege on a path. The administrator, and users that were there
    /// from the beginning, have what the cluster grants everywhere.
    pub(crate) fn allowed(&self, path: &str, privilege: &str) -> bool {
        let (user, token) = match self.caller.split_once('!') {
            Some((user, token)) => (user, Some(token)),
            None => (self.caller.as_str(), None),
        };
        if self.product != Product::Pve {
            return self.privileges.contains(privilege);
        }
        let by_user = match self.access_row("users", "userid", user) {
            Some(_) => self.grants(user, path, privilege),
            None => self.privileges.contains(privilege),
        };
        by_user
            && (!self.is_separate(user, token)
                || self.given(path, privilege, |row| {
                    text(row, "type") == "token" && text(row, "ugid") == self.caller
                }))
    }

    /// Whether a token has no rights but those given to itself.
    fn is_separate(&self, user: &str, token: Option<&str>) -> bool {
        let rows = self.stored.get(&tokens_of(user)).into_iter().flatten();
        let row = rows.into_iter().find(|row| Some(text(row, "tokenid")) == token);
        row.is_some_and(|row| row.get("privsep").is_none_or(|separate| *separate != 0))
    }

    /// Whether rights are looked up for whoever calls.
    fn is_limited(&self) -> bool {
        let (user, token) = match self.caller.split_once('!') {
            Some((user, token)) => (user, Some(token)),
            None => (self.caller.as_str(), None),
        };
        self.product == Product::Pve
            && (self.access_row("users", "userid", user).is_some() || self.is_separate(user, token))
    }

    /// Refuses callers without what the description asks for. Handlers that check themselves come
    /// after this.
    pub(crate) fn permit(&self, call: &Call) -> Result<(), Refusal> {
        match self.is_limited() {
            true => self.meets(call, call.op.permission),
            false => Ok(()),
        }
    }

    fn meets(&self, call: &Call, wanted: &Permission) -> Result<(), Refusal> {
        let denied = |what: &str| refuse(403, format!("Permission check failed ({what})"));
        let user = self.caller.split('!').next().unwrap_or_default();
        let on = |path: &str, name: &str| {
            let path = filled(call, path);
            let guest =
                path.strip_prefix("/vms/").and_then(|id| self.guests.get(&id.parse().ok()?));
            let has = match guest {
                Some(guest) => self.may_on_guest(guest, name),
                None => self.allowed(&path, name),
            };
            if has { Ok(()) } else { Err(denied(&format!("{path}, {name}"))) }
        };
        match wanted {
            Permission::World | Permission::User | Permission::Told => Ok(()),
            Permission::Root => Err(denied("user != root@pam")),
            Permission::On(path, names) => names.iter().try_for_each(|name| on(path, name)),
            Permission::OneOn(path, names) => first_of(names.iter().map(|name| on(path, name))),
            Permission::Itself => {
                let about = call.text("userid").unwrap_or_else(|| call.at("userid").to_owned());
                if about == user { Ok(()) } else { Err(denied("/access/users, User.Modify")) }
            }
            Permission::Group(names) => {
                first_of(names.iter().map(|name| on("/access/groups", name)))
            }
            Permission::Realm(name) => on("/access/realm", name),
            Permission::Modify(path) => on(path, "Permissions.Modify"),
            Permission::All(parts) => parts.iter().try_for_each(|part| self.meets(call, part)),
            Permission::Any(parts) => first_of(parts.iter().map(|part| self.meets(call, part))),
        }
    }

    fn grants(&self, user: &str, path: &str, privilege: &str) -> bool {
        let own = |row: &Map<String, Value>| match text(row, "type") {
            "user" => text(row, "ugid") == user,
            "group" => self.groups_of(user).contains(&text(row, "ugid")),
            _ => false,
        };
        self.given(path, privilege, own)
    }

    /// Rules nearer to the path replace those further up.
    fn given(
        &self,
        path: &str,
        privilege: &str,
        concerns: impl Fn(&Map<String, Value>) -> bool,
    ) -> bool {
        let applies = |row: &&Map<String, Value>| {
            let at = text(row, "path");
            let below = at == "/" || path.starts_with(&format!("{at}/"));
            let inherits = row.get("propagate").is_none_or(|flag| *flag != 0);
            concerns(row) && (at == path || (below && inherits))
        };
        let rows: Vec<_> = self.access_rows("acl").iter().filter(applies).collect();
        let nearest = rows.iter().map(|row| text(row, "path").len()).max();
        rows.iter()
            .filter(|row| Some(text(row, "path").len()) == nearest)
            .any(|row| self.role(text(row, "roleid")).is_some_and(|role| role.contains(privilege)))
    }

    /// The privileges of a role.
    pub(crate) fn role(&self, name: &str) -> Option<BTreeSet<String>> {
        if let Some((_, privileges)) = special_roles().into_iter().find(|(known, _)| known == name)
        {
            return Some(privileges.into_iter().map(str::to_owned).collect());
        }
        let row = self.access_row("roles", "roleid", name)?;
        Some(split_list(text(row, "privs")).into_iter().map(str::to_owned).collect())
    }

    /// The groups of a created user.
    pub(crate) fn groups_of(&self, user: &str) -> Vec<&str> {
        let row = self.access_row("users", "userid", user);
        row.map(|row| split_list(text(row, "groups"))).unwrap_or_default()
    }

    /// Whether whoever calls has a privilege on a guest, by itself or by its pool.
    pub(crate) fn may_on_guest(&self, guest: &Guest, privilege: &str) -> bool {
        let by_pool = guest
            .pool
            .as_ref()
            .is_some_and(|pool| self.allowed(&format!("/pool/{pool}"), privilege));
        by_pool || self.allowed(&format!("/vms/{}", guest.vmid), privilege)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_special_roles_are_made_of_categories() {
        let roles = special_roles();
        let role = |name: &str| &roles.iter().find(|(known, _)| known == name).expect("a role").1;
        assert_eq!(roles.len(), 17);
        assert!(
            role("PVEAuditor").contains("VM.Audit") && !role("PVEAuditor").contains("VM.Clone")
        );
        assert!(role("PVEVMUser").contains("VM.PowerMgmt"));
        assert!(role("Administrator").is_superset(role("PVEAdmin")));
    }
}
