//! Journals, logs, numbers and commands, once and as streams.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use harness::{KEY, TestServer, proxmox_body};
use proxbox::console::TerminalLimits;
use proxbox::edge::{App, Settings};
use proxbox::store::Store;
use reqwest::Method;
use sdk_proxmox::mock::{Cluster, GuestKind, Mock};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server with one endpoint; a running machine 100 and a running container 101 on pve01.
async fn with_mock(changes: Value) -> (TestServer, Mock) {
    with_limits(changes, TerminalLimits::default()).await
}

/// The same with limits of its own for terminals.
async fn with_limits(changes: Value, terminals: TerminalLimits) -> (TestServer, Mock) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
    let settings = Settings { terminals, ..Settings::default() };
    let server = TestServer::over(folder, App::with(store, settings)).await;
    server.register().await;
    let mut cluster = Cluster::demo(2, 6, 1);
    for (vmid, kind) in [(100, GuestKind::Qemu), (101, GuestKind::Lxc)] {
        let mut guest = sdk_proxmox::mock::Guest::new(vmid, kind, "pve01");
        guest.running = true;
        guest.agent_answers = true;
        guest.config.insert("agent".into(), json!("1"));
        guest.config.insert("name".into(), json!("web"));
        guest.config.insert("hostname".into(), json!("web"));
        cluster.add_guest(guest);
    }
    let mock = Mock::start(cluster).await.unwrap();
    let mut body = proxmox_body();
    body["ip_address"] = json!("127.0.0.1");
    body["port"] = json!(mock.address().port());
    body["token_name"] = json!(mock.token_id());
    body["token_value"] = json!(mock.token_secret());
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    assert_eq!(server.post("/proxmox/endpoints", body).await.status, 200);
    (server, mock)
}

fn permitted() -> Value {
    json!({
        "allow_guest_commands": true, "allow_node_shell": true, "allow_writes": true,
        "username": "root@pam", "password": "mock-password",
    })
}

/// Reads events until one of this name, or the end.
async fn events_until(
    server: &TestServer,
    method: Method,
    path: &str,
    name: &str,
) -> Vec<(String, Value)> {
    let request = server.http.request(method, server.url(path)).header("X-Proxbox-API-Key", KEY);
    let response = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let mut parts = response.bytes_stream();
    let (mut text, mut events) = (String::new(), Vec::new());
    let read = async {
        while let Some(part) = parts.next().await {
            text.push_str(&String::from_utf8_lossy(&part.unwrap()));
            while let Some(end) = text.find("\n\n") {
                let event: String = text.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let Some(called) = field("event: ") else { continue };
                let mut data: Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
                data["id"] = field("id: ").into();
                events.push((called.to_owned(), data));
                if called == name {
                    return;
                }
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("{path}: no {name}"));
    events
}

fn lines(events: &[(String, Value)]) -> Vec<&str> {
    let lines = events.iter().filter(|(name, _)| name == "line");
    lines.map(|(_, data)| data["line"].as_str().unwrap()).collect()
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn socket(server: &TestServer, path: &str) -> Socket {
    let url = server.url(path).replacen("http://", "ws://", 1);
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("x-proxbox-api-key", KEY.parse().unwrap());
    timeout(PATIENCE, tokio_tungstenite::connect_async(request)).await.unwrap().unwrap().0
}

async fn texts(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        match timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Text(text))) => texts.push(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("{other:?} after {texts:?}"),
        }
    }
    texts
}

/// Waits until something holds, by asking again.
async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let all = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all).await.expect("it never held");
}

fn shells_running(mock: &Mock) -> usize {
    let running = |cluster: &mut Cluster| cluster.running_tasks("vncshell");
    mock.with(running)
}

#[tokio::test]
async fn one_address_answers_a_journal_once_as_events_and_over_a_socket() {
    let (server, _mock) = with_mock(json!({})).await;
    let path = "/proxmox/journalctl/pve01?limit=5";
    let once = server.get(path).await.json();
    assert_eq!(once["lines"].as_array().map(Vec::len), Some(1), "{once}");
    let events = events_until(&server, Method::GET, path, "line").await;
    assert_eq!(events[0].0, "started");
    assert_eq!(lines(&events), [once["lines"][0].as_str().unwrap()]);
    assert_eq!(events[1].1["id"], once["cursor"]);
    let mut socket = socket(&server, path).await;
    assert_eq!(texts(&mut socket, 1).await, [once["lines"][0].as_str().unwrap()]);
    socket.send(Message::text("ping")).await.unwrap();
    assert_eq!(texts(&mut socket, 1).await, ["pong"]);
}

#[tokio::test]
async fn a_journal_goes_on_where_a_client_was() {
    let (server, _mock) = with_mock(permitted()).await;
    let cursor = server.get("/proxmox/journalctl/pve01").await.json()["cursor"].clone();
    server.post("/proxmox/api2/json/nodes/pve01/apt/update", json!({})).await;
    let request = server.http.get(server.url("/api/v1/proxmox/1/nodes/pve01/journal"));
    let response = request
        .header("X-Proxbox-API-Key", KEY)
        .header("accept", "text/event-stream")
        .header("last-event-id", cursor.as_str().unwrap())
        .send()
        .await
        .unwrap();
    let mut parts = response.bytes_stream();
    let mut text = String::new();
    while !text.contains("event: line") {
        text.push_str(&String::from_utf8_lossy(
            &timeout(PATIENCE, parts.next()).await.unwrap().unwrap().unwrap(),
        ));
    }
    assert!(text.contains("aptupdate") && !text.contains("Started pveproxy"), "{text}");
}

#[tokio::test]
async fn what_is_asked_of_a_journal_is_checked_whichever_way_it_comes() {
    let (server, _mock) = with_mock(permitted()).await;
    for (path, status) in [
        ("/proxmox/journalctl", 400),
        ("/proxmox/journalctl?node=pve01", 200),
        ("/proxmox/journalctl/pve01?limit=100000", 400),
        ("/proxmox/journalctl?node=pve01&limit=0", 400),
        ("/proxmox/journalctl/nowhere", 404),
        ("/proxmox/journalctl/pve01/999", 404),
        ("/proxmox/journalctl/pve02/100", 404),
        ("/proxmox/journalctl/pve01/100?vmid=101", 400),
        ("/proxmox/journalctl/pve01/101/%21ls", 400),
        ("/proxmox/journalctl/pve01/101?service=a%3Bid", 400),
        ("/proxmox/journalctl/pve01/100?service=--file=/etc/shadow", 400),
        ("/api/v1/proxmox/journalctl/pve01", 200),
        ("/api/v1/proxmox/9/nodes/pve01/journal", 404),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_node_name_that_two_clusters_have_is_ambiguous() {
    let (server, _mock) = with_mock(json!({})).await;
    let other = Mock::start(Cluster::demo(1, 1, 2)).await.unwrap();
    let mut body = proxmox_body();
    body["name"] = json!("other");
    body["ip_address"] = json!("127.0.0.1");
    body["port"] = json!(other.address().port());
    body["token_name"] = json!(other.token_id());
    body["token_value"] = json!(other.token_secret());
    server.post("/proxmox/endpoints", body).await;
    assert_eq!(server.get("/proxmox/journalctl/pve01").await.status, 409);
    assert_eq!(server.get("/proxmox/stats/pve01").await.status, 409);
    assert_eq!(server.get("/proxmox/journalctl/pve01?proxmox_endpoint_ids=1").await.status, 200);
}

#[tokio::test]
async fn logs_of_services_are_found_by_line_numbers() {
    let (server, _mock) = with_mock(json!({})).await;
    let told =
        server.get("/proxmox/journalctl/pve01?service=pveproxy&service=missing").await.json();
    assert_eq!(told["lines"].as_array().map(Vec::len), Some(1), "{told}");
    let events = events_until(
        &server,
        Method::GET,
        "/api/v1/proxmox/1/nodes/pve01/syslog?service=pveproxy",
        "line",
    )
    .await;
    assert!(lines(&events)[0].contains("pveproxy"));
}

#[tokio::test]
async fn the_log_of_a_task_is_shown_to_its_end() {
    let (server, _mock) = with_mock(permitted()).await;
    let started = server.post("/proxmox/qemu/100/snapshot?endpoint_id=1", json!({})).await;
    assert_eq!(started.status, 202, "{}", started.text);
    let log = started.json()["log"].as_str().unwrap().to_owned();
    assert_eq!(started.headers["location"], log.as_str());
    let events = events_until(&server, Method::GET, &log, "ended").await;
    let end = &events.last().unwrap().1;
    assert_eq!((&end["ok"], &end["exit"]), (&json!(true), &json!("OK")));
    let once = server.get(&log).await.json();
    assert_eq!((&once["status"], &once["exit"]), (&json!("stopped"), &json!("OK")));
    assert_eq!(server.get("/api/v1/proxmox/1/tasks/nonsense").await.status, 400);
}

#[tokio::test]
async fn a_verb_answers_a_task_waits_for_it_or_streams_it() {
    let (server, _mock) = with_mock(permitted()).await;
    let waited = server.post("/proxmox/qemu/100/stop?wait=30", json!({})).await;
    assert_eq!(
        (waited.status.as_u16(), &waited.json()["status"]),
        (200, &json!("completed")),
        "{}",
        waited.text
    );
    let events = events_until(&server, Method::POST, "/proxmox/qemu/100/start", "ended").await;
    assert_eq!(events.last().unwrap().1["ok"], true);
    let godoxy = server.post("/proxmox/lxc/pve01/101/restart", json!({})).await;
    assert_eq!(godoxy.status, 202, "{}", godoxy.text);
    assert!(godoxy.json()["message"].as_str().unwrap().contains("restart"));
    assert_eq!(server.post("/proxmox/lxc/100/start", json!({})).await.status, 404, "a machine");
    assert_eq!(server.post("/proxmox/qemu/999/start", json!({})).await.status, 404);
    server.put("/proxmox/endpoints/1", json!({ "allow_writes": false })).await;
    let refused = server.post("/proxmox/qemu/100/start?endpoint_id=1", json!({})).await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["reason"], "endpoint_writes_disabled");
    assert_eq!(refused.json()["endpoint_id"], 1);
}

#[tokio::test]
async fn numbers_have_units_and_one_poll_serves_all_who_watch() {
    let (server, mock) = with_mock(json!({})).await;
    let node = server.get("/proxmox/stats/pve01").await.json();
    assert!(node["cpu"]["ratio"].is_number() && node["memory"]["total_bytes"].is_u64(), "{node}");
    let guest = server.get("/proxmox/stats/pve01/101").await.json();
    assert_eq!((&guest["type"], &guest["status"]), (&json!("lxc"), &json!("running")), "{guest}");
    // The first poll has ended with its client; this one serves ten.
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(socket(&server, "/proxmox/stats/pve01").await);
    }
    for socket in &mut sockets {
        assert!(texts(socket, 1).await[0].contains("used_bytes"));
    }
    let asked =
        mock.requests().iter().filter(|request| request.path == "/nodes/pve01/status").count();
    assert!(asked <= 4, "{asked}");
}

#[tokio::test]
async fn commands_in_guests_are_off_unless_the_endpoint_and_the_key_permit_them() {
    let (server, mock) = with_mock(json!({})).await;
    mock.forget_requests();
    for (method, path) in [
        (Method::GET, "/proxmox/journalctl/pve01/100"),
        (Method::GET, "/proxmox/journalctl/pve01/101"),
        (Method::POST, "/api/v1/proxmox/1/guests/100/exec"),
        (Method::POST, "/api/v1/proxmox/1/guests/101/exec"),
    ] {
        let body = (method == Method::POST).then(|| json!({ "command": ["id"] }));
        let answer = server.send(method, path, Some(KEY), body).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
        assert!(answer.detail().contains("allow_"), "{}", answer.text);
    }
    assert!(mock.requests().iter().all(|request| request.method == "GET"));
    server.put("/proxmox/endpoints/1", permitted()).await;
    let made = server.post("/auth/keys", json!({ "scopes": ["read", "proxy:read"] })).await.json();
    let key = made["raw_key"].as_str().unwrap();
    let answer = server.send(Method::GET, "/proxmox/journalctl/pve01/101", Some(key), None).await;
    assert_eq!(answer.status, 403);
    assert!(answer.detail().contains("console"), "{}", answer.text);
}

#[tokio::test]
async fn a_machines_journal_comes_through_its_agent() {
    let (server, _mock) = with_mock(permitted()).await;
    let once = server.get("/proxmox/journalctl/pve01/100/ssh.service?limit=3").await.json();
    assert_eq!(once["lines"].as_array().map(Vec::len), Some(3), "{once}");
    assert!(once["lines"][2].as_str().unwrap().ends_with("web ssh.service[7]: entry 20"), "{once}");
    let events =
        events_until(&server, Method::GET, "/api/v1/proxmox/1/guests/100/journal?limit=2", "line")
            .await;
    assert_eq!(events[1].1["id"], "s=mock;i=19");
    let missing = server.get("/proxmox/journalctl/pve01/100/missing").await;
    assert_eq!(missing.status, 502);
    assert!(missing.detail().contains("no such unit"), "{}", missing.text);
}

#[tokio::test]
async fn a_command_in_a_machine_is_arguments_and_no_shell() {
    let (server, _mock) = with_mock(permitted()).await;
    let path = "/api/v1/proxmox/1/guests/100/exec";
    let told = server.post(path, json!({ "command": ["echo", "$(id); ls", "'x'"] })).await.json();
    assert_eq!(told["stdout"], "$(id); ls 'x'\n");
    assert_eq!(told["exit"], 0);
    let failed = server.post(path, json!({ "command": ["nothing"] })).await.json();
    assert_eq!(
        (&failed["exit"], &failed["stderr"]),
        (&json!(127), &json!("nothing: command not found\n"))
    );
    for body in [
        json!({}),
        json!({ "command": [] }),
        json!({ "command": [""] }),
        json!({ "command": ["a\nb"] }),
        json!({ "command": ["a"], "x": 1 }),
    ] {
        let answer = server.post(path, body.clone()).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.text);
    }
    let audit = server.get("/api/v1/audit").await.json();
    assert_eq!(audit[0]["operation"], "EXEC /nodes/pve01/qemu/100");
    assert!(!audit.to_string().contains("$(id)"), "arguments may be secrets: {audit}");
}

#[tokio::test]
async fn a_containers_journal_comes_through_a_shell_that_is_left_again() {
    let (server, mock) = with_mock(permitted()).await;
    let once = server.get("/proxmox/journalctl/pve01/101/ssh?limit=3").await.json();
    let lines = once["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 3, "{once}");
    assert_eq!(lines[2], "Jan 01 00:00:20 web ssh[7]: entry 20");
    assert_eq!((&once["exit"], &once["reason"]), (&json!(0), &json!("the command ended")));
    eventually(async || shells_running(&mock) == 0).await;
    let missing = server.get("/proxmox/journalctl/pve01/101/missing").await.json();
    assert_eq!(missing["exit"], 1, "{missing}");
    assert_eq!(missing["lines"][0], "Failed to add filter for units: no such unit");
}

#[tokio::test]
async fn a_command_in_a_container_is_read_as_it_is_by_every_shell_on_its_way() {
    let (server, _mock) = with_mock(permitted()).await;
    for word in ["$(id)", "`id`", "!ls", "it's; id", "a\"b", "\\", "$?", "*"] {
        let body = json!({ "command": ["echo", word] });
        let told = server.post("/api/v1/proxmox/1/guests/101/exec", body).await.json();
        // The mock's shell puts the exit code in place of `$?` wherever it stands.
        if word != "$?" {
            assert_eq!(told["lines"], json!([word]), "{told}");
        }
        assert_eq!(told["exit"], 0, "{told}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_shell_behind() {
    let (server, mock) = with_mock(permitted()).await;
    for as_socket in [true, false] {
        let path = "/proxmox/journalctl/pve01/101?limit=2";
        if as_socket {
            let mut socket = socket(&server, path).await;
            assert!(texts(&mut socket, 2).await[1].contains("entry 20"));
            assert_eq!(shells_running(&mock), 1);
            socket.close(None).await.unwrap();
        } else {
            events_until(&server, Method::GET, path, "line").await;
        }
        eventually(async || shells_running(&mock) == 0).await;
        let settled = async || server.get("/api/v1/audit").await.json()[0]["status"] == 200;
        eventually(settled).await;
        let audit = server.get("/api/v1/audit").await.json();
        assert!(audit[0]["result"].as_str().unwrap().contains("went away"), "{audit}");
    }
}

#[tokio::test]
async fn a_node_has_two_shells_at_most_and_gives_them_back() {
    let (server, mock) = with_mock(permitted()).await;
    let path = "/proxmox/journalctl/pve01/101?limit=1";
    let (mut first, mut second) = (socket(&server, path).await, socket(&server, path).await);
    texts(&mut first, 1).await;
    texts(&mut second, 1).await;
    let refused = server.get(path).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    drop((first, second));
    eventually(async || shells_running(&mock) == 0).await;
    eventually(async || server.get(path).await.status == 200).await;
}

#[tokio::test]
async fn a_terminal_that_takes_too_long_is_left_and_that_is_said() {
    let short = Duration::from_millis(1);
    let usual = TerminalLimits::default();
    for (limits, why) in [
        (TerminalLimits { begin: short, ..usual }, "the shell did not begin the command"),
        (TerminalLimits { idle: short, ..usual }, "nothing was printed for too long"),
        (TerminalLimits { total: short, ..usual }, "the session lasted as long as one may"),
    ] {
        let (server, mock) = with_limits(permitted(), limits).await;
        let mut socket = socket(&server, "/api/v1/proxmox/1/guests/101/journal?limit=1").await;
        let told = rest(&mut socket).await;
        assert!(told.contains(why), "{told}");
        eventually(async || shells_running(&mock) == 0).await;
        let settled = async || server.get("/api/v1/audit").await.json()[0]["status"] == 502;
        eventually(settled).await;
        // Whoever waits for the end of a command is not told that all is well.
        let path = "/api/v1/proxmox/1/guests/101/exec";
        let waited = server.post(path, json!({ "command": ["journalctl", "-f"] })).await;
        assert_eq!(waited.status, 502, "{}", waited.text);
        assert!(waited.detail().contains(why), "{}", waited.text);
    }
}

#[tokio::test]
async fn a_token_gets_no_shell_of_a_node_and_that_is_said() {
    let (server, mock) = with_mock(json!({ "allow_node_shell": true })).await;
    let answer = server.get("/proxmox/journalctl/pve01/101").await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert_eq!(answer.json()["reason"], "node_shell_needs_root_password");
    assert_eq!(shells_running(&mock), 0);
}

#[tokio::test]
async fn a_command_that_a_terminal_cannot_take_is_refused_before_it_is_typed() {
    let (server, mock) = with_mock(permitted()).await;
    let path = "/api/v1/proxmox/1/guests/101/exec";
    let long = server.post(path, json!({ "command": ["echo", "\u{e9}".repeat(1000)] })).await;
    assert_eq!(long.status, 400, "{}", long.text);
    assert!(long.detail().contains("3500 bytes"), "{}", long.text);
    assert_eq!(shells_running(&mock), 0);
    let timed = server.post(path, json!({ "command": ["journalctl", "-f"], "timeout": 1 })).await;
    assert_eq!(timed.status, 504, "{}", timed.text);
    assert!(timed.detail().contains("it took too long") && timed.json()["lines"].is_array());
    eventually(async || shells_running(&mock) == 0).await;
}

/// What a socket says until its end.
async fn rest(socket: &mut Socket) -> String {
    let mut told = String::new();
    while let Some(Ok(message)) = timeout(PATIENCE, socket.next()).await.unwrap() {
        told.push_str(message.to_text().unwrap_or_default());
    }
    told
}

#[tokio::test]
async fn a_push_that_changes_nothing_ends_no_stream() {
    let (server, _mock) = with_mock(permitted()).await;
    let row = server.get("/proxmox/endpoints/1").await.json();
    let before = server.app().store.generation();
    let mut journal = socket(&server, "/api/v1/proxmox/1/nodes/pve01/journal").await;
    texts(&mut journal, 2).await;
    assert_eq!(server.put("/proxmox/endpoints/1", row.clone()).await.json(), row);
    let same = json!({ "password": "mock-password" });
    server.put("/proxmox/endpoints/1", same).await;
    assert_eq!(server.app().store.generation(), before, "nobody was told of a change");
    server.put("/proxmox/endpoints/1", json!({ "password": "another-password" })).await;
    assert!(rest(&mut journal).await.contains("the endpoint was changed"));
}

#[tokio::test]
async fn a_stream_ends_when_its_endpoint_changes_or_its_key_is_revoked() {
    let (server, mock) = with_mock(permitted()).await;
    let path = "/api/v1/proxmox/1/guests/101/journal?limit=1";
    let mut shell = socket(&server, path).await;
    texts(&mut shell, 2).await;
    server.put("/proxmox/endpoints/1", json!({ "allow_node_shell": false })).await;
    assert!(rest(&mut shell).await.contains("the endpoint was changed"));
    eventually(async || shells_running(&mock) == 0).await;
    let mut journal = socket(&server, "/api/v1/proxmox/1/nodes/pve01/journal").await;
    texts(&mut journal, 2).await;
    server.post("/auth/keys", json!({ "label": "another" })).await;
    let keys = server.get("/auth/keys").await.json();
    let id = keys["keys"][0]["id"].as_i64().unwrap();
    let revoked = server.delete(&format!("/auth/keys/{id}")).await;
    assert!(revoked.status.is_success(), "{}", revoked.text);
    assert!(rest(&mut journal).await.contains("the key was revoked"));
}

#[tokio::test]
async fn a_ticket_for_a_console_is_written_down_and_counted() {
    let (server, _mock) = with_mock(permitted()).await;
    let wanted = json!({ "endpoint_id": 1, "vmid": 101 });
    for status in [201, 201, 429] {
        let answer = server.post("/proxmox/console/sessions", wanted.clone()).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let audit = server.get("/api/v1/audit").await.json();
    assert_eq!(audit.as_array().map(Vec::len), Some(2), "{audit}");
    assert_eq!(audit[0]["parameters"]["command"], "termproxy");
}

#[tokio::test]
async fn a_stopped_container_is_said_to_be_stopped() {
    let (server, mock) = with_mock(permitted()).await;
    mock.with(|cluster| cluster.guests.get_mut(&101).unwrap().running = false);
    let answer = server.get("/proxmox/journalctl/pve01/101").await;
    assert_eq!(answer.status, 409);
    assert!(answer.detail().contains("not running"), "{}", answer.text);
}

#[tokio::test]
async fn a_server_that_stops_tells_its_streams_and_leaves_its_shells() {
    let (server, mock) = with_mock(permitted()).await;
    let mut journal = socket(&server, "/api/v1/proxmox/1/nodes/pve01/journal").await;
    let mut shell = socket(&server, "/api/v1/proxmox/1/guests/101/journal?limit=1").await;
    texts(&mut journal, 2).await;
    texts(&mut shell, 2).await;
    let TestServer { server: running, folder, .. } = server;
    let stopping = tokio::spawn(running.stop(Duration::from_secs(5)));
    for socket in [&mut journal, &mut shell] {
        let mut told = String::new();
        while let Some(Ok(message)) = timeout(PATIENCE, socket.next()).await.unwrap() {
            told.push_str(message.to_text().unwrap_or_default());
        }
        assert!(told.contains("server_shutdown"), "{told}");
    }
    timeout(Duration::from_secs(15), stopping).await.unwrap().unwrap();
    eventually(async || shells_running(&mock) == 0).await;
    drop(folder);
}
