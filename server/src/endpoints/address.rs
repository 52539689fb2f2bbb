//! Which hosts an endpoint may name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Names under which clouds serve credentials to whoever asks from inside.
const METADATA_NAMES: [&str; 3] =
    ["metadata", "metadata.google.internal", "instance-data.ec2.internal"];

/// The host that requests go to: the domain, and the address where there is none.
///
/// A mask behind the address (`10.0.0.1/24`, as NetBox writes it) is left out.
pub fn host<'a>(ip_address: &'a str, domain: Option<&'a str>) -> &'a str {
    match domain.map(str::trim) {
        Some(domain) if !domain.is_empty() => domain,
        _ => without_mask(ip_address),
    }
}

/// The hosts of a cluster, the first of which is asked first: a domain may name several, with commas
/// between them.
pub fn hosts<'a>(ip_address: &'a str, domain: Option<&'a str>) -> Vec<&'a str> {
    let hosts = host(ip_address, domain).split(',').map(str::trim);
    hosts.filter(|host| !host.is_empty()).collect()
}

/// Checks address and domain of an endpoint; the error says which and why.
pub fn check(ip_address: &str, domain: Option<&str>) -> Result<(), String> {
    let address = without_mask(ip_address);
    if !address.is_empty() {
        let parsed: IpAddr = address
            .parse()
            .map_err(|_| "ip_address: not an IP address; names go into `domain`".to_owned())?;
        check_address(parsed).map_err(|why| format!("ip_address: {why}"))?;
    }
    let hosts = hosts(ip_address, domain);
    if hosts.is_empty() {
        return Err("ip_address or domain is required".into());
    }
    hosts.into_iter().try_for_each(check_host).map_err(|why| format!("domain: {why}"))
}

/// Refuses addresses that no endpoint has: link-local ones, cloud metadata, nowhere and everywhere.
pub fn check_address(address: IpAddr) -> Result<(), String> {
    let refused = match address {
        IpAddr::V4(v4) => refused_v4(v4),
        IpAddr::V6(v6) => refused_v6(v6) || embedded_v4(v6).is_some_and(refused_v4),
    };
    if refused {
        return Err(format!(
            "{address} is a link-local, metadata, multicast or unspecified address; \
             endpoints there are not contacted"
        ));
    }
    Ok(())
}

fn check_host(host: &str) -> Result<(), String> {
    // The parser of URLs also reads 0xA9FEA9FE and 2852039166 as the address they are.
    let bracketed = host.parse::<Ipv6Addr>().map(|address| format!("[{address}]"));
    match Host::parse(bracketed.as_deref().unwrap_or(host)) {
        Ok(Host::Ipv4(address)) => check_address(address.into()),
        Ok(Host::Ipv6(address)) => check_address(address.into()),
        Ok(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            if METADATA_NAMES.contains(&name.as_str()) {
                return Err("names of cloud metadata services are not contacted".into());
            }
            Ok(())
        }
        Err(_) => Err("not a host name; leave scheme, port and path out".into()),
    }
}

fn without_mask(address: &str) -> &str {
    address.split('/').next().unwrap_or_default().trim()
}

fn refused_v4(address: Ipv4Addr) -> bool {
    address.is_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_broadcast()
        // The metadata services of Alibaba Cloud and of Azure.
        || address == Ipv4Addr::new(100, 100, 100, 200)
        || address == Ipv4Addr::new(168, 63, 129, 16)
}

fn refused_v6(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local()
        || address.is_unspecified()
        || address.is_multicast()
        // The metadata services of AWS and of Google Cloud.
        || address == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        || address == Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)
        // NAT64 of a network's own choice: what is behind it is not known.
        || address.segments()[..3] == [0x64, 0xff9b, 1]
}

/// The IPv4 address that reaches the same host: mapped, or behind NAT64.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let nat64 = address.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let low = Ipv4Addr::from_bits((address.to_bits() & u128::from(u32::MAX)) as u32);
    address.to_ipv4_mapped().or_else(|| nat64.then_some(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_goes_before_the_address() {
        for (ip, domain, expected) in [
            ("127.0.0.1", None, "127.0.0.1"),
            ("127.0.0.1", Some(""), "127.0.0.1"),
            ("10.0.0.9/24", Some("  "), "10.0.0.9"),
            ("127.0.0.1", Some("pve.example.org"), "pve.example.org"),
            ("127.0.0.1", Some("127.0.0.4"), "127.0.0.4"),
        ] {
            assert_eq!(host(ip, domain), expected);
        }
    }

    #[test]
    fn ordinary_hosts_are_accepted() {
        for (ip, domain) in [
            ("127.0.0.1", Some("")),
            ("127.0.0.1", None),
            ("127.0.0.4", Some("127.0.0.4")),
            ("192.168.1.5/24", None),
            ("", Some("pve_1.lan")),
            ("fd00::5", None),
            ("127.0.0.1", Some("fd00::5")),
        ] {
            assert_eq!(check(ip, domain), Ok(()), "{ip} {domain:?}");
        }
    }

    #[test]
    fn metadata_and_link_local_hosts_are_refused_however_they_are_written() {
        for (ip, domain) in [
            ("169.254.169.254", None),
            ("169.254.169.254", Some("pve.example.org")),
            ("127.0.0.1", Some("169.254.169.254")),
            ("127.0.0.1", Some("0xA9FEA9FE")),
            ("127.0.0.1", Some("2852039166")),
            ("127.0.0.1", Some("169.254.43518")),
            ("127.0.0.1", Some("metadata.google.internal.")),
            ("::ffff:169.254.169.254", None),
            ("64:ff9b::a9fe:a9fe", None),
            ("fe80::1", None),
            ("fd00:ec2::254", None),
            ("fd20:ce::254", None),
            ("64:ff9b:1::a9fe:a9fe", None),
            ("168.63.129.16", None),
            ("0.0.0.0", None),
            ("::", None),
        ] {
            assert!(check(ip, domain).is_err(), "{ip} {domain:?}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (ip, domain) in [
            ("", None),
            ("pve.example.org", None),
            ("127.0.0.1", Some("https://pve.example.org")),
            ("127.0.0.1", Some("pve:8006")),
            ("127.0.0.1", Some("user@pve")),
            ("127.0.0.1", Some("pve/api2")),
        ] {
            assert!(check(ip, domain).is_err(), "{ip} {domain:?}");
        }
    }
}
