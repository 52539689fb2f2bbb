//! What the plugin was recorded to send and to get: sent again, and compared by status and members.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;
mod plain;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use harness::{KEY, TestServer, frames, netbox_body, proxmox_body};
use reqwest::Method;
use sdk_proxmox::mock::{Cluster, Mock};
use serde_json::{Map, Value, json};

/// One recorded exchange.
struct Exchange {
    method: Method,
    path: String,
    query: String,
    body: Option<Value>,
    status: u16,
    answer: String,
}

/// What the recording backend does wrong, or has and this server has not.
const OTHERWISE: [(&str, &str); 8] = [
    ("/cloud/", "not built: 404 with a detail"),
    ("/openapi.json", "another server's document"),
    ("/sync/individual/", "its own errors: 400 and 500 where this one answers"),
    ("/proxmox/pve01/qemu/101/config", "500 there"),
    ("/proxmox/firewall/nodes/", "a row of nulls there where there is no rule"),
    ("/proxmox/datacenter/cpu-models", "a row of nulls there where there is no model"),
    ("/auth/register-key", "the key is registered before"),
    ("/extras/extras/custom-fields/create", "its list depends on what is missing"),
];

/// Members that this server has no use for: its links, and how to reach nodes over SSH.
fn is_left_out(name: &str) -> bool {
    name == "fastapi" || name.starts_with("ssh_")
}

fn traffic() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/traffic");
    let folder = std::env::var_os("PROXBOX_TRAFFIC").map_or(usual, PathBuf::from);
    folder.join("mock-cluster-seed.json").exists().then_some(folder)
}

fn exchanges(folder: &Path, name: &str) -> Vec<Exchange> {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    let parse = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        Exchange {
            method: text("m").parse().unwrap(),
            path: text("path"),
            query: text("q"),
            body: serde_json::from_str(&text("body")).ok(),
            status: u16::try_from(row["status"].as_u64().unwrap()).unwrap(),
            answer: text("resp"),
        }
    };
    text.lines().map(parse).collect()
}

/// The recorded cluster behind a mock, and a NetBox with the plugin.
async fn stage(folder: &Path) -> (TestServer, Mock, sdk_netbox::mock::Mock) {
    let seed = std::fs::read_to_string(folder.join("mock-cluster-seed.json")).unwrap();
    let seed: Map<String, Value> = serde_json::from_str(&seed).unwrap();
    let seed = seed.into_iter().map(|(path, answer)| {
        (path.trim_start_matches("/api2/json").to_owned(), answer["data"].clone())
    });
    let mut cluster = Cluster::demo(3, 10, 1);
    cluster.seed(&seed.collect());
    let proxmox = Mock::start(cluster).await.unwrap();
    let netbox = plain::netbox().await;
    (TestServer::start().await, proxmox, netbox)
}

/// A body as the plugin sends it, but for where things are.
fn moved(body: Value, path: &str, proxmox: &Mock, netbox: &sdk_netbox::mock::Mock) -> Value {
    let mut body = body;
    let usual = |usual: Value, body: &mut Value, names: &[&str]| {
        for name in names {
            body[*name] = usual[*name].clone();
        }
    };
    if path.starts_with("/netbox/endpoint") {
        usual(netbox_body(), &mut body, &["token_version", "verify_ssl"]);
        let port = netbox.url().rsplit(':').next().unwrap().parse::<u16>().unwrap();
        body["ip_address"] = json!("127.0.0.1");
        body["domain"] = json!("");
        body["port"] = json!(port);
        body["token"] = json!(netbox.token());
    }
    if path.starts_with("/proxmox/endpoints") {
        usual(proxmox_body(), &mut body, &["username", "verify_ssl"]);
        body["ip_address"] = json!("127.0.0.1");
        body["port"] = json!(proxmox.address().port());
        body["token_name"] = json!(proxmox.token_id());
        body["token_value"] = json!(proxmox.token_secret());
    }
    body
}

/// The cluster that the traffic was recorded with.
const CLUSTER: &str = "e2e-cluster";

/// The names of the members of an object, or of the first row of a list. What stands under the name of a
/// cluster is Proxmox's own: members without a value are left out there.
fn members(text: &str) -> BTreeSet<String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let row = first_row(&value);
    match row.and_then(|row| row.get(CLUSTER)) {
        Some(of_cluster) => {
            let members = first_row(of_cluster).into_iter().flatten();
            let told = members.filter(|(_, value)| !value.is_null());
            told.map(|(name, _)| format!("{CLUSTER}.{name}")).collect()
        }
        None => row.into_iter().flat_map(Map::keys).cloned().collect(),
    }
}

fn first_row(value: &Value) -> Option<&Map<String, Value>> {
    match value {
        Value::Array(rows) => rows.first()?.as_object(),
        other => other.as_object(),
    }
}

async fn replay(name: &str) {
    let Some(folder) = traffic() else {
        eprintln!("skipped: no recorded traffic; PROXBOX_TRAFFIC says where it is");
        return;
    };
    let (server, proxmox, netbox) = stage(&folder).await;
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut registered = BTreeSet::new();
    for (path, body) in
        [("/netbox/endpoint", netbox_body()), ("/proxmox/endpoints", proxmox_body())]
    {
        let body = moved(body, path, &proxmox, &netbox);
        assert_eq!(server.post(path, body).await.status, 200);
        registered.insert(path.to_owned());
    }
    for exchange in exchanges(&folder, name) {
        let otherwise = OTHERWISE.iter().any(|(path, _)| exchange.path.starts_with(path));
        let again = exchange.method == Method::POST && registered.contains(&exchange.path);
        if again || exchange.status == 401 {
            continue;
        }
        let path = format!("{}?{}", exchange.path, exchange.query);
        let body = exchange.body.clone().filter(|_| exchange.method != Method::GET);
        let body = body.map(|body| moved(body, &exchange.path, &proxmox, &netbox));
        let answer = server.send(exchange.method.clone(), &path, Some(KEY), body).await;
        let said = format!("{} {path}", exchange.method);
        if otherwise {
            assert!(answer.status.as_u16() < 500, "{said}: {}", answer.text);
            continue;
        }
        compared += 1;
        if answer.status.as_u16() != exchange.status {
            wrong.push(format!(
                "{said}: {} instead of {}: {:.200}",
                answer.status, exchange.status, answer.text
            ));
            continue;
        }
        if exchange.path.ends_with("/stream") {
            let told = frames(&answer.text);
            assert_eq!(
                answer.headers["content-type"], "text/event-stream; charset=utf-8",
                "{said}"
            );
            match told.last() {
                Some((event, data)) if event == "complete" && data["ok"].is_boolean() => {}
                last => wrong.push(format!("{said} ends in {last:?}")),
            }
            continue;
        }
        let missing: Vec<String> =
            members(&exchange.answer).difference(&members(&answer.text)).cloned().collect();
        let missing: Vec<String> = missing.into_iter().filter(|name| !is_left_out(name)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{said} lacks {missing:?}: {:.200}", answer.text));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 40, "{compared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests_get_what_they_got_without_custom_fields() {
    replay("plugin-to-backend.custom-fields-off.jsonl").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_requests_get_what_they_got_with_custom_fields() {
    replay("plugin-to-backend.custom-fields-on.jsonl").await;
}
