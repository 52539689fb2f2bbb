//! An in-memory NetBox that carries out plans and refuses what NetBox refuses, and builders.

use std::collections::{BTreeMap, BTreeSet};

use crate::inventory::*;
use crate::mirror::Mirror;
use crate::part::Part;
use crate::plan::*;

/// Carries out plans.
#[derive(Clone)]
pub(super) struct World {
    pub(super) mirror: Mirror,
    /// What was last written, as the server remembers it.
    pub(super) base: Base,
    /// For how many seconds guests have been missing.
    absent: BTreeMap<i64, i64>,
    last: i64,
}

impl Default for World {
    /// A NetBox without the plugin.
    fn default() -> Self {
        let mut mirror = Mirror::default();
        mirror.absent = Kind::ALL.iter().copied().filter(|kind| kind.is_of_plugin()).collect();
        Self { mirror, base: Base::default(), absent: BTreeMap::new(), last: 0 }
    }
}

impl World {
    /// A NetBox with the plugin, which knows the endpoint with this number.
    pub(super) fn with_plugin() -> Self {
        let mut world = Self { mirror: Mirror::default(), ..Self::default() };
        world.add(Kind::ProxmoxEndpoint, Fields::from([("name", "lab".into())]));
        world
    }

    /// Plans and carries out; the plan.
    pub(super) fn sync(&mut self, inventories: &[Inventory]) -> Plan {
        self.sync_with(inventories, &Policy::default())
    }

    pub(super) fn sync_with(&mut self, inventories: &[Inventory], policy: &Policy) -> Plan {
        let made = self.plan_with(inventories, policy);
        self.carry_out(&made);
        made
    }

    /// Plans and carries out; what was done.
    pub(super) fn sync_with_record(
        &mut self,
        inventories: &[Inventory],
        policy: &Policy,
    ) -> Vec<Did> {
        let made = self.plan_with(inventories, policy);
        self.carry_out(&made)
    }

    fn plan_with(&self, inventories: &[Inventory], policy: &Policy) -> Plan {
        let mut base = self.base.clone();
        for (machine, seconds) in &self.absent {
            base.miss(*machine, *seconds);
        }
        plan(inventories, &self.mirror, &base, policy)
    }

    /// Time passes.
    pub(super) fn wait(&mut self, seconds: i64) {
        self.absent.values_mut().for_each(|absent| *absent += seconds);
    }

    pub(super) fn carry_out(&mut self, plan: &Plan) -> Vec<Did> {
        let mut ids: BTreeMap<Key, i64> = BTreeMap::new();
        let mut done = Vec::new();
        let mut did = |operation: &Operation, deed, id| {
            let Operation { key, label, part, before, after, .. } = operation.clone();
            done.push(Did { key, label, part, deed, id, before, after });
        };
        for operation in &plan.operations {
            let kind = operation.stage.kind();
            let fields = resolved(&operation.after, &ids);
            let ours = resolved(operation.base.as_ref().unwrap_or(&operation.after), &ids);
            let id = match &operation.action {
                Action::Create => {
                    let id = self.add(kind, fields);
                    assert!(ids.insert(operation.key.clone(), id).is_none(), "{operation}");
                    did(operation, Deed::Created, id);
                    id
                }
                Action::Update(target) => {
                    let id = target.id().unwrap_or_else(|| ids[&operation.key]);
                    self.change(kind, id, fields);
                    did(operation, Deed::Updated, id);
                    id
                }
                Action::Delete(id) => {
                    self.delete(kind, *id);
                    did(operation, Deed::Deleted, *id);
                    continue;
                }
            };
            self.base.merge(kind, id, &ours);
        }
        self.absent.retain(|machine, _| !plan.returned.contains(machine));
        self.absent.extend(plan.absent.iter().map(|machine| (*machine, 0)));
        for (endpoint, nodes) in &plan.nodes {
            self.base.count_nodes(*endpoint, *nodes);
        }
        for one in &plan.remembered {
            self.base.merge(one.kind, one.id, &one.fields);
        }
        done
    }

    /// Objects in words that do not depend on their numbers, without what stays for everybody.
    pub(super) fn described(&self) -> BTreeSet<String> {
        let kinds = Kind::ALL.iter().filter(|kind| kind.part() != Part::Bootstrap);
        let all = kinds.flat_map(|kind| self.mirror.all(*kind).map(|one| (*kind, one)));
        all.map(|(kind, object)| self.describe(kind, object)).collect()
    }

    fn describe(&self, kind: Kind, object: &Existing) -> String {
        let lasting = |(name, _): &(&str, &Value)| {
            kind.field(name).is_some_and(|rule| !matches!(rule.mode, Mode::Human | Mode::Stamp))
        };
        let one = |(name, value): (&str, &Value)| match value {
            Value::Ref(Ref::Id(id)) => format!("{name}={}", self.name_of(name, *id, object)),
            Value::Custom(values) => {
                let set: Vec<_> = values.iter().filter(|(_, value)| !value.is_null()).collect();
                format!("{name}={set:?}")
            }
            value => format!("{name}={value}"),
        };
        let fields: Vec<String> = object.fields.iter().filter(lasting).map(one).collect();
        format!("{kind} {}", fields.join(" "))
    }

    fn name_of(&self, field: &str, id: i64, beside: &Existing) -> String {
        let kind = match field {
            "virtual_machine" => Kind::VirtualMachine,
            "primary_ip4" | "primary_ip6" => Kind::IpAddress,
            "primary_mac_address" => Kind::MacAddress,
            "assigned_object_id" => Kind::from_model(beside.text("assigned_object_type")).unwrap(),
            _ => return format!("#{id}"),
        };
        let Some(object) = self.mirror.get(kind, id) else { return "nothing".into() };
        match kind {
            Kind::IpAddress => object.text("address").to_owned(),
            Kind::MacAddress => object.text("mac_address").to_owned(),
            Kind::VirtualMachine => object.text("name").to_owned(),
            _ => {
                let machine = object.reference("virtual_machine").unwrap_or_default();
                format!(
                    "{} of {}",
                    object.text("name"),
                    self.name_of("virtual_machine", machine, object)
                )
            }
        }
    }

    pub(super) fn add(&mut self, kind: Kind, fields: Fields) -> i64 {
        self.last += 1;
        let object = Existing { id: self.last, fields };
        self.check(kind, &object, None);
        self.mirror.insert(kind, object);
        self.add_up(kind);
        self.last
    }

    pub(super) fn change(&mut self, kind: Kind, id: i64, fields: Fields) {
        let before = self.mirror.get(kind, id).unwrap_or_else(|| panic!("no {kind} {id}")).clone();
        let mut object = before.clone();
        for (name, value) in fields {
            match (object.fields.get_mut(name), value) {
                (_, Value::Null) => {
                    object.fields.remove(name);
                }
                (Some(Value::Custom(have)), Value::Custom(more)) => have.extend(more),
                (_, value) => {
                    object.fields.insert(name, value);
                }
            }
        }
        self.check(kind, &object, Some(&before));
        self.mirror.insert(kind, object);
        self.add_up(kind);
    }

    /// NetBox keeps the sum of a machine's disks.
    fn add_up(&mut self, kind: Kind) {
        if kind != Kind::VirtualDisk {
            return;
        }
        for machine in self.mirror.clone().all(Kind::VirtualMachine) {
            let mut machine = machine.clone();
            machine.fields.insert("disk", Value::Int(self.disks_of(machine.id)));
            self.mirror.insert(Kind::VirtualMachine, machine);
        }
    }

    fn disks_of(&self, machine: i64) -> i64 {
        let disks = self.mirror.all(Kind::VirtualDisk);
        let of_it = disks.filter(|disk| disk.reference("virtual_machine") == Some(machine));
        of_it.filter_map(|disk| disk.int("size")).sum()
    }

    pub(super) fn delete(&mut self, kind: Kind, id: i64) {
        self.mirror.remove(kind, id).unwrap_or_else(|| panic!("no {kind} {id}"));
        self.base.remove(kind, id);
        self.add_up(kind);
        if kind == Kind::IpAddress {
            // NetBox clears them itself.
            for mut machine in self.mirror.clone().all(Kind::VirtualMachine).cloned() {
                machine.fields.retain(|name, value| {
                    !name.starts_with("primary_ip") || *value != Ref::Id(id).into()
                });
                self.mirror.insert(Kind::VirtualMachine, machine);
            }
        }
        if kind == Kind::VirtualMachine {
            for child in [Kind::VmInterface, Kind::VirtualDisk] {
                let of_it = |part: &Existing| part.reference("virtual_machine") == Some(id);
                assert!(!self.mirror.all(child).any(of_it), "NetBox would delete {child} too");
            }
        }
        if kind == Kind::VmInterface {
            for child in [Kind::MacAddress, Kind::IpAddress] {
                let of_it: Vec<i64> = self
                    .mirror
                    .all(child)
                    .filter(|object| object.reference("assigned_object_id") == Some(id))
                    .map(|object| object.id)
                    .collect();
                assert!(of_it.is_empty(), "NetBox would delete {child} {of_it:?} too");
            }
        }
    }

    fn check(&self, kind: Kind, object: &Existing, before: Option<&Existing>) {
        let others = || self.mirror.all(kind).filter(|other| other.id != object.id);
        match kind {
            Kind::VirtualMachine => {
                let name = |object: &Existing| {
                    (object.reference("cluster"), object.text("name").to_lowercase())
                };
                assert!(others().all(|other| name(other) != name(object)), "{:?}", name(object));
                assert!(object.text("name").chars().count() <= 64);
                let (disks, total) = (self.disks_of(object.id), object.int("disk"));
                assert!(disks == 0 || total.is_none_or(|total| total == disks), "wrong total");
                for field in ["primary_ip4", "primary_ip6"] {
                    if let Some(ip) = object.reference(field) {
                        let ip = self.mirror.get(Kind::IpAddress, ip);
                        let interface = ip.and_then(|ip| ip.reference("assigned_object_id"));
                        let interface =
                            interface.and_then(|id| self.mirror.get(Kind::VmInterface, id));
                        let machine = interface.and_then(|i| i.reference("virtual_machine"));
                        // A deleted address is cleared by NetBox itself.
                        assert!(ip.is_none() || machine == Some(object.id), "{field} elsewhere");
                    }
                }
            }
            Kind::IpAddress => {
                let host = |object: &Existing| {
                    let address = object.text("address").split('/').next().unwrap().to_owned();
                    (object.fields.get("vrf").cloned(), address)
                };
                assert!(others().all(|other| host(other) != host(object)), "{:?}", host(object));
                self.check_move(object, before);
            }
            Kind::Tag => {
                for field in ["name", "slug"] {
                    assert!(others().all(|other| other.text(field) != object.text(field)));
                }
            }
            Kind::VmInterface | Kind::VirtualDisk => {
                let name = |object: &Existing| {
                    (object.reference("virtual_machine"), object.text("name").to_owned())
                };
                assert!(others().all(|other| name(other) != name(object)), "{:?}", name(object));
            }
            _ => {}
        }
    }

    fn check_move(&self, object: &Existing, before: Option<&Existing>) {
        let machine = |object: &Existing| {
            let interface = object.reference("assigned_object_id")?;
            self.mirror.get(Kind::VmInterface, interface)?.reference("virtual_machine")
        };
        let Some(before) = before else { return };
        let Some(owner) = machine(before) else { return };
        let primary = ["primary_ip4", "primary_ip6"].iter().any(|field| {
            self.mirror.get(Kind::VirtualMachine, owner).unwrap().reference(field)
                == Some(object.id)
        });
        assert!(!primary || machine(object) == Some(owner), "a primary address was moved");
    }

    /// The machine with this vmid.
    pub(super) fn machine(&self, vmid: i64) -> &Existing {
        let mut machines = self.mirror.all(Kind::VirtualMachine);
        machines
            .find(|machine| machine.custom_int(VMID_FIELD) == Some(vmid))
            .unwrap_or_else(|| panic!("no machine for {vmid}"))
    }

    /// The part of a machine with this name.
    pub(super) fn part(&self, kind: Kind, vmid: i64, name: &str) -> Option<&Existing> {
        let machine = self.machine(vmid).id;
        self.mirror.all(kind).find(|part| {
            part.reference("virtual_machine") == Some(machine) && part.text("name") == name
        })
    }

    /// The object of an address.
    pub(super) fn address(&self, host: &str) -> Option<&Existing> {
        let prefix = format!("{host}/");
        self.mirror.all(Kind::IpAddress).find(|ip| ip.text("address").starts_with(&prefix))
    }
}

/// The fields with the ids of what was created meanwhile.
fn resolved(fields: &Fields, ids: &BTreeMap<Key, i64>) -> Fields {
    let id = |reference: &Ref| match reference {
        Ref::Id(id) => Ref::Id(*id),
        Ref::New(key) => Ref::Id(*ids.get(key).unwrap_or_else(|| panic!("{key} is not there yet"))),
    };
    let resolve = |value: &Value| match value {
        Value::Ref(reference) => Value::Ref(id(reference)),
        Value::Refs(references) => Value::Refs(references.iter().map(id).collect()),
        value => value.clone(),
    };
    fields.iter().map(|(name, value)| (name, resolve(value))).collect()
}

pub(super) fn tags(slugs: &[&str]) -> Value {
    Value::Set(slugs.iter().map(|slug| (*slug).to_owned()).collect::<BTreeSet<_>>().into())
}

pub(super) fn inventory(name: &str, guests: Vec<Guest>) -> Inventory {
    Inventory {
        endpoint: 1,
        endpoint_name: format!("{name} (nb:1)"),
        link: format!("https://{name}.example.com:8006"),
        cluster: Cluster { name: name.into(), mode: ClusterMode::Cluster, quorate: true },
        site: None,
        tenant: None,
        nodes: vec![node("pve1"), node("pve2")],
        guests,
        storages: Some(Vec::new()),
        backups: Vec::new(),
        backups_known: BTreeSet::new(),
        tasks: Vec::new(),
        replications: Some(Vec::new()),
        backup_jobs: Some(Vec::new()),
        completeness: Completeness::Complete,
        is_part: false,
        drift: 0,
        problems: Vec::new(),
    }
}

pub(super) fn node(name: &str) -> Node {
    Node {
        name: name.into(),
        online: true,
        ip: None,
        cpu: None,
        version: None,
        interfaces: Some(vec![node_interface("vmbr0", InterfaceKind::Bridge)]),
    }
}

pub(super) fn node_interface(name: &str, kind: InterfaceKind) -> NodeInterface {
    NodeInterface {
        name: name.into(),
        kind,
        active: true,
        mtu: None,
        comment: None,
        vlan: None,
        parent: None,
        members: Vec::new(),
        addresses: Vec::new(),
    }
}

pub(super) fn guest(vmid: i64, name: &str) -> Guest {
    Guest {
        vmid,
        kind: GuestKind::Qemu,
        name: Some(name.into()),
        node: "pve1".into(),
        status: GuestStatus::Running,
        template: false,
        vcpus: Some(200),
        memory_mb: Some(2048),
        tags: Vec::new(),
        starts_at_boot: Some(true),
        unprivileged: None,
        agent: Some(true),
        os: Some("l26".into()),
        cpu: Some("host".into()),
        search_domain: None,
        notes: None,
        metadata: BTreeMap::new(),
        hostname: None,
        cloud_init: None,
        own_interfaces: None,
        snapshots: Some(Vec::new()),
        disks: vec![Disk { name: "scsi0".into(), size_mb: 32768, storage: Some("local".into()) }],
        nics: vec![nic("net0", vmid, &format!("10.0.0.{}/24", vmid % 250 + 1))],
        config: ConfigRead::Except(Default::default()),
        addresses_known: true,
    }
}

pub(super) fn nic(name: &str, vmid: i64, address: &str) -> Nic {
    let number = name.trim_start_matches("net").parse::<i64>().unwrap();
    Nic {
        name: name.into(),
        mac: Some(format!("BC:24:11:{:02X}:{:02X}:{number:02X}", vmid / 256, vmid % 256)),
        bridge: Some("vmbr0".into()),
        vlan: None,
        trunks: Vec::new(),
        mtu: None,
        inner_name: None,
        enabled: true,
        addresses: address.split_whitespace().map(|address| address.parse().unwrap()).collect(),
    }
}
