//! Disks and network interfaces out of a guest's configuration.

use std::collections::{BTreeMap, BTreeSet};

use proxbox_runtime::{Indexed, OpenEnum, PropertyError, PropertyString, Record, record_to_value};
use sdk_proxmox::Value;
use sdk_proxmox::parse::disk_size;
use sdk_proxmox::pve::{LxcConfig, LxcConfigNet, QemuConfig, QemuConfigNet, QemuConfigNetModel};

use super::addresses::{Seen, from_config, upper, value};
use super::{Disk, Nic};

const MIB: u64 = 1 << 20;

/// The devices of a guest.
#[derive(Debug, Default)]
pub(super) struct Devices {
    pub(super) disks: Vec<Disk>,
    pub(super) nics: Vec<Nic>,
    /// Devices whose text does not parse, and why.
    pub(super) unread: BTreeMap<String, String>,
    /// Whether the configuration fixes the addresses of all interfaces.
    pub(super) fixed: bool,
}

impl Devices {
    /// Of a virtual machine. `seen` are the addresses that its agent tells.
    pub(super) fn of_machine(config: &QemuConfig, seen: Option<&Seen>) -> Self {
        let mut devices = Self { fixed: true, ..Self::default() };
        for (number, text) in &config.net {
            let name = format!("net{number}");
            match machine_net(text) {
                Ok(net) => {
                    let ipconfig = config.ipconfig.get(number).map(PropertyString::as_str);
                    devices.add_machine_nic(name, &net, ipconfig, seen);
                }
                Err(why) => devices.refuse(name, why),
            }
        }
        devices.add_disks("scsi", &config.scsi, "file");
        devices.add_disks("virtio", &config.virtio, "file");
        devices.add_disks("sata", &config.sata, "file");
        devices.add_disks("ide", &config.ide, "file");
        if let Some(text) = &config.efidisk0 {
            devices.add_disk("efidisk0".into(), text, "file");
        }
        if let Some(text) = &config.tpmstate0 {
            devices.add_disk("tpmstate0".into(), text, "file");
        }
        devices.refuse_misfits(&config.extra, &["net", "scsi", "virtio", "sata", "ide"]);
        devices
    }

    /// Of a container. `seen` are the addresses that its node sees.
    pub(super) fn of_container(config: &LxcConfig, seen: Option<&Seen>) -> Self {
        let mut devices = Self { fixed: true, ..Self::default() };
        for (number, text) in &config.net {
            let name = format!("net{number}");
            match container_net(text) {
                Ok(net) => devices.add_container_nic(name, &net, seen),
                Err(why) => devices.refuse(name, why),
            }
        }
        if let Some(text) = &config.rootfs {
            devices.add_disk("rootfs".into(), text, "volume");
        }
        devices.add_disks("mp", &config.mp, "volume");
        devices.refuse_misfits(&config.extra, &["net", "mp", "rootfs"]);
        devices
    }

    fn add_machine_nic(
        &mut self,
        name: String,
        net: &QemuConfigNet,
        ipconfig: Option<&str>,
        seen: Option<&Seen>,
    ) {
        let mac = net.macaddr.as_deref().map(upper);
        let key = |key| ipconfig.and_then(|text| value(text, key));
        let (fixed, all_fixed) = from_config(key("ip"), key("ip6"));
        self.fixed &= all_fixed;
        let addresses = seen.map_or(fixed, |seen| seen.of(mac.as_deref(), None));
        self.nics.push(Nic {
            name,
            mac,
            bridge: net.bridge.clone(),
            vlan: net.tag,
            trunks: trunks(net.trunks.as_deref()),
            // 1 stands for the bridge's own.
            mtu: net.mtu.filter(|mtu| *mtu > 1),
            inner_name: None,
            enabled: !net.link_down.unwrap_or(false),
            addresses,
        });
    }

    fn add_container_nic(&mut self, name: String, net: &LxcConfigNet, seen: Option<&Seen>) {
        let mac = net.hwaddr.as_deref().map(upper);
        let (fixed, all_fixed) = from_config(net.ip.as_deref(), net.ip6.as_deref());
        self.fixed &= all_fixed;
        let addresses = seen.map_or(fixed, |seen| seen.of(mac.as_deref(), net.name.as_deref()));
        self.nics.push(Nic {
            name,
            mac,
            bridge: net.bridge.clone(),
            vlan: net.tag,
            trunks: trunks(net.trunks.as_deref()),
            mtu: net.mtu,
            inner_name: net.name.clone(),
            enabled: !net.link_down.unwrap_or(false),
            addresses,
        });
    }

    fn add_disks<T: Record + Default>(
        &mut self,
        bus: &str,
        texts: &Indexed<PropertyString<T>>,
        volume: &str,
    ) {
        for (number, text) in texts {
            self.add_disk(format!("{bus}{number}"), text, volume);
        }
    }

    fn add_disk<T: Record + Default>(
        &mut self,
        name: String,
        text: &PropertyString<T>,
        volume: &str,
    ) {
        let parsed = text.parse().map_err(|error| error.to_string());
        match parsed.and_then(|disk| read_disk(&name, &record_to_value(&disk), volume)) {
            Ok(disk) => self.disks.extend(disk),
            Err(why) => self.refuse(name, why),
        }
    }

    /// Devices whose value is no text at all.
    fn refuse_misfits(&mut self, extra: &BTreeMap<String, Value>, families: &[&str]) {
        for (name, odd) in extra {
            let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
            if families.contains(&family) {
                self.refuse(name.clone(), format!("`{odd}` is no text"));
            }
        }
    }

    fn refuse(&mut self, name: String, why: impl ToString) {
        self.fixed = false;
        self.unread.insert(name, why.to_string());
    }

    /// The names of the devices that do not parse.
    pub(super) fn unread_names(&self) -> BTreeSet<String> {
        self.unread.keys().cloned().collect()
    }
}

/// `2;5;10-20` as ranges; what is none is left out.
fn trunks(text: Option<&str>) -> Vec<(i64, i64)> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let range = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        (range.0 >= 1 && range.0 <= range.1 && range.1 <= 4094).then_some(range)
    };
    text.unwrap_or_default().split(';').filter_map(range).collect()
}

/// Without a MAC address and with a model that nobody knows it is no interface.
fn machine_net(text: &PropertyString<QemuConfigNet>) -> Result<QemuConfigNet, String> {
    let net = text.parse().map_err(|error: PropertyError| error.to_string())?;
    let known = |model: &QemuConfigNetModel| QemuConfigNetModel::VALUES.contains(&model.as_str());
    if net.macaddr.is_none() && !net.model.as_ref().is_some_and(known) {
        return Err(format!("`{text}` names neither a known model nor a MAC address"));
    }
    check_mac(net.macaddr.as_deref())?;
    Ok(net)
}

fn container_net(text: &PropertyString<LxcConfigNet>) -> Result<LxcConfigNet, String> {
    let net = text.parse().map_err(|error: PropertyError| error.to_string())?;
    if net.name.is_none() && net.hwaddr.is_none() {
        return Err(format!("`{text}` has neither a name nor a MAC address"));
    }
    check_mac(net.hwaddr.as_deref())?;
    Ok(net)
}

fn check_mac(mac: Option<&str>) -> Result<(), String> {
    let Some(mac) = mac.map(upper) else { return Ok(()) };
    let pairs: Vec<&str> = mac.split(':').collect();
    let hex = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    if pairs.len() == 6 && pairs.iter().all(hex) {
        return Ok(());
    }
    Err(format!("`{mac}` is no MAC address"))
}

/// None for what is no disk of the guest's own: CD drives, devices passed through, bind mounts.
fn read_disk(name: &str, disk: &Value, volume: &str) -> Result<Option<Disk>, String> {
    let text = |key: &str| disk.get(key).and_then(Value::as_str);
    let file = text(volume).ok_or("it names no volume")?;
    if text("media") == Some("cdrom") || matches!(file, "none" | "cdrom") {
        return Ok(None);
    }
    let storage = file.split_once(':').map(|(storage, _)| storage.to_owned());
    if file.starts_with('/') {
        return Ok(None);
    }
    let storage = Some(storage.ok_or_else(|| format!("`{file}` is no volume"))?);
    let Some(size) = text("size") else { return Ok(None) };
    let bytes = disk_size(size).ok_or_else(|| format!("`{size}` is no size"))?;
    let size_mb = i64::try_from(bytes.div_ceil(MIB).max(1)).map_err(|error| error.to_string())?;
    Ok(Some(Disk { name: name.to_owned(), size_mb, storage }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(pairs: &[(&str, &str)]) -> Devices {
        let members = pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text)));
        let json = Value::Object(members.collect()).to_string();
        let config = proxbox_runtime::decode::<QemuConfig>(json.as_bytes()).unwrap().value;
        Devices::of_machine(&config, None)
    }

    #[test]
    fn only_what_is_a_disk_of_the_guest_becomes_one() {
        let devices = machine(&[
            ("scsi0", "local-lvm:vm-100-disk-0,size=32G"),
            ("scsi1", "local:100/vm-100-disk-1.qcow2,discard=on,size=104858K"),
            ("ide2", "none,media=cdrom"),
            ("ide0", "local-lvm:vm-100-cloudinit,media=cdrom,size=4M"),
            ("virtio0", "/dev/disk/by-id/scsi-1,backup=0"),
            ("efidisk0", "local:100/vm-100-disk-0.raw,efitype=4m,size=528K"),
            ("unused0", "local-lvm:vm-100-disk-7"),
        ]);
        let disks: Vec<_> =
            devices.disks.iter().map(|disk| (disk.name.as_str(), disk.size_mb)).collect();
        assert_eq!(disks, [("scsi0", 32768), ("scsi1", 103), ("efidisk0", 1)]);
        assert!(devices.unread.is_empty(), "{:?}", devices.unread);
    }

    #[test]
    fn what_does_not_parse_is_named_and_costs_nothing_else() {
        let devices = machine(&[
            ("net0", "certainly not a network card"),
            ("net1", "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20,link_down=1"),
            ("net2", "virtio=nonsense,bridge=vmbr0"),
            ("scsi0", "gibberish"),
            ("scsi1", "local:vm-1-disk-0,size=big"),
        ]);
        let unread: Vec<&str> = devices.unread.keys().map(String::as_str).collect();
        assert_eq!(unread, ["net0", "net2", "scsi0", "scsi1"]);
        let [nic] = &devices.nics[..] else { panic!("{:?}", devices.nics) };
        assert_eq!((nic.vlan, nic.enabled), (Some(20), false));
    }

    #[test]
    fn addresses_of_the_configuration_are_used_without_an_agent() {
        let devices = machine(&[
            ("net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0"),
            ("ipconfig0", "gw=10.0.0.1,ip=10.0.0.5/24"),
        ]);
        assert_eq!(devices.nics[0].addresses, ["10.0.0.5/24".parse().unwrap()]);
        assert!(devices.fixed);
    }
}
