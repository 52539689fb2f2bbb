//! The query of sync requests: some forty flags, of which unknown ones are ignored.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use url::form_urlencoded;

use crate::edge::ApiError;
use crate::endpoints::Selection;
use crate::options::Options;

/// Ids in one request at most.
const MOST_IDS: usize = 1000;

/// What a sync request asks for.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub(super) options: Options,
    pub(super) selection: Selection,
    /// Only these virtual machines, by NetBox's ids.
    pub(super) machines: Option<BTreeSet<i64>>,
}

impl Flags {
    /// Reads the query. Only what chooses endpoints or machines can be an error: ignoring it would sync
    /// everything.
    pub(super) fn parse(query: &str) -> Result<Self, ApiError> {
        let mut flags = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            flags.take(&name, value.trim())?;
        }
        Ok(flags)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let Self { options, selection, machines } = self;
        let text = || (!value.is_empty()).then(|| value.to_owned());
        match name {
            "proxmox_endpoint_ids" | "endpoint_ids" => {
                selection.proxmox_ids = Some(ids(name, value, StatusCode::BAD_REQUEST)?);
            }
            "netbox_vm_ids" => {
                let listed = ids(name, value, StatusCode::UNPROCESSABLE_ENTITY)?;
                *machines = Some(listed.into_iter().collect());
            }
            "name" => selection.name = text(),
            "domain" => selection.domain = text(),
            "ip_address" => selection.ip_address = text(),
            "port" => {
                let port = value.parse().map_err(|_| {
                    let detail = "port: a number from 1 to 65535";
                    ApiError::bad_request("The query is not valid", detail)
                })?;
                selection.port = Some(port);
            }
            "netbox_branch_schema_id" => selection.branch = text(),
            _ => options.set(name, value),
        }
        Ok(())
    }
}

fn ids(name: &str, list: &str, status: StatusCode) -> Result<Vec<i64>, ApiError> {
    let ids: Result<Vec<i64>, _> = list.split(',').map(|id| id.trim().parse()).collect();
    match ids {
        Ok(ids) if ids.len() <= MOST_IDS => Ok(ids),
        _ => {
            let detail = format!("{name}: up to {MOST_IDS} numbers, as in 1,2,3");
            Err(ApiError::new(status, "The query is not valid", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chooses_an_endpoint_is_never_ignored() {
        let flags = Flags::parse("port=8007&domain=pve.example.org").unwrap();
        assert_eq!(flags.selection.port, Some(8007));
        assert_eq!(flags.selection.domain.as_deref(), Some("pve.example.org"));
        assert!(Flags::parse("port=eight").is_err() && Flags::parse("endpoint_ids=x").is_err());
    }

    use crate::part::Part;
    use crate::plan::{Family, Kind, Overwrite, Policy, SyncMode};

    #[test]
    fn what_the_plugin_sends_on_every_stage_is_understood() {
        let query = "use_guest_agent_interface_name=true&vm_interface_sync_strategy=guest_os_model\
            &fetch_max_concurrency=3&ignore_ipv6_link_local_addresses=false\
            &primary_ip_preference=ipv6&parse_description_metadata=false&overwrite_vm_tags=false\
            &overwrite_device_role=true&overwrite_ip_dns_name=true&sync_mode_vm=bootstrap_only\
            &sync_mode_node=disabled&sync_mode_sdn=disabled&sync_mode_vm_template=disabled\
            &proxmox_endpoint_ids=4%2C7&run_id=x&netbox_branch_schema_id=td5smq0f&netbox_vm_ids=17";
        let Flags { options, selection, machines } = Flags::parse(query).unwrap();
        let mut policy = Policy::default();
        options.apply(&mut policy);
        assert_eq!(policy.fetch_max_concurrency, 3);
        assert!(!policy.ignore_ipv6_link_local_addresses);
        assert_eq!(policy.primary_ip_preference, Family::V6);
        assert!(!policy.overwrite.contains(&Overwrite::VmTags));
        assert!(policy.overwrite.contains(&Overwrite::DeviceRole));
        let mode = policy.mode(Kind::VirtualMachine, Part::VirtualMachines);
        assert_eq!(mode, SyncMode::BootstrapOnly);
        assert_eq!(policy.mode(Kind::Interface, Part::NodeInterfaces), SyncMode::Disabled);
        assert_eq!(policy.mode(Kind::VirtualDisk, Part::VirtualDisks), SyncMode::Always);
        assert_eq!(policy.template_mode, SyncMode::Disabled);
        assert_eq!(selection.proxmox_ids, Some(vec![4, 7]));
        assert_eq!(selection.branch.as_deref(), Some("td5smq0f"));
        assert_eq!(machines, Some([17].into()));
    }

    #[test]
    fn a_broken_list_of_ids_is_refused_instead_of_syncing_everything() {
        for query in [
            "proxmox_endpoint_ids=",
            "endpoint_ids=1,x",
            "proxmox_endpoint_ids=1,,2",
            "netbox_vm_ids=",
            "netbox_vm_ids=5,x",
        ] {
            assert!(Flags::parse(query).is_err(), "{query}");
        }
    }
}
