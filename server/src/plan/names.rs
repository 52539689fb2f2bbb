//! Names of guests: NetBox wants them unique in a cluster, whatever their case; Proxmox does not.

use std::collections::{BTreeMap, BTreeSet};

use super::vocabulary::NAME_LIMIT;

/// A guest that wants a name.
pub(super) struct Claim<'a> {
    pub(super) vmid: i64,
    /// Its name in Proxmox.
    pub(super) name: &'a str,
    /// Its name in NetBox so far.
    pub(super) held: Option<&'a str>,
}

/// The name that a guest gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) name: String,
    /// Which one of those with this name it is, from 2; none for the one that gets the plain name.
    pub(super) duplicate: Option<usize>,
}

/// Gives each guest its name, or the name and its vmid where the name is taken.
///
/// Who has the plain name in NetBox keeps it, else the lowest vmid gets it: a second run decides
/// the same. `taken` are names of machines that are not ours to rename, in lower case.
pub(super) fn resolve(claims: &[Claim<'_>], taken: &BTreeSet<String>) -> BTreeMap<i64, Given> {
    let mut groups: BTreeMap<String, Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in claims {
        groups.entry(cut(claim.name, 0).to_lowercase()).or_default().push(claim);
    }
    let mut used = taken.clone();
    used.extend(groups.keys().cloned());
    let mut given = BTreeMap::new();
    for (lower, mut group) in groups {
        let holds = |claim: &Claim<'_>| claim.held.is_some_and(|held| held.to_lowercase() == lower);
        group.sort_by_key(|claim| (!holds(claim), claim.vmid));
        for (position, claim) in group.into_iter().enumerate() {
            let plain = position == 0 && !taken.contains(&lower);
            let one = if plain {
                Given { name: cut(claim.name, 0), duplicate: None }
            } else {
                let name = suffixed(claim, &mut used);
                Given { name, duplicate: Some(position + 1 + usize::from(taken.contains(&lower))) }
            };
            given.insert(claim.vmid, one);
        }
    }
    given
}

fn suffixed(claim: &Claim<'_>, used: &mut BTreeSet<String>) -> String {
    let mut suffix = format!(" ({})", claim.vmid);
    for attempt in 2.. {
        let name = format!("{}{suffix}", cut(claim.name, suffix.len()));
        if used.insert(name.to_lowercase()) {
            return name;
        }
        suffix = format!(" ({}-{attempt})", claim.vmid);
    }
    claim.name.to_owned()
}

/// The name with room for `reserve` more characters.
pub(super) fn cut(name: &str, reserve: usize) -> String {
    let name: String = name.trim().chars().take(NAME_LIMIT.saturating_sub(reserve)).collect();
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(claims: &[(i64, &str, Option<&str>)], taken: &[&str]) -> Vec<(i64, String)> {
        let claims: Vec<Claim<'_>> =
            claims.iter().map(|&(vmid, name, held)| Claim { vmid, name, held }).collect();
        let taken = taken.iter().map(|name| (*name).to_owned()).collect();
        let given = resolve(&claims, &taken);
        given.into_iter().map(|(vmid, given)| (vmid, given.name)).collect()
    }

    #[test]
    fn the_second_guest_of_a_name_gets_its_vmid_behind_it() {
        for (claims, taken, expected) in [
            (vec![(1, "web", None), (2, "web", None)], vec![], ["web", "web (2)"]),
            (vec![(1, "web", None), (2, "WEB", None)], vec![], ["web", "WEB (2)"]),
            // Who has it keeps it.
            (vec![(1, "web", None), (2, "web", Some("web"))], vec![], ["web (1)", "web"]),
            // Someone else has it.
            (vec![(1, "web", None), (2, "db", None)], vec!["web"], ["web (1)", "db"]),
            // The way out is taken too.
            (vec![(1, "web", None), (2, "web", None)], vec!["web (2)"], ["web", "web (2-2)"]),
        ] {
            let given = names(&claims, &taken);
            let given: Vec<&str> = given.iter().map(|(_, name)| name.as_str()).collect();
            assert_eq!(given, expected, "{claims:?} {taken:?}");
        }
    }

    #[test]
    fn no_name_is_longer_than_netbox_takes() {
        let long = "x".repeat(80);
        for (_, name) in names(&[(1, &long, None), (2, &long, None)], &[]) {
            assert!(name.chars().count() <= NAME_LIMIT, "{name}");
        }
    }
}
