"""Sites, racks, devices, interfaces and cables."""

from harness import nb, raw, refused, same, step
from objects import cable, device, interface, kit, pair, site


@step
def site_with_coordinates_and_asns(own):
    rir = nb.ipam.rirs.create(name=own, slug=own)
    asn = nb.ipam.asns.create(asn=64600, rir=rir.id)
    one = site(own, latitude=52.5, longitude=13.4, time_zone="Europe/Berlin", asns=[asn.id])
    one = nb.dcim.sites.get(one.id)
    same((one.latitude, one.longitude, one.time_zone, one.asns[0].asn), (52.5, 13.4, "Europe/Berlin", 64600))


@step
def site_counts_what_it_holds(own):
    base = kit(own)
    nb.dcim.devices.create(name=own, **base)
    nb.dcim.racks.create(name=own, site=base["site"])
    nb.ipam.vlans.create(name=own, vid=10, site=base["site"])
    nb.ipam.prefixes.create(prefix="10.1.0.0/24", scope_type="dcim.site", scope_id=base["site"])
    one = nb.dcim.sites.get(base["site"])
    same((one.device_count, one.rack_count, one.vlan_count, one.prefix_count, one.circuit_count), (1, 1, 1, 1, 0))


@step
def field_errors(own):
    error = refused(400, lambda: nb.dcim.sites.create(name="", slug="not a slug!", status="nope"))
    same(error["name"], ["This field may not be blank."])
    same(error["status"], ["nope is not a valid choice."])
    same(error["slug"], ['Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.'])
    error = refused(400, lambda: nb.dcim.sites.create(name="x" * 101, slug=own, tenant=987654, region="x"))
    same(error["name"], ["Ensure this field has no more than 100 characters."])
    same(error["tenant"], ["Related object not found using the provided numeric ID: 987654"])
    assert error["region"][0].startswith("Related objects must be referenced by numeric ID or by dictionary"), error


@step
def unique_names(own):
    site(own)
    error = {"name": ["site with this name already exists."], "slug": ["site with this slug already exists."]}
    same(refused(400, lambda: site(own)), error)
    wrong = "Device type with this Manufacturer and Model already exists."
    base = kit(own + "2")
    maker = nb.dcim.device_types.get(base["device_type"]).manufacturer.id
    error = refused(400, lambda: nb.dcim.device_types.create(manufacturer=maker, model=own + "2", slug=own))
    same(error, {"__all__": [wrong]})
    nb.dcim.devices.create(name=own, **base)
    error = refused(400, lambda: nb.dcim.devices.create(name=own.upper(), **base))
    same(error, {"__all__": ["Device name must be unique per site."]})


@step
def protected_deletion(own):
    one = device(own)
    error = refused(409, nb.dcim.sites.get(slug=own).delete)
    same(error["detail"], f"Unable to delete object. 1 dependent objects were found: {own} ({one.id})")
    assert one.delete() and nb.dcim.sites.get(slug=own).delete()


@step
def locations_nest_within_a_site(own):
    one = site(own)
    top = nb.dcim.locations.create(name=own, slug=own, site=one.id)
    room = nb.dcim.locations.create(name=own + "2", slug=own + "2", site=one.id, parent=top.id)
    same((room.parent.name, room._depth), (own, 1))
    there = {"name": own + "3", "slug": own + "3", "site": site(own + "3").id, "parent": top.id}
    wrong = f"Parent location ({own}) must belong to the same site ({own}3)."
    same(refused(400, lambda: nb.dcim.locations.create(there)), {"__all__": [wrong]})


@step
def rack_elevation_lists_half_units(own):
    base = kit(own)
    rack = nb.dcim.racks.create(name=own, site=base["site"], u_height=42)
    nb.dcim.devices.create(name=own, **base, rack=rack.id, position=10, face="front")
    units = rack.elevation.list()
    same((len(units), units[0].name, units[-1].name), (84, "U42.5", "U1"))
    same({unit.name for unit in units if unit.device}, {"U10", "U10.5"})


@step
def occupied_rack_unit(own):
    base = kit(own)
    rack = nb.dcim.racks.create(name=own, site=base["site"])
    place = {**base, "rack": rack.id, "position": 1, "face": "front"}
    same((rack.u_height, nb.dcim.devices.create(name=own, **place).position), (42, 1))
    error = refused(400, lambda: nb.dcim.devices.create(name=own + "2", **place))
    assert error["position"][0].startswith("U1"), error
    error = refused(400, lambda: nb.dcim.devices.create(name=own + "3", **{**place, "position": 2, "face": ""}))
    same(error, {"face": ["Must specify rack face when defining rack position."]})


@step
def device_gets_components_of_its_type(own):
    base = kit(own)
    nb.dcim.interface_templates.create(
        [{"device_type": base["device_type"], "name": f"eth{n}", "type": "1000base-t"} for n in range(2)]
    )
    nb.dcim.power_port_templates.create(device_type=base["device_type"], name="psu0", type="iec-60320-c14")
    one = nb.dcim.devices.create(name=own, **base)
    same([str(port) for port in nb.dcim.interfaces.filter(device_id=one.id)], ["eth0", "eth1"])
    same(nb.dcim.power_ports.get(device_id=one.id).type.value, "iec-60320-c14")
    same(nb.dcim.devices.get(one.id).interface_count, 2)


@step
def interface_labels(own):
    one = interface(own, mode="tagged", duplex="full", speed=1000000)
    same((str(one.type), str(one.mode), str(one.duplex)), ("1000BASE-T (1GE)", "Tagged", "Full"))
    one.update({"type": "10gbase-x-sfpp", "mode": "tagged-all"})
    same((str(one.type), str(one.mode)), ("SFP+ (10GE)", "Tagged (All)"))


@step
def choices_of_an_endpoint(own):
    labels = {choice["value"]: choice["display_name"] for choice in nb.dcim.interfaces.choices()["type"]}
    same((labels["virtual"], labels["25gbase-x-sfp28"]), ("Virtual", "SFP28 (25GE)"))
    states = {choice["value"] for choice in nb.ipam.prefixes.choices()["status"]}
    same(states, {"container", "active", "reserved", "deprecated"})
    assert {"vip", "loopback"} <= {choice["value"] for choice in nb.ipam.ip_addresses.choices()["role"]}


@step
def vlans_of_an_interface(own):
    vlans = nb.ipam.vlans.create([{"name": f"{own}-{vid}", "vid": vid} for vid in (11, 12, 13)])
    one = interface(own, mode="tagged", untagged_vlan=vlans[0].id, tagged_vlans=[vlans[1].id])
    same((one.untagged_vlan.vid, [vlan.vid for vlan in one.tagged_vlans]), (11, [12]))
    one.tagged_vlans.append(vlans[2])
    same(one.updates(), {"tagged_vlans": [vlans[1].id, vlans[2].id]})
    assert one.save()
    same(nb.dcim.interfaces.count(vlan_id=vlans[2].id), 1)


@step
def lag_members_stay_on_the_device(own):
    one = interface(own)
    lag = nb.dcim.interfaces.create(device=one.device.id, name="bond0", type="lag")
    assert one.update({"lag": lag.id}) and nb.dcim.interfaces.count(lag_id=lag.id) == 1
    other = interface(own + "2")
    wrong = f"The selected LAG interface (bond0) belongs to a different device ({own})."
    same(refused(400, lambda: other.update({"lag": lag.id})), {"lag": [wrong]})


@step
def primary_mac_address(own):
    one = interface(own)
    mac = nb.dcim.mac_addresses.create(
        mac_address="02000000ab01", assigned_object_type="dcim.interface", assigned_object_id=one.id
    )
    same(mac.mac_address, "02:00:00:00:AB:01")
    assert one.update({"primary_mac_address": mac.id})
    same(nb.dcim.interfaces.get(one.id).mac_address, "02:00:00:00:AB:01")


@step
def cable_connects_two_interfaces(own):
    a, b = pair(own)
    link = cable(a, b, label=own, length=3, length_unit="m")
    same((link.a_terminations[0].object.id, link.status.value, str(link.length_unit)), (a.id, "connected", "Meters"))
    end = nb.dcim.interfaces.get(a.id)
    same((end.cable.id, end.cable_end, end.link_peers_type), (link.id, "A", "dcim.interface"))
    same((end.link_peers[0].id, end.connected_endpoints[0].device.name), (b.id, own + "-b"))
    assert end.connected_endpoints_reachable is True
    same(nb.dcim.interfaces.count(device=own + "-a", cabled=True), 1)
    assert link.delete() and nb.dcim.interfaces.get(a.id).cable is None


@step
def interface_traces_its_cable(own):
    a, b = pair(own)
    link = cable(a, b)
    near, between, far = nb.dcim.interfaces.get(a.id).trace()
    same((near[0].id, between.id, far[0].id), (a.id, link.id, b.id))
    same(list(interface(own + "2").trace()), [])


@step
def cables_that_cannot_be(own):
    a, b = pair(own)
    first = cable(a, b)
    error = refused(400, lambda: cable(a, b))
    same(error["__all__"], [f"Duplicate termination found for dcim.interface {a.id}: cable {first.id}"])
    wrong = {"__all__": ["Must define A and B terminations when creating a new cable."]}
    same(refused(400, lambda: nb.dcim.cables.create(label=own)), wrong)


@step
def connected_device_of_a_peer(own):
    a, b = pair(own)
    cable(a, b)
    query = {"peer_device": own + "-b", "peer_interface": "eth0"}
    same(raw("GET", "dcim/connected-device/", params=query).json()["name"], own + "-a")


@step
def virtual_chassis_has_a_master(own):
    one = device(own)
    chassis = nb.dcim.virtual_chassis.create(name=own)
    assert one.update({"virtual_chassis": chassis.id, "vc_position": 1})
    assert chassis.update({"master": one.id})
    same((nb.dcim.virtual_chassis.get(chassis.id).member_count, str(chassis.master)), (1, own))
    error = refused(400, lambda: device(own + "2", virtual_chassis=chassis.id))
    same(error, {"vc_position": ["A device assigned to a virtual chassis must have its position defined."]})


@step
def inventory_items_and_modules(own):
    one = device(own)
    item = nb.dcim.inventory_items.create(device=one.id, name="fan", part_id="F1", serial="S1")
    nb.dcim.inventory_items.create(device=one.id, name="blade", parent=item.id)
    same([str(found) for found in nb.dcim.inventory_items.filter(device=own, parent_id=item.id)], ["blade"])
    bay = nb.dcim.module_bays.create(device=one.id, name="bay 1")
    maker = nb.dcim.manufacturers.get(slug=own)
    kind = nb.dcim.module_types.create(manufacturer=maker.id, model=own)
    module = nb.dcim.modules.create(device=one.id, module_bay=bay.id, module_type=kind.id)
    same(nb.dcim.module_bays.get(bay.id).installed_module.id, module.id)


@step
def deleting_a_device_takes_its_parts(own):
    one = interface(own)
    address = nb.ipam.ip_addresses.create(
        address="10.2.0.1/24", assigned_object_type="dcim.interface", assigned_object_id=one.id
    )
    assert nb.dcim.devices.get(name=own).delete()
    assert nb.dcim.interfaces.get(one.id) is None and nb.ipam.ip_addresses.get(address.id) is None


@step
def napalm_is_gone(own):
    refused(404, lambda: list(device(own).napalm.list(method="get_facts")))
