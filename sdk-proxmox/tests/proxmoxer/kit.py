"""What all steps use: connections to the mock, guests to work with, and expectations.

What a step expects is read from the sources of PVE; where an answer may vary (order of rows, extra
keys, addresses) nothing is expected.
"""

import os
import re
import warnings

from proxmoxer import ProxmoxAPI, ResourceException
from proxmoxer.tools import Tasks

warnings.filterwarnings("ignore")

HOST, PORT = os.environ["MOCK_HOST"], int(os.environ["MOCK_PORT"])
USER, TOKEN = os.environ["MOCK_TOKEN_ID"].split("!")
SECRET, PASSWORD = os.environ["MOCK_TOKEN_SECRET"], os.environ["MOCK_PASSWORD"]
# Runs, with an agent that answers.
AGENT_VM = int(os.environ.get("MOCK_AGENT_VMID", "100"))

ISO = "local:iso/debian-13.1.0-amd64-netinst.iso"
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
LVM, RBD, DIR, BACKUPS = "local-lvm", "ceph", "local", "nfs-backup"
MAC = r"BC:24:11(:[0-9A-F]{2}){3}"

STEPS = []


def step(function):
    STEPS.append(function)
    return function


def connect(**login):
    return ProxmoxAPI(HOST, port=PORT, verify_ssl=False, timeout=20, **login)


api = connect(user=USER, token_name=TOKEN, token_value=SECRET)
root = connect(user="root@pam", password=PASSWORD)
node, other = api.nodes("pve01"), api.nodes("pve02")


def same(got, wanted):
    assert got == wanted, f"got {got!r}, not {wanted!r}"


def has(row, *keys):
    missing = [key for key in keys if key not in row]
    assert not missing, f"without {missing}: {str(row)[:300]}"


def matches(text, pattern):
    assert isinstance(text, str) and re.fullmatch(pattern, text), f"{text!r} is not {pattern}"


def one(rows, **wanted):
    """The only row with these values."""
    found = [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]
    assert len(found) == 1, f"{len(found)} rows with {wanted} among {str(rows)[:300]}"
    return found[0]


def none(rows, **wanted):
    found = [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]
    assert not found, f"still there: {found}"


def refused(call, status, text, field=None):
    """The call fails with this status and text; with `field`, the text is about that parameter."""
    try:
        answer = call()
    except ResourceException as error:
        assert error.status_code == status, f"{error}, not {status}"
        said = (error.errors or {}).get(field, "") if field else error.content
        assert text in said, f"{error}: {said!r} has no {text!r}"
        return
    raise AssertionError(f"not refused with {status} {text!r}: {str(answer)[:200]}")


def done(upid, kind, exit="OK", of=None):
    """Waits for a task; it has this type and ends so."""
    assert isinstance(upid, str) and upid.startswith("UPID:"), f"no task: {upid!r}"
    task = Tasks.decode_upid(upid)
    same(task["type"], kind)
    if of is not None:
        same(task["id"], str(of))
    status = Tasks.blocking_status(api, upid, timeout=20, polling_interval=0.05)
    assert status, "the task does not end"
    same(status["exitstatus"], exit)
    return status


def free():
    return int(api.cluster.nextid.get())


def vm(on=node, **config):
    vmid = free()
    config = {"memory": 1024, "cores": 1, "scsi0": f"{LVM}:4", "name": f"vm-{vmid}", **config}
    done(on.qemu.post(vmid=vmid, **config), "qmcreate", of=vmid)
    return vmid, on.qemu(vmid)


def ct(on=node, **config):
    vmid = free()
    net = "name=eth0,bridge=vmbr0,ip=dhcp"
    config = {"ostemplate": TEMPLATE, "rootfs": f"{LVM}:4", "hostname": f"ct-{vmid}", "net0": net, **config}
    done(on.lxc.post(vmid=vmid, **config), "vzcreate", of=vmid)
    return vmid, on.lxc(vmid)


def started(guest, kind="qmstart"):
    done(guest.status.start.post(), kind)
    return guest


def volume(guest, key):
    """The volume of a disk of a guest."""
    return guest.config.get()[key].split(",")[0]


def content(storage, on=node, **filters):
    return [row["volid"] for row in on.storage(storage).content.get(**filters)]
