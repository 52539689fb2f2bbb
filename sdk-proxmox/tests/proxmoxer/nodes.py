"""Logins, errors, the cluster and its nodes."""

import requests
from proxmoxer import AuthenticationError

from kit import (
    AGENT_VM, DIR, HOST, PORT, TOKEN, USER, api, connect, done, free, has, node, one, other,
    refused, root, same, step, vm,
)


@step
def login_by_token():
    has(api.version.get(), "version", "release", "repoid")


@step
def login_by_password():
    ticket, csrf = root.get_tokens()
    assert ticket.startswith("PVE:root@pam:") and csrf, ticket
    answer = root.access.ticket.post(username="root@pam", password=ticket)
    has(answer, "ticket", "CSRFPreventionToken", "username", "cap")


@step
def wrong_password():
    try:
        connect(user="root@pam", password="wrong")
    except AuthenticationError:
        return
    raise AssertionError("a wrong password was taken")


@step
def wrong_token():
    refused(connect(user=USER, token_name=TOKEN, token_value="wrong").nodes.get, 401, "")


@step
def change_without_csrf_token():
    cookies = {"PVEAuthCookie": root.get_tokens()[0]}
    url = f"https://{HOST}:{PORT}/api2/json/pools"
    same(requests.post(url, {"poolid": "x"}, cookies=cookies, verify=False).status_code, 401)


@step
def password_change_needs_ticket():
    call = lambda: api.access.password.put(userid="root@pam", password="long-enough")
    refused(call, 403, "URI '/access/password' not available with API token, need proper ticket.")


@step
def unknown_path():
    refused(api("no/such/path").get, 501, "Method 'GET /no/such/path' not implemented")


@step
def wrong_method():
    refused(api.version.post, 501, "Method 'POST /version' not implemented")


@step
def unknown_node():
    refused(api.nodes("pve77").qemu.get, 500, "hostname lookup 'pve77' failed")


@step
def missing_vm():
    text = "Configuration file 'nodes/pve01/qemu-server/9999.conf' does not exist"
    refused(node.qemu(9999).config.get, 500, text)
    refused(node.qemu(9999).status.current.get, 500, text)
    refused(node.qemu(9999).delete, 500, text)


@step
def missing_container():
    text = "Configuration file 'nodes/pve01/lxc/9999.conf' does not exist"
    refused(node.lxc(9999).config.get, 500, text)


@step
def guest_of_another_node():
    vmid, _ = vm(on=other)
    refused(node.qemu(vmid).config.get, 500, f"nodes/pve01/qemu-server/{vmid}.conf' does not exist")


@step
def parameters_are_checked():
    refused(lambda: node.qemu.post(vmid="abc"), 400, "type check ('integer') failed", "vmid")
    refused(lambda: node.qemu.post(vmid=free(), cores=0), 400, "minimum value of 1", "cores")
    refused(lambda: node.qemu.post(name="x"), 400, "property is missing and it is not optional", "vmid")
    refused(lambda: api.nodes.get(nonsense=1), 400, "not defined in schema", "nonsense")
    refused(lambda: node.rrddata.get(), 400, "property is missing", "timeframe")


@step
def word_for_truth_value():
    refused(lambda: node.qemu.post(vmid=free(), onboot=True), 400, "type check ('boolean') failed", "onboot")


@step
def broken_property_string():
    refused(lambda: node.qemu.post(vmid=free(), net0="virtio,bridge=vmbr0,nonsense=1"), 400, "property is not defined in schema", "net0")


@step
def nodes():
    row = one(api.nodes.get(), node="pve01")
    has(row, "cpu", "maxcpu", "mem", "maxmem", "uptime", "ssl_fingerprint", "level", "id", "type")
    same(row["status"], "online")


@step
def node_status():
    status = node.status.get()
    has(status, "cpuinfo", "memory", "rootfs", "swap", "loadavg", "uptime", "pveversion", "kversion")
    has(status["memory"], "total", "used", "free")


@step
def indexes_of_folders():
    assert "qemu" in [row["name"] for row in node.get()]
    assert "resources" in [row["name"] for row in api.cluster.get()]
    assert "config" in [row["subdir"] for row in node.qemu(100).get()]


@step
def cluster_status():
    rows = api.cluster.status.get()
    has(one(rows, type="cluster"), "name", "nodes", "quorate", "version")
    has(one(rows, type="node", name="pve01"), "ip", "local", "online", "nodeid")


@step
def resources_by_type():
    for kind, types in {"vm": {"qemu", "lxc"}, "node": {"node"}, "storage": {"storage"}}.items():
        rows = api.cluster.resources.get(type=kind)
        same({row["type"] for row in rows}, types)
    refused(lambda: api.cluster.resources.get(type="nonsense"), 400, "enumeration", "type")


@step
def next_id():
    vmid = free()
    same(int(api.cluster.nextid.get(vmid=vmid)), vmid)
    refused(lambda: api.cluster.nextid.get(vmid=AGENT_VM), 400, f"VM {AGENT_VM} already exists", "vmid")


@step
def cluster_options():
    api.cluster.options.put(keyboard="de", description="mine")
    same(api.cluster.options.get()["keyboard"], "de")
    api.cluster.options.put(delete="description")
    options = api.cluster.options.get()
    assert "description" not in options and "allowed-tags" in options, options


@step
def cluster_log_and_tasks():
    vm()
    has(api.cluster.log.get(max=10)[0], "msg", "node", "pri", "tag", "time", "user", "uid")
    row = [row for row in api.cluster.tasks.get() if row["type"] == "qmcreate"][0]
    same((row["user"], row["tokenid"], row["status"]), (USER, TOKEN, "OK"))


@step
def node_settings():
    node.dns.put(search="example.com", dns1="192.0.2.53")
    same(node.dns.get()["dns1"], "192.0.2.53")
    node.time.put(timezone="Europe/Berlin")
    has(node.time.get(), "time", "localtime")
    same(node.time.get()["timezone"], "Europe/Berlin")
    node.hosts.post(data="127.0.0.1 localhost\n")
    same(node.hosts.get()["data"], "127.0.0.1 localhost\n")
    node.config.put(description="rack 4")
    same(node.config.get()["description"].rstrip(), "rack 4")


@step
def services():
    has(one(node.services.get(), service="pveproxy"), "name", "desc", "state", "active-state", "unit-state")
    same(node.services("pveproxy").state.get()["state"], "running")
    done(node.services("pveproxy").restart.post(), "srvrestart", of="pveproxy")


@step
def node_network():
    node.network.post(iface="vmbr77", type="bridge", cidr="10.77.0.1/24", autostart=1)
    row = one(node.network.get(type="any_bridge"), iface="vmbr77")
    same((row["type"], row["cidr"]), ("bridge", "10.77.0.1/24"))
    again = lambda: node.network.post(iface="vmbr77", type="bridge")
    refused(again, 400, "interface already exists", "iface")
    node.network("vmbr77").put(type="bridge", comments="lab")
    same(node.network("vmbr77").get()["comments"].rstrip(), "lab")
    done(node.network.put(), "srvreload", of="networking")
    node.network("vmbr77").delete()
    refused(node.network("vmbr77").get, 400, "interface does not exist", "iface")


@step
def logs_of_a_node():
    has(node.syslog.get(limit=5)[0], "n", "t")
    assert all(isinstance(line, str) for line in node.journal.get(lastentries=5))
    assert isinstance(node.report.get(), str)


@step
def packages_and_subscription():
    has(one(node.apt.versions.get(), Package="pve-manager"), "Version", "OldVersion", "CurrentState")
    assert isinstance(node.apt.update.get(), list)
    done(node.apt.update.post(), "aptupdate")
    has(node.subscription.get(), "status")


@step
def certificates_and_disks():
    has(node.certificates.info.get()[0], "filename", "fingerprint", "notafter", "subject")
    has(node.disks.list.get()[0], "devpath", "size", "model", "serial")
    has(node.hardware.pci.get()[0], "id", "class", "vendor", "device", "iommugroup")
    assert one(node.capabilities.qemu.cpu.get(), name="host")


@step
def statistics():
    for place in (node, node.qemu(AGENT_VM), node.storage(DIR)):
        rows = place.rrddata.get(timeframe="hour", cf="AVERAGE")
        assert len(rows) > 1 and all(row["time"] > 1e9 for row in rows), rows


@step
def ceph_where_none_is():
    refused(node.ceph.status.get, 500, "binary not installed: /usr/bin/ceph-mon")
    refused(node.ceph.osd.get, 500, "binary not installed: /usr/bin/ceph-mon")
