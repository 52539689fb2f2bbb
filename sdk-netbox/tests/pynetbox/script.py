"""What a pynetbox user does, against any NetBox: script.py URL TOKEN. Prints `ok` at the end."""

import sys

import pynetbox

nb = pynetbox.api(sys.argv[1], token=sys.argv[2])
assert nb.version == "4.6", nb.version
assert nb.status()["netbox-version"].startswith("4."), nb.status()


def refused(call):
    """The error of a call that must fail."""
    try:
        call()
    except pynetbox.RequestError as error:
        return error
    raise AssertionError("accepted, though it must not be")


# Create, read, change, delete.
site = nb.dcim.sites.create(name="Py Site", slug="py-site")
assert str(site) == "Py Site" and site.status.value == "active" and str(site.status) == "Active"
assert nb.dcim.sites.get(slug="py-site").id == site.id
assert nb.dcim.sites.get(site.id).name == "Py Site"
assert nb.dcim.sites.get(slug="py-none") is None
site.description = "changed"
assert site.save() and nb.dcim.sites.get(site.id).description == "changed"
assert not site.save(), "nothing changed, so nothing is to be saved"
assert site.update({"status": "planned"}) and nb.dcim.sites.get(site.id).status.value == "planned"

# Errors.
error = refused(lambda: nb.dcim.sites.create(name="Py Site", slug="other"))
assert error.req.status_code == 400 and "name" in error.error, error.error
assert refused(lambda: nb.dcim.sites.create(name="x")).req.status_code == 400
assert refused(lambda: nb.dcim.sites.create(name="x", slug="x", status="nope")).req.status_code == 400
wrong = pynetbox.api(sys.argv[1], token="f" * 40)
assert refused(lambda: list(wrong.dcim.sites.all())).req.status_code == 403

# Bulk creation is all or nothing.
tags = nb.extras.tags.create([{"name": f"py-{n}", "slug": f"py-{n}"} for n in range(3)])
assert [tag.slug for tag in tags] == ["py-0", "py-1", "py-2"]
bad = [{"name": "py-9", "slug": "py-9"}, {"name": "py-0", "slug": "py-0"}]
assert refused(lambda: nb.extras.tags.create(bad)).req.status_code == 400
assert nb.extras.tags.get(slug="py-9") is None

# Machines with interfaces, disks and addresses.
kind = nb.virtualization.cluster_types.create(name="py", slug="py")
cluster = nb.virtualization.clusters.create(name="py", type=kind.id, scope_type="dcim.site", scope_id=site.id)
assert cluster.scope["slug"] == "py-site" if isinstance(cluster.scope, dict) else cluster.scope.slug == "py-site"
machines = nb.virtualization.virtual_machines.create(
    [{"name": f"py-vm-{n}", "cluster": cluster.id, "tags": [tags[0].id], "memory": n} for n in range(7)]
)
vm = machines[3]
assert vm.cluster.name == "py" and vm.site.slug == "py-site" and vm.tags[0].slug == "py-0"
nic = nb.virtualization.interfaces.create(virtual_machine=vm.id, name="eth0")
address = nb.ipam.ip_addresses.create(
    address="192.0.2.10/24", assigned_object_type="virtualization.vminterface", assigned_object_id=nic.id
)
assert address.assigned_object.id == nic.id and address.family.value == 4
vm.primary_ip4 = address.id
assert vm.save() and str(nb.virtualization.virtual_machines.get(vm.id).primary_ip4) == "192.0.2.10/24"
nb.virtualization.virtual_disks.create(
    [{"virtual_machine": vm.id, "name": f"disk{n}", "size": 10 + n} for n in range(2)]
)
assert nb.virtualization.virtual_machines.get(vm.id).disk == 21
twin = {"name": "PY-VM-3", "cluster": cluster.id}
assert refused(lambda: nb.virtualization.virtual_machines.create(twin)).req.status_code == 400

# Filters and pages.
vms = nb.virtualization.virtual_machines
assert len(list(vms.filter(name__ic="VM-", limit=3))) == 7
assert [m.name for m in vms.filter(id=[machines[0].id, machines[6].id])] == ["py-vm-0", "py-vm-6"]
assert {m.memory for m in vms.filter(cluster_id=cluster.id, memory__gte=5)} == {5, 6}
assert vms.count(tag="py-0") == 7
assert vms.count(name__n="py-vm-1", tag="py-0") == 6
assert len(list(nb.ipam.ip_addresses.filter(virtual_machine_id=vm.id))) == 1
assert len(list(nb.ipam.ip_addresses.filter(parent="192.0.2.0/24"))) == 1
assert refused(lambda: list(vms.filter(cluster_id=999999))).req.status_code == 400

# Bulk change and deletion.
for machine in machines:
    machine.comments = "bulk"
changed = vms.update(machines)
assert sorted(m.id for m in changed) == sorted(m.id for m in machines)
assert all(m.comments == "bulk" for m in vms.filter(tag="py-0"))
assert refused(lambda: cluster.delete()).req.status_code == 409
assert vms.delete(machines)
assert vms.count(tag="py-0") == 0 and nb.virtualization.interfaces.count(name="eth0") == 0
assert nb.ipam.ip_addresses.count(address="192.0.2.10/24") == 0
assert cluster.delete() and kind.delete() and site.delete()
assert nb.extras.tags.delete(tags)
assert "active" in {choice["value"] for choice in nb.dcim.sites.choices()["status"]}
assert list(nb.core.object_changes.filter(changed_object_type="dcim.site", limit=5)) is not None
print("ok")
