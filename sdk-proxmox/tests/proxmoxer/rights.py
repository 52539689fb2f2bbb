"""Pools, users and what they may do."""

from kit import (
    LVM, api, connect, free, has, matches, none, one, refused, same, step, vm,
)


@step
def pools():
    vmid, _ = vm()
    api.pools.post(poolid="tryout", comment="mine")
    refused(lambda: api.pools.post(poolid="tryout"), 500, "create pool failed: pool 'tryout' already exists")
    api.pools("tryout").put(vms=vmid, storage=LVM)
    pool = api.pools("tryout").get()
    same((pool["comment"], len(pool["members"])), ("mine", 2))
    same(one(pool["members"], vmid=vmid)["type"], "qemu")
    same(one(pool["members"], storage=LVM)["type"], "storage")
    one(api.cluster.resources.get(), id="/pool/tryout")
    same(one(api.cluster.resources.get(type="vm"), vmid=vmid)["pool"], "tryout")
    again = lambda: api.pools.put(poolid="tryout", vms=vmid)
    refused(again, 500, f"update pools failed: VM {vmid} is already a pool member")
    refused(api.pools("tryout").delete, 500, f"delete pool failed: pool 'tryout' is not empty (contains VM {vmid})")
    api.pools("tryout").put(vms=vmid, storage=LVM, delete=1)
    same(api.pools.get(poolid="tryout")[0]["members"], [])
    api.pools("tryout").delete()
    refused(api.pools("tryout").get, 500, "pool 'tryout' does not exist")


@step
def move_between_pools():
    vmid, _ = vm()
    for name in ("from", "to", "to/below"):
        api.pools.post(poolid=name)
    api.pools("from").put(vms=vmid)
    text = f"VM {vmid} belongs already to pool 'from' and 'allow-move' is not set"
    refused(lambda: api.pools("to").put(vms=vmid), 500, text)
    api.pools.put(poolid="to/below", vms=vmid, **{"allow-move": 1})
    same(one(api.cluster.resources.get(type="vm"), vmid=vmid)["pool"], "to/below")
    same(api.pools("from").get()["members"], [])


@step
def users_and_groups():
    api.access.groups.post(groupid="ops", comment="Operators")
    refused(lambda: api.access.groups.post(groupid="ops"), 500, "create group failed: group 'ops' already exists")
    api.access.users.post(userid="ann@pve", password="long-enough", groups="ops", email="ann@example.com", comment="c")
    refused(lambda: api.access.users.post(userid="ann@pve"), 500, "create user failed: user 'ann@pve' already exists")
    user = api.access.users("ann@pve").get()
    same((user["enable"], user["groups"], user["email"]), (1, ["ops"], "ann@example.com"))
    row = one(api.access.users.get(full=1), userid="ann@pve")
    same((row["groups"], row["realm-type"]), ("ops", "pve"))
    same(api.access.groups("ops").get()["members"], ["ann@pve"])
    same(one(api.access.groups.get(), groupid="ops")["users"], "ann@pve")
    api.access.users("ann@pve").put(enable=0, comment="left")
    user = api.access.users("ann@pve").get()
    same((user["enable"], user["comment"], user["email"]), (0, "left", "ann@example.com"))
    api.access.users("ann@pve").delete()
    api.access.groups("ops").delete()
    refused(api.access.users("ann@pve").get, 500, "no such user ('ann@pve')")
    refused(api.access.groups("ops").get, 500, "group 'ops' does not exist")


@step
def roles():
    row = one(api.access.roles.get(), roleid="PVEAuditor")
    same(row["special"], 1)
    assert "VM.Audit" in row["privs"].split(","), row
    api.access.roles.post(roleid="Tryout", privs="VM.Audit,VM.PowerMgmt")
    refused(lambda: api.access.roles.post(roleid="Tryout"), 500, "create role failed: role 'Tryout' already exists")
    same(api.access.roles("Tryout").get(), {"VM.Audit": 1, "VM.PowerMgmt": 1})
    api.access.roles("Tryout").put(privs="Sys.Audit", append=1)
    row = one(api.access.roles.get(), roleid="Tryout")
    same((row["privs"], row["special"]), ("Sys.Audit,VM.Audit,VM.PowerMgmt", 0))
    api.access.roles("Tryout").delete()
    refused(api.access.roles("Tryout").get, 500, "role 'Tryout' does not exist")
    refused(api.access.roles("PVEAdmin").delete, 500, "auto-generated role 'PVEAdmin' cannot be deleted")
    refused(lambda: api.access.roles.post(roleid="Bad", privs="VM.Nonsense"), 400, "invalid", "privs")


@step
def acl():
    api.access.users.post(userid="bob@pve")
    api.access.acl.put(path="/vms", users="bob@pve", roles="PVEVMUser", propagate=0)
    row = one(api.access.acl.get(), ugid="bob@pve")
    same((row["path"], row["type"], row["roleid"], int(row["propagate"])), ("/vms", "user", "PVEVMUser", 0))
    refused(lambda: api.access.acl.put(path="/vms", users="bob@pve", roles="NoSuchRole"), 500, "role 'NoSuchRole' does not exist")
    refused(lambda: api.access.acl.put(path="/vms", users="no@pve", roles="PVEAdmin"), 500, "user 'no@pve' does not exist")
    api.access.acl.put(path="/vms", users="bob@pve", roles="PVEVMUser", delete=1)
    none(api.access.acl.get(), ugid="bob@pve")
    assert "VM.Audit" in api.access.permissions.get(path="/vms/100")["/vms/100"]


@step
def tokens():
    api.access.users.post(userid="tom@pve")
    place = api.access.users("tom@pve").token("ci")
    answer = place.post(privsep=0, comment="CI")
    same((answer["full-tokenid"], int(answer["info"]["privsep"])), ("tom@pve!ci", 0))
    matches(answer["value"], r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    refused(place.post, 400, "Token already exists.", "tokenid")
    same(place.get()["comment"], "CI")
    one(api.access.users("tom@pve").token.get(), tokenid="ci")
    same(set(api.access.users("tom@pve").get()["tokens"]), {"ci"})
    connect(user="tom@pve", token_name="ci", token_value=answer["value"]).version.get()
    place.delete()
    refused(place.get, 500, "no such token 'ci' for user 'tom@pve'")
    same(api.access.users("tom@pve").token.get(), [])


@step
def user_without_privileges():
    api.access.users.post(userid="guest@pve", password="long-enough")
    client = connect(user="guest@pve", password="long-enough")
    same(client.cluster.resources.get(type="vm"), [])
    refused(client.cluster.status.get, 403, "Permission check failed (/, Sys.Audit)")
    refused(client.nodes("pve01").status.get, 403, "Permission check failed (/nodes/pve01, Sys.Audit)")
    refused(client.nodes("pve01").qemu(100).config.get, 403, "Permission check failed (/vms/100, VM.Audit)")
    api.access.acl.put(path="/vms/100", users="guest@pve", roles="PVEAuditor")
    same([row["vmid"] for row in client.cluster.resources.get(type="vm")], [100])
    place = client.nodes("pve01").qemu(100)
    has(place.config.get(), "name", "digest")
    refused(place.status.stop.post, 403, "Permission check failed (/vms/100, VM.PowerMgmt)")
    refused(lambda: client.nodes("pve01").qemu.post(vmid=free()), 403, "Permission check failed")


@step
def realms():
    assert {"pam", "pve"} <= {row["realm"] for row in api.access.domains.get()}
    api.access.domains.post(realm="corp", type="ldap", server1="ldap.example.com", base_dn="dc=x", user_attr="uid")
    same(one(api.access.domains.get(), realm="corp")["type"], "ldap")
    same(api.access.domains("corp").get()["server1"], "ldap.example.com")
    api.access.domains("corp").delete()
    none(api.access.domains.get(), realm="corp")
