//! Proxmox operations, passed on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::sync::Arc;
use std::time::Duration;

use harness::{KEY, TestServer, proxmox_body};
use proxbox::edge::App;
use proxbox::endpoints::{Selection, Sessions};
use reqwest::Method;
use sdk_proxmox::Product;
use sdk_proxmox::mock::{Cluster, Fault, Mock, Trouble};
use serde_json::{Value, json};

/// A server with one endpoint, and the mock behind it.
async fn with_mock(changes: Value) -> (TestServer, Mock) {
    let server = TestServer::start().await;
    let mock = Mock::start(Cluster::demo(2, 6, 1)).await.unwrap();
    add(&server, &mock, "/proxmox", "lab (nb:7)", changes).await;
    (server, mock)
}

async fn add(server: &TestServer, mock: &Mock, prefix: &str, name: &str, changes: Value) -> i64 {
    let mut body = proxmox_body();
    body["name"] = json!(name);
    body["ip_address"] = json!("127.0.0.1");
    body["port"] = json!(mock.address().port());
    body["token_name"] = json!(mock.token_id());
    body["token_value"] = json!(mock.token_secret());
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let stored = server.post(&format!("{prefix}/endpoints"), body).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    stored.json()["id"].as_i64().unwrap()
}

fn writable() -> Value {
    json!({ "allow_writes": true })
}

async fn key_with(server: &TestServer, scopes: &[&str]) -> String {
    let made = server.post("/auth/keys", json!({ "label": "scoped", "scopes": scopes })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["raw_key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_is_passed_on_unchanged() {
    let (server, mock) = with_mock(json!({})).await;
    let direct = mock.client().build().unwrap();
    let index = proxbox_runtime::OpIndex::new(sdk_proxmox::pve::ops());
    for path in ["/version", "/nodes", "/cluster/resources", "/nodes/pve01/qemu", "/access/users"] {
        let op = index.find("GET", path).unwrap();
        let members = op.values.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        let request = proxbox_runtime::Request::from_members(op.op, &members.collect());
        let expected = direct.answer(request).await.unwrap().body;
        for prefix in ["/proxmox/api2/json", "/proxmox/api2/9.1", "/proxmox/api2"] {
            let answer = server.get(&format!("{prefix}{path}")).await;
            assert_eq!(
                (answer.status.as_u16(), answer.text.as_bytes()),
                (200, &expected[..]),
                "{path}"
            );
            assert_eq!(answer.headers["content-type"], "application/json;charset=UTF-8", "{path}");
        }
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_named_and_never_sent() {
    let (server, mock) = with_mock(writable()).await;
    mock.forget_requests();
    let config = "/proxmox/api2/json/nodes/pve01/qemu/100/config";
    for (method, path, body, word) in [
        (
            Method::GET,
            "/proxmox/api2/json/nodes/pve01/qemu/5/config",
            None,
            "vmid is less than 100",
        ),
        (Method::GET, "/proxmox/api2/json/nodes?nonsense=1", None, "nonsense is no parameter"),
        (Method::GET, "/proxmox/api2/json/cluster/resources?type=car", None, "type is none of"),
        (Method::PUT, config, Some(json!({ "memory": { "a": 1 } })), "memory"),
        (Method::PUT, config, Some(json!({ "cores": "many" })), "cores is not a whole number"),
        (
            Method::POST,
            "/proxmox/api2/json/nodes/pve01/qemu/100/snapshot",
            Some(json!({})),
            "snapname is required",
        ),
        (Method::PUT, &format!("{config}?vmid=101"), None, "vmid is 100 in the path"),
    ] {
        let answer = server.send(method.clone(), path, Some(KEY), body).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text);
        assert!(answer.detail().contains(word), "{path}: {}", answer.text);
    }
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn a_release_that_a_path_names_has_only_its_own_operations() {
    let (server, _mock) = with_mock(json!({})).await;
    for (path, status) in [
        ("/proxmox/api2/8.3/cluster/ha/rules", 404),
        ("/proxmox/api2/9.1/cluster/ha/rules", 200),
        ("/proxmox/api2/latest/cluster/ha/rules", 200),
        ("/proxmox/api2/7.4/version", 404),
        ("/proxmox/api2/json/nothing/here", 404),
    ] {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
    let wrong = server.send(Method::PATCH, "/proxmox/api2/json/nodes", Some(KEY), None).await;
    assert_eq!(wrong.status, 405);
    assert!(wrong.detail().contains("GET"), "{}", wrong.text);
}

#[tokio::test]
async fn what_proxmox_says_of_an_error_is_passed_on_and_unreachable_nodes_are_gateways() {
    let (server, mock) = with_mock(json!({})).await;
    let missing = server.get("/proxmox/api2/json/nodes/pve01/qemu/99999/config").await;
    assert_eq!(missing.status, 500);
    assert!(
        missing.json()["message"].as_str().unwrap().contains("does not exist"),
        "{}",
        missing.text
    );
    for (status, expected) in
        [(595, 502), (596, 504), (599, 504), (401, 502), (403, 403), (302, 502)]
    {
        mock.fault(Fault::on("/version", Trouble::Status(status, "scripted".into())));
        let answer = server.get("/proxmox/api2/json/version").await;
        assert_eq!(answer.status.as_u16(), expected, "{status}: {}", answer.text);
        if expected >= 502 {
            assert_eq!(answer.json()["proxmox_status"], status);
            assert!(answer.detail().contains("lab"), "{}", answer.text);
        }
        mock.heal();
    }
}

#[tokio::test]
async fn the_reason_phrase_of_old_releases_is_passed_on() {
    let (server, mock) = with_mock(json!({})).await;
    mock.with(|cluster| cluster.release = "8.2.4".into());
    let response = server
        .http
        .get(server.url("/proxmox/api2/json/nodes/pve01/qemu/99999/config"))
        .header("X-Proxbox-API-Key", KEY)
        .send()
        .await
        .unwrap();
    let reason = response.extensions().get::<hyper::ext::ReasonPhrase>().unwrap();
    let reason = String::from_utf8_lossy(reason.as_bytes()).into_owned();
    assert!(reason.contains("does not exist"), "{reason}");
}

#[tokio::test]
async fn an_endpoint_is_never_guessed() {
    let (server, _first) = with_mock(json!({})).await;
    let second = Mock::start(Cluster::demo(1, 2, 2)).await.unwrap();
    let id = add(&server, &second, "/proxmox", "other (nb:8)", json!({})).await;
    let ambiguous = server.get("/proxmox/api2/json/version").await;
    assert_eq!(ambiguous.status, 409);
    assert!(ambiguous.detail().contains("lab (nb:7)"), "{}", ambiguous.text);
    // Both have a pve01, only the first has a pve02.
    assert_eq!(server.get("/proxmox/api2/json/nodes/pve01/qemu").await.status, 409);
    assert_eq!(server.get("/proxmox/api2/json/nodes/pve02/qemu").await.status, 200);
    assert_eq!(server.get("/proxmox/api2/json/nodes/pve09/qemu").await.status, 404);
    for filter in [
        format!("proxmox_endpoint_ids={id}"),
        "target_name=other%20(nb:8)".to_owned(),
        "name=other%20(nb:8)".to_owned(),
        format!("port={}", second.address().port()),
    ] {
        let answer = server.get(&format!("/proxmox/api2/json/nodes?{filter}")).await;
        assert_eq!(
            answer.json()["data"].as_array().map(Vec::len),
            Some(1),
            "{filter}: {}",
            answer.text
        );
    }
    assert_eq!(server.get("/proxmox/api2/json/version?proxmox_endpoint_ids=99").await.status, 404);
    assert_eq!(server.get("/proxmox/api2/json/version?proxmox_endpoint_ids=x").await.status, 400);
}

#[tokio::test]
async fn a_list_of_a_node_is_of_the_cluster_that_is_named_and_takes_what_proxmox_takes() {
    let (server, first) = with_mock(json!({})).await;
    let second = Mock::start(Cluster::demo(1, 2, 2)).await.unwrap();
    add(&server, &second, "/proxmox", "other (nb:8)", json!({})).await;
    let list = "/proxmox/nodes/pve01/network";
    assert_eq!(server.get(list).await.status, 409, "both have a pve01");
    assert_eq!(server.get(&format!("{list}?cluster_name=none")).await.status, 404);
    let wrong = server.get(&format!("{list}?cluster_name=Demo&type=wire")).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.detail().contains("type"), "{}", wrong.text);
    assert_eq!(server.get(&format!("{list}?cluster_name=Demo&type=")).await.status, 200);
    first.forget_requests();
    let answer = server.get(&format!("{list}?cluster_name=Demo&type=bridge")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let sent = first.requests();
    let sent = sent.iter().find(|request| request.path == "/nodes/pve01/network").unwrap();
    assert_eq!(sent.params["type"], "bridge");
}

#[tokio::test]
async fn nothing_is_changed_unless_endpoint_and_key_permit_it() {
    let (server, mock) = with_mock(json!({})).await;
    let start = "/proxmox/api2/json/nodes/pve01/qemu/100/status/stop";
    let refused = server.post(start, json!({})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["reason"], "endpoint_writes_disabled");
    assert!(mock.requests().iter().all(|request| request.method == "GET"));

    server.put("/proxmox/endpoints/1", writable()).await;
    let others = key_with(&server, &["proxy:read", "proxy:write:POST /nodes/*/lxc/*"]).await;
    let refused = server.send(Method::POST, start, Some(&others), Some(json!({}))).await;
    assert_eq!(refused.status, 403);
    assert!(refused.detail().contains("proxy:write"), "{}", refused.text);
    let done = server.post(start, json!({})).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(done.json()["data"].as_str().unwrap().starts_with("UPID:"));
    // What this process changes holds at once.
    server.put("/proxmox/endpoints/1", json!({ "allow_writes": false })).await;
    assert_eq!(server.post(start, json!({})).await.status, 403);
}

#[tokio::test]
async fn a_change_is_written_down_without_its_secrets() {
    let (server, _mock) = with_mock(writable()).await;
    let body = json!({ "userid": "new@pve", "password": "hunter2-hunter2" });
    let made = server.post("/proxmox/api2/json/access/users", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let audit = server.get("/api/v1/audit").await;
    let entry = &audit.json()[0];
    assert_eq!(entry["operation"], "POST /access/users");
    assert_eq!(entry["parameters"], json!({ "userid": "new@pve", "password": "[masked]" }));
    assert_eq!((&entry["status"], &entry["key"]["label"]), (&json!(200), &json!("tests")));
    assert_eq!(entry["endpoint"]["name"], "lab (nb:7)");
    let state = server.into_state_bytes().await;
    assert!(!state.windows(15).any(|window| window == b"hunter2-hunter2"));
}

#[tokio::test]
async fn a_change_with_a_name_is_made_once() {
    let (server, mock) = with_mock(writable()).await;
    let path = "/proxmox/api2/json/nodes/pve01/qemu/100/snapshot";
    let send = async |name: &str, body: Value| {
        let request = server.http.post(server.url(path)).header("X-Proxbox-API-Key", KEY);
        let request =
            request.header("Idempotency-Key", name).header("content-type", "application/json");
        let response = request.body(body.to_string()).send().await.unwrap();
        (
            response.status().as_u16(),
            response.headers().contains_key("idempotent-replay"),
            response.text().await.unwrap(),
        )
    };
    let body = json!({ "snapname": "one" });
    let (first, again) = (send("n-1", body.clone()).await, send("n-1", body.clone()).await);
    assert_eq!((first.0, first.1, again.0, again.1), (200, false, 200, true));
    let data = |text: &str| serde_json::from_str::<Value>(text).unwrap()["data"].clone();
    assert_eq!(data(&first.2), data(&again.2));
    let sent = mock.requests().into_iter().filter(|request| request.method == "POST").count();
    assert_eq!(sent, 1);
    assert_eq!(
        send("n-1", json!({ "snapname": "two" })).await.0,
        409,
        "another request of this name"
    );
    assert_eq!(send("", body).await.0, 400);
}

#[tokio::test]
async fn a_change_that_was_never_sent_may_be_sent_again() {
    let (server, mock) = with_mock(writable()).await;
    let address = mock.address();
    mock.stop().await;
    let path = "/proxmox/api2/json/nodes/pve01/qemu/100/status/stop";
    let send = || async {
        let request = server.http.post(server.url(path)).header("X-Proxbox-API-Key", KEY);
        request.header("Idempotency-Key", "n-1").send().await.unwrap().status().as_u16()
    };
    assert_eq!(send().await, 502);
    let _mock = Mock::start_on(address, Cluster::demo(2, 6, 1)).await.unwrap();
    assert_eq!(send().await, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_change_without_an_end() {
    let (server, mock) = with_mock(writable()).await;
    mock.fault(Fault::on(
        "/nodes/pve01/qemu/100/status/stop",
        Trouble::Delay(Duration::from_millis(300)),
    ));
    let path = "/proxmox/api2/json/nodes/pve01/qemu/100/status/stop";
    let request = server.http.post(server.url(path)).header("X-Proxbox-API-Key", KEY);
    let gone = request.timeout(Duration::from_millis(100)).send().await;
    assert!(gone.is_err_and(|error| error.is_timeout()));
    let settled = async {
        loop {
            let audit = server.get("/api/v1/audit").await.json();
            if audit[0]["status"] == 200 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), settled).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_differs_makes_another_request_of_the_same_name() {
    let (server, _mock) = with_mock(writable()).await;
    let path = "/proxmox/api2/json/access/users";
    let send = async |password: &str| {
        let request = server.http.post(server.url(path)).header("X-Proxbox-API-Key", KEY);
        let body = json!({ "userid": "new@pve", "password": password }).to_string();
        let request = request.header("Idempotency-Key", "u-1");
        let request = request.header("content-type", "application/json").body(body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(send("hunter2-hunter2").await, 200);
    assert_eq!(send("hunter2-hunter2").await, 200);
    assert_eq!(send("hunter3-hunter3").await, 409);
}

#[tokio::test]
async fn what_reaches_into_a_guest_needs_what_a_console_needs() {
    let (server, mock) = with_mock(writable()).await;
    mock.forget_requests();
    let path = "/proxmox/api2/json/nodes/pve01/qemu/100/agent/exec";
    let body = json!({ "command": ["id"] });
    let answer = server.post(path, body.clone()).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(answer.detail().contains("allow_guest_commands"), "{}", answer.text);
    server.put("/proxmox/endpoints/1", json!({ "allow_guest_commands": true })).await;
    let made = server.post("/auth/keys", json!({ "scopes": ["proxy:read", "proxy:write:*"] }));
    let key = made.await.json()["raw_key"].as_str().unwrap().to_owned();
    let answer = server.send(Method::POST, path, Some(&key), Some(body)).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert!(answer.detail().contains("console"), "{}", answer.text);
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn a_value_in_a_path_is_one_segment_and_the_same_wherever_it_is_said() {
    let (server, mock) = with_mock(writable()).await;
    let start = "/proxmox/api2/json/nodes/pve01/qemu/100/status/start";
    assert_eq!(server.post(start, json!({ "vmid": 100 })).await.status, 200);
    assert_eq!(server.post(start, json!({ "vmid": 101 })).await.status, 400);
    mock.forget_requests();
    for path in ["/pools/a%2Fb", "/nodes/pve01%2Fqemu%2F100/status"] {
        let answer = server.get(&format!("/proxmox/api2/json{path}")).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text);
    }
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn credentials_of_people_and_consoles_are_never_passed_on() {
    let (server, mock) = with_mock(writable()).await;
    mock.forget_requests();
    for (method, path) in [
        (Method::POST, "/access/ticket"),
        (Method::PUT, "/access/password"),
        (Method::POST, "/access/tfa/root@pam"),
        (Method::PUT, "/access/users/root@pam/unlock-tfa"),
        (Method::POST, "/access/vncticket"),
        (Method::POST, "/nodes/pve01/termproxy"),
        (Method::POST, "/nodes/pve01/execute"),
        (Method::GET, "/nodes/pve01/qemu/100/vncwebsocket"),
        (Method::POST, "/nodes/pve01/qemu/100/agent/set-user-password"),
    ] {
        let answer = server
            .send(method, &format!("/proxmox/api2/json{path}"), Some(KEY), Some(json!({})))
            .await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn an_upload_is_passed_on_as_it_comes() {
    let (server, mock) = with_mock(writable()).await;
    let path = "/proxmox/api2/json/nodes/pve01/storage/local/upload";
    let file = vec![7_u8; 3 << 20];
    let form = |content: &str| {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\n{content}\r\n--b\r\n\
             Content-Disposition: form-data; name=\"filename\"; filename=\"a.iso\"\r\n\r\n"
        );
        [head.as_bytes(), &file, b"\r\n--b--\r\n"].concat()
    };
    let send = async |body: Vec<u8>| {
        let request = server.http.post(server.url(path)).header("X-Proxbox-API-Key", KEY);
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, text) = send(form("iso")).await;
    assert_eq!(status, 200, "{text}");
    mock.with(|cluster| cluster.finish_tasks());
    let listed = server.get("/proxmox/api2/json/nodes/pve01/storage/local/content").await.json();
    let volume =
        listed["data"].as_array().unwrap().iter().find(|row| row["volid"] == "local:iso/a.iso");
    assert_eq!(volume.unwrap()["size"], 3 << 20, "{listed}");
    mock.forget_requests();
    let (status, text) = send(form("music")).await;
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("content"), "{text}");
    assert_eq!(mock.requests().len(), 0);
}

#[tokio::test]
async fn other_products_have_prefixes_of_their_own() {
    let server = TestServer::start().await;
    let pbs = Mock::start(Cluster::of(Product::Pbs)).await.unwrap();
    let pdm = Mock::start(Cluster::of(Product::Pdm)).await.unwrap();
    add(&server, &pbs, "/pbs", "store", json!({})).await;
    add(&server, &pdm, "/pdm", "manager", json!({})).await;
    let version = server.get("/pbs/api2/json/version").await.json();
    assert!(version["data"]["version"].is_string(), "{version}");
    assert_eq!(server.get("/pdm/api2/json/version").await.status, 200);
    assert_eq!(server.get("/proxmox/api2/json/version").await.status, 404);
    assert_eq!(server.get("/proxmox/endpoints").await.json(), json!([]));
    let status = server.get("/pbs/status").await.json();
    assert_eq!(
        (&status["items"][0]["reachable"], &status["items"][0]["reason"]),
        (&json!(true), &Value::Null)
    );
    pdm.stop().await;
    let status = server.get("/pdm/status").await.json();
    assert_eq!(status["items"][0]["reachable"], false);
    assert!(status["items"][0]["reason"].as_str().unwrap().contains("refused"), "{status}");
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_left_alone_for_a_while() {
    let (server, mock) = with_mock(json!({})).await;
    mock.stop().await;
    let statuses = async || server.get("/proxmox/api2/json/version").await;
    for _ in 0..5 {
        assert_eq!(statuses().await.status, 502);
    }
    let left = statuses().await;
    assert_eq!(left.status, 503);
    assert!(left.headers.contains_key("retry-after"));
    let ready = server.send(Method::GET, "/readyz", None, None).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &json!("degraded")));
}

#[tokio::test]
async fn requests_share_the_connections_of_an_endpoint() {
    let (server, _mock) = with_mock(json!({})).await;
    let app: &App = server.app();
    let all = |sessions: Sessions| async move {
        sessions.chosen(Product::Pve, &Selection::default()).await.unwrap().remove(0)
    };
    let (first, second) = (all(app.sessions.clone()).await, all(app.sessions.clone()).await);
    assert!(Arc::ptr_eq(&first, &second));
    server.put("/proxmox/endpoints/1", json!({ "name": "renamed" })).await;
    let third = all(app.sessions.clone()).await;
    assert!(!Arc::ptr_eq(&first, &third));
    assert_eq!(third.row.name, "renamed");
}

#[tokio::test]
async fn the_viewer_tells_where_the_routes_come_from() {
    let (server, _mock) = with_mock(json!({})).await;
    let releases = server.get("/proxmox/viewer/releases").await.json();
    let of = |tag: &str| {
        let rows = releases.as_array().unwrap();
        rows.iter()
            .find(|row| row["product"] == "pve" && row["version_tag"] == tag)
            .unwrap()
            .clone()
    };
    assert_eq!(of("9.2")["operations"], 675);
    let drift = server.get("/proxmox/viewer/drift?from=8.4&to=9.2").await.json();
    assert!(
        drift["added"].as_array().unwrap().contains(&json!("GET /cluster/ha/rules")),
        "{drift}"
    );
    let document = server.get("/proxmox/viewer/openapi?version_tag=9.1").await.json();
    assert!(document["paths"]["/proxmox/api2/9.1/version"]["get"].is_object());
    let generate = server.post("/proxmox/viewer/generate", json!({})).await;
    assert_eq!(generate.status, 501);
    assert!(generate.detail().contains("xtask regen"), "{}", generate.text);
}
