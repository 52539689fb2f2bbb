//! `cargo xtask privileges --for sync` (or `--in FOLDER`): the least that Proxmox has to grant, as
//! `pveum` lines.
//!
//! Which operations a program sends is read from its source, what each needs from the specs; nothing
//! is listed by hand, so that neither a new call nor a new release is forgotten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use codegen::generate::lower;
use codegen::ir::{Op, Permission};
use codegen::product::Product;
use syn::visit::Visit;

use crate::fetch::read_manifest;
use crate::regen::read_spec;

#[derive(Args)]
pub(crate) struct Privileges {
    /// What the rights are for
    #[arg(long = "for", value_enum, required_unless_present = "folder")]
    purpose: Option<Purpose>,
    /// Rust sources of another program that sends operations of PVE
    #[arg(long = "in", value_name = "FOLDER", conflicts_with = "purpose")]
    folder: Option<PathBuf>,
    /// Name of the role and of the token
    #[arg(long, default_value = "sync")]
    role: String,
    /// User that the token belongs to
    #[arg(long, default_value = "proxbox@pve")]
    user: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Purpose {
    /// Reading the inventory
    Sync,
}

impl Purpose {
    const fn sources(self) -> &'static str {
        match self {
            Self::Sync => "server/src/inventory",
        }
    }
}

impl Privileges {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let mut named = Named::default();
        let folder = match (&self.folder, self.purpose) {
            (Some(folder), _) => folder.clone(),
            (None, purpose) => root.join(purpose.unwrap_or(Purpose::Sync).sources()),
        };
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name() {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(path)?;
            let file = syn::parse_file(&text).with_context(|| format!("{}", path.display()))?;
            named.visit_file(&file);
        }
        let specs = root.join("specs");
        let manifest = read_manifest(&specs)?;
        let releases = manifest.releases(Product::Pve);
        for major in ["8", "9"] {
            let of_major = |release: &str| release.split('.').next() == Some(major);
            let Some((path, entry)) = releases.iter().rfind(|(_, e)| of_major(&e.release)) else {
                bail!("specs/ holds no release of PVE {major}");
            };
            let api = lower(Product::Pve, &read_spec(&specs, path)?);
            let granted = needed(&api.ops, &named);
            if granted.is_empty() {
                bail!("{} sends no operation that needs a privilege", folder.display());
            }
            println!("# PVE {major}, from the description of {}", entry.release);
            self.print(&granted);
        }
        Ok(())
    }

    fn print(&self, privileges: &BTreeSet<String>) {
        let user = &self.user;
        let list = privileges.iter().cloned().collect::<Vec<_>>().join(" ");
        let role = &self.role;
        println!("pveum role add proxbox-{role} --privs \"{list}\"");
        println!("pveum user add {user}");
        println!("pveum acl modify / --users {user} --roles proxbox-{role}");
        println!("pveum user token add {user} {role} --privsep 1");
        println!("pveum acl modify / --tokens '{user}!{role}' --roles proxbox-{role}\n");
    }
}

/// Names and texts in the source.
#[derive(Default)]
struct Named {
    idents: BTreeSet<String>,
    texts: BTreeSet<String>,
}

impl<'a> Visit<'a> for Named {
    fn visit_ident(&mut self, ident: &'a proc_macro2::Ident) {
        self.idents.insert(ident.to_string());
    }
    fn visit_lit_str(&mut self, text: &'a syn::LitStr) {
        self.texts.insert(text.value());
    }
}

/// What the named operations ask for, and the privileges that the source itself names because a
/// list is silently shorter without them.
fn needed(ops: &[Op], named: &Named) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut known = BTreeSet::new();
    for op in ops {
        let Some(permission) = &op.permission else { continue };
        collect_all(permission, &mut known);
        if named.idents.contains(&codegen::type_name(&op.id)) {
            needed.extend(least(permission));
        }
    }
    needed.extend(named.texts.intersection(&known).cloned());
    needed
}

/// The privileges of the smallest alternative; one that only reads before any other.
fn least(permission: &Permission) -> BTreeSet<String> {
    match permission {
        Permission::Privileges { privileges, one: true, .. } => {
            let audit = privileges.iter().find(|name| name.ends_with(".Audit"));
            audit.or(privileges.first()).cloned().into_iter().collect()
        }
        Permission::Privileges { privileges, .. } | Permission::Group(privileges) => {
            privileges.iter().cloned().collect()
        }
        Permission::All(parts) => parts.iter().flat_map(least).collect(),
        Permission::Any(parts) => parts
            .iter()
            .map(least)
            .min_by_key(|names| {
                (names.iter().filter(|name| !name.ends_with(".Audit")).count(), names.len())
            })
            .unwrap_or_default(),
        Permission::Realm(privilege) => BTreeSet::from([privilege.clone()]),
        Permission::Root
        | Permission::World
        | Permission::User
        | Permission::Itself
        | Permission::Modify(_)
        | Permission::Told => BTreeSet::new(),
    }
}

fn collect_all(permission: &Permission, into: &mut BTreeSet<String>) {
    match permission {
        Permission::Privileges { privileges, .. } => into.extend(privileges.iter().cloned()),
        Permission::All(parts) | Permission::Any(parts) => {
            parts.iter().for_each(|part| collect_all(part, into));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use codegen::ir::Permission;

    use super::least;

    #[test]
    fn of_alternatives_the_one_that_only_reads_is_taken() {
        let on = |name: &str| Permission::Privileges {
            path: "/vms/{vmid}".into(),
            privileges: vec![name.into()],
            one: false,
        };
        let any =
            Permission::Any(vec![on("VM.GuestAgent.Unrestricted"), on("VM.GuestAgent.Audit")]);
        assert_eq!(least(&any).into_iter().collect::<Vec<_>>(), ["VM.GuestAgent.Audit"]);
    }
}
