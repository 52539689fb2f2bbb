//! What the demo prints.

use secrecy::ExposeSecret;

use super::Figures;
use super::stage::Stage;
use crate::cli::say::say;
use crate::cli::{print_outcome, print_table};
use crate::edge::API_KEY;

/// Collections of NetBox, in the order in which they depend on each other.
const COLLECTIONS: [(&str, &str); 16] = [
    ("custom fields", "extras/custom-fields"),
    ("tags", "extras/tags"),
    ("cluster types", "virtualization/cluster-types"),
    ("manufacturers", "dcim/manufacturers"),
    ("device types", "dcim/device-types"),
    ("device roles", "dcim/device-roles"),
    ("virtual machine types", "virtualization/virtual-machine-types"),
    ("sites", "dcim/sites"),
    ("clusters", "virtualization/clusters"),
    ("devices (nodes)", "dcim/devices"),
    ("device interfaces", "dcim/interfaces"),
    ("virtual machines", "virtualization/virtual-machines"),
    ("VM interfaces", "virtualization/interfaces"),
    ("MAC addresses", "dcim/mac-addresses"),
    ("virtual disks", "virtualization/virtual-disks"),
    ("IP addresses", "ipam/ip-addresses"),
];

pub(super) fn heading(text: &str) {
    say!("\n{text}");
}

pub(super) fn cast(stage: &Stage, nodes: usize, guests: usize) {
    say!("A made-up Proxmox cluster with {nodes} nodes and {guests} guests, an empty NetBox,");
    say!("and the proxbox server between them, all in this process:");
    say!("  Proxmox  {}", stage.proxmox.url());
    say!("  NetBox   {}", stage.netbox.url());
    say!("  proxbox  {}", stage.server.url());
}

pub(super) fn first(stage: &Stage, figures: &Figures) {
    let rows: Vec<_> = COLLECTIONS
        .iter()
        .map(|(name, path)| ((*name).to_owned(), stage.netbox.count(path)))
        .filter(|(_, count)| *count > 0)
        .collect();
    print_table("Now in NetBox", &rows);
    outcome(figures);
}

pub(super) fn second(figures: &Figures) {
    outcome(figures);
    match figures.writes {
        0 if figures.frame["ok"] == true => {
            say!("  Nothing had changed, so nothing was written.");
        }
        0 => {}
        writes => say!("  {writes} writes although nothing had changed: this is a defect."),
    }
}

fn outcome(figures: &Figures) {
    let Figures { frame, requests, writes, seconds } = figures;
    print_outcome(frame);
    say!("  {requests} requests to NetBox, {writes} of them writes, in {seconds:.2} s");
}

pub(super) fn places(stage: &Stage) {
    let (server, netbox) = (stage.server.url(), stage.netbox.url());
    heading("Have a look (these secrets die with this process)");
    say!(
        "  curl -H 'Authorization: Token {}' '{netbox}/api/virtualization/virtual-machines/?limit=3'",
        stage.netbox.token()
    );
    say!(
        "  curl -H 'Authorization: PVEAPIToken={}={}' {}/api2/json/cluster/resources",
        stage.proxmox.token_id(),
        stage.proxmox.token_secret(),
        stage.proxmox.url()
    );
    say!("  curl -N -H '{API_KEY}: {}' {server}/full-update/stream", stage.key.expose_secret());
    say!("\nCtrl-C ends it and leaves nothing behind.");
}
