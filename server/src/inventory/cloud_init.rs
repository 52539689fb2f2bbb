//! What cloud-init gives a guest.

use percent_encoding::percent_decode_str;
use sdk_proxmox::pve::QemuConfig;

use super::CloudInit;

/// None where nothing is set up.
pub(super) fn of_machine(config: &QemuConfig) -> Option<CloudInit> {
    let addresses = config.ipconfig.iter();
    let found = CloudInit {
        user: config.ciuser.clone(),
        // Proxmox keeps the keys percent-encoded.
        ssh_keys: config.sshkeys.as_deref().map(|keys| {
            let keys = percent_decode_str(keys).decode_utf8_lossy();
            keys.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        }),
        addresses: addresses.map(|(number, text)| (*number, text.as_str().to_owned())).collect(),
        name_servers: config.nameserver.clone(),
    };
    let empty = CloudInit { name_servers: found.name_servers.clone(), ..CloudInit::default() };
    (found != empty).then_some(found)
}
