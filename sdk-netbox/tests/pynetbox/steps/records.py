"""Objects as pynetbox handles them: created, changed, deleted, one or many."""

from harness import nb, raw, refused, same, step
from objects import kit, site


@step
def save_sends_only_what_changed(own):
    one = site(own)
    one.description = "new"
    same(one.updates(), {"description": "new"})
    assert one.save()
    same(one.updates(), {})
    assert not one.save()
    same(nb.dcim.sites.get(one.id).description, "new")


@step
def nested_objects_load_on_demand(own):
    region = nb.dcim.regions.create(name=own, slug=own)
    one = nb.dcim.devices.create(name=own, **{**kit(own + "-x"), "site": site(own, region=region.id).id})
    fetched = nb.dcim.devices.get(one.id)
    same(fetched.site.region.slug, own)
    same(fetched.device_type.manufacturer.name, own + "-x")
    assert fetched.site.full_details()


@step
def references_by_attributes(own):
    tenant = nb.tenancy.tenants.create(name=own, slug=own)
    one = site(own, tenant={"slug": own}, tags=[nb.extras.tags.create(name=own, slug=own).id])
    same((one.tenant.id, [str(tag) for tag in one.tags]), (tenant.id, [own]))
    one.tags = [{"slug": own}]
    one.tenant = {"name": own}
    assert one.save()


@step
def clearing_a_reference(own):
    tenant = nb.tenancy.tenants.create(name=own, slug=own)
    one = site(own, tenant=tenant.id)
    one.tenant = None
    assert one.save() and nb.dcim.sites.get(one.id).tenant is None


@step
def bulk_create_keeps_the_order(own):
    made = nb.dcim.sites.create([{"name": f"{own} {n}", "slug": f"{own}-{n}"} for n in (3, 1, 2)])
    same([one.slug[-1] for one in made], ["3", "1", "2"])


@step
def bulk_create_names_the_wrong_rows(own):
    rows = [{"name": own, "slug": own}, {"name": own + "x"}]
    same(refused(400, lambda: nb.dcim.sites.create(rows)), [{}, {"slug": ["This field is required."]}])
    assert nb.dcim.sites.get(slug=own) is None


@step
def bulk_update_with_dicts_and_records(own):
    made = nb.dcim.sites.create([{"name": f"{own}{n}", "slug": f"{own}{n}"} for n in range(3)])
    made[0].facility = "A"
    changed = nb.dcim.sites.update([made[0], {"id": made[1].id, "facility": "B"}])
    same({one.id: one.facility for one in changed}, {made[0].id: "A", made[1].id: "B"})


@step
def record_set_updates_and_deletes(own):
    nb.dcim.sites.create([{"name": f"{own}{n}", "slug": f"{own}{n}"} for n in range(3)])
    found = nb.dcim.sites.filter(name__isw=own)
    same(len(found), 3)
    assert found.update(status="retired")
    same(nb.dcim.sites.count(name__isw=own, status="retired"), 3)
    assert nb.dcim.sites.filter(name__isw=own).delete()
    same(nb.dcim.sites.count(name__isw=own), 0)


@step
def deleting_by_id_and_twice(own):
    one, two = nb.extras.tags.create([{"name": f"{own}{n}", "slug": f"{own}{n}"} for n in range(2)])
    assert nb.extras.tags.delete([one.id, str(two.id)])
    assert nb.extras.tags.get(one.id) is None
    refused(404, one.delete)


@step
def get_of_several_is_an_error(own):
    nb.dcim.sites.create([{"name": f"{own}{n}", "slug": f"{own}{n}"} for n in range(2)])
    try:
        nb.dcim.sites.get(name__isw=own)
    except ValueError:
        return
    raise AssertionError("get() chose one of two")


@step
def put_needs_the_whole_object(own):
    one = site(own, description="old")
    same(raw("PUT", f"dcim/sites/{one.id}/", json={"name": own}).json(), {"slug": ["This field is required."]})
    same(raw("PUT", f"dcim/sites/{one.id}/", json={"name": own, "slug": own}).status_code, 200)


@step
def not_allowed_method_is_405(own):
    same(raw("POST", "core/object-changes/", json={}).status_code, 405)
