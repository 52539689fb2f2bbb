"""High availability, firewall, SDN and tasks."""

from proxmoxer.tools import Tasks

from kit import (
    TOKEN, USER, api, done, has, node, none, one, refused, same, started, step, vm,
)


@step
def high_availability():
    vmid, guest = vm()
    sid = f"vm:{vmid}"
    api.cluster.ha.resources.post(sid=sid, state="started", max_restart=2, comment="mine")
    refused(lambda: api.cluster.ha.resources.post(sid=sid), 500, f"resource ID '{sid}' already defined")
    row = one(api.cluster.ha.resources.get(), sid=sid)
    same((row["type"], row["state"], row["max_restart"]), ("vm", "started", 2))
    api.cluster.ha.resources(sid).put(state="stopped")
    same(api.cluster.ha.resources(sid).get()["state"], "stopped")
    same(guest.status.current.get()["ha"]["managed"], 1)
    same(one(api.cluster.ha.status.current.get(), id="quorum")["quorate"], 1)
    one(api.cluster.ha.status.current.get(), id=f"service:{sid}")
    has(one(api.cluster.resources.get(type="vm"), vmid=vmid), "hastate")
    done(guest.status.start.post(), "hastart", of=vmid)
    refused(guest.delete, 500, f"unable to remove VM {vmid} - used in HA resources and purge parameter not set.")
    api.cluster.ha.resources(sid).delete()
    refused(api.cluster.ha.resources(sid).get, 500, f"no such resource '{sid}'")
    same(guest.status.current.get()["ha"], {"managed": 0})


@step
def high_availability_rules():
    vmid, _ = vm()
    refused(api.cluster.ha.groups.get, 500, "cannot index groups: ha groups have been migrated to rules")
    call = lambda: api.cluster.ha.groups.post(group="g", nodes="pve01")
    refused(call, 500, "cannot create group: ha groups have been migrated to rules")
    api.cluster.ha.resources.post(sid=f"vm:{vmid}")
    rule = {"rule": "stay", "type": "node-affinity", "resources": f"vm:{vmid}", "nodes": "pve01"}
    api.cluster.ha.rules.post(**rule)
    refused(lambda: api.cluster.ha.rules.post(**rule), 500, "HA rule 'stay' already defined")
    row = one(api.cluster.ha.rules.get(), rule="stay")
    same((row["type"], row["resources"]), ("node-affinity", f"vm:{vmid}"))
    api.cluster.ha.rules("stay").delete()
    refused(api.cluster.ha.rules("stay").get, 500, "no such ha rule 'stay'")


def firewall_rules(place):
    place.rules.post(type="in", action="ACCEPT", proto="tcp", dport="22", enable=1, comment="ssh")
    place.rules.post(type="in", action="DROP")
    # New ones go first.
    rows = place.rules.get()
    same([(row["pos"], row["action"], row["enable"]) for row in rows[:2]], [(0, "DROP", 0), (1, "ACCEPT", 1)])
    place.rules(1).put(comment="changed", digest=rows[1]["digest"])
    same(place.rules(1).get()["comment"], "changed")
    place.rules(1).put(moveto=0)
    same(place.rules(0).get()["action"], "ACCEPT")
    place.rules(0).delete()
    place.rules(0).delete()
    refused(place.rules(99).get, 500, "no rule at position 99")


@step
def firewall_of_the_cluster():
    place = api.cluster.firewall
    place.options.put(enable=0, policy_in="DROP")
    same(place.options.get()["policy_in"], "DROP")
    firewall_rules(place)
    place.aliases.post(name="office", cidr="192.0.2.0/24", comment="HQ")
    same(one(place.aliases.get(), name="office")["cidr"], "192.0.2.0/24")
    refused(lambda: place.aliases.post(name="office", cidr="192.0.2.0/24"), 400, "already exists", "name")
    one(place.refs.get(type="alias"), name="office")
    place.aliases("office").delete()
    refused(place.aliases("office").get, 400, "no such alias", "name")
    assert one(place.macros.get(), macro="SSH")


@step
def firewall_groups_and_sets():
    place = api.cluster.firewall
    place.groups.post(group="web", comment="HTTP")
    place.groups("web").post(type="in", action="ACCEPT", macro="HTTP", enable=1)
    same(place.groups("web").get()[0]["macro"], "HTTP")
    refused(place.groups("web").delete, 500, "Security group 'web' is not empty")
    place.groups("web")(0).delete()
    place.groups("web").delete()
    place.ipset.post(name="admins")
    place.ipset("admins").post(cidr="192.0.2.10", comment="desk")
    same(place.ipset("admins").get()[0]["cidr"], "192.0.2.10")
    again = lambda: place.ipset("admins").post(cidr="192.0.2.10")
    refused(again, 400, "address '192.0.2.10' already exists", "cidr")
    refused(place.ipset("admins").delete, 500, "IPSet 'admins' is not empty")
    place.ipset("admins")("192.0.2.10").delete()
    place.ipset("admins").delete()
    none(place.ipset.get(), name="admins")


@step
def firewall_of_guest_and_node():
    _, guest = vm()
    guest.firewall.options.put(enable=1, policy_in="REJECT")
    same((guest.firewall.options.get()["enable"], guest.firewall.options.get()["policy_in"]), (1, "REJECT"))
    firewall_rules(guest.firewall)
    guest.firewall.ipset.post(name="ipfilter-net0")
    guest.firewall.ipset("ipfilter-net0").post(cidr="192.0.2.20")
    one(guest.firewall.refs.get(), name="ipfilter-net0", type="ipset")
    firewall_rules(node.firewall)
    node.firewall.options.put(enable=0)
    same(node.firewall.options.get()["enable"], 0)


@step
def software_defined_network():
    place = api.cluster.sdn
    place.zones.post(zone="lab", type="simple")
    refused(lambda: place.zones.post(zone="lab", type="simple"), 500, "sdn zone object ID 'lab' already defined")
    place.vnets.post(vnet="labnet", zone="lab", alias="test lab")
    place.vnets("labnet").subnets.post(subnet="10.9.0.0/24", type="subnet", gateway="10.9.0.1", snat=1)
    same(one(place.zones.get(), zone="lab")["type"], "simple")
    same(one(place.vnets.get(), vnet="labnet")["zone"], "lab")
    row = one(place.vnets("labnet").subnets.get(), subnet="lab-10.9.0.0-24")
    same((row["gateway"], row["cidr"], row["vnet"]), ("10.9.0.1", "10.9.0.0/24", "labnet"))
    same(one(place.zones.get(pending=1), zone="lab")["state"], "new")
    done(place.put(), "reloadnetworkall")
    assert "state" not in one(place.zones.get(pending=1), zone="lab")
    same(one(node.sdn.zones.get(), zone="lab")["status"], "available")
    vm(net0="virtio,bridge=labnet")
    refused(place.zones("lab").delete, 500, "zone lab is used by vnet labnet")
    place.vnets("labnet").subnets("lab-10.9.0.0-24").delete()
    place.vnets("labnet").delete()
    place.zones("lab").delete()
    none(place.zones.get(), zone="lab")


@step
def mappings_metrics_and_notifications():
    api.cluster.mapping.usb.post(id="dongle", map="node=pve01,id=1234:5678")
    same(one(api.cluster.mapping.usb.get(), id="dongle")["map"], ["node=pve01,id=1234:5678"])
    api.cluster.mapping.usb("dongle").delete()
    api.cluster.metrics.server("influx").post(type="influxdb", server="192.0.2.5", port=8089)
    same(str(one(api.cluster.metrics.server.get(), id="influx")["port"]), "8089")
    api.cluster.metrics.server("influx").delete()
    api.cluster.notifications.endpoints.gotify.post(name="push", server="https://push.example.com", token="t")
    same(one(api.cluster.notifications.targets.get(), name="push")["type"], "gotify")
    api.cluster.notifications.endpoints.gotify("push").delete()


@step
def task_lists():
    vmid, guest = vm()
    started(guest)
    done(guest.status.start.post(), "qmstart", exit=f"VM {vmid} already running")
    rows = node.tasks.get(vmid=vmid)
    same([(row["type"], row["status"]) for row in rows],
         [("qmstart", f"VM {vmid} already running"), ("qmstart", "OK"), ("qmcreate", "OK")])
    has(rows[0], "upid", "starttime", "endtime", "pid", "pstart", "id", "node")
    same((rows[0]["user"], rows[0]["tokenid"]), (USER, TOKEN))
    same(len(node.tasks.get(vmid=vmid, errors=1)), 1)
    same(len(node.tasks.get(vmid=vmid, typefilter="qmcreate")), 1)
    same(len(node.tasks.get(vmid=vmid, limit=1, start=1)), 1)
    same(len(node.tasks.get(vmid=vmid, statusfilter="ok")), 2)
    same(len(node.tasks.get(vmid=vmid, since=rows[0]["starttime"] + 1)), 0)


@step
def task_log():
    vmid, guest = vm()
    upid = started(guest).status.stop.post()
    done(upid, "qmstop")
    assert Tasks.decode_log(node.tasks(upid).log.get()).endswith("TASK OK")
    upid = vm()[1].snapshot("none").delete()
    assert upid and Tasks.blocking_status(api, upid, timeout=20, polling_interval=0.05)
    log = Tasks.decode_log(node.tasks(upid).log.get(limit=500))
    assert log.endswith("TASK ERROR: snapshot 'none' does not exist"), log


@step
def missing_task():
    upid = "UPID:pve01:00000001:00000001:60000000:qmstart:100:root@pam:"
    refused(node.tasks(upid).status.get, 400, "no such task", "upid")
    refused(node.tasks("nonsense").status.get, 400, "unable to parse worker upid", "upid")


@step
def bulk_start_and_stop():
    vmid, guest = vm()
    done(node.startall.post(vms=str(vmid), force=1), "startall")
    same(guest.status.current.get()["status"], "running")
    done(node.stopall.post(vms=str(vmid)), "stopall")
    same(guest.status.current.get()["status"], "stopped")
