"""Virtual machines."""

import time

from kit import (
    AGENT_VM, DIR, ISO, LVM, MAC, RBD, TEMPLATE, TOKEN, USER, api, content, done, free, has,
    matches, node, none, one, other, refused, root, same, started, step, vm, volume,
)


@step
def create_vm():
    vmid, guest = vm(
        name="web-01", memory=2048, cores=2, sockets=1, ostype="l26", scsihw="virtio-scsi-single",
        scsi0=f"{LVM}:8,iothread=1", net0="virtio,bridge=vmbr0,tag=20", ide2=f"{ISO},media=cdrom",
        tags="Prod;web;prod", description="first line\nsecond: 50% & more", onboot=1, agent="enabled=1",
    )
    config = guest.config.get()
    matches(config["net0"], rf"virtio={MAC},bridge=vmbr0,tag=20")
    matches(config["scsi0"], rf"local-lvm:vm-{vmid}-disk-\d+,iothread=1,size=8G")
    matches(config["smbios1"], r"uuid=[0-9a-f-]{36}")
    matches(config["vmgenid"], r"[0-9a-f-]{36}")
    matches(config["meta"], r"creation-qemu=.*,ctime=\d+")
    matches(config["digest"], r"[0-9a-f]{40}")
    same((config["memory"], config["cores"], config["onboot"]), ("2048", 2, 1))
    same((config["name"], config["agent"], config["boot"]), ("web-01", "enabled=1", "order=scsi0;ide2;net0"))
    same(config["description"], "first line\nsecond: 50% & more")
    same(config["tags"], "prod;web")
    current = guest.status.current.get()
    same((current["status"], current["qmpstatus"], current["name"]), ("stopped", "stopped", "web-01"))
    same((current["maxmem"], current["cpus"], current["vmid"]), (2048 << 20, 2, vmid))


@step
def created_vm_is_in_every_list():
    api.pools.post(poolid="lists")
    vmid, guest = vm(name="listed", pool="lists", memory=1024, cores=3)
    same(one(node.qemu.get(), vmid=vmid)["name"], "listed")
    row = one(api.cluster.resources.get(type="vm"), vmid=vmid)
    wanted = (f"qemu/{vmid}", "pve01", "listed", "lists", 3, 1024 << 20, 4 << 30, 0)
    keys = ("id", "node", "name", "pool", "maxcpu", "maxmem", "maxdisk", "template")
    same(tuple(row[key] for key in keys), wanted)
    one(api.pools("lists").get()["members"], vmid=vmid)
    row = one(node.storage(LVM).content.get(), volid=volume(guest, "scsi0"))
    same((row["vmid"], row["size"], row["format"], row["content"]), (vmid, 4 << 30, "raw", "images"))
    same(content(LVM, vmid=vmid), [row["volid"]])


@step
def vm_with_firmware_and_tpm():
    vmid, guest = vm(
        bios="ovmf", machine="q35", efidisk0=f"{LVM}:1,efitype=4m,pre-enrolled-keys=1",
        tpmstate0=f"{LVM}:1,version=v2.0", scsi0=f"{LVM}:4", virtio0=f"{LVM}:2",
    )
    config = guest.config.get()
    assert "size=4M" in config["efidisk0"], config["efidisk0"]
    assert "size=4M" in config["tpmstate0"], config["tpmstate0"]
    volumes = {config[key].split(",")[0] for key in ("efidisk0", "tpmstate0", "scsi0", "virtio0")}
    same(len(volumes), 4)
    same(set(content(LVM, vmid=vmid)), volumes)


@step
def vm_with_cloudinit():
    vmid, guest = vm(ide2=f"{LVM}:cloudinit", ciuser="admin", cipassword="secret", ipconfig0="ip=dhcp")
    config = guest.config.get()
    assert config["ide2"].startswith(f"{LVM}:vm-{vmid}-cloudinit,media=cdrom"), config["ide2"]
    same((config["cipassword"], config["ciuser"]), ("**********", "admin"))
    assert f"{LVM}:vm-{vmid}-cloudinit" in content(LVM)
    assert guest.cloudinit.dump.get(type="user").startswith("#cloud-config\n")
    one(guest.cloudinit.get(), key="ciuser")
    same(guest.cloudinit.put(), None)


@step
def create_with_a_taken_id():
    vmid, _ = vm()
    text = f"unable to create VM {vmid} - VM {vmid} already exists on node 'pve01'"
    refused(lambda: node.qemu.post(vmid=vmid), 500, text)
    refused(lambda: other.lxc.post(vmid=vmid, ostemplate=TEMPLATE), 500, f"VM {vmid} already exists on node 'pve01'")


@step
def create_on_storage_that_takes_no_disks():
    call = lambda: node.qemu.post(vmid=free(), scsi0=f"{DIR}:4")
    refused(call, 400, f"storage '{DIR}' does not support vm images", "storage")
    refused(lambda: node.qemu.post(vmid=free(), scsi0="nowhere:4"), 500, "storage 'nowhere' does not exist")


@step
def create_in_a_missing_pool():
    refused(lambda: node.qemu.post(vmid=free(), pool="nowhere"), 403, "pool 'nowhere' does not exist")


@step
def create_and_start():
    _, guest = vm(start=1)
    same(guest.status.current.get()["status"], "running")


@step
def options_for_root_only():
    vmid, guest = vm()
    refused(lambda: guest.status.start.post(skiplock=1), 400, "Only root may use this option.", "skiplock")
    done(root.nodes("pve01").qemu(vmid).status.start.post(skiplock=1), "qmstart")
    refused(lambda: guest.config.put(args="-s"), 500, "only root can set 'args' config")


@step
def update_config():
    _, guest = vm(tags="a", description="old", net0="virtio,bridge=vmbr0")
    before = guest.config.get()
    same(guest.config.put(cores=4, description="new", delete="tags,net0", digest=before["digest"]), None)
    after = guest.config.get()
    same((after["cores"], after["description"]), (4, "new"))
    assert "tags" not in after and "net0" not in after, after
    assert after["digest"] != before["digest"]
    text = "detected modified configuration - file changed by other user? Try again."
    refused(lambda: guest.config.put(cores=1, digest=before["digest"]), 500, text)


@step
def update_config_as_task():
    vmid, guest = vm()
    done(guest.config.post(cores=2, scsi1=f"{LVM}:2"), "qmconfig", of=vmid)
    same(guest.config.get()["cores"], 2)
    assert volume(guest, "scsi1") in content(LVM, vmid=vmid)


@step
def update_without_or_with_wrong_options():
    _, guest = vm()
    refused(guest.config.put, 500, "no options specified")
    refused(lambda: guest.config.put(delete="nonsense"), 400, "unknown option 'nonsense'", "delete")


@step
def keep_mac_address_on_change_of_bridge():
    _, guest = vm(net0="virtio=BC:24:11:AA:BB:CC,bridge=vmbr0")
    guest.config.put(net0="virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,firewall=1")
    same(guest.config.get()["net0"], "virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,firewall=1")


@step
def pending_changes_of_a_running_vm():
    _, guest = vm(memory=1024)
    started(guest)
    guest.config.put(memory=2048, description="at once")
    same((guest.config.get()["memory"], guest.config.get(current=1)["memory"]), ("2048", "1024"))
    row = one(guest.pending.get(), key="memory")
    same((str(row["value"]), str(row["pending"])), ("1024", "2048"))
    assert "pending" not in one(guest.pending.get(), key="description")
    same(guest.status.current.get()["maxmem"], 1024 << 20)
    guest.config.put(revert="memory")
    same(guest.config.get()["memory"], "1024")
    guest.config.put(memory=4096)
    done(guest.status.reboot.post(), "qmreboot")
    same(guest.config.get(current=1)["memory"], "4096")


@step
def power_of_a_vm():
    vmid, guest = vm()
    status = done(guest.status.start.post(), "qmstart", of=vmid)
    same((status["node"], status["user"], status["tokenid"]), ("pve01", USER, TOKEN))
    current = guest.status.current.get()
    same((current["status"], current["qmpstatus"]), ("running", "running"))
    has(current, "pid", "uptime", "ha", "cpu", "mem", "netin", "diskread")
    done(guest.status.reset.post(), "qmreset")
    done(guest.status.reboot.post(), "qmreboot")
    same(guest.status.current.get()["status"], "running")
    done(guest.status.shutdown.post(timeout=30, forceStop=1), "qmshutdown")
    same(guest.status.current.get()["status"], "stopped")
    started(guest)
    done(guest.status.stop.post(), "qmstop")
    same(guest.status.current.get()["status"], "stopped")


@step
def start_of_a_running_vm():
    vmid, guest = vm()
    started(guest)
    done(guest.status.start.post(), "qmstart", exit=f"VM {vmid} already running")


@step
def power_of_a_stopped_vm():
    vmid, guest = vm()
    # Both end at once, as nothing is to be done.
    done(guest.status.stop.post(), "qmstop")
    done(guest.status.shutdown.post(), "qmshutdown")
    for verb in (guest.status.reboot, guest.status.reset, guest.status.suspend, guest.status.resume):
        refused(verb.post, 500, f"VM {vmid} not running")


@step
def pause_and_resume():
    _, guest = vm()
    started(guest)
    done(guest.status.suspend.post(), "qmpause")
    current = guest.status.current.get()
    same((current["status"], current["qmpstatus"]), ("running", "paused"))
    refused(guest.status.shutdown.post, 500, "VM is paused - cannot shutdown")
    done(guest.status.resume.post(), "qmresume")
    same(guest.status.current.get()["qmpstatus"], "running")


@step
def suspend_to_disk():
    _, guest = vm()
    started(guest)
    done(guest.status.suspend.post(todisk=1), "qmsuspend")
    current = guest.status.current.get()
    same((current["status"], current["lock"]), ("stopped", "suspended"))
    refused(lambda: guest.clone.post(newid=free()), 500, "VM is locked (suspended)")
    started(guest)
    current = guest.status.current.get()
    same((current["status"], "lock" in current), ("running", False))


@step
def destroy_vm():
    vmid, guest = vm()
    disk = volume(guest, "scsi0")
    started(guest)
    refused(guest.delete, 500, f"VM {vmid} is running - destroy failed")
    done(guest.status.stop.post(), "qmstop")
    guest.config.put(protection=1)
    refused(guest.delete, 500, f"can't remove VM {vmid} - protection mode enabled")
    guest.config.put(delete="protection")
    done(guest.delete(**{"purge": 1, "destroy-unreferenced-disks": 1}), "qmdestroy", of=vmid)
    none(node.qemu.get(), vmid=vmid)
    none(api.cluster.resources.get(type="vm"), vmid=vmid)
    assert disk not in content(LVM)
    same(int(api.cluster.nextid.get(vmid=vmid)), vmid)


@step
def full_clone():
    vmid, guest = vm(name="source", net0="virtio,bridge=vmbr0", description="d", memory=1024)
    newid = free()
    done(guest.clone.post(newid=newid, name="copy", full=1, storage=RBD, pool="production"), "qmclone", of=vmid)
    old, new = guest.config.get(), node.qemu(newid).config.get()
    same((new["name"], new["memory"], new["description"]), ("copy", "1024", "d"))
    matches(new["net0"], rf"virtio={MAC},bridge=vmbr0")
    assert new["net0"] != old["net0"] and new["smbios1"] != old["smbios1"], new
    matches(new["scsi0"], rf"{RBD}:vm-{newid}-disk-\d+,size=4G")
    assert volume(node.qemu(newid), "scsi0") in content(RBD)
    same(one(api.cluster.resources.get(type="vm"), vmid=newid)["pool"], "production")


@step
def clone_without_a_name_or_with_a_taken_id():
    vmid, guest = vm(name="source")
    newid = free()
    done(guest.clone.post(newid=newid), "qmclone")
    same(node.qemu(newid).config.get()["name"], "Copy-of-VM-source")
    refused(lambda: guest.clone.post(newid=newid), 500, f"unable to create VM {newid}: config file already exists")


@step
def clone_to_another_node():
    _, local = vm()
    call = lambda: local.clone.post(newid=free(), target="pve02", full=1)
    refused(call, 500, "can't clone VM to node 'pve02' (VM uses local storage)")
    _, shared = vm(scsi0=f"{RBD}:4")
    newid = free()
    done(shared.clone.post(newid=newid, target="pve02", full=1), "qmclone")
    matches(volume(other.qemu(newid), "scsi0"), rf"{RBD}:vm-{newid}-disk-\d+")


@step
def template_and_linked_clone():
    vmid, guest = vm(scsi0=f"{RBD}:4")
    call = lambda: guest.clone.post(newid=free(), full=0)
    refused(call, 500, f"Linked clone feature is not supported for '{volume(guest, 'scsi0')}' (scsi0)")
    done(guest.template.post(), "qmtemplate", of=vmid)
    same(guest.config.get()["template"], 1)
    matches(volume(guest, "scsi0"), rf"{RBD}:base-{vmid}-disk-\d+")
    same(one(api.cluster.resources.get(type="vm"), vmid=vmid)["template"], 1)
    same(one(node.qemu.get(), vmid=vmid)["template"], 1)
    refused(guest.template.post, 500, "you can't convert a template to a template")
    done(guest.status.start.post(), "qmstart", exit="you can't start a vm if it's a template")
    newid = free()
    refused(lambda: guest.clone.post(newid=newid, storage=LVM), 500, "parameter 'storage' not allowed for linked clones")
    done(guest.clone.post(newid=newid, name="linked"), "qmclone")
    matches(volume(node.qemu(newid), "scsi0"), rf"{RBD}:base-{vmid}-disk-\d+/vm-{newid}-disk-\d+")
    assert "template" not in node.qemu(newid).config.get()


@step
def resize_disk():
    vmid, guest = vm()
    done(guest.resize.put(disk="scsi0", size="+2G"), "resize", of=vmid)
    assert guest.config.get()["scsi0"].endswith("size=6G"), guest.config.get()
    same(one(node.storage(LVM).content.get(), volid=volume(guest, "scsi0"))["size"], 6 << 30)
    done(guest.resize.put(disk="scsi0", size="8G"), "resize")
    same(guest.status.current.get()["maxdisk"], 8 << 30)
    done(guest.resize.put(disk="scsi0", size="1G"), "resize", exit="shrinking disks is not supported")
    done(guest.resize.put(disk="scsi5", size="1G"), "resize", exit="disk 'scsi5' does not exist")


@step
def move_disk():
    vmid, guest = vm()
    old = volume(guest, "scsi0")
    done(guest.move_disk.post(disk="scsi0", storage=RBD), "qmmove", of=vmid)
    config = guest.config.get()
    matches(config["scsi0"], rf"{RBD}:vm-{vmid}-disk-\d+,size=4G")
    same(config["unused0"], old)
    done(guest.move_disk.post(disk="scsi0", storage=LVM, delete=1), "qmmove")
    same(content(RBD, vmid=vmid), [])
    refused(lambda: guest.move_disk.post(disk="scsi0", storage=LVM), 500, "you can't move to the same storage with same format")


@step
def detach_and_remove_disk():
    vmid, guest = vm(scsi1=f"{LVM}:2")
    disk = volume(guest, "scsi1")
    guest.config.put(delete="scsi1")
    config = guest.config.get()
    same((config.get("unused0"), "scsi1" in config), (disk, False))
    guest.config.put(scsi2=disk)
    config = guest.config.get()
    same((config["scsi2"], "unused0" in config), (f"{disk},size=2G", False))
    guest.unlink.put(idlist="scsi2", force=1)
    assert "unused0" not in guest.config.get() and disk not in content(LVM)


@step
def snapshots():
    vmid, guest = vm(description="before", memory=1024)
    done(guest.snapshot.post(snapname="one", description="first"), "qmsnapshot", of=vmid)
    done(guest.snapshot.post(snapname="two"), "qmsnapshot")
    rows = guest.snapshot.get()
    row = one(rows, name="one")
    same((row["description"], row["vmstate"], "parent" in row), ("first", 0, False))
    same((one(rows, name="two")["parent"], one(rows, name="current")["parent"]), ("one", "two"))
    guest.config.put(description="after", memory=2048)
    same(guest.snapshot("one").config.get()["memory"], "1024")
    guest.snapshot("one").config.put(description="changed")
    same(one(guest.snapshot.get(), name="one")["description"], "changed")
    assert "cores" in guest.snapshot("one").config.get()
    done(guest.snapshot("one").rollback.post(), "qmrollback")
    config = guest.config.get()
    same((config["description"], config["memory"], config["parent"]), ("before", "1024", "one"))
    done(guest.snapshot("two").delete(), "qmdelsnapshot")
    done(guest.snapshot("one").delete(), "qmdelsnapshot")
    same([row["name"] for row in guest.snapshot.get()], ["current"])


@step
def snapshot_with_memory():
    _, guest = vm()
    started(guest)
    done(guest.snapshot.post(snapname="live", vmstate=1), "qmsnapshot")
    same(one(guest.snapshot.get(), name="live")["vmstate"], 1)
    done(guest.snapshot("live").rollback.post(), "qmrollback")
    same(guest.status.current.get()["status"], "running")


@step
def snapshots_that_fail():
    _, guest = vm()
    done(guest.snapshot.post(snapname="one"), "qmsnapshot")
    done(guest.snapshot.post(snapname="one"), "qmsnapshot", exit="snapshot name 'one' already used")
    done(guest.snapshot("none").rollback.post(), "qmrollback", exit="snapshot 'none' does not exist")
    done(guest.snapshot("none").delete(), "qmdelsnapshot", exit="snapshot 'none' does not exist")
    refused(lambda: guest.snapshot.post(snapname="current"), 500, "(reserved name)")
    refused(guest.snapshot("none").config.get, 500, "snapshot 'none' does not exist")
    refused(guest.template.post, 500, "unable to create template, because VM contains snapshots")


@step
def migrate_vm():
    vmid, guest = vm(scsi0=f"{RBD}:4")
    has(guest.migrate.get(), "running", "local_disks", "local_resources")
    refused(lambda: guest.migrate.post(target="pve01"), 400, "target is local node.", "target")
    refused(lambda: guest.migrate.post(target="pve77"), 500, "no such cluster node 'pve77'")
    done(guest.migrate.post(target="pve02"), "qmigrate", of=vmid)
    same(one(api.cluster.resources.get(type="vm"), vmid=vmid)["node"], "pve02")
    moved = started(other.qemu(vmid))
    refused(lambda: moved.migrate.post(target="pve01"), 500, "can't migrate running VM without --online")
    done(moved.migrate.post(target="pve01", online=1), "qmigrate")
    same(guest.status.current.get()["status"], "running")


@step
def agent():
    place = node.qemu(AGENT_VM).agent
    same(place.ping.post(), {"result": {}})
    has(place("get-osinfo").get()["result"], "id", "name", "kernel-release")
    has(place("get-host-name").get()["result"], "host-name")
    rows = place("network-get-interfaces").get()["result"]
    has(one(rows, name="lo"), "ip-addresses", "hardware-address")
    has(place("get-fsinfo").get()["result"][0], "mountpoint", "type")
    pid = place.exec.post(command=["cat", "/etc/hostname"])["pid"]
    while not (status := place("exec-status").get(pid=pid))["exited"]:
        time.sleep(0.1)
    same(status["exitcode"], 0)
    has(place("file-read").get(file="/etc/hostname"), "content")


@step
def agent_that_does_not_answer():
    vmid, guest = vm()
    refused(guest.agent.ping.post, 500, "No QEMU guest agent configured")
    guest.config.put(agent=1)
    refused(guest.agent("get-osinfo").get, 500, f"VM {vmid} is not running")


@step
def other_calls_to_a_vm():
    _, guest = vm()
    same(guest.feature.get(feature="snapshot")["hasFeature"], 1)
    started(guest)
    same(guest.sendkey.put(key="ctrl-alt-delete"), None)
    has(guest.vncproxy.post(websocket=1), "port", "ticket", "cert", "user", "upid")
    has(node.termproxy.post(), "port", "ticket", "user", "upid")
