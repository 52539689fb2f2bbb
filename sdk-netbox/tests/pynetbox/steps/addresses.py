"""Address space: prefixes, addresses, VLANs, AS numbers, services."""

from harness import nb, refused, same, step
from objects import device, interface, site


@step
def vrf_with_route_targets(own):
    target = nb.ipam.route_targets.create(name="65000:100")
    vrf = nb.ipam.vrfs.create(name=own, rd="65000:1", import_targets=[target.id])
    same((vrf.display, vrf.enforce_unique, vrf.import_targets[0].name), (own + " (65000:1)", True, "65000:100"))
    same(nb.ipam.vrfs.count(import_target_id=target.id), 1)
    error = refused(400, lambda: nb.ipam.vrfs.create(name=own, rd="65000:1"))
    same(error, {"rd": ["VRF with this route distinguisher already exists."]})


@step
def lists_of_references_take_only_ids(own):
    wrong = {"import_targets": ['Invalid pk "987654" - object does not exist.']}
    same(refused(400, lambda: nb.ipam.vrfs.create(name=own, import_targets=[987654])), wrong)
    wrong = {"import_targets": ["Incorrect type. Expected pk value, received dict."]}
    same(refused(400, lambda: nb.ipam.vrfs.create(name=own, import_targets=[{"name": "65000:3"}])), wrong)


@step
def aggregates_do_not_overlap(own):
    rir = nb.ipam.rirs.create(name=own, slug=own, is_private=True)
    nb.ipam.aggregates.create(prefix="10.3.0.0/16", rir=rir.id)
    wrong = "Aggregates cannot overlap. 10.3.1.0/24 is already covered by an existing aggregate (10.3.0.0/16)."
    same(refused(400, lambda: nb.ipam.aggregates.create(prefix="10.3.1.0/24", rir=rir.id)), {"prefix": [wrong]})
    same(nb.ipam.rirs.get(slug=own).aggregate_count, 1)


@step
def prefixes_form_a_tree(own):
    nb.ipam.prefixes.create([{"prefix": "10.4.0.0/16", "status": "container"}, {"prefix": "10.4.1.0/24"}])
    top, below = nb.ipam.prefixes.get(prefix="10.4.0.0/16"), nb.ipam.prefixes.get(prefix="10.4.1.0/24")
    same((top.children, top._depth, below.children, below._depth), (1, 0, 0, 1))


@step
def prefix_errors(own):
    nb.ipam.prefixes.create(prefix="10.5.0.0/24")
    make = lambda prefix: refused(400, lambda: nb.ipam.prefixes.create(prefix=prefix))["prefix"]
    same(make("10.5.0.0/24"), ["Duplicate prefix found in global table: 10.5.0.0/24"])
    same(make("10.5.0.1/24"), ["10.5.0.1/24 is not a valid prefix. Did you mean 10.5.0.0/24?"])
    same(make("nope"), ["Invalid IP prefix format: nope"])
    same(make("0.0.0.0/0"), ["Cannot create prefix with /0 mask."])


@step
def prefix_filters(own):
    one = site(own)
    nb.ipam.prefixes.create(
        [{"prefix": p, "scope_type": "dcim.site", "scope_id": one.id} for p in ("10.6.0.0/23", "10.6.0.0/24")]
    )
    wanted = {"within": ("10.6.0.0/23", 1), "within_include": ("10.6.0.0/23", 2), "contains": ("10.6.0.9", 2)}
    more = {"mask_length": (24, 1), "mask_length__lte": (23, 1), "family": (4, 2), "site": (own, 2)}
    rest = {"vrf_id": (None, 2), "status": ("active", 2), "q": ("10.6.0", 2)}
    for name, (value, count) in {**wanted, **more, **rest}.items():
        found = list(nb.ipam.prefixes.filter(site_id=one.id, **{name: value}))
        same((name, len(found)), (name, count))


@step
def available_prefixes_are_allocated(own):
    top = nb.ipam.prefixes.create(prefix="10.7.0.0/24")
    nb.ipam.prefixes.create(prefix="10.7.0.0/26")
    same([str(one) for one in top.available_prefixes.list()], ["10.7.0.64/26", "10.7.0.128/25"])
    same(str(top.available_prefixes.create({"prefix_length": 28})), "10.7.0.64/28")
    two = top.available_prefixes.create([{"prefix_length": 28, "description": own}, {"prefix_length": 25}])
    same([str(one) for one in two], ["10.7.0.80/28", "10.7.0.128/25"])
    same(two[0].description, own)
    error = refused(409, lambda: top.available_prefixes.create({"prefix_length": 25}))
    same(error, {"detail": "Insufficient resources are available to satisfy the request"})
    error = refused(400, lambda: top.available_prefixes.create({}))
    same(error, [{"prefix_length": "this field can not be missing"}])


@step
def available_ips_are_allocated(own):
    prefix = nb.ipam.prefixes.create(prefix="10.8.0.0/29")
    same([str(ip) for ip in prefix.available_ips.list()], [f"10.8.0.{n}/29" for n in range(1, 7)])
    same(str(prefix.available_ips.create()), "10.8.0.1/29")
    named = prefix.available_ips.create({"dns_name": "a.example.com", "status": "reserved"})
    same((str(named), named.dns_name, named.status.value), ("10.8.0.2/29", "a.example.com", "reserved"))
    same([str(ip) for ip in prefix.available_ips.create([{}, {}])], ["10.8.0.3/29", "10.8.0.4/29"])
    error = refused(409, lambda: prefix.available_ips.create([{}, {}, {}]))
    same(error, {"detail": "Insufficient resources are available to satisfy the request"})


@step
def available_ips_are_listed_up_to_a_limit(own):
    prefix = nb.ipam.prefixes.create(prefix="10.9.0.0/24", is_pool=True)
    same((len(prefix.available_ips.list()), len(prefix.available_ips.list(limit=200))), (50, 200))
    same(str(prefix.available_ips.list(limit=1)[0]), "10.9.0.0/24")


@step
def ip_ranges(own):
    one = nb.ipam.ip_ranges.create(start_address="10.10.0.10/24", end_address="10.10.0.20/24")
    same((one.size, str(one), one.family.value), (11, "10.10.0.10-20/24", 4))
    overlap = {"start_address": "10.10.0.20/24", "end_address": "10.10.0.30/24"}
    wrong = "Defined addresses overlap with range 10.10.0.10-20/24 in VRF None"
    same(refused(400, lambda: nb.ipam.ip_ranges.create(overlap)), {"__all__": [wrong]})
    same(str(one.available_ips.create()), "10.10.0.10/24")
    same(str(one.available_ips.list()[0]), "10.10.0.11/24")


@step
def ip_address_errors(own):
    vrf = nb.ipam.vrfs.create(name=own, rd="65000:2")
    nb.ipam.ip_addresses.create([{"address": "10.11.0.1/24", "vrf": vrf.id}, {"address": "10.11.0.1"}])
    make = lambda **more: refused(400, lambda: nb.ipam.ip_addresses.create(more))["address"]
    same(make(address="10.11.0.1/25"), ["Duplicate IP address found in global table: 10.11.0.1/32"])
    wrong = f"Duplicate IP address found in VRF {own} (65000:2): 10.11.0.1/24"
    same(make(address="10.11.0.1/25", vrf=vrf.id), [wrong])
    same(make(address="nope"), ["Invalid IP address format: nope"])


@step
def primary_address_of_a_device(own):
    one = interface(own)
    place = {"assigned_object_type": "dcim.interface", "assigned_object_id": one.id}
    ip = nb.ipam.ip_addresses.create(address="10.12.0.5/24", dns_name="A.example.com", **place)
    same((ip.dns_name, ip.assigned_object.device.name), ("a.example.com", own))
    host = nb.dcim.devices.get(name=own)
    assert host.update({"primary_ip4": ip.id})
    same((str(host.primary_ip), nb.dcim.devices.count(name=own, has_primary_ip=True)), ("10.12.0.5/24", 1))
    loose = nb.ipam.ip_addresses.create(address="10.12.0.6/24")
    wrong = "The specified IP address (10.12.0.6/24) is not assigned to this device."
    same(refused(400, lambda: host.update({"primary_ip4": loose.id})), {"primary_ip4": [wrong]})


@step
def ip_address_filters(own):
    one = interface(own)
    nb.ipam.ip_addresses.create(
        address="10.13.0.5/24", assigned_object_type="dcim.interface", assigned_object_id=one.id, role="vip"
    )
    same(nb.ipam.ip_addresses.count(parent="10.13.0.0/16"), 1)
    wanted = {"address": ["10.13.0.5/24", "10.13.0.9"], "device": own, "device_id": one.device.id}
    more = {"interface_id": one.id, "mask_length": 24, "family": 4, "role": "vip", "assigned_to_interface": True}
    for name, value in {**wanted, **more, "vrf_id": None, "q": "10.13.0.5"}.items():
        same((name, len(list(nb.ipam.ip_addresses.filter(parent="10.13.0.0/24", **{name: value})))), (name, 1))


@step
def nat_knows_both_sides(own):
    inside = nb.ipam.ip_addresses.create(address="10.14.0.1/32")
    outside = nb.ipam.ip_addresses.create(address="10.14.0.2/32", nat_inside=inside.id)
    same(str(outside.nat_inside), "10.14.0.1/32")
    same(nb.ipam.ip_addresses.get(inside.id).nat_outside[0].address, "10.14.0.2/32")


@step
def vlans_in_a_group(own):
    group = nb.ipam.vlan_groups.create(name=own, slug=own, vid_ranges=[[100, 102], [200, 200]])
    same((group.vid_ranges, group.total_vlan_ids), ([[100, 102], [200, 200]], 4))
    vlan = nb.ipam.vlans.create(name=own, vid=100, group=group.id)
    same((vlan.display, str(vlan), nb.ipam.vlan_groups.get(group.id).vlan_count), (f"{own} (100)", own, 1))
    make = lambda **more: refused(400, lambda: nb.ipam.vlans.create(name=own + "2", group=group.id, **more))
    same(make(vid=100), {"__all__": ["VLAN with this Group and VLAN ID already exists."]})
    same(make(vid=150), {"vid": [f"VID must be in ranges 100-102,200 for VLANs in group {own}"]})
    same(make(vid=5000), {"vid": ["Ensure this value is less than or equal to 4094."]})


@step
def available_vlans_are_allocated(own):
    group = nb.ipam.vlan_groups.create(name=own, slug=own, vid_ranges=[[10, 12]])
    same([vlan.vid for vlan in group.available_vlans.list()], [10, 11, 12])
    same(group.available_vlans.create({"name": own}).vid, 10)
    same([vlan.vid for vlan in group.available_vlans.create([{"name": own + "2"}, {"name": own + "3"}])], [11, 12])
    refused(409, lambda: group.available_vlans.create({"name": own + "4"}))


@step
def available_asns_are_allocated(own):
    rir = nb.ipam.rirs.create(name=own, slug=own)
    block = nb.ipam.asn_ranges.create(name=own, slug=own, rir=rir.id, start=64512, end=64514)
    same([one["asn"] for one in block.available_asns.list()], [64512, 64513, 64514])
    same(block.available_asns.create()["asn"], 64512)
    error = refused(400, lambda: nb.ipam.asns.create(asn=64512, rir=rir.id))
    same(error, {"asn": ["ASN with this ASN already exists."]})


@step
def services_of_a_device(own):
    one = device(own)
    place = {"parent_object_type": "dcim.device", "parent_object_id": one.id}
    service = nb.ipam.services.create(name="ssh", protocol="tcp", ports=[22, 2222], **place)
    same((service.parent.name, str(service.protocol), service.display), (own, "TCP", "ssh (TCP/22, 2222)"))
    same((nb.ipam.services.count(device=own), nb.ipam.services.count(device_id=one.id, port=22)), (1, 1))


@step
def fhrp_groups(own):
    one = interface(own)
    group = nb.ipam.fhrp_groups.create(protocol="vrrp2", group_id=10)
    end = {"interface_type": "dcim.interface", "interface_id": one.id}
    nb.ipam.fhrp_group_assignments.create(group=group.id, priority=100, **end)
    same((group.protocol, group.display), ("vrrp2", "VRRPv2: 10"))
    same(nb.ipam.fhrp_group_assignments.count(group_id=group.id), 1)
