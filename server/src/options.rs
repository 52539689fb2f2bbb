//! Options by the names that the plugin has for them: in queries, and in its settings.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::inventory::GuestKind;
use crate::plan::{DAY, Family, InterfaceNames, Kind, Overwrite, Policy, SyncMode};

/// Options by name, as they came. What is not known, or makes no sense, changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Options {
    values: BTreeMap<String, String>,
}

impl Options {
    /// Sets an option; the last value counts.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// What is wrong with an option, where a person gave it: a name that nothing listens to would change
    /// nothing without a word.
    pub fn check(name: &str, value: &str) -> Result<(), String> {
        let one_of = |values: &[&str]| match values.contains(&value) {
            true => Ok(()),
            false => Err(format!("{name} is one of {}", values.join(", "))),
        };
        let number = || match value.parse::<u32>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("{name} is a whole number")),
        };
        match name {
            "primary_ip_preference" => one_of(&["ipv4", "ipv6"]),
            "vm_interface_sync_strategy" => one_of(&["guest_os_model", "legacy_rename"]),
            _ if NUMBERS.contains(&name) => number(),
            _ if name.strip_prefix("sync_mode_").is_some_and(is_mode) => {
                one_of(&["always", "bootstrap_only", "disabled"])
            }
            _ if FLAGS.contains(&name) || Overwrite::from_name(name).is_some() => {
                one_of(&["true", "false"])
            }
            _ => Err(format!("there is no option {name}; an example is overwrite_vm_tags=false")),
        }
    }

    /// The plugin's settings, without those that are nothing to a sync: secrets are among them.
    pub fn from_settings<'s>(settings: impl IntoIterator<Item = (&'s String, &'s Value)>) -> Self {
        let mut options = Self::default();
        for (name, value) in settings.into_iter().filter(|(name, _)| is_of_sync(name)) {
            match value {
                Value::String(text) => options.set(name, text),
                Value::Bool(_) | Value::Number(_) => options.set(name, value.to_string()),
                _ => {}
            }
        }
        options
    }

    /// These options, and those of `over` in their place.
    pub fn then(mut self, over: &Self) -> Self {
        self.values.extend(over.values.iter().map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// The value of an option that is true or false.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        boolean(self.values.get(name)?)
    }

    /// Changes what the options name.
    pub fn apply(&self, policy: &mut Policy) {
        for (name, value) in &self.values {
            take(policy, name, value);
        }
        self.take_interface_names(policy);
    }

    /// Two options decide about one thing.
    fn take_interface_names(&self, policy: &mut Policy) {
        let strategy = self.values.get("vm_interface_sync_strategy").map(String::as_str);
        let wanted = self.boolean("use_guest_agent_interface_name");
        policy.interface_names = match (wanted, strategy) {
            (Some(false), _) => InterfaceNames::Ignored,
            (_, Some("legacy_rename")) => InterfaceNames::Renamed,
            (_, Some("guest_os_model")) => InterfaceNames::GuestTables,
            _ => return,
        };
    }
}

/// Options that are true or false, beside `overwrite_*`.
const FLAGS: [&str; 8] = [
    "ignore_ipv6_link_local_addresses",
    "ensure_netbox_objects",
    "custom_fields_enabled",
    "delete_nonexistent_backup",
    "delete_nonexistent_snapshot",
    "delete_orphans",
    "parse_description_metadata",
    "use_guest_agent_interface_name",
];

/// Options that are numbers.
const NUMBERS: [&str; 7] = [
    "fetch_max_concurrency",
    "proxbox_fetch_max_concurrency",
    "bulk_batch_size",
    "default_role_qemu",
    "default_role_lxc",
    "orphan_delay_days",
    "allow_deletes",
];

fn is_mode(object: &str) -> bool {
    object == "vm_template" || !kinds(object).is_empty()
}

/// Settings that decide about a sync.
fn is_of_sync(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "proxbox_fetch_max_concurrency",
        "bulk_batch_size",
        "ignore_ipv6_link_local_addresses",
        "ensure_netbox_objects",
        "custom_fields_enabled",
        "primary_ip_preference",
        "vm_interface_sync_strategy",
        "use_guest_agent_interface_name",
        "delete_orphans",
        "parse_description_metadata",
        "default_role_qemu",
        "default_role_lxc",
    ];
    let prefixes = ["overwrite_", "sync_mode_"];
    NAMES.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn take(policy: &mut Policy, name: &str, value: &str) {
    let set = |flag: &mut bool| *flag = boolean(value).unwrap_or(*flag);
    let within = |number: &mut usize, limits: std::ops::RangeInclusive<usize>| {
        let parsed = value.parse().ok().filter(|parsed| limits.contains(parsed));
        *number = parsed.unwrap_or(*number);
    };
    match name {
        "fetch_max_concurrency" | "proxbox_fetch_max_concurrency" => {
            within(&mut policy.fetch_max_concurrency, 1..=64);
        }
        "bulk_batch_size" => within(&mut policy.bulk_batch_size, 1..=1000),
        "ignore_ipv6_link_local_addresses" => set(&mut policy.ignore_ipv6_link_local_addresses),
        "ensure_netbox_objects" => set(&mut policy.ensure_netbox_objects),
        "custom_fields_enabled" => set(&mut policy.custom_fields),
        "delete_nonexistent_backup" => set(&mut policy.delete_gone_backups),
        "delete_nonexistent_snapshot" => set(&mut policy.delete_gone_snapshots),
        "default_role_qemu" => role(policy, GuestKind::Qemu, value),
        "default_role_lxc" => role(policy, GuestKind::Lxc, value),
        "delete_orphans" => set(&mut policy.prune),
        "parse_description_metadata" => set(&mut policy.parse_description_metadata),
        "orphan_delay_days" => {
            let days = value.parse::<u16>().map(|days| i64::from(days) * DAY);
            policy.orphan_delay = days.unwrap_or(policy.orphan_delay);
        }
        "allow_deletes" => policy.allow_deletes = value.parse().ok(),
        "primary_ip_preference" if value == "ipv6" => policy.primary_ip_preference = Family::V6,
        "primary_ip_preference" if value == "ipv4" => policy.primary_ip_preference = Family::V4,
        _ => take_rule(policy, name, value),
    }
}

/// `overwrite_*` and `sync_mode_*`.
fn take_rule(policy: &mut Policy, name: &str, value: &str) {
    if let (Some(flag), Some(on)) = (Overwrite::from_name(name), boolean(value)) {
        match on {
            true => policy.overwrite.insert(flag),
            false => policy.overwrite.remove(&flag),
        };
    }
    let (Some(object), Some(mode)) = (name.strip_prefix("sync_mode_"), SyncMode::from_name(value))
    else {
        return;
    };
    if object == "vm_template" {
        policy.template_mode = mode;
    }
    policy.modes.extend(kinds(object).iter().map(|kind| (*kind, mode)));
}

fn role(policy: &mut Policy, kind: GuestKind, value: &str) {
    policy.default_roles.extend(value.parse().ok().map(|role: i64| (kind, role)));
}

fn kinds(object: &str) -> &'static [Kind] {
    match object {
        "vm" => &[Kind::VirtualMachine],
        "vm_interface" => &[Kind::VmInterface, Kind::GuestInterface],
        "mac" => &[Kind::MacAddress],
        "ip_address" => &[Kind::IpAddress, Kind::GuestAddress],
        "cluster" => &[Kind::Cluster],
        "node" => &[Kind::Device, Kind::Interface],
        "storage" => &[Kind::Storage],
        _ => &[],
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::part::Part;

    fn applied(pairs: &[(&str, &str)]) -> Policy {
        let (mut options, mut policy) = (Options::default(), Policy::default());
        for (name, value) in pairs {
            options.set(*name, *value);
        }
        options.apply(&mut policy);
        policy
    }

    #[test]
    fn every_overwrite_flag_has_its_effect() {
        for flag in Overwrite::ALL {
            assert!(!applied(&[(flag.name(), "false")]).overwrite.contains(flag), "{flag:?}");
            assert!(applied(&[(flag.name(), "true")]).overwrite.contains(flag), "{flag:?}");
        }
    }

    #[test]
    fn every_mode_has_its_effect() {
        for (name, kind, part) in [
            ("vm", Kind::VirtualMachine, Part::VirtualMachines),
            ("vm_interface", Kind::VmInterface, Part::VmInterfaces),
            ("mac", Kind::MacAddress, Part::VmInterfaces),
            ("ip_address", Kind::IpAddress, Part::IpAddresses),
            ("cluster", Kind::Cluster, Part::Devices),
            ("node", Kind::Device, Part::Devices),
            ("node", Kind::Interface, Part::NodeInterfaces),
            ("storage", Kind::Storage, Part::Storage),
        ] {
            for (word, mode) in
                [("disabled", SyncMode::Disabled), ("bootstrap_only", SyncMode::BootstrapOnly)]
            {
                let policy = applied(&[(&format!("sync_mode_{name}"), word)]);
                assert_eq!(policy.mode(kind, part), mode, "{name}");
            }
        }
        let policy = applied(&[("sync_mode_vm_template", "disabled")]);
        assert_eq!(policy.template_mode, SyncMode::Disabled);
    }

    #[test]
    fn both_options_on_interface_names_are_read_together() {
        for (used, strategy, expected) in [
            ("true", "guest_os_model", InterfaceNames::GuestTables),
            ("true", "legacy_rename", InterfaceNames::Renamed),
            ("false", "legacy_rename", InterfaceNames::Ignored),
            ("false", "guest_os_model", InterfaceNames::Ignored),
        ] {
            let policy = applied(&[
                ("use_guest_agent_interface_name", used),
                ("vm_interface_sync_strategy", strategy),
            ]);
            assert_eq!(policy.interface_names, expected, "{used} {strategy}");
        }
    }

    #[test]
    fn settings_of_the_plugin_are_options_too() {
        let settings = json!({
            "custom_fields_enabled": true, "ensure_netbox_objects": false, "bulk_batch_size": 20,
            "primary_ip_preference": "ipv6", "proxbox_fetch_max_concurrency": 3,
            "encryption_key": "a secret", "tenant_name_regex_rules": [],
        });
        let mut policy = Policy::default();
        let options = Options::from_settings(settings.as_object().unwrap());
        assert!(!format!("{options:?}").contains("secret"), "{options:?}");
        options.apply(&mut policy);
        assert!(policy.custom_fields && !policy.ensure_netbox_objects);
        assert_eq!((policy.bulk_batch_size, policy.fetch_max_concurrency), (20, 3));
        assert_eq!(policy.primary_ip_preference, Family::V6);
    }

    #[test]
    fn an_option_that_nothing_listens_to_is_refused_where_a_person_gave_it() {
        for (name, value) in [
            ("overwrite_vm_tags", "false"),
            ("sync_mode_mac", "disabled"),
            ("sync_mode_vm_template", "always"),
            ("bulk_batch_size", "20"),
            ("primary_ip_preference", "ipv6"),
            ("delete_orphans", "true"),
        ] {
            assert_eq!(Options::check(name, value), Ok(()), "{name}={value}");
            let wrong = Options::check(name, "perhaps").unwrap_err();
            assert!(wrong.contains(name), "{wrong}");
        }
        for name in ["x", "overwrite_vm_tag", "sync_mode_", "sync_mode_vlan", ""] {
            assert!(Options::check(name, "true").is_err(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_understood_changes_nothing() {
        let policy = applied(&[
            ("fetch_max_concurrency", "0"),
            ("primary_ip_preference", "x"),
            ("overwrite_vm_tags", "perhaps"),
            ("sync_mode_vm", "sometimes"),
            ("nonsense", ""),
            ("", ""),
            ("sync_mode_", "always"),
        ]);
        assert_eq!(policy.fetch_max_concurrency, Policy::default().fetch_max_concurrency);
        assert_eq!(policy.overwrite, Policy::default().overwrite);
        assert!(policy.modes.is_empty());
    }
}
