"""Clusters and virtual machines."""

from harness import nb, refused, same, step
from objects import cluster, device, site


@step
def machine_from_end_to_end(own):
    home = cluster(own, scope_type="dcim.site", scope_id=site(own).id)
    vm = nb.virtualization.virtual_machines.create(name=own, cluster=home.id, vcpus=1.5, memory=2048)
    nic = nb.virtualization.interfaces.create(virtual_machine=vm.id, name="eth0", mtu=1500)
    ip = nb.ipam.ip_addresses.create(
        address="10.15.0.1/24", assigned_object_type="virtualization.vminterface", assigned_object_id=nic.id
    )
    nb.virtualization.virtual_disks.create(virtual_machine=vm.id, name="root", size=20000)
    assert vm.update({"primary_ip4": ip.id, "status": "offline"})
    vm = nb.virtualization.virtual_machines.get(name=own.upper())
    same((vm.vcpus, vm.disk, vm.site.name), (1.5, 20000, own))
    same((str(vm.primary_ip), vm.interface_count), ("10.15.0.1/24", 1))


@step
def machine_filters(own):
    group = nb.virtualization.cluster_groups.create(name=own, slug=own)
    home = cluster(own, group=group.id)
    role = nb.dcim.device_roles.create(name=own, slug=own, vm_role=True)
    nb.virtualization.virtual_machines.create(name=own, cluster=home.id, role=role.id, memory=4096)
    wanted = {"cluster": own, "cluster_id": home.id, "cluster_group": own, "cluster_type": own, "role": own}
    for name, value in {**wanted, "memory__gt": 1024, "status__n": "offline", "disk__empty": True}.items():
        same((name, nb.virtualization.virtual_machines.count(name=own, **{name: value})), (name, 1))


@step
def machine_needs_a_place(own):
    wrong = {"__all__": ["A virtual machine must be assigned to a site, cluster, or device."]}
    same(refused(400, lambda: nb.virtualization.virtual_machines.create(name=own)), wrong)


@step
def machine_types_and_hosts(own):
    one = device(own, cluster=cluster(own).id)
    kind = nb.virtualization.virtual_machine_types.create(name=own, slug=own)
    vm = nb.virtualization.virtual_machines.create(
        name=own, cluster=one.cluster.id, device=one.id, virtual_machine_type=kind.id
    )
    same((vm.device.name, vm.virtual_machine_type.slug), (own, own))
    same(nb.virtualization.virtual_machines.count(device_id=one.id), 1)
