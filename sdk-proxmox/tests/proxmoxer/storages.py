"""Backups and storages."""

import os
import tempfile

from proxmoxer.tools import Files, Tasks

from kit import (
    BACKUPS, DIR, LVM, RBD, api, content, ct, done, free, has, matches, node, none, one, other,
    refused, same, step, vm,
)


def backup(vmid, **options):
    before = set(content(BACKUPS))
    done(node.vzdump.post(vmid=vmid, storage=BACKUPS, mode="snapshot", compress="zstd", **options), "vzdump", of=vmid)
    made = set(content(BACKUPS)) - before
    assert len(made) == 1, f"{len(made)} new backups in the storage"
    return made.pop()


@step
def backup_of_a_vm():
    vmid, _ = vm(name="saved")
    volid = backup(vmid, **{"notes-template": "{{guestname}} of {{node}}", "protected": 1})
    stamp = r"\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d"
    matches(volid, rf"{BACKUPS}:backup/vzdump-qemu-{vmid}-{stamp}\.vma\.zst")
    row = one(node.storage(BACKUPS).content.get(content="backup", vmid=vmid), volid=volid)
    same((row["format"], row["subtype"], row["vmid"]), ("vma.zst", "qemu", vmid))
    same((row["notes"], row["protected"], row["content"]), ("saved of pve01", 1, "backup"))
    has(row, "size", "ctime")
    place = node.storage(BACKUPS).content(volid)
    has(place.get(), "path", "size", "used", "format")
    place.put(notes="kept", protected=0)
    same(one(node.storage(BACKUPS).content.get(), volid=volid)["notes"], "kept")
    done(place.delete(), "imgdel", of=f"{vmid}@{BACKUPS}")
    assert volid not in content(BACKUPS)


@step
def backup_of_several():
    first, second = vm()[0], ct()[0]
    before = set(content(BACKUPS))
    done(node.vzdump.post(vmid=f"{first},{second}", storage=BACKUPS, compress="zstd"), "vzdump", of="")
    same(len(set(content(BACKUPS)) - before), 2)


@step
def restore_of_a_vm():
    vmid, guest = vm(name="saved", memory=2048, net0="virtio,bridge=vmbr0")
    volid = backup(vmid)
    assert "name: saved" in node.vzdump.extractconfig.get(volume=volid)
    newid = free()
    done(node.qemu.post(vmid=newid, archive=volid, storage=RBD, unique=1), "qmrestore", of=newid)
    config = node.qemu(newid).config.get()
    same((config["name"], config["memory"]), ("saved", "2048"))
    matches(config["scsi0"], rf"{RBD}:vm-{newid}-disk-\d+,size=4G")
    assert config["net0"] != guest.config.get()["net0"], config["net0"]
    guest.config.put(memory=1024)
    text = f"unable to restore VM {vmid} - VM {vmid} already exists on node 'pve01'"
    refused(lambda: node.qemu.post(vmid=vmid, archive=volid), 500, text)
    done(node.qemu.post(vmid=vmid, archive=volid, force=1), "qmrestore")
    same(guest.config.get()["memory"], "2048")


@step
def restore_of_a_container():
    vmid, _ = ct(hostname="saved", memory=1024)
    volid = backup(vmid)
    assert volid.endswith(".tar.zst") and f"vzdump-lxc-{vmid}-" in volid, volid
    newid = free()
    done(node.lxc.post(vmid=newid, ostemplate=volid, restore=1, storage=LVM), "vzrestore")
    config = node.lxc(newid).config.get()
    same((config["hostname"], config["memory"]), ("saved", 1024))
    matches(config["rootfs"], rf"{LVM}:vm-{newid}-disk-\d+,size=4G")


@step
def prune_backups():
    vmid, _ = vm()
    volid = backup(vmid)
    row = one(node.storage(BACKUPS).prunebackups.get(vmid=vmid, **{"prune-backups": "keep-last=1"}), volid=volid)
    same((row["mark"], row["type"], row["vmid"]), ("keep", "qemu", vmid))
    done(node.storage(BACKUPS).prunebackups.delete(vmid=vmid, **{"prune-backups": "keep-last=1"}), "prunebackups")
    assert volid in content(BACKUPS)


@step
def backup_jobs():
    api.cluster.backup.post(id="tryout", schedule="sat 03:00", storage=BACKUPS, vmid="100,101", mode="snapshot",
                            **{"prune-backups": "keep-last=3"})
    row = one(api.cluster.backup.get(), id="tryout")
    same((row["type"], int(row["enabled"]), row["schedule"], row["vmid"]), ("vzdump", 1, "sat 03:00", "100,101"))
    same({key: str(value) for key, value in row["prune-backups"].items()}, {"keep-last": "3"})
    has(row, "next-run")
    api.cluster.backup("tryout").put(enabled=0, comment="off")
    job = api.cluster.backup("tryout").get()
    same((int(job["enabled"]), job["comment"], job["storage"]), (0, "off", BACKUPS))
    api.cluster.backup("tryout").delete()
    refused(api.cluster.backup("tryout").get, 400, "No such job 'tryout'", "id")


@step
def replication():
    refused(api.cluster.replication("999-0").get, 500, "no such replication job '999-0'")
    call = lambda: api.cluster.replication.post(id="99999-0", type="local", target="pve02")
    refused(call, 500, "Guest '99999' does not exist.")
    vmid, _ = vm()
    call = lambda: api.cluster.replication.post(id=f"{vmid}-0", type="local", target="pve01")
    refused(call, 500, "Source and target must not be identical")
    assert isinstance(node.replication.get(), list)


@step
def upload_iso():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tryout.iso")
        with open(path, "wb") as file:
            file.write(b"\0" * 70_000)
        status = Files(api, "pve01", DIR).upload_local_file_to_storage(path)
        same((status["exitstatus"], status["type"]), ("OK", "imgcopy"))
        row = one(node.storage(DIR).content.get(content="iso"), volid=f"{DIR}:iso/tryout.iso")
        same((row["size"], row["format"]), (70_000, "iso"))
        send = lambda to, **more: node.storage(to).upload.post(content="iso", filename=open(path, "rb"), **more)
        refused(lambda: send(LVM), 500, "can't upload to storage type 'lvmthin'")
        wrong = {"checksum": "0" * 64, "checksum-algorithm": "sha256"}
        status = Tasks.blocking_status(api, send(DIR, **wrong), timeout=20, polling_interval=0.05)
        assert status["exitstatus"].startswith("checksum mismatch: got '"), status
        os.rename(path, path := path.replace(".iso", ".txt"))
        refused(lambda: send(DIR), 400, "wrong file extension", "filename")
    done(node.storage(DIR).content(f"{DIR}:iso/tryout.iso").delete(), "imgdel", of=DIR)


@step
def download_by_the_node():
    place = node.storage(DIR)("download-url")
    upid = place.post(content="iso", filename="net.iso", url="https://example.com/net.iso")
    done(upid, "download")
    assert f"{DIR}:iso/net.iso" in content(DIR, content="iso")
    has(node.aplinfo.get()[0], "template", "package", "version", "os", "section")


@step
def allocate_volume():
    vmid, _ = vm()
    name = f"vm-{vmid}-disk-7"
    same(node.storage(LVM).content.post(filename=name, vmid=vmid, size="1G"), f"{LVM}:{name}")
    same(one(node.storage(LVM).content.get(), volid=f"{LVM}:{name}")["size"], 1 << 30)
    done(node.storage(LVM).content(f"{LVM}:{name}").delete(), "imgdel", of=f"{vmid}@{LVM}")
    assert f"{LVM}:{name}" not in content(LVM)


@step
def storage_of_a_node():
    row = one(node.storage.get(), storage=LVM)
    keys = ("total", "used", "avail", "active", "enabled", "shared", "content", "type", "used_fraction")
    has(row, *keys)
    has(node.storage(LVM).status.get(), *keys[:-1])
    assert LVM not in [row["storage"] for row in node.storage.get(content="iso")]
    refused(node.storage("nowhere").content.get, 500, "storage 'nowhere' does not exist")
    refused(node.storage("nowhere").status.get, 500, "storage 'nowhere' does not exist")


@step
def storage_configuration():
    answer = api.storage.post(storage="made", type="dir", path="/srv/made", content="iso,backup", nodes="pve01")
    same((answer["storage"], answer["type"]), ("made", "dir"))
    refused(lambda: api.storage.post(storage="made", type="dir", path="/x"), 500,
            "create storage failed: storage ID 'made' already defined")
    row = api.storage("made").get()
    same((row["path"], row["nodes"], set(row["content"].split(","))), ("/srv/made", "pve01", {"iso", "backup"}))
    has(row, "digest", "storage", "type")
    one(node.storage.get(), storage="made")
    none(other.storage.get(), storage="made")
    one(api.cluster.resources.get(type="storage"), id="storage/pve01/made")
    api.storage("made").put(content="iso", delete="nodes", disable=1)
    row = api.storage("made").get()
    same((row["content"], row["disable"], "nodes" in row), ("iso", 1, False))
    refused(node.storage("made").content.get, 500, "storage 'made' is disabled")
    api.storage("made").delete()
    none(api.storage.get(), storage="made")
    refused(api.storage("made").get, 500, "storage 'made' does not exist")
