"""Drives the mock with proxmoxer, as its users do. Prints one line per step; fails by exception."""

import os
import warnings

from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException
from proxmoxer.tools import Tasks

warnings.filterwarnings("ignore")

HOST = os.environ["MOCK_HOST"]
PORT = int(os.environ["MOCK_PORT"])
USER, TOKEN = os.environ["MOCK_TOKEN_ID"].split("!")


def connect(**login):
    return ProxmoxAPI(HOST, port=PORT, verify_ssl=False, timeout=20, **login)


def step(text):
    print("step:", text, flush=True)


def refused(call, status, text):
    try:
        call()
    except ResourceException as error:
        assert error.status_code == status, error
        assert text in str(error), error
        return error
    raise AssertionError(f"{text}: not refused")


def reads(api):
    assert api.version.get()["version"]
    nodes = sorted(row["node"] for row in api.nodes.get())
    assert nodes == ["pve01", "pve02"], nodes
    rows = api.cluster.resources.get(type="vm")
    assert len(rows) == 12, rows
    for node in nodes:
        for guest in api.nodes(node).qemu.get():
            config = api.nodes(node).qemu(guest["vmid"]).config.get()
            assert config["digest"] and config["name"] == guest["name"]
        for guest in api.nodes(node).lxc.get():
            assert api.nodes(node).lxc(guest["vmid"]).config.get()["hostname"] == guest["name"]
        assert api.nodes(node).network.get()
        assert api.nodes(node).storage("local-lvm").content.get()
    step("reads")


def life(api):
    vmid = api.cluster.nextid.get()
    node = api.nodes("pve01")
    upid = node.qemu.post(
        vmid=vmid, name="made-by-proxmoxer", memory=1024, cores=2, tags="a;b",
        net0="virtio,bridge=vmbr0", scsi0="local-lvm:8",
    )
    status = Tasks.blocking_status(api, upid, timeout=20, polling_interval=0.05)
    assert status["exitstatus"] == "OK", status
    guest = node.qemu(vmid)
    config = guest.config.get()
    assert config["tags"] == "a;b" and config["net0"].startswith("virtio=BC:24:11"), config
    assert config["scsi0"].endswith("size=8G"), config
    Tasks.blocking_status(api, guest.status.start.post(), timeout=20, polling_interval=0.05)
    assert guest.status.current.get()["status"] == "running"
    refused(guest.delete, 500, "is running")
    guest.config.put(description="50% & more; really", delete="tags")
    config = guest.config.get()
    assert config["description"] == "50% & more; really" and "tags" not in config, config
    upid = guest.snapshot.post(snapname="before", description="one")
    Tasks.blocking_status(api, upid, timeout=20, polling_interval=0.05)
    assert [row["name"] for row in guest.snapshot.get()] == ["before", "current"]
    for call in (guest.status.stop.post, guest.delete):
        upid = call()
        Tasks.blocking_status(api, upid, timeout=20, polling_interval=0.05)
    refused(guest.config.get, 500, "does not exist")
    assert Tasks.decode_upid(upid)["type"] == "qmdestroy"
    assert Tasks.decode_log(node.tasks(upid).log.get())
    step("life of a guest")


def errors(api):
    error = refused(lambda: api.nodes("pve01").qemu.post(vmid="abc"), 400, "Parameter verification")
    assert "vmid" in error.errors, error.errors
    refused(api("no/such/path").get, 501, "not implemented")
    refused(api.nodes("pve77").qemu.get, 500, "hostname lookup")
    refused(lambda: connect(user=USER, token_name=TOKEN, token_value="wrong").nodes.get(), 401, "")
    try:
        connect(user="root@pam", password="wrong")
    except AuthenticationError:
        step("errors")
        return
    raise AssertionError("a wrong password was taken")


token = connect(user=USER, token_name=TOKEN, token_value=os.environ["MOCK_TOKEN_SECRET"])
reads(token)
life(token)
errors(token)

ticket = connect(user="root@pam", password=os.environ["MOCK_PASSWORD"])
reads(ticket)
life(ticket)
assert ticket.get_tokens()[0].startswith("PVE:root@pam:")
ticket.pools.post(poolid="made-by-proxmoxer")
assert "made-by-proxmoxer" in [pool["poolid"] for pool in token.pools.get()]
ticket.storage.post(storage="made", type="dir", path="/srv/made", content="iso")
assert token.storage("made").get()["path"] == "/srv/made"
ticket.storage("made").delete()
step("all")
