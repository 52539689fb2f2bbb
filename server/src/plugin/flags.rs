//! The query of sync requests: some forty flags, of which unknown ones are ignored.

use url::form_urlencoded;

use super::ApiError;
use crate::plan::{Family, Kind, Overwrite, SyncMode};
use crate::runs::Selection;
use crate::sync::Policy;

/// Endpoints in one request at most.
const MOST_IDS: usize = 100;

/// What a sync request asks for.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub(super) policy: Policy,
    pub(super) selection: Selection,
}

impl Flags {
    /// Reads the query. Only a malformed list of ids is an error: ignoring it would sync everything.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut flags = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            flags.take(&name, value.trim())?;
        }
        Ok(flags)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let Self { policy, selection } = self;
        let text = || (!value.is_empty()).then(|| value.to_owned());
        match name {
            "proxmox_endpoint_ids" | "endpoint_ids" => selection.proxmox_ids = Some(ids(value)?),
            // Part of a run is not built; running all of it instead would touch what nobody asked for.
            "netbox_vm_ids" if !value.is_empty() => {
                let detail = "netbox_vm_ids: a run for chosen machines is not part of this server; \
                              leave it out for a full update";
                return Err(ApiError::bad_request("The query is not valid", detail));
            }
            "name" => selection.name = text(),
            "domain" => selection.domain = text(),
            "ip_address" => selection.ip_address = text(),
            "netbox_branch_schema_id" => selection.branch = text(),
            "fetch_max_concurrency" => {
                let parsed = value.parse().ok().filter(|number| (1..=64).contains(number));
                policy.fetch_max_concurrency = parsed.unwrap_or(policy.fetch_max_concurrency);
            }
            "ignore_ipv6_link_local_addresses" => {
                let ignore = &mut policy.ignore_ipv6_link_local_addresses;
                *ignore = boolean(value).unwrap_or(*ignore);
            }
            "primary_ip_preference" if value == "ipv6" => policy.primary_ip_preference = Family::V6,
            "primary_ip_preference" if value == "ipv4" => policy.primary_ip_preference = Family::V4,
            _ => self.take_rule(name, value),
        }
        Ok(())
    }

    /// `overwrite_*` and `sync_mode_*`; what this version does not sync is ignored.
    fn take_rule(&mut self, name: &str, value: &str) {
        if let (Some(flag), Some(on)) = (Overwrite::from_name(name), boolean(value)) {
            match on {
                true => self.policy.overwrite.insert(flag),
                false => self.policy.overwrite.remove(&flag),
            };
        }
        let (Some(object), Some(mode)) =
            (name.strip_prefix("sync_mode_"), SyncMode::from_name(value))
        else {
            return;
        };
        if object == "vm_template" {
            self.policy.template_mode = mode;
        }
        self.policy.modes.extend(kinds(object).iter().map(|kind| (*kind, mode)));
    }
}

fn kinds(object: &str) -> &'static [Kind] {
    match object {
        "vm" => &[Kind::VirtualMachine],
        "vm_interface" => &[Kind::VmInterface],
        "mac" => &[Kind::MacAddress],
        "ip_address" => &[Kind::IpAddress],
        "cluster" => &[Kind::Cluster],
        "node" => &[Kind::Device, Kind::Interface],
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

fn ids(list: &str) -> Result<Vec<i64>, ApiError> {
    let ids: Result<Vec<i64>, _> = list.split(',').map(|id| id.trim().parse()).collect();
    match ids {
        Ok(ids) if ids.len() <= MOST_IDS => Ok(ids),
        _ => {
            let detail = format!("proxmox_endpoint_ids: up to {MOST_IDS} numbers, as in 1,2,3");
            Err(ApiError::bad_request("The query is not valid", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::Part;

    #[test]
    fn what_the_plugin_sends_on_every_stage_is_understood() {
        let query = "use_guest_agent_interface_name=true&vm_interface_sync_strategy=guest_os_model\
            &fetch_max_concurrency=3&ignore_ipv6_link_local_addresses=false\
            &primary_ip_preference=ipv6&parse_description_metadata=false&overwrite_vm_tags=false\
            &overwrite_device_role=true&overwrite_ip_dns_name=true&sync_mode_vm=bootstrap_only\
            &sync_mode_node=disabled&sync_mode_sdn=disabled&sync_mode_vm_template=disabled\
            &proxmox_endpoint_ids=4%2C7&run_id=x&netbox_branch_schema_id=td5smq0f";
        let Flags { policy, selection } = Flags::parse(query).unwrap();
        assert_eq!(policy.fetch_max_concurrency, 3);
        assert!(!policy.ignore_ipv6_link_local_addresses);
        assert_eq!(policy.primary_ip_preference, Family::V6);
        assert!(!policy.overwrite.contains(&Overwrite::VmTags));
        assert!(policy.overwrite.contains(&Overwrite::DeviceRole));
        assert_eq!(
            policy.mode(Kind::VirtualMachine, Part::VirtualMachines),
            SyncMode::BootstrapOnly
        );
        assert_eq!(policy.mode(Kind::Interface, Part::NodeInterfaces), SyncMode::Disabled);
        assert_eq!(policy.mode(Kind::VirtualDisk, Part::VirtualDisks), SyncMode::Always);
        assert_eq!(policy.template_mode, SyncMode::Disabled);
        assert_eq!(selection.proxmox_ids, Some(vec![4, 7]));
        assert_eq!(selection.branch.as_deref(), Some("td5smq0f"));
    }

    #[test]
    fn what_cannot_be_understood_changes_nothing() {
        let query = "fetch_max_concurrency=0&primary_ip_preference=x&overwrite_vm_tags=perhaps\
            &sync_mode_vm=sometimes&nonsense&=&sync_mode_=always";
        let Flags { policy, selection } = Flags::parse(query).unwrap();
        assert_eq!(policy.fetch_max_concurrency, Policy::default().fetch_max_concurrency);
        assert_eq!(policy.overwrite, Policy::default().overwrite);
        assert!(policy.modes.is_empty());
        assert_eq!(selection, Selection::default());
    }

    #[test]
    fn a_broken_or_foreign_list_of_ids_is_refused_instead_of_syncing_everything() {
        for query in [
            "proxmox_endpoint_ids=",
            "endpoint_ids=1,x",
            "proxmox_endpoint_ids=1,,2",
            "netbox_vm_ids=5",
        ] {
            assert!(Flags::parse(query).is_err(), "{query}");
        }
    }
}
