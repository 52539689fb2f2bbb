//! The addresses of a guest's interfaces: from the guest itself, else from its configuration.

use std::net::IpAddr;

use ipnet::IpNet;
use sdk_proxmox::Value;
use sdk_proxmox::pve::LxcInterfacesRow;

use super::OwnInterface;

/// A guest's interfaces as the guest itself sees them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    rows: Vec<SeenInterface>,
}

#[derive(Debug, PartialEq, Eq)]
struct SeenInterface {
    /// In upper case with colons.
    mac: Option<String>,
    name: Option<String>,
    addresses: Vec<IpNet>,
}

impl Seen {
    /// The addresses of the interface with this MAC address, or else with this name.
    pub(super) fn of(&self, mac: Option<&str>, name: Option<&str>) -> Vec<IpNet> {
        let by_mac = |row: &&SeenInterface| mac.is_some() && row.mac.as_deref() == mac;
        let by_name = |row: &&SeenInterface| name.is_some() && row.name.as_deref() == name;
        let mut found = Vec::new();
        let rows: Vec<&SeenInterface> = match self.rows.iter().any(|row| by_mac(&row)) {
            true => self.rows.iter().filter(by_mac).collect(),
            false => self.rows.iter().filter(by_name).collect(),
        };
        for address in rows.into_iter().flat_map(|row| &row.addresses) {
            if !found.contains(address) {
                found.push(*address);
            }
        }
        found
    }

    /// The interfaces by the guest's own names, without its loopback.
    pub(super) fn into_interfaces(self) -> Vec<OwnInterface> {
        let is_loopback = |one: &OwnInterface| {
            one.name == "lo" || one.addresses.iter().any(|address| address.addr().is_loopback())
        };
        let named = self.rows.into_iter().filter_map(|row| {
            Some(OwnInterface { name: row.name?, mac: row.mac, addresses: row.addresses })
        });
        named.filter(|one| !is_loopback(one)).collect()
    }

    fn add(&mut self, mac: Option<&str>, name: Option<&str>, addresses: Vec<IpNet>) {
        let mac = mac.map(upper).filter(|mac| !mac.is_empty());
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        self.rows.push(SeenInterface { mac, name, addresses });
    }
}

/// A MAC address as NetBox writes it.
pub(super) fn upper(mac: &str) -> String {
    mac.trim().to_uppercase().replace('-', ":")
}

/// What the agent in a virtual machine sees; none when its answer is an error in disguise.
pub(super) fn from_agent(answer: &Value) -> Option<Seen> {
    let rows = answer.get("result").unwrap_or(answer).as_array()?;
    let mut seen = Seen::default();
    for row in rows {
        let listed = row.get("ip-addresses").and_then(Value::as_array);
        let addresses = listed.into_iter().flatten().filter_map(|one| {
            let prefix = one.get("prefix").and_then(number);
            address(one.get("ip-address")?.as_str()?, prefix)
        });
        let text = |name| row.get(name).and_then(Value::as_str);
        seen.add(text("hardware-address"), text("name"), addresses.collect());
    }
    Some(seen)
}

/// What a node sees of a container.
pub(super) fn from_container(rows: &[LxcInterfacesRow]) -> Option<Seen> {
    // Even a container without network has `lo`; nothing at all is no answer.
    if rows.is_empty() {
        return None;
    }
    let mut seen = Seen::default();
    for row in rows {
        let listed = row.ip_addresses.iter().flatten();
        let mut addresses: Vec<IpNet> =
            listed.filter_map(|one| address(one.ip_address.as_deref()?, one.prefix)).collect();
        // Before 8.4 there are only these two.
        for text in [&row.inet, &row.inet6].into_iter().flatten() {
            let one = address(text, None).filter(|one| !addresses.contains(one));
            addresses.extend(one);
        }
        let mac = row.hardware_address.as_deref().or(row.hwaddr.as_deref());
        seen.add(mac, row.name.as_deref(), addresses);
    }
    Some(seen)
}

/// The static addresses of an `ipconfig0` or of a container's `net0`, and whether no other can be
/// there.
pub(super) fn from_config(ip: Option<&str>, ip6: Option<&str>) -> (Vec<IpNet>, bool) {
    let mut addresses = Vec::new();
    let mut fixed = true;
    for text in [ip, ip6].into_iter().flatten() {
        match address(text, None) {
            Some(one) => addresses.push(one),
            // `dhcp`, `auto`; with `manual` the guest does as it likes.
            None => fixed = false,
        }
    }
    (addresses, fixed && (ip.is_some() || ip6.is_some()))
}

/// The value of a key in `ip=…,gw=…`.
pub(super) fn value<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

/// `10.0.0.5/24`, `fe80::1%eth0` with the prefix beside it.
fn address(text: &str, prefix: Option<i64>) -> Option<IpNet> {
    let text = text.trim();
    let (host, slash) = text.split_once('/').unwrap_or((text, ""));
    let host = host.split('%').next().unwrap_or(host);
    let host: IpAddr = host.parse().ok()?;
    let whole = if host.is_ipv4() { 32 } else { 128 };
    let prefix = slash.parse().ok().or_else(|| u8::try_from(prefix?).ok()).unwrap_or(whole);
    IpNet::new(host, prefix).ok()
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(addresses: &[IpNet]) -> Vec<String> {
        addresses.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_agent_may_leave_out_anything() {
        let answer = json!({"result": [
            {"name": "lo"},
            {"name": "eth0", "hardware-address": "bc:24:11:00:00:01", "ip-addresses": [
                {"ip-address": "10.0.0.5", "ip-address-type": "ipv4", "prefix": 24},
                {"ip-address": "fe80::1%eth0", "prefix": "64"},
                {"ip-address": "nonsense"}, {},
            ]},
            {"name": "Ethernet 2", "hardware-address": "bc-24-11-00-00-02"},
        ]});
        let seen = from_agent(&answer).unwrap();
        let of = |mac| texts(&seen.of(Some(mac), None));
        assert_eq!(of("BC:24:11:00:00:01"), ["10.0.0.5/24", "fe80::1/64"]);
        assert_eq!(of("BC:24:11:00:00:02"), Vec::<String>::new());
    }

    #[test]
    fn an_error_inside_of_an_answer_is_no_answer() {
        let answer = json!({"result": {"error": {"class": "Unsupported", "desc": "no"}}});
        assert_eq!(from_agent(&answer), None);
    }

    #[test]
    fn only_static_addresses_are_known_from_the_configuration() {
        for (ip, ip6, expected, fixed) in [
            (Some("10.0.0.5/24"), None, vec!["10.0.0.5/24"], true),
            (Some("10.0.0.5/24"), Some("auto"), vec!["10.0.0.5/24"], false),
            (Some("dhcp"), Some("dhcp"), vec![], false),
            (None, Some("2001:db8::1/64"), vec!["2001:db8::1/64"], true),
            (None, None, vec![], false),
        ] {
            let (addresses, is_fixed) = from_config(ip, ip6);
            assert_eq!(
                (texts(&addresses), is_fixed),
                (expected.iter().map(|s| (*s).to_owned()).collect(), fixed)
            );
        }
    }
}
