//! The mock answers every operation of every product with what its own type decodes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proxbox_runtime::{Field, FieldFlags, Kind, Method, OpFlags, Payload, Recode, validate_value};
use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::{Client, Op, Product, Request, pbs, pdm, pve};
use serde_json::{Map, Value, json};

type Table = &'static [(&'static Op, Recode)];

/// Texts for all syntaxes that descriptions ask for; the first that the rules allow is taken.
const CANDIDATES: &[&str] = &[
    "sample",
    "sample1",
    "1",
    "100-1",
    "100",
    "a1",
    "abc",
    "vm:100",
    "root@pam",
    "root@pam!proxbox",
    "local:iso/x.iso",
    "192.0.2.0/24",
    "192.0.2.1",
    "2001:db8::1",
    "BC:24:11:00:00:01",
    "BC:24:11",
    "daily",
    "/",
    "/sample",
    "2025-01-01",
    "pool/sample",
    "sample.iso",
    "sample.ctl.gz",
    "ct/100/2025-01-01T00:00:00Z",
    "0000:00:00.0",
    "1m",
    "0123456789abcdef0123456789abcdef01234567",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "pve4p-0123456789",
    "pbss-0123456789",
    "0x5000c500a0b1c2d3",
    "eui.0123456789abcdef",
    "https://example.com",
    "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB",
    "00000000-0000-0000-0000-000000000000",
    "example.com",
    "example.com:443",
    "UPID:pve01:0000C000:0000C000:69561800:sample::root@pam:",
    "UPID:pbs:0000C000:0000C000:00000001:69561800:sample::root@pam:",
    "sample!UPID:pve01:0000C000:0000C000:69561800:sample::root@pam:",
    "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    "sample:sample",
    "sda",
    "raid1",
    "mirror",
    "vmbr0",
    "sample,1",
    "1-1",
    "backup",
    "host/sample",
    "sha256",
    "S:sample",
    "2025-01-01T00:00:00Z",
];

fn text(field: &Field) -> String {
    // A parameter alone, judged by its own rules.
    let one: &'static [Field] = Box::leak(Box::new([Field { name: "it", ..copy(field) }]));
    let schema = proxbox_runtime::Schema::new("One", one);
    let fits = |text: &&&str| {
        let members = Map::from_iter([("it".to_owned(), Value::from(**text))]);
        validate_value(&schema, &members).is_empty()
    };
    let by_name = match field.name {
        "node" => Some("pve01"),
        "iface" => Some("vmbr0"),
        "disk" => Some("/dev/sda"),
        "country" => Some("de"),
        "username" => Some("root@pam"),
        "password" => Some("mock-password"),
        "target-endpoint" => Some("apitoken=PVEAPIToken=root@pam!x=1,host=192.0.2.1"),
        _ => None,
    };
    let by_name = by_name.filter(|text| fits(&text));
    let found = by_name.or_else(|| CANDIDATES.iter().find(fits).copied());
    found.unwrap_or("sample").to_owned()
}

fn copy(field: &Field) -> Field {
    Field { name: field.name, kind: field.kind, flags: field.flags, rules: field.rules }
}

fn value(field: &Field, op: &Op) -> Value {
    if let Some(value) = certain(op, field.name) {
        return value.into();
    }
    match field.kind {
        _ if field.name == "vmid" => if op.path.contains("/lxc") { "102" } else { "100" }.into(),
        _ if field.name == "target"
            && (op.path.contains("migrate") || op.path.contains("replication")) =>
        {
            "pve02".into()
        }
        _ if field.name == "pos" => "0".into(),
        _ if op.path.ends_with("/upload") && field.name == "filename" => "sample.iso".into(),
        _ if op.path.ends_with("/upload") && field.name == "storage" => "local".into(),
        _ if op.path.ends_with("/upload") && field.name == "content" => "iso".into(),
        _ if op.path.ends_with("/content/{volume}") && field.name == "storage" => "local".into(),
        _ if field.name == "volume" && field.flags.has(FieldFlags::PATH) => {
            "local:iso/debian-13.1.0-amd64-netinst.iso".into()
        }
        Kind::Bool => "1".into(),
        Kind::Int => {
            let (min, max) = (field.rules.min.unwrap_or(1.0), field.rules.max.unwrap_or(1e9));
            (200.0_f64.clamp(min, max) as i64).to_string().into()
        }
        Kind::Float => "1".into(),
        Kind::Enum(values) => values.first().copied().unwrap_or("sample").into(),
        Kind::List(_) => json!([]),
        Kind::Record(_) | Kind::Map => json!({}),
        _ => text(field).into(),
    }
}

fn request(op: &'static Op) -> Request {
    let param = |name: &str| op.params.fields.iter().find(|field| field.name == name);
    let path: Vec<String> = op
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| param(name).map(|field| value(field, op)).unwrap_or_default())
        .map(|value| value.as_str().unwrap_or("sample").to_owned())
        .collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let mut request = Request::new(op, &path);
    // What must be given, and the name of what is created.
    let child = op.path.to_owned() + "/{";
    let wanted = op.params.fields.iter().filter(|field| {
        !field.flags.has(FieldFlags::PATH)
            && !field.name.ends_with("[n]")
            && (field.flags.has(FieldFlags::REQUIRED)
                || (op.method != Method::Get && certain(op, field.name).is_some())
                || (op.path == "/nodes/{node}/vzdump" && field.name == "all")
                || (op.path == "/access/ticket" && field.name == "password")
                || (op.method == Method::Post && child_of(op, &child) == Some(field.name)))
    });
    let members: Map<String, Value> =
        wanted.map(|field| (field.name.to_owned(), value(field, op))).collect();
    match op.method {
        Method::Get | Method::Delete => {
            let plain = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            request.query =
                members.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        }
        _ if !members.is_empty() => request.payload = Payload::Json(members.into()),
        _ => {}
    }
    request
}

fn child_of(op: &Op, child: &str) -> Option<&'static str> {
    let all = pve::ops().chain(pbs::ops()).chain(pdm::ops());
    let mut below = all.filter_map(|other| other.path.strip_prefix(child)?.strip_suffix('}'));
    below.find(|rest| !rest.contains('/') && !op.path.is_empty())
}

/// Values that only a certain one will do for, by the path of the operation.
const CERTAIN: &[(&str, &str, &str)] = &[
    ("/cluster/sdn/vnets/{vnet}/subnets", "subnet", "192.0.2.0/24"),
    ("/cluster/sdn/vnets/{vnet}/subnets/{subnet}", "subnet", "sample-192.0.2.0-24"),
    ("/nodes/{node}/lxc", "storage", "local-lvm"),
    ("/nodes/{node}/lxc/{vmid}/config", "description", "sample"),
    ("/nodes/{node}/lxc/{vmid}/move_volume", "storage", "ceph"),
    ("/nodes/{node}/lxc/{vmid}/move_volume", "volume", "rootfs"),
    ("/nodes/{node}/lxc/{vmid}/resize", "disk", "rootfs"),
    ("/nodes/{node}/lxc/{vmid}/resize", "size", "+1G"),
    ("/nodes/{node}/network", "iface", "sample"),
    ("/nodes/{node}/network/{iface}", "iface", "sample"),
    ("/nodes/{node}/qemu/{vmid}/config", "description", "sample"),
    ("/nodes/{node}/qemu/{vmid}/move_disk", "disk", "scsi0"),
    ("/nodes/{node}/qemu/{vmid}/move_disk", "storage", "ceph"),
    ("/nodes/{node}/qemu/{vmid}/unlink", "idlist", "scsi0"),
    ("/nodes/{node}/storage/{storage}/content", "storage", "local-lvm"),
    ("/nodes/{node}/storage/{storage}/download-url", "storage", "local"),
    ("/nodes/{node}/storage/{storage}/prunebackups", "storage", "nfs-backup"),
    (
        "/nodes/{node}/vzdump/extractconfig",
        "volume",
        "nfs-backup:backup/vzdump-qemu-100-2026_01_01-02_00_00.vma.zst",
    ),
];

fn certain(op: &Op, name: &str) -> Option<&'static str> {
    let services = op.path.contains("/services/{service}") && name == "service";
    let found = CERTAIN.iter().find(|(path, field, _)| *path == op.path && *field == name);
    found.map(|(.., value)| *value).or(services.then_some("pveproxy"))
}

/// States of a cluster that calls about guests may need: stopped, running, without the guest.
fn states() -> Vec<Cluster> {
    let mut stopped = Cluster::demo(2, 6, 1);
    for guest in stopped.guests.values_mut() {
        guest.running = false;
        guest.node = "pve01".into();
        guest.config.insert("agent".into(), "1".into());
        let name = "sample".to_owned();
        let snapshot = sdk_proxmox::mock::Snapshot { name, ..Default::default() };
        guest.snapshots.push(snapshot);
    }
    let mut running = stopped.clone();
    running.guests.values_mut().for_each(|guest| guest.running = true);
    let mut elsewhere = stopped.clone();
    elsewhere.guests.clear();
    let mut bare = stopped.clone();
    bare.guests.values_mut().for_each(|guest| guest.snapshots.clear());
    vec![stopped, running, bare, elsewhere]
}

async fn walk(mock: &Mock, table: Table) -> BTreeMap<String, String> {
    let product = mock.with(|cluster| cluster.product);
    let client = mock.client().product(product).build().expect("a client");
    // Some operations are not for tokens.
    let by_password = Client::builder(&mock.url()).product(product).retries(0);
    let by_password = by_password.password("root@pam", "mock-password").build().expect("a client");
    let sender = |op: &Op| match op.flags.has(OpFlags::NO_TOKEN) {
        true => &by_password,
        false => &client,
    };
    let mut order: Vec<&(&'static Op, Recode)> = table.iter().collect();
    // First what creates, then what reads and changes, last what removes, innermost first.
    let rank = |op: &Op| match op.method {
        Method::Post => 0,
        Method::Put => 1,
        Method::Get => 2,
        _ => 3,
    };
    order.sort_by_key(|(op, _)| (rank(op), op.path));
    let removals = order.partition_point(|(op, _)| rank(op) < 3);
    order[removals..].reverse();
    let mut wrong = BTreeMap::new();
    let mut upid = None;
    for (op, recode) in &order {
        if let Some(told) = in_some_state(mock, sender(op), op, *recode, &mut upid).await {
            wrong.insert(op.to_string(), told);
        }
    }
    // What others needed can be removed now.
    for (op, recode) in &order[removals..] {
        if wrong.contains_key(&op.to_string())
            && in_some_state(mock, sender(op), op, *recode, &mut upid).await.is_none()
        {
            wrong.remove(&op.to_string());
        }
    }
    wrong
}

/// What is wrong with an operation's answer in every state that a cluster may be in.
async fn in_some_state(
    mock: &Mock,
    client: &Client,
    op: &'static Op,
    recode: Recode,
    upid: &mut Option<String>,
) -> Option<String> {
    let mut told = attempt(client, op, recode, upid).await?;
    if mock.with(|cluster| cluster.product) != Product::Pve {
        return Some(told);
    }
    // Ceph is set up on some clusters only, groups of high availability ended with release 9.
    let release = mock.with(|cluster| {
        cluster.ceph = true;
        std::mem::replace(&mut cluster.release, "8.4.1".into())
    });
    let in_the_past = attempt(client, op, recode, upid).await;
    mock.with(|cluster| (cluster.ceph, cluster.release) = (false, release));
    if op.path.contains("/ceph") || op.path.starts_with("/cluster/ha/groups") {
        in_the_past?;
    }
    let about_guests =
        op.path.starts_with("/nodes/{node}/qemu") || op.path.starts_with("/nodes/{node}/lxc");
    let states = if about_guests { states() } else { Vec::new() };
    let before = mock.with(|cluster| cluster.guests.clone());
    for state in states {
        // What was created stays: only the guests are put into this state, which no task changes later.
        mock.with(|cluster| {
            cluster.finish_tasks();
            cluster.guests = state.guests;
        });
        match attempt(client, op, recode, upid).await {
            Some(wrong) => told = wrong,
            None => {
                mock.with(|cluster| cluster.guests = before);
                return None;
            }
        }
    }
    mock.with(|cluster| cluster.guests = before);
    Some(told)
}

/// Port and ticket of a terminal that was opened for a WebSocket at this path.
async fn terminal(client: &Client, path: &str) -> Vec<(String, String)> {
    static OPEN: Op = Op { method: Method::Post, path: "/termproxy", ..Op::PLAIN };
    let mut request = Request::new(&OPEN, &[]);
    request.path = path.replace("vncwebsocket", "termproxy");
    let body = client.answer(request).await.map(|reply| reply.body).unwrap_or_default();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let member = |name: &str| answer["data"][name].clone();
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    [("port", "port"), ("vncticket", "ticket")]
        .map(|(parameter, name)| (parameter.to_owned(), text(member(name))))
        .to_vec()
}

/// Number of a program that was started in a guest for this path, which asks what became of it.
async fn started(client: &Client, path: &str) -> String {
    static START: Op = Op { method: Method::Post, path: "/agent/exec", ..Op::PLAIN };
    let mut request = Request::new(&START, &[]);
    request.path = path.replace("exec-status", "exec");
    request.payload = Payload::Json(serde_json::json!({ "command": ["true"] }));
    let body = client.answer(request).await.map(|reply| reply.body).unwrap_or_default();
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    answer["data"]["pid"].to_string()
}

/// What is wrong with an operation's answer, if anything.
async fn attempt(
    client: &Client,
    op: &'static Op,
    recode: Recode,
    upid: &mut Option<String>,
) -> Option<String> {
    let mut request = request(op);
    if let (Some(upid), true) = (&*upid, op.path.contains("{upid}")) {
        let rest = op.path.split_once("{upid}").map_or("", |(_, rest)| rest);
        let node = upid.split(':').nth(1).unwrap_or_default();
        request = Request::new(op, &[node, upid.as_str()]);
        assert!(request.path.ends_with(rest));
    }
    if op.path.ends_with("/vncwebsocket") {
        request.query = terminal(client, &request.path).await;
    }
    if op.path.ends_with("/agent/exec-status") {
        request.query = vec![("pid".to_owned(), started(client, &request.path).await)];
    }
    match client.answer(request).await {
        Ok(reply) => match recode(&reply.body) {
            Ok((answer, drift)) if drift.is_empty() => {
                let started = answer.as_str().filter(|text| text.starts_with("UPID:"));
                if let Some(text) = started {
                    *upid = Some(text.to_owned());
                }
                None
            }
            Ok((_, drift)) => Some(format!("{drift:?}")),
            Err(error) => Some(error.to_string()),
        },
        Err(error) => Some(error.to_string()),
    }
}

#[tokio::test]
async fn of_proxmox_ve() {
    let mock = Mock::start(Cluster::demo(2, 6, 1)).await.expect("a port");
    let wrong = walk(&mock, pve::recode::ANSWERS).await;
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[tokio::test]
async fn of_backup_server() {
    let mock = Mock::start(Cluster::of(Product::Pbs)).await.expect("a port");
    let wrong = walk(&mock, pbs::recode::ANSWERS).await;
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[tokio::test]
async fn of_datacenter_manager() {
    let mock = Mock::start(Cluster::of(Product::Pdm)).await.expect("a port");
    let wrong = walk(&mock, pdm::recode::ANSWERS).await;
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}
