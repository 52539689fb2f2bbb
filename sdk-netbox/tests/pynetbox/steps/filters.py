"""What scripts look objects up by."""

import pynetbox

from harness import nb, refused, same, step, TOKEN, URL
from objects import device, five, interface, kit, site


@step
def text_lookups(own):
    five(own)
    wanted = {"name__ic": own[3:].upper(), "name__ie": f"{own}-1".upper(), "name__isw": own, "name__iew": own + "-3"}
    counts = {key: nb.extras.tags.count(**{key: value}) for key, value in wanted.items()}
    same(counts, {"name__ic": 5, "name__ie": 1, "name__isw": 5, "name__iew": 1})
    same(nb.extras.tags.count(name__isw=own, name__nic="-4"), 4)
    same(nb.extras.tags.count(name__isw=own, name__n=[f"{own}-0", f"{own}-1"]), 3)
    same(nb.extras.tags.count(name__isw=own, name__regex="[0-2]$"), 3)


@step
def several_values_are_alternatives(own):
    tags = five(own)
    same(nb.extras.tags.count(name=[f"{own}-0", f"{own}-4", "none"]), 2)
    same(nb.extras.tags.count(id=[tags[1].id, tags[2].id]), 2)
    same(nb.extras.tags.count(id__n=[tags[1].id], name__isw=own), 4)


@step
def free_text_search(own):
    site(own, facility="F-" + own, comments="sparrow " + own)
    same([one.name for one in nb.dcim.sites.filter(own[5:])], [own])
    same(nb.dcim.sites.count("sparrow " + own), 1)
    same(nb.dcim.sites.count(q="f-" + own), 1)


@step
def tags_are_all_required(own):
    a, b = nb.extras.tags.create([{"name": f"{own}{x}", "slug": f"{own}{x}"} for x in "ab"])
    site(own, tags=[a.id, b.id])
    site(own + "2", tags=[a.id])
    same(nb.dcim.sites.count(tag=[a.slug, b.slug]), 1)
    same(nb.dcim.sites.count(tag=a.slug, tag__n=b.slug), 1)
    same(nb.dcim.sites.count(tag_id=a.id), 2)


@step
def unknown_filter_is_ignored(own):
    same(nb.dcim.sites.count(no_such_filter=own), nb.dcim.sites.count())


@step
def strict_filters_refuse_unknown_ones(own):
    strict = pynetbox.api(URL, token=TOKEN, strict_filters=True)
    assert list(strict.dcim.sites.filter(name__ic=own, status="active")) == []
    try:
        strict.dcim.sites.filter(no_such_filter=own)
    except pynetbox.ParameterValidationError:
        return
    raise AssertionError("accepted, though it must not be")


@step
def impossible_values_are_refused(own):
    choice = "Select a valid choice. {} is not one of the available choices.".format
    same(refused(400, lambda: nb.dcim.sites.count(status="nope")), {"status": [choice("nope")]})
    same(refused(400, lambda: nb.dcim.sites.count(region="nope-" + own)), {"region": [choice("nope-" + own)]})
    same(refused(400, lambda: nb.dcim.sites.count(tenant_id=987654)), {"tenant_id": [choice(987654)]})
    same(refused(400, lambda: nb.dcim.sites.count(id="x")), {"id": ["Enter a whole number."]})


@step
def null_and_empty(own):
    tenant = nb.tenancy.tenants.create(name=own, slug=own)
    site(own, tenant=tenant.id, facility="x")
    site(own + "2")
    same([one.name for one in nb.dcim.sites.filter(name__isw=own, tenant_id=None)], [own + "2"])
    same(nb.dcim.sites.count(name__isw=own, facility__empty=True), 1)
    same(nb.dcim.sites.count(name__isw=own, tenant=own), 1)


@step
def times_and_requests(own):
    one = site(own)
    same(nb.dcim.sites.count(name=own, created__gte="2020-01-01T00:00:00Z"), 1)
    same(nb.dcim.sites.count(name=own, last_updated__lt="2020-01-01T00:00:00Z"), 0)
    (change,) = nb.core.object_changes.filter(changed_object_type="dcim.site", changed_object_id=one.id)
    same([found.id for found in nb.dcim.sites.filter(modified_by_request=change.request_id)], [one.id])
    same(nb.dcim.sites.count(created_by_request=change.request_id), 1)


@step
def region_filter_includes_descendants(own):
    top = nb.dcim.regions.create(name=own, slug=own)
    below = nb.dcim.regions.create(name=own + "2", slug=own + "2", parent=top.id)
    site(own, region=below.id)
    same(nb.dcim.sites.count(region=own), 1)
    same(nb.dcim.sites.count(region_id=top.id), 1)
    same((nb.dcim.regions.get(below.id)._depth, nb.dcim.regions.get(top.id).site_count), (1, 1))


@step
def device_filters_of_an_inventory(own):
    tenant = nb.tenancy.tenants.create(name=own, slug=own)
    platform = nb.dcim.platforms.create(name=own, slug=own)
    device(own, tenant=tenant.id, platform=platform.id, serial="Ab1-" + own)
    slugs = {"site": own, "role": own, "manufacturer": own, "device_type": own, "platform": own, "tenant": own}
    for name, value in {**slugs, "model": own, "status": ["active", "planned"], "has_primary_ip": False}.items():
        same((name, [one.name for one in nb.dcim.devices.filter(name__isw=own, **{name: value})]), (name, [own]))


@step
def device_name_and_serial_ignore_case(own):
    device(own, serial="Ab1-" + own)
    same(nb.dcim.devices.get(name=own.upper()).serial, "Ab1-" + own)
    same(nb.dcim.devices.count(serial="aB1-" + own), 1)


@step
def device_filters_through_its_place(own):
    region = nb.dcim.regions.create(name=own, slug=own)
    base = kit(own)
    nb.dcim.sites.get(base["site"]).update({"region": region.id})
    place = nb.dcim.locations.create(name=own, slug=own, site=base["site"])
    rack = nb.dcim.racks.create(name=own, site=base["site"], location=place.id)
    nb.dcim.devices.create(name=own, **base, location=place.id, rack=rack.id)
    for name, value in {"region": own, "region_id": region.id, "location_id": place.id, "rack_id": rack.id}.items():
        same((name, nb.dcim.devices.count(name=own, **{name: value})), (name, 1))


@step
def interface_filters(own):
    one = interface(own, enabled=False, mtu=9000)
    wanted = {"device": own, "device_id": one.device.id, "type": "1000base-t", "enabled": False, "mtu__gte": 1500}
    for name, value in {**wanted, "kind": "physical", "site": own, "cabled": False, "connected": False}.items():
        same((name, nb.dcim.interfaces.count(id=one.id, **{name: value})), (name, 1))


@step
def mac_address_filters(own):
    one = interface(own)
    nb.dcim.mac_addresses.create(
        mac_address="02:00:00:00:4a:01", assigned_object_type="dcim.interface", assigned_object_id=one.id
    )
    same(nb.dcim.interfaces.get(mac_address="02-00-00-00-4A-01").id, one.id)
    same(nb.dcim.devices.get(mac_address="02:00:00:00:4a:01").name, own)
    same(nb.dcim.mac_addresses.count(device=own), 1)
