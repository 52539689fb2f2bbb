//! A first sync, then something happens, then the plan of the next one.

use super::world::*;
use crate::inventory::*;
use crate::plan::*;

/// What happens between two syncs of one cluster.
pub(super) struct Scene {
    pub(super) world: World,
    lab: Inventory,
    policy: Policy,
    synced: bool,
}

impl Scene {
    /// A NetBox without the plugin, and `web` (100) and `db` (101).
    pub(super) fn bare() -> Self {
        Self::of(World::default())
    }

    /// A NetBox with the plugin.
    pub(super) fn with_plugin() -> Self {
        Self::of(World::with_plugin())
    }

    fn of(world: World) -> Self {
        let lab = inventory("lab", vec![guest(100, "web"), guest(101, "db")]);
        Self { world, lab, policy: Policy::default(), synced: false }
    }

    /// What Proxmox shows; in the first sync too, if nothing has happened so far.
    pub(super) fn proxmox(mut self, change: impl FnOnce(&mut Inventory)) -> Self {
        change(&mut self.lab);
        self
    }

    /// What the operator decides, for the syncs to come.
    pub(super) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// The first sync.
    pub(super) fn synced(mut self) -> Self {
        self.world.sync_with(std::slice::from_ref(&self.lab), &self.policy);
        self.synced = true;
        self
    }

    /// Another sync, and then so many seconds pass.
    pub(super) fn synced_then(mut self, seconds: i64) -> Self {
        self.world.sync_with(std::slice::from_ref(&self.lab), &self.policy);
        self.world.wait(seconds);
        self
    }

    /// What somebody does in NetBox.
    pub(super) fn netbox(mut self, edit: impl FnOnce(&mut World)) -> Self {
        edit(&mut self.world);
        self
    }

    /// Somebody sets a field of a guest's machine.
    pub(super) fn edited(self, vmid: i64, field: &'static str, value: impl Into<Value>) -> Self {
        let fields = Fields::from([(field, value.into())]);
        self.netbox(|world| {
            let machine = world.machine(vmid).id;
            world.change(Kind::VirtualMachine, machine, fields);
        })
    }

    /// The plan of the next sync, compared with the one that is kept; the sync after it does nothing.
    pub(super) fn golden(mut self, name: &str) {
        let inventories = std::slice::from_ref(&self.lab);
        let plan = self.world.sync_with(inventories, &self.policy);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../../../snapshots/plan");
        settings.set_omit_expression(true);
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!(name, plan.to_string()));
        let next = self.world.sync_with(inventories, &self.policy);
        assert!(next.is_empty(), "the sync after it still has something to do: {next}");
    }
}
