"""What steps need before they can do what they are about."""

from harness import nb


def site(own, **more):
    return nb.dcim.sites.create(name=own, slug=own, **more)


def kit(own):
    """What every device needs."""
    maker = nb.dcim.manufacturers.create(name=own, slug=own)
    return {
        "site": site(own).id,
        "device_type": nb.dcim.device_types.create(manufacturer=maker.id, model=own, slug=own).id,
        "role": nb.dcim.device_roles.create(name=own, slug=own).id,
    }


def device(own, **more):
    return nb.dcim.devices.create(name=own, **kit(own), **more)


def interface(own, **more):
    return nb.dcim.interfaces.create(device=device(own).id, name="eth0", type="1000base-t", **more)


def cluster(own, **more):
    kind = nb.virtualization.cluster_types.create(name=own, slug=own)
    return nb.virtualization.clusters.create(name=own, type=kind.id, **more)


def machine(own, **more):
    return nb.virtualization.virtual_machines.create(name=own, cluster=cluster(own).id, **more)


def pair(own):
    """Two devices with an interface each."""
    base = kit(own)
    ends = nb.dcim.devices.create([{**base, "name": f"{own}-{end}"} for end in "ab"])
    return nb.dcim.interfaces.create([{"device": one.id, "name": "eth0", "type": "1000base-t"} for one in ends])


def cable(a, b, **more):
    ends = [[{"object_type": "dcim.interface", "object_id": end.id}] for end in (a, b)]
    return nb.dcim.cables.create(a_terminations=ends[0], b_terminations=ends[1], **more)


def five(own):
    """Tags with the weights 0 to 4."""
    return nb.extras.tags.create([{"name": f"{own}-{n}", "slug": f"{own}-{n}", "weight": n} for n in range(5)])
