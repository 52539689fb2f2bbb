//! Whole plans, for people to read.

use super::world::*;
use crate::inventory::*;

fn assert_plan(name: &str, plan: &crate::plan::Plan) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../snapshots/plan");
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, plan.to_string()));
}

fn lab() -> Vec<Guest> {
    let tagged = Guest { tags: vec!["prod".into(), "10.0.0.95".into()], ..guest(100, "web") };
    let mut container = Guest {
        kind: GuestKind::Lxc,
        name: Some("dns".into()),
        node: "pve2".into(),
        status: GuestStatus::Stopped,
        vcpus: Some(50),
        ..guest(101, "dns")
    };
    container.nics[0].addresses.clear();
    vec![tagged, container]
}

#[test]
fn a_first_run_creates_everything_in_the_order_of_dependencies() {
    assert_plan("first_run", &World::default().sync(&[inventory("lab", lab())]));
}

#[test]
fn a_later_run_shows_what_changed_and_why() {
    let mut world = World::default();
    world.sync(&[inventory("lab", lab())]);
    let mut guests = lab();
    guests[0].name = Some("shop".into());
    guests[0].memory_mb = Some(4096);
    guests[0].disks[0].size_mb = 65536;
    guests[0].nics[0] = nic("net1", 100, "10.0.0.77/24");
    guests[1].node = "pve1".into();
    guests.push(guest(102, "shop"));
    let plan = world.sync(&[inventory("lab", guests)]);
    assert_plan("later_run", &plan);
}

#[test]
fn a_first_run_into_the_plugin_fills_its_tables_too() {
    let mut guests = lab();
    guests[0].snapshots = Some(vec![Snapshot {
        name: "before".into(),
        description: Some("Before the upgrade".into()),
        taken: Some(1_767_225_600),
        parent: None,
    }]);
    assert_plan("first_run_with_plugin", &World::with_plugin().sync(&[inventory("lab", guests)]));
}
