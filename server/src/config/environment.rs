//! Variables of the environment: what they mean to a sync, and those that nothing listens to.

use crate::options::Options;

/// Those that flags and commands read themselves, here or in proxbox-api's place.
const KNOWN: [&str; 28] = [
    "PROXBOX_BIND_HOST",
    "PROXBOX_CORS_EXTRA_ORIGINS",
    "PROXBOX_DATABASE",
    "PROXBOX_DATABASE_PATH",
    "PROXBOX_ENCRYPTION_KEY",
    "PROXBOX_ENCRYPTION_KEY_FILE",
    "PROXBOX_KEEP_RUNS",
    "PROXBOX_KEY",
    "PROXBOX_LISTEN",
    "PROXBOX_LOG_LEVEL",
    "PROXBOX_NETBOX_TOKEN",
    "PROXBOX_NETBOX_TOKEN_FILE",
    "PROXBOX_NETBOX_URL",
    "PROXBOX_PROXMOX_FINGERPRINT",
    "PROXBOX_PROXMOX_PASSWORD",
    "PROXBOX_PROXMOX_PASSWORD_FILE",
    "PROXBOX_PROXMOX_TOKEN_ID",
    "PROXBOX_PROXMOX_TOKEN_SECRET",
    "PROXBOX_PROXMOX_TOKEN_SECRET_FILE",
    "PROXBOX_PROXMOX_URL",
    "PROXBOX_RATE_LIMIT",
    "PROXBOX_TLS_CERTIFICATE",
    "PROXBOX_TLS_KEY",
    "PROXBOX_TRUSTED_PROXIES",
    // A server that starts asks nothing of NetBox, and its routes are compiled in.
    "PROXBOX_SKIP_NETBOX_BOOTSTRAP",
    "PROXBOX_STRICT_STARTUP",
    "PROXBOX_GENERATED_DIR",
    "PROXBOX_CORPUS",
];

/// Those of proxbox-api that decide about a sync, and the option that each is here.
const OPTIONS: [(&str, &str); 5] = [
    ("PROXBOX_ENSURE_NETBOX_OBJECTS", "ensure_netbox_objects"),
    ("PROXBOX_DELETE_ORPHANS", "delete_orphans"),
    ("PROXBOX_FETCH_MAX_CONCURRENCY", "fetch_max_concurrency"),
    ("PROXBOX_PROXMOX_FETCH_CONCURRENCY", "proxbox_fetch_max_concurrency"),
    ("PROXBOX_BULK_BATCH_SIZE", "bulk_batch_size"),
];

/// Why others of proxbox-api change nothing here.
const ELSEWHERE: [(&str, &str); 9] = [
    ("PROXBOX_NETBOX_", "how much NetBox is asked at a time follows from how it copes"),
    ("PROXBOX_VM_SYNC_", "guests are read and written together"),
    ("PROXBOX_BACKUP_BATCH_", "batches have one size: PROXBOX_BULK_BATCH_SIZE"),
    ("PROXBOX_BULK_BATCH_DELAY", "there are no pauses between batches"),
    ("PROXBOX_INTERFACE_BATCH_", "batches have one size: PROXBOX_BULK_BATCH_SIZE"),
    ("PROXBOX_DEBUG_CACHE", "no answers of NetBox are kept"),
    ("PROXBOX_ALLOW_PLAINTEXT", "credentials are always sealed"),
    ("PROXBOX_SSH_", "there is no SSH here"),
    ("PROXBOX_CLOUD_", "guests are not made here"),
];

/// What the environment says about syncs.
pub fn options() -> Options {
    let mut options = Options::default();
    for (variable, name) in OPTIONS {
        if let Ok(value) = std::env::var(variable)
            && Options::check(name, &value).is_ok()
        {
            options.set(name, value);
        }
    }
    options
}

/// Warns of variables that look meant for this server and change nothing.
pub fn warn_of_unknown() {
    for (name, value) in std::env::vars_os() {
        let (Some(name), value) = (name.to_str(), value.to_string_lossy()) else { continue };
        if let Some(why) = complaint(name, &value) {
            tracing::warn!(variable = name, "{why}");
        }
    }
}

/// What is to be said about a variable, if anything.
fn complaint(name: &str, value: &str) -> Option<String> {
    if !name.starts_with("PROXBOX_") || KNOWN.contains(&name) {
        return None;
    }
    if let Some((_, option)) = OPTIONS.iter().find(|(variable, _)| *variable == name) {
        return Options::check(option, value).err();
    }
    if let Some((_, why)) = ELSEWHERE.iter().find(|(start, _)| name.starts_with(start)) {
        return Some(format!("it changes nothing here: {why}"));
    }
    let all = KNOWN.iter().chain(OPTIONS.iter().map(|(variable, _)| variable));
    let near = all.min_by_key(|known| distance(known, name));
    Some(match near.filter(|known| distance(known, name) <= 3) {
        Some(known) => format!("there is no such variable; {known} may be meant"),
        None => "there is no such variable".to_owned(),
    })
}

/// How many letters two names differ in.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut above = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = above + usize::from(a != *b);
            above = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(above + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_change_nothing_are_told() {
        let said = |name, value| complaint(name, value);
        assert_eq!(said("PROXBOX_RATE_LIMIT", "60"), None);
        assert_eq!(said("HOME", "/root"), None);
        assert_eq!(said("PROXBOX_DELETE_ORPHANS", "true"), None);
        assert!(said("PROXBOX_DELETE_ORPHANS", "perhaps").unwrap().contains("true"));
        assert!(said("PROXBOX_RATE_LIMITS", "1").unwrap().contains("PROXBOX_RATE_LIMIT "));
        assert!(said("PROXBOX_SSH_KEY_DIR", "/x").unwrap().contains("SSH"));
        assert!(said("PROXBOX_SOMETHING", "").unwrap().contains("no such variable"));
    }
}
