"""Config contexts and rendered configuration."""

from harness import nb, refused, same, step
from objects import device, kit


@step
def local_context_data_is_plain_json(own):
    one = device(own, local_context_data={"ntp": ["10.0.0.1"], "deep": {"a": 1}})
    one = nb.dcim.devices.get(one.id)
    same((one.local_context_data["deep"], one.config_context["ntp"]), ({"a": 1}, ["10.0.0.1"]))
    one.local_context_data = {"ntp": []}
    assert one.save() and nb.dcim.devices.get(one.id).local_context_data == {"ntp": []}
    error = refused(400, lambda: one.update({"local_context_data": "text"}))
    assert "local_context_data" in error, error


@step
def config_contexts_are_merged_by_weight(own):
    base = kit(own)
    contexts = [("low", 100, {"a": 1, "b": {"x": 1}}), ("high", 2000, {"a": 2, "b": {"y": 2}})]
    for name, weight, data in contexts:
        nb.extras.config_contexts.create(name=f"{own} {name}", weight=weight, data=data, sites=[base["site"]])
    one = nb.dcim.devices.create(name=own, **base, local_context_data={"c": 3})
    same(nb.dcim.devices.get(one.id).config_context, {"a": 2, "b": {"x": 1, "y": 2}, "c": 3})
    same(nb.extras.config_contexts.get(name=own + " low").data, {"a": 1, "b": {"x": 1}})


@step
def render_config_needs_a_template(own):
    error = refused(400, lambda: device(own).render_config.create())
    same(error, {"error": "No config template found for this device."})


@step
def render_config_fills_the_template(own):
    template = nb.extras.config_templates.create(name=own, template_code="host {{ device.name }} {{ x }}")
    one = device(own, config_template=template.id)
    same(one.render_config.create({"x": 1})["content"], f"host {own} 1")
