"""Tenants, contacts, tags, custom fields, the changelog, users and the small apps."""

import pynetbox

from harness import nb, raw, refused, same, step, URL
from objects import interface, site


@step
def tenants_in_groups(own):
    group = nb.tenancy.tenant_groups.create(name=own, slug=own)
    tenant = nb.tenancy.tenants.create(name=own, slug=own, group=group.id)
    site(own, tenant=tenant.id)
    same(nb.dcim.sites.count(tenant_group=own), 1)
    same((nb.tenancy.tenants.get(tenant.id).site_count, nb.tenancy.tenant_groups.get(group.id).tenant_count), (1, 1))


@step
def contacts_of_an_object(own):
    one = site(own)
    role = nb.tenancy.contact_roles.create(name=own, slug=own)
    group = nb.tenancy.contact_groups.create(name=own, slug=own)
    contact = nb.tenancy.contacts.create(name=own, email="a@example.com", groups=[group.id])
    given = {"object_type": "dcim.site", "object_id": one.id, "contact": contact.id, "role": role.id}
    made = nb.tenancy.contact_assignments.create(**given, priority="primary")
    same((made.object.name, str(made.priority), contact.groups[0].name), (own, "Primary", own))
    same(nb.tenancy.contact_assignments.count(object_type="dcim.site", object_id=one.id), 1)
    same(nb.dcim.sites.count(contact=contact.id), 1)


@step
def tag_defaults_and_unknown_tags(own):
    tag = nb.extras.tags.create(name=own, slug=own)
    same((tag.color, tag.weight, tag.object_types), ("9e9e9e", 1000, []))
    site(own, tags=[{"name": own}])
    same(nb.extras.tags.get(tag.id).tagged_items, 1)
    error = refused(400, lambda: site(own + "2", tags=[tag.id, {"name": "no"}]))
    wrong = "Related object not found using the provided attributes: {'name': 'no'}"
    same(error, {"tags": [{}, [wrong]]})


@step
def custom_fields_are_set_and_read(own):
    name = own.replace("-", "_")
    choices = nb.extras.custom_field_choice_sets.create(name=own, extra_choices=[["a", "A"], ["b", "B"]])
    nb.extras.custom_fields.create(name=name, type="select", object_types=["tenancy.tenant"], choice_set=choices.id)
    one = nb.tenancy.tenants.create(name=own, slug=own, custom_fields={name: "a"})
    one.custom_fields[name] = "b"
    same(one.updates()["custom_fields"][name], "b")
    assert one.save()
    same([found.name for found in nb.tenancy.tenants.filter(**{"cf_" + name: "b"})], [own])
    wrong = f"Invalid value for custom field '{name}': Invalid choice (c) for choice set {own}."
    same(refused(400, lambda: one.update({"custom_fields": {name: "c"}})), {"__all__": [wrong]})
    wrong = {"custom_fields": {"nope": "Custom field 'nope' does not exist for this object type."}}
    same(refused(400, lambda: one.update({"custom_fields": {"nope": 1}})), wrong)
    (choice,) = raw("GET", f"extras/custom-field-choice-sets/{choices.id}/choices/?q=b").json()["results"]
    same(choice, {"id": "b", "display": "B"})


@step
def custom_field_of_objects(own):
    name = own.replace("-", "_")
    nb.extras.custom_fields.create(
        name=name, type="object", related_object_type="dcim.site", object_types=["tenancy.contactrole"]
    )
    role = nb.tenancy.contact_roles.create(name=own, slug=own, custom_fields={name: site(own).id})
    same(nb.tenancy.contact_roles.get(role.id).custom_fields[name]["slug"], own)


@step
def custom_field_text_is_matched_loosely(own):
    name = own.replace("-", "_")
    nb.extras.custom_fields.create(name=name, type="text", object_types=["tenancy.tenantgroup"], default="none")
    nb.tenancy.tenant_groups.create(name=own, slug=own, custom_fields={name: "Alpha-1"})
    assert nb.tenancy.tenant_groups.create(name=own + "2", slug=own + "2").custom_fields[name] == "none"
    same(nb.tenancy.tenant_groups.count(**{"cf_" + name: "alpha"}), 1)
    same(nb.tenancy.tenant_groups.count(**{f"cf_{name}__isw": "alpha"}), 1)


@step
def custom_field_rules(own):
    name = own.replace("-", "_")
    nb.extras.custom_fields.create(
        name=name, type="integer", object_types=["ipam.role"], validation_minimum=1, validation_maximum=9
    )
    make = lambda value: refused(400, lambda: nb.ipam.roles.create(name=own, slug=own, custom_fields={name: value}))
    start = f"Invalid value for custom field '{name}': "
    assert make(10)["__all__"][0].startswith(start + "Value must not exceed 9"), make(10)
    same(make("x"), {"__all__": [start + "Value must be an integer."]})


@step
def journal_entries(own):
    one = site(own)
    entry = nb.extras.journal_entries.create(
        assigned_object_type="dcim.site", assigned_object_id=one.id, comments="moved", kind="warning"
    )
    same((str(entry.kind), entry.assigned_object.slug), ("Warning", own))
    same(entry.created_by, raw("GET", "authentication-check/").json()["id"])
    same(nb.extras.journal_entries.count(assigned_object_type="dcim.site", assigned_object_id=one.id), 1)


@step
def webhooks_and_event_rules(own):
    hook = nb.extras.webhooks.create(name=own, payload_url="http://localhost:9000/")
    same((hook.http_method, hook.http_content_type, hook.ssl_verification), ("POST", "application/json", True))
    rule = nb.extras.event_rules.create(
        name=own, object_types=["dcim.site"], event_types=["object_created"], action_type="webhook",
        action_object_type="extras.webhook", action_object_id=hook.id,
    )
    same((rule.enabled, rule.event_types, str(rule.action_type)), (True, ["object_created"], "Webhook"))


@step
def links_filters_and_templates(own):
    link = nb.extras.custom_links.create(
        name=own, object_types=["dcim.site"], link_text="{{ object.name }}", link_url="https://example.com/"
    )
    same((link.button_class, link.weight, link.enabled), ("default", 100, True))
    saved = nb.extras.saved_filters.create(
        name=own, slug=own, object_types=["dcim.site"], parameters={"status": ["active"]}
    )
    same((saved.parameters.status, saved.shared), (["active"], True))
    export = nb.extras.export_templates.create(name=own, object_types=["dcim.site"], template_code="x")
    same((export.as_attachment, nb.extras.export_templates.count(object_type="dcim.site", name=own)), (True, 1))


@step
def changelog_tells_what_happened(own):
    one = site(own, changelog_message="why not")
    assert one.update({"description": "new", "changelog_message": "because"})
    one.delete()
    which = {"changed_object_type": "dcim.site", "changed_object_id": one.id}
    created, updated, deleted = nb.core.object_changes.filter(**which, ordering="time")
    same([change.action.value for change in (created, updated, deleted)], ["create", "update", "delete"])
    same((created.message, updated.message, created.object_repr), ("why not", "because", own))
    same((updated.prechange_data["description"], updated.postchange_data["description"]), ("", "new"))
    same((created.prechange_data, deleted.postchange_data), (None, None))


@step
def changelog_groups_by_request(own):
    made = nb.extras.tags.create([{"name": f"{own}{n}", "slug": f"{own}{n}"} for n in range(2)])
    changes = [nb.core.object_changes.get(changed_object_type="extras.tag", changed_object_id=tag.id) for tag in made]
    same(changes[0].request_id, changes[1].request_id)
    same(nb.core.object_changes.count(request_id=changes[0].request_id), 2)


@step
def users_groups_and_permissions(own):
    user = nb.users.users.create(username=own, password="Correct-Horse-42", email="a@example.com")
    assert "password" not in dict(user)
    group = nb.users.groups.create(name=own)
    assert user.update({"groups": [group.id]}) and str(user.groups[0]) == own
    same(nb.users.groups.get(group.id).user_count, 1)
    permission = nb.users.permissions.create(
        name=own, object_types=["dcim.site"], actions=["view"], constraints=[{"name": own}], groups=[group.id]
    )
    same((permission.constraints, permission.groups[0].name), ([{"name": own}], own))
    error = refused(400, lambda: nb.users.users.create(username=own + "2", password="short"))
    assert "too short" in error["non_field_errors"][0], error


@step
def object_types_describe_models(own):
    kind = nb.core.object_types.get(app_label="dcim", model="device")
    same((kind.display, kind.rest_api_endpoint, kind.is_plugin_model), ("DCIM | device", "/api/dcim/devices/", False))
    assert "custom_fields" in kind.features, kind.features


@step
def data_sources_are_queued_for_sync(own):
    source = nb.core.data_sources.create(name=own, type="local", source_url="/tmp/" + own)
    same((source.status.value, str(source.type), source.file_count), ("new", "Local", 0))
    same(source.sync.create()["id"], source.id)
    same(nb.core.jobs.count(object_type="core.datasource", object_id=source.id), 1)


@step
def circuits_end_at_sites(own):
    provider = nb.circuits.providers.create(name=own, slug=own)
    kind = nb.circuits.circuit_types.create(name=own, slug=own)
    circuit = nb.circuits.circuits.create(cid=own, provider=provider.id, type=kind.id, commit_rate=1000)
    nb.circuits.circuit_terminations.create(
        circuit=circuit.id, term_side="A", termination_type="dcim.site", termination_id=site(own).id
    )
    same(nb.circuits.circuits.get(cid=own).termination_a.termination.name, own)
    same((nb.circuits.providers.get(slug=own).circuit_count, nb.circuits.circuits.count(site=own)), (1, 1))
    error = refused(400, lambda: nb.circuits.circuits.create(cid=own, provider=provider.id, type=kind.id))
    same(error, {"__all__": ["Circuit with this Provider and Circuit ID already exists."]})


@step
def tunnels_and_l2vpns(own):
    group = nb.vpn.tunnel_groups.create(name=own, slug=own)
    tunnel = nb.vpn.tunnels.create(name=own, encapsulation="gre", group=group.id, status="planned")
    end = {"termination_type": "dcim.interface", "termination_id": interface(own).id}
    nb.vpn.tunnel_terminations.create(tunnel=tunnel.id, role="hub", **end)
    same((str(tunnel.encapsulation), nb.vpn.tunnels.get(tunnel.id).terminations_count), ("GRE", 1))
    service = nb.vpn.l2vpns.create(name=own, slug=own, type="vxlan-evpn", identifier=100)
    vlan = nb.ipam.vlans.create(name=own, vid=20)
    nb.vpn.l2vpn_terminations.create(l2vpn=service.id, assigned_object_type="ipam.vlan", assigned_object_id=vlan.id)
    same((service.display, nb.ipam.vlans.get(vlan.id).l2vpn_termination.l2vpn.name), (own + " (100)", own))


@step
def wireless_networks(own):
    group = nb.wireless.wireless_lan_groups.create(name=own, slug=own)
    lan = nb.wireless.wireless_lans.create(ssid=own[:32], group=group.id, auth_type="wpa-personal", auth_psk="secret")
    same((lan.display, str(lan.auth_type), lan.auth_psk), (own[:32], "WPA Personal (PSK)", "secret"))
    same(nb.wireless.wireless_lan_groups.get(slug=own).wirelesslan_count, 1)
