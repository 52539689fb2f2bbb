"""Containers."""

from kit import (
    LVM, MAC, RBD, TEMPLATE, api, ct, done, free, matches, node, none, one, other, refused,
    same, started, step, volume,
)


@step
def create_container():
    vmid, guest = ct(hostname="dns-01", memory=512, cores=2, tags="prod", password="secret-1",
                     mp0=f"{LVM}:2,mp=/srv/data", features="nesting=1", description="resolver")
    config = guest.config.get()
    matches(config["net0"], rf"name=eth0,bridge=vmbr0,hwaddr={MAC},ip=dhcp,type=veth")
    matches(config["rootfs"], rf"{LVM}:vm-{vmid}-disk-\d+,size=4G")
    matches(config["mp0"], rf"{LVM}:vm-{vmid}-disk-\d+,mp=/srv/data,size=2G")
    assert volume(guest, "rootfs") != volume(guest, "mp0")
    same((config["memory"], config["swap"], config["cores"], config["unprivileged"]), (512, 512, 2, 1))
    same((config["hostname"], config["ostype"], config["arch"]), ("dns-01", "debian", "amd64"))
    same(config["description"].rstrip(), "resolver")
    assert "password" not in config and "ostemplate" not in config, config
    same(one(node.lxc.get(), vmid=vmid)["name"], "dns-01")
    same(one(api.cluster.resources.get(type="vm"), vmid=vmid)["id"], f"lxc/{vmid}")
    same(one(node.storage(LVM).content.get(), volid=volume(guest, "mp0"))["content"], "rootdir")


@step
def create_container_with_a_taken_id():
    vmid, _ = ct()
    refused(lambda: node.lxc.post(vmid=vmid, ostemplate=TEMPLATE), 500, f"CT {vmid} already exists on node 'pve01'")


@step
def power_of_a_container():
    vmid, guest = ct()
    same(guest.interfaces.get(), None)
    for verb in (guest.status.stop, guest.status.shutdown):
        refused(verb.post, 500, f"CT {vmid} not running")
    refused(guest.status.reboot.post, 500, f"VM {vmid} not running")
    done(guest.status.start.post(), "vzstart", of=vmid)
    refused(guest.status.start.post, 500, f"CT {vmid} already running")
    one(guest.interfaces.get(), name="lo")
    done(guest.status.reboot.post(), "vzreboot")
    same(guest.status.current.get()["status"], "running")
    done(guest.status.shutdown.post(), "vzshutdown")
    same(guest.status.current.get()["status"], "stopped")
    started(guest, "vzstart")
    done(guest.status.stop.post(), "vzstop")


@step
def change_container():
    _, guest = ct(memory=512, cores=2)
    guest.config.put(memory=1024, hostname="other", delete="cores")
    config = guest.config.get()
    same((config["memory"], config["hostname"], "cores" in config), (1024, "other", False))
    assert one(guest.pending.get(), key="memory")["value"] in (1024, "1024")
    done(guest.resize.put(disk="rootfs", size="+1G"), "resize")
    assert guest.config.get()["rootfs"].endswith("size=5G"), guest.config.get()
    refused(lambda: guest.resize.put(disk="rootfs", size="1G"), 500, "unable to shrink disk size")
    done(guest.move_volume.post(volume="rootfs", storage=RBD, delete=1), "move_volume")
    assert guest.config.get()["rootfs"].startswith(f"{RBD}:vm-"), guest.config.get()


@step
def container_options_for_root_only():
    _, guest = ct()
    refused(lambda: guest.config.put(mp0="/srv,mp=/srv"), 403, "mount point type bind is only allowed for root@pam")
    text = "changing feature flags (except nesting) is only allowed for root@pam"
    refused(lambda: guest.config.put(features="nesting=1,keyctl=1"), 403, text)


@step
def snapshots_of_a_container():
    _, guest = ct(memory=512)
    done(guest.snapshot.post(snapname="one"), "vzsnapshot")
    guest.config.put(memory=1024)
    done(guest.snapshot("one").rollback.post(), "vzrollback")
    same(guest.config.get()["memory"], 512)
    same(sorted(row["name"] for row in guest.snapshot.get()), ["current", "one"])
    done(guest.snapshot("one").delete(), "vzdelsnapshot")


@step
def clone_of_a_container():
    vmid, guest = ct(hostname="kept")
    newid = free()
    done(guest.clone.post(newid=newid, full=1), "vzclone", of=vmid)
    old, new = guest.config.get(), node.lxc(newid).config.get()
    same(new["hostname"], "kept")
    assert new["net0"] != old["net0"], new
    matches(volume(node.lxc(newid), "rootfs"), rf"{LVM}:vm-{newid}-disk-\d+")
    started(guest, "vzstart")
    text = "Full clone of a running container is only possible from a snapshot"
    refused(lambda: guest.clone.post(newid=free()), 500, text)


@step
def template_of_a_container():
    vmid, guest = ct()
    # Answers nothing; its task is only to be found in the list.
    same(guest.template.post(), None)
    row = one(node.tasks.get(vmid=vmid, source="all", typefilter="vztemplate"), id=str(vmid))
    done(row["upid"], "vztemplate")
    same(guest.config.get()["template"], 1)
    done(guest.status.start.post(), "vzstart", exit="you can't start a CT if it's a template")


@step
def migrate_container():
    vmid, guest = ct(rootfs=f"{RBD}:4")
    started(guest, "vzstart")
    text = "can't migrate running container without --online or --restart"
    refused(lambda: guest.migrate.post(target="pve02"), 500, text)
    done(guest.migrate.post(target="pve02", restart=1), "vzmigrate", of=vmid)
    same(other.lxc(vmid).status.current.get()["status"], "running")


@step
def destroy_container():
    vmid, guest = ct()
    started(guest, "vzstart")
    refused(guest.delete, 500, f"unable to destroy CT {vmid} - container is running")
    done(guest.delete(force=1, purge=1), "vzdestroy", of=vmid)
    none(node.lxc.get(), vmid=vmid)
