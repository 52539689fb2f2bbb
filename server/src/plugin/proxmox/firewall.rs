//! Firewall rules of clusters and nodes.

use axum::Json;
use axum::extract::{RawQuery, State};
use futures_util::future::try_join_all;
use sdk_proxmox::pve::{
    ClusterResourcesRowType, GetClusterFirewallAliases, GetClusterFirewallGroups,
    GetClusterFirewallGroupsGroup, GetClusterFirewallIpset, GetClusterFirewallIpsetName,
    GetClusterFirewallOptions, GetClusterFirewallRules, GetClusterResources,
    GetNodesNodeFirewallRules, GetNodesNodeLxcVmidFirewallRules, GetNodesNodeQemuVmidFirewallRules,
};
use sdk_proxmox::{Client, Error};
use serde_json::{Value, json};

use super::cluster::rows;
use super::{ask_all, chosen, cluster_name, data};
use crate::edge::{ApiError, App, Path};
use crate::sync::Target;

/// What each cluster's firewall holds, under the names that the plugin reads and under those that
/// it is published with.
pub(super) async fn summary(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    Ok(Json(ask_all(&targets, |target| of_cluster(&target.client)).await?))
}

/// A part that cannot be read is null, and the first error says why: the rest is worth having.
async fn of_cluster(client: &Client) -> Result<Value, Error> {
    let name = cluster_name(client).await?;
    let (rules, aliases, options) = tokio::join!(
        data(client, GetClusterFirewallRules::new()),
        data(client, GetClusterFirewallAliases::new()),
        data(client, GetClusterFirewallOptions::new()),
    );
    let (groups, sets) = tokio::join!(groups(client), sets(client));
    let mut failed = None;
    let mut read = |part: Result<Value, Error>| {
        part.unwrap_or_else(|error| {
            failed.get_or_insert(error.to_string());
            Value::Null
        })
    };
    let [rules, aliases, options, groups, sets] =
        [rules, aliases, options, groups, sets].map(&mut read);
    let mut published = options.clone();
    let place = [("cluster_name", name.as_str().into()), ("zone", "datacenter".into())];
    add(&mut published, place);
    add(&mut published, [("options", options.clone())]);
    let status = if failed.is_some() { "error" } else { "ok" };
    Ok(json!({
        "cluster_name": name, "rules": rules, "ip_sets": sets, "aliases": aliases,
        "options": options, "security_groups": groups,
        "datacenter_rules": in_datacenter(&name, &rules),
        "datacenter_ipsets": in_datacenter(&name, &sets),
        "datacenter_aliases": in_datacenter(&name, &aliases),
        "datacenter_options": published,
        "node_rules": [], "node_options": [], "vm_rules": [], "vm_ipsets": [], "vm_aliases": [],
        "vm_options": [], "status": status, "error": failed,
    }))
}

/// Groups with their rules.
async fn groups(client: &Client) -> Result<Value, Error> {
    let groups = rows(data(client, GetClusterFirewallGroups::new()).await?);
    let with_rules = groups.into_iter().map(|mut group| async move {
        let name = group["group"].as_str().unwrap_or_default().to_owned();
        let rules = data(client, GetClusterFirewallGroupsGroup::new(name.as_str())).await?;
        add(&mut group, [("rules", rules), ("name", name.into())]);
        Ok::<_, Error>(group)
    });
    Ok(Value::Array(try_join_all(with_rules).await?))
}

/// IP sets with their entries.
async fn sets(client: &Client) -> Result<Value, Error> {
    let sets = rows(data(client, GetClusterFirewallIpset::new()).await?);
    let with_entries = sets.into_iter().map(|mut set| async move {
        let name = set["name"].as_str().unwrap_or_default().to_owned();
        let entries = data(client, GetClusterFirewallIpsetName::new(name.as_str())).await?;
        add(&mut set, [("entries", entries)]);
        Ok::<_, Error>(set)
    });
    Ok(Value::Array(try_join_all(with_entries).await?))
}

fn in_datacenter(cluster: &str, list: &Value) -> Value {
    let mut list = list.clone();
    for row in list.as_array_mut().into_iter().flatten() {
        add(row, [("cluster_name", cluster.into()), ("zone", "datacenter".into())]);
    }
    list
}

fn add<const N: usize>(row: &mut Value, members: [(&str, Value); N]) {
    if let Some(row) = row.as_object_mut() {
        row.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
}

/// Rules of clusters.
pub(super) async fn cluster_rules(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        let rules = data(&target.client, GetClusterFirewallRules::new()).await?;
        Ok(rows(in_datacenter(&name, &rules)))
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}

/// Rules of a guest, wherever it runs.
pub(super) async fn guest_rules(
    State(app): State<App>,
    Path(vmid): Path<i64>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let one = async |target: &Target| {
        let name = cluster_name(&target.client).await?;
        let resources = target.client.send(&GetClusterResources::new()).await?.value;
        let guest = resources.iter().find(|row| row.vmid == Some(vmid));
        let Some((node, kind)) =
            guest.and_then(|row| Some((row.node.clone()?, row.kind.as_ref()?)))
        else {
            return Ok(Vec::new());
        };
        let rules = match kind {
            ClusterResourcesRowType::Lxc => {
                data(&target.client, GetNodesNodeLxcVmidFirewallRules::new(node.as_str(), vmid))
                    .await?
            }
            _ => {
                data(&target.client, GetNodesNodeQemuVmidFirewallRules::new(node.as_str(), vmid))
                    .await?
            }
        };
        let mut rules = rows(rules);
        for rule in &mut rules {
            let place = [
                ("cluster_name", name.as_str().into()),
                ("zone", "vm".into()),
                ("node", node.as_str().into()),
                ("vmid", vmid.into()),
            ];
            add(rule, place);
        }
        Ok(rules)
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}

/// Rules of a node.
pub(super) async fn node_rules(
    State(app): State<App>,
    Path(node): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<Value>>, ApiError> {
    let targets = chosen(&app, query).await?;
    let node = node.as_str();
    let one = |target: &Target| {
        let client = target.client.clone();
        async move {
            let name = cluster_name(&client).await?;
            let rules = match data(&client, GetNodesNodeFirewallRules::new(node)).await {
                // A node that is off, or that another cluster has, has no rules to show.
                Err(error) if error.is_node_unreachable() || error.is_not_found() => Value::Null,
                rules => rules?,
            };
            Ok(rows(rules).into_iter().map(move |mut rule| {
                let cluster = name.as_str().into();
                add(
                    &mut rule,
                    [("cluster_name", cluster), ("zone", "node".into()), ("node", node.into())],
                );
                rule
            }))
        }
    };
    Ok(Json(ask_all(&targets, one).await?.into_iter().flatten().collect()))
}
