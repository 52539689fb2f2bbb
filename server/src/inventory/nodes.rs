//! Nodes with what they are made of.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use sdk_proxmox::parse::split_list;
use sdk_proxmox::pve::{
    ClusterResourcesRowType, ClusterStatusRowType, NodesNetworkPutType, NodesNetworkRow,
    NodesStatus,
};

use super::answers::Answers;
use super::{InterfaceKind, Node, NodeInterface};

/// Nodes out of the cluster's status and of the list of resources: a token may see only one.
pub(super) fn nodes(answers: &Answers) -> Vec<Node> {
    let mut known: BTreeMap<&str, (bool, Option<IpAddr>)> = BTreeMap::new();
    for row in &answers.resources {
        if row.kind == Some(ClusterResourcesRowType::Node)
            && let Some(name) = &row.node
        {
            known.insert(name, (row.status.as_deref() == Some("online"), None));
        }
    }
    for row in &answers.status {
        if row.kind == Some(ClusterStatusRowType::Node)
            && let Some(name) = &row.name
        {
            let ip = row.ip.as_deref().and_then(|ip| ip.parse().ok());
            known.insert(name, (row.online.unwrap_or(false), ip));
        }
    }
    known.into_iter().map(|(name, (online, ip))| node(name, online, ip, answers)).collect()
}

fn node(name: &str, online: bool, ip: Option<IpAddr>, answers: &Answers) -> Node {
    let own = answers.nodes.get(name);
    let status = own.and_then(|own| own.status.as_ref());
    let network = own.and_then(|own| own.network.as_ref());
    Node {
        name: name.to_owned(),
        online,
        ip,
        cpu: status.and_then(cpu),
        version: status.and_then(|status| status.pveversion.as_deref()).map(version),
        interfaces: network.map(|rows| rows.iter().filter_map(interface).collect()),
    }
}

/// `4 x Intel(R) Xeon(R) E-2224`
fn cpu(status: &NodesStatus) -> Option<String> {
    let info = status.cpuinfo.as_ref()?;
    let model = info.model.as_deref()?;
    Some(match info.cpus {
        Some(cpus) => format!("{cpus} x {model}"),
        None => model.to_owned(),
    })
}

/// `pve-manager/9.1.1/42db4a6cf33dac83` without the commit.
fn version(text: &str) -> String {
    text.splitn(3, '/').take(2).collect::<Vec<_>>().join("/")
}

/// None for what is no interface of the node's own, `lo` for instance.
fn interface(row: &NodesNetworkRow) -> Option<NodeInterface> {
    use NodesNetworkPutType as Type;
    let kind = match row.kind.as_ref()? {
        Type::Eth => InterfaceKind::Physical,
        Type::Bridge | Type::OVSBridge => InterfaceKind::Bridge,
        Type::Bond | Type::OVSBond => InterfaceKind::Bond,
        Type::Vlan => InterfaceKind::Vlan,
        Type::OVSIntPort | Type::Alias | Type::Vnet | Type::Fabric => InterfaceKind::Virtual,
        // Ports of a switch have no life of their own, and the rest nobody knows.
        _ => return None,
    };
    if row.iface == "lo" {
        return None;
    }
    let members = [&row.slaves, &row.bridge_ports, &row.ovs_ports, &row.ovs_bonds];
    let members = members.into_iter().flatten().flat_map(|text| split_list(text));
    let (raw_device, vlan) = vlan_of(row);
    Some(NodeInterface {
        name: row.iface.clone(),
        kind,
        active: row.active.unwrap_or(false),
        mtu: row.mtu,
        comment: row
            .comments
            .as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(Into::into),
        vlan: (kind == InterfaceKind::Vlan).then_some(vlan).flatten().or(row.ovs_tag),
        parent: (kind == InterfaceKind::Vlan).then_some(raw_device).flatten(),
        members: members.map(str::to_owned).collect(),
        addresses: addresses(row),
    })
}

/// `vmbr0.20` says both in its name.
fn vlan_of(row: &NodesNetworkRow) -> (Option<String>, Option<i64>) {
    let named = row.iface.rsplit_once('.');
    let device = row.vlan_raw_device.clone().or_else(|| Some(named?.0.to_owned()));
    let number = row.vlan_id.or_else(|| named?.1.parse().ok());
    (device, number.filter(|number| (1..=4094).contains(number)))
}

fn addresses(row: &NodesNetworkRow) -> Vec<IpNet> {
    let v4 = row.cidr.clone().or_else(|| joined(row.address.as_deref(), row.netmask.as_deref()));
    let prefix = row.netmask6.map(|prefix| prefix.to_string());
    let v6 = row.cidr6.clone().or_else(|| joined(row.address6.as_deref(), prefix.as_deref()));
    [v4, v6].into_iter().flatten().filter_map(|text| text.parse().ok()).collect()
}

/// `10.0.0.5` and `24`; masks like `255.255.255.0` are read too.
fn joined(address: Option<&str>, mask: Option<&str>) -> Option<String> {
    let (address, mask) = (address?, mask?);
    match mask.parse::<std::net::Ipv4Addr>() {
        Ok(mask) => {
            let prefix = ipnet::ipv4_mask_to_prefix(mask).ok()?;
            Some(format!("{address}/{prefix}"))
        }
        Err(_) => Some(format!("{address}/{mask}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<NodeInterface> {
        interface(&proxbox_runtime::decode::<NodesNetworkRow>(json.as_bytes()).unwrap().value)
    }

    #[test]
    fn each_kind_of_interface_says_what_it_rides_on() {
        let bond =
            read(r#"{"iface":"bond0","type":"bond","slaves":"eno1 eno2","active":1}"#).unwrap();
        assert_eq!(
            (bond.kind, bond.members),
            (InterfaceKind::Bond, vec!["eno1".into(), "eno2".into()])
        );
        let vlan = read(r#"{"iface":"vmbr0.20","type":"vlan"}"#).unwrap();
        assert_eq!((vlan.parent.as_deref(), vlan.vlan), (Some("vmbr0"), Some(20)));
        let named = r#"{"iface":"storage","type":"vlan","vlan-raw-device":"eno1","vlan-id":"30"}"#;
        let named = read(named).unwrap();
        assert_eq!((named.parent.as_deref(), named.vlan), (Some("eno1"), Some(30)));
        assert_eq!(read(r#"{"iface":"lo","type":"loopback"}"#), None);
    }

    #[test]
    fn addresses_come_in_both_spellings() {
        for json in [
            r#"{"iface":"vmbr0","type":"bridge","cidr":"10.0.0.5/24"}"#,
            r#"{"iface":"vmbr0","type":"bridge","address":"10.0.0.5","netmask":"24"}"#,
            r#"{"iface":"vmbr0","type":"bridge","address":"10.0.0.5","netmask":"255.255.255.0"}"#,
        ] {
            assert_eq!(read(json).unwrap().addresses, ["10.0.0.5/24".parse().unwrap()], "{json}");
        }
    }
}
