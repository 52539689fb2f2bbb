//! `/ws` and `/ws/virtual-machines`, as the plugin's client uses them.

// A test that cannot be set up has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod harness;

use futures_util::{SinkExt, StreamExt};
use harness::{KEY, Mocks, TestServer};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// A client of a socket.
struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn connect(server: &TestServer, path: &str) -> Self {
        let url = server.url(path).replace("http://", "ws://");
        Self(connect_async(url).await.unwrap().0)
    }

    async fn with_key(server: &TestServer, path: &str, key: &str) -> Self {
        let mut client = Self::connect(server, path).await;
        client.say(&json!({ "api_key": key }).to_string()).await;
        client
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next text, or the code and the reason of the end.
    async fn next(&mut self) -> Result<String, (u16, String)> {
        loop {
            match self.0.next().await.unwrap().unwrap() {
                Message::Text(text) => return Ok(text.to_string()),
                Message::Close(Some(frame)) => {
                    return Err((frame.code.into(), frame.reason.to_string()));
                }
                _ => {}
            }
        }
    }

    /// Frames up to the end of this object.
    async fn until_end(&mut self, object: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let frame: Value = serde_json::from_str(&self.next().await.unwrap()).unwrap();
            let ends = frame["object"] == object && frame["end"] == true;
            frames.push(frame);
            if ends {
                return frames;
            }
        }
    }
}

async fn server_with_mocks() -> (TestServer, Mocks) {
    let (server, mocks) = (TestServer::start().await, Mocks::start().await);
    mocks.register(&server).await;
    (server, mocks)
}

/// Names of the rows of one object.
fn rows<'f>(frames: &'f [Value], object: &str) -> Vec<&'f str> {
    let of_it = frames.iter().filter(|frame| frame["object"] == object);
    of_it.filter_map(|frame| frame["data"]["rowid"].as_str()).collect()
}

#[tokio::test]
async fn a_full_update_shows_each_node_and_guest_and_ends() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let mut client = Client::with_key(&server, "/ws", KEY).await;
    assert_eq!(client.next().await.unwrap(), "Connected!");
    assert_eq!(client.next().await.unwrap(), "Connected 2!");
    client.say("Full Update").await;
    let frames = client.until_end("full-update").await;
    let mut nodes = rows(&frames, "device");
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes, ["pve01", "pve02"]);
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 6);
    assert!(rows(&frames, "virtual_machine").len() >= 6, "{frames:?}");
    for object in ["device", "virtual_machine"] {
        assert!(frames.contains(&json!({ "object": object, "end": true })), "{frames:?}");
    }
    assert!(frames.iter().all(|frame| frame["data"]["error"].is_null()), "{frames:?}");
    // And once more, only the nodes: nothing is left to do.
    client.say("Sync Nodes").await;
    assert_eq!(client.until_end("device").await.len(), 1);
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_answered_with_those_that_do() {
    let (server, _mocks) = server_with_mocks().await;
    let mut client = Client::with_key(&server, "/ws/test", KEY).await;
    client.next().await.unwrap();
    client.next().await.unwrap();
    client.say("Dance").await;
    assert_eq!(client.next().await.unwrap(), "Invalid command: Dance");
    assert!(client.next().await.unwrap().starts_with("Valid commands: 'Sync Nodes'"));
}

#[tokio::test]
async fn without_a_valid_key_in_the_first_frame_the_socket_closes() {
    let (server, _mocks) = server_with_mocks().await;
    for path in ["/ws", "/ws/virtual-machines"] {
        let mut wrong = Client::with_key(&server, path, "a-key-that-nobody-has-0123456789").await;
        let (code, reason) = wrong.next().await.unwrap_err();
        assert!(code == 4001 && reason.contains("attempts remaining"), "{code} {reason}");
        let mut silent = Client::connect(&server, path).await;
        silent.say("Full Update").await;
        assert_eq!(silent.next().await.unwrap_err().0, 4001);
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_starts_nothing_more() {
    let (server, mocks) = server_with_mocks().await;
    let mut client = Client::with_key(&server, "/ws", KEY).await;
    client.next().await.unwrap();
    client.next().await.unwrap();
    server.post("/auth/keys", json!({ "label": "another" })).await;
    let keys = server.get("/auth/keys").await.json();
    let id = keys["keys"][0]["id"].as_i64().unwrap();
    assert!(server.delete(&format!("/auth/keys/{id}")).await.status.is_success());
    client.say("Full Update").await;
    assert_eq!(client.next().await.unwrap_err().0, 4001);
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 0);
}

#[tokio::test]
async fn the_socket_of_guests_syncs_at_once_and_closes() {
    let (server, mocks) = server_with_mocks().await;
    mocks.open();
    let mut client = Client::with_key(&server, "/ws/virtual-machines", KEY).await;
    assert_eq!(client.next().await.unwrap(), "Connected!");
    let frames = client.until_end("virtual_machine").await;
    assert!(rows(&frames, "virtual_machine").len() >= 6, "{frames:?}");
    assert_eq!(client.next().await.unwrap_err().0, 1000);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_its_run() {
    let (server, mocks) = server_with_mocks().await;
    let mut client = Client::with_key(&server, "/ws", KEY).await;
    client.next().await.unwrap();
    client.say("Full Update").await;
    let run = loop {
        let runs = server.get("/api/v1/runs").await.json();
        if let Some(id) = runs[0]["id"].as_str() {
            break id.to_owned();
        }
    };
    drop(client);
    mocks.open();
    loop {
        let state = server.get(&format!("/api/v1/runs/{run}")).await.json()["state"].clone();
        if state != "running" {
            assert_eq!(state, "completed");
            break;
        }
    }
    assert_eq!(mocks.netbox.count("virtualization/virtual-machines"), 6);
}

#[tokio::test]
async fn a_sync_that_cannot_start_says_why_and_ends() {
    let server = TestServer::start().await;
    let mut client = Client::with_key(&server, "/ws/virtual-machines", KEY).await;
    client.next().await.unwrap();
    let frames = client.until_end("virtual_machine").await;
    assert!(frames[0]["data"]["error"].as_str().unwrap().contains("No NetBox endpoint"));
}
