//! Makes clients of the stored endpoints.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

use super::address;
use super::resolver::CheckedResolver;
use super::scheme::scheme;
use crate::options::Options;
use crate::store::{NetboxEndpoint, ProxmoxEndpoint, Store, StoreError, TokenVersion};
use crate::sync::{Policy, SavedPlan, Target};

/// Which endpoints a run uses; nothing said means all that are enabled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Ids of Proxmox endpoints.
    pub proxmox_ids: Option<Vec<i64>>,
    /// Name of a Proxmox endpoint.
    pub name: Option<String>,
    /// Domain of a Proxmox endpoint.
    pub domain: Option<String>,
    /// IP address of a Proxmox endpoint.
    pub ip_address: Option<String>,
    /// TCP port of a Proxmox endpoint.
    pub port: Option<u16>,
    /// Schema id of a NetBox branch.
    pub branch: Option<String>,
}

/// Clients of all endpoints of a run.
pub struct Connected {
    /// Client of the NetBox.
    pub netbox: sdk_netbox::Client,
    /// The Proxmox clusters.
    pub targets: Vec<Target>,
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No NetBox endpoint is stored.
    #[error(
        "No NetBox endpoint found; add one with POST /netbox/endpoint or `proxbox endpoints add`"
    )]
    NoNetbox,
    /// The NetBox endpoint is switched off.
    #[error("The NetBox endpoint `{0}` is disabled; enable it to sync")]
    NetboxDisabled(String),
    /// No enabled Proxmox endpoint fits the selection.
    #[error("No enabled Proxmox endpoint matches; GET /proxmox/endpoints lists what there is")]
    NoProxmox,
    /// The host may not be contacted.
    #[error("The endpoint `{name}` cannot be contacted: {why}")]
    Refused {
        /// Name of the endpoint.
        name: String,
        /// Which address is in the way.
        why: String,
    },
    /// A setting does not fit.
    #[error("The NetBox endpoint `{name}` cannot be used")]
    Netbox {
        /// Name of the endpoint.
        name: String,
        /// What is wrong.
        source: Box<sdk_netbox::Error>,
    },
    /// A setting does not fit.
    #[error("The Proxmox endpoint `{name}` cannot be used")]
    Proxmox {
        /// Name of the endpoint.
        name: String,
        /// What is wrong.
        source: Box<sdk_proxmox::Error>,
    },
    /// The endpoint cannot be read from the state.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the clients of a run. Nothing is asked of the endpoints yet.
pub async fn connect(
    store: &Store,
    selection: &Selection,
    options: &Options,
) -> Result<Connected, EndpointError> {
    let netbox = netbox(store, selection).await?;
    let targets = targets(store, selection, options).await?;
    Ok(Connected { netbox, targets })
}

/// Makes the clients that carrying out a saved plan takes; taking a run back takes no Proxmox.
pub async fn connect_for(store: &Store, saved: &SavedPlan) -> Result<Connected, EndpointError> {
    let proxmox_ids = Some(saved.endpoints.clone());
    let selection = Selection { proxmox_ids, ..Selection::default() };
    match saved.reverts {
        Some(_) => Ok(Connected { netbox: netbox(store, &selection).await?, targets: Vec::new() }),
        None => connect(store, &selection, &saved.order.options).await,
    }
}

/// Makes the client of the NetBox. Nothing is asked of it yet.
pub async fn netbox(
    store: &Store,
    selection: &Selection,
) -> Result<sdk_netbox::Client, EndpointError> {
    let endpoint = store.netbox_endpoint().await?.ok_or(EndpointError::NoNetbox)?;
    if !endpoint.enabled {
        return Err(EndpointError::NetboxDisabled(endpoint.name));
    }
    connect_netbox(store, &endpoint, selection).await
}

/// Makes the clients of the chosen Proxmox endpoints. Nothing is asked of them yet.
pub async fn targets(
    store: &Store,
    selection: &Selection,
    options: &Options,
) -> Result<Vec<Target>, EndpointError> {
    let chosen: Vec<_> =
        store.proxmox_endpoints().await?.into_iter().filter(|row| selection.takes(row)).collect();
    if chosen.is_empty() {
        return Err(EndpointError::NoProxmox);
    }
    let mut policy = Policy::default();
    options.apply(&mut policy);
    let mut targets = Vec::with_capacity(chosen.len());
    for row in chosen {
        targets.push(connect_proxmox(store, row, &policy).await?.0);
    }
    Ok(targets)
}

/// An IPv6 address as it stands in a URL.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

impl Selection {
    pub(super) fn takes(&self, row: &ProxmoxEndpoint) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| is.is_some_and(|is| is.eq_ignore_ascii_case(wanted)))
        };
        row.enabled
            && self.proxmox_ids.as_ref().is_none_or(|ids| ids.contains(&row.id))
            && same(&self.name, Some(&row.name))
            && same(&self.domain, row.domain.as_deref())
            && same(&self.ip_address, Some(&row.ip_address))
            && self.port.is_none_or(|port| port == row.port)
    }
}

async fn connect_netbox(
    store: &Store,
    endpoint: &NetboxEndpoint,
    selection: &Selection,
) -> Result<sdk_netbox::Client, EndpointError> {
    let host = address::host(&endpoint.ip_address, endpoint.domain.as_deref());
    check_literal(&endpoint.name, host)?;
    let secrets = store.netbox_secrets().await?;
    let token = netbox_token(endpoint.token_version, secrets.token_key, secrets.token);
    let scheme = scheme(host, endpoint.port, endpoint.verify_ssl).await.unwrap_or("https");
    let url = format!("{scheme}://{}:{}", bracketed(host), endpoint.port);
    let mut builder = sdk_netbox::Client::builder(&url)
        .token(token)
        .accept_invalid_certs(!endpoint.verify_ssl)
        .resolver(Arc::new(CheckedResolver));
    if let Some(branch) = &selection.branch {
        builder = builder.header("X-NetBox-Branch", branch);
    }
    builder.build().map_err(|source| EndpointError::Netbox {
        name: endpoint.name.clone(),
        source: Box::new(source),
    })
}

/// A client of an endpoint, and whether it is sure that it speaks to it rightly.
pub(super) async fn connect_proxmox(
    store: &Store,
    row: ProxmoxEndpoint,
    policy: &Policy,
) -> Result<(Target, bool), EndpointError> {
    let hosts = address::hosts(&row.ip_address, row.domain.as_deref());
    for host in &hosts {
        check_literal(&row.name, host)?;
    }
    let secrets = store.proxmox_secrets(row.id).await?;
    let told = hosts.iter().map(|host| scheme(host, row.port, row.verify_ssl));
    let told = join_all(told).await;
    // A host that is down speaks what the others of its cluster do.
    let common = told.iter().flatten().next().copied();
    let mut urls = hosts.iter().zip(&told).map(|(host, told)| {
        let scheme = told.or(common).unwrap_or("https");
        format!("{scheme}://{}:{}", bracketed(host), row.port)
    });
    let mut builder = sdk_proxmox::Client::builder(&urls.next().unwrap_or_default())
        .product(row.product.0)
        .accept_invalid_certs(!row.verify_ssl)
        .resolver(Arc::new(CheckedResolver))
        .concurrency(policy.fetch_max_concurrency);
    for url in urls {
        builder = builder.host(&url);
    }
    if let Some(limit) = seconds(row.timeout) {
        builder = builder.connect_timeout(limit).read_timeout(limit);
    }
    if let Some(times) = row.max_retries.and_then(|times| u32::try_from(times).ok()) {
        builder = builder.retries(times);
    }
    builder = match (&row.token_name, secrets.token_value, secrets.password) {
        (Some(name), Some(value), _) => builder.token(token_id(&row.username, name), value),
        (_, _, Some(password)) => builder.password(&row.username, password),
        _ => builder,
    };
    let client = builder.build().map_err(|source| EndpointError::Proxmox {
        name: row.name.clone(),
        source: Box::new(source),
    })?;
    let (site, tenant) = (row.site_id, row.tenant_id);
    let host = hosts.first().copied().unwrap_or_default();
    let link = format!("https://{}:{}", bracketed(host), row.port);
    let target = Target { endpoint_id: row.id, link, name: row.name, client, site, tenant };
    Ok((target, common.is_some()))
}

/// Addresses are connected to as they are; names are checked when they are resolved.
fn check_literal(name: &str, host: &str) -> Result<(), EndpointError> {
    let refused = |why| EndpointError::Refused { name: name.to_owned(), why };
    host.parse::<IpAddr>()
        .map_or(Ok(()), |address| address::check_address(address).map_err(refused))
}

/// `nbt_<key>.<secret>` of a version 2 token, whose halves the plugin sends apart.
fn netbox_token(
    version: TokenVersion,
    key: Option<SecretString>,
    token: Option<SecretString>,
) -> SecretString {
    let token = token.unwrap_or_default();
    match (version, key) {
        (TokenVersion::V2, Some(key)) if !token.expose_secret().starts_with("nbt_") => {
            let key = key.expose_secret().trim_start_matches("nbt_");
            format!("nbt_{key}.{}", token.expose_secret()).into()
        }
        _ => token,
    }
}

/// Token names come bare (`sync`) or whole (`root@pam!sync`).
fn token_id(username: &str, name: &str) -> String {
    match name.contains('!') {
        true => name.to_owned(),
        false => format!("{username}!{name}"),
    }
}

fn seconds(value: Option<i64>) -> Option<Duration> {
    value
        .and_then(|value| u64::try_from(value).ok())
        .filter(|value| *value > 0)
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_name_gets_its_user_once() {
        assert_eq!(token_id("root@pam", "e2e"), "root@pam!e2e");
        assert_eq!(token_id("root@pam", "sync@pve!e2e"), "sync@pve!e2e");
    }

    #[test]
    fn the_halves_of_a_version_2_token_are_joined() {
        let some = |text: &str| Some(SecretString::from(text));
        for (version, key, token, expected) in [
            (TokenVersion::V1, None, "abc", "abc"),
            (TokenVersion::V1, some("left over"), "abc", "abc"),
            (TokenVersion::V2, some("key"), "secret", "nbt_key.secret"),
            (TokenVersion::V2, some("nbt_key"), "secret", "nbt_key.secret"),
            (TokenVersion::V2, some("key"), "nbt_key.secret", "nbt_key.secret"),
        ] {
            let joined = netbox_token(version, key, some(token));
            assert_eq!(joined.expose_secret(), expected);
        }
    }
}
