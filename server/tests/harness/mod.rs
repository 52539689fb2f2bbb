//! A server with a state of its own, and a client that follows no redirect.

// Each test file uses its part of this, and a test that cannot be set up has failed.
#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use proxbox::edge::{App, Server};
use proxbox::store::Store;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// The key that [`TestServer::start`] registers.
pub const KEY: &str = "a-key-of-the-tests-0123456789-abcdef";

pub struct TestServer {
    pub server: Server,
    pub folder: TempDir,
    pub http: reqwest::Client,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_else(|| panic!("{}", self.text)).to_owned()
    }
}

impl TestServer {
    /// A server that nobody has registered a key with.
    pub async fn fresh() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("proxbox.db"), None).await.unwrap();
        Self::over(folder, App::new(store)).await
    }

    pub async fn over(folder: TempDir, app: App) -> Self {
        let server = Server::start(([127, 0, 0, 1], 0).into(), app).await.unwrap();
        Self { server, folder, http: http_client() }
    }

    /// A server that knows [`KEY`].
    pub async fn start() -> Self {
        let server = Self::fresh().await;
        server.register().await;
        server
    }

    pub async fn register(&self) {
        let body = json!({"api_key": KEY, "label": "tests"});
        let answer = self.send(Method::POST, "/auth/register-key", None, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.http.request(method, self.url(path));
        if let Some(key) = key {
            request = request.header("X-Proxbox-API-Key", key);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Some(KEY), None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(KEY), Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(KEY), Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(KEY), Some(body)).await
    }

    pub fn app(&self) -> &App {
        self.server.app()
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Some(KEY), None).await
    }

    /// All bytes of the state, after it was closed.
    pub async fn into_state_bytes(self) -> Vec<u8> {
        self.server.stop(Duration::from_secs(5)).await;
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "key") {
                bytes.extend(std::fs::read(path).unwrap());
            }
        }
        bytes
    }
}

/// What the plugin sends for its NetBox.
pub fn netbox_body() -> Value {
    json!({
        "name": "netbox", "ip_address": "127.0.0.4", "domain": "127.0.0.4", "port": 8080,
        "token_version": "v1", "token": "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334",
        "verify_ssl": false,
    })
}

/// What the plugin sends for a Proxmox cluster.
pub fn proxmox_body() -> Value {
    json!({
        "name": "mock-proxmox (nb:1)", "ip_address": "127.0.0.3", "domain": null, "port": 8000,
        "username": "root@pam", "password": null, "verify_ssl": false, "timeout": 5,
        "max_retries": 0, "retry_backoff": 0.5, "token_name": "e2e",
        "token_value": "an-api-token-secret", "access_methods": "api", "site_id": null,
        "site_slug": null, "site_name": null, "tenant_id": null, "tenant_slug": null,
        "tenant_name": null,
    })
}

pub fn http_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Both mocks, and a gate in front of the NetBox that holds runs up until it is opened.
pub struct Mocks {
    pub proxmox: sdk_proxmox::mock::Mock,
    pub netbox: sdk_netbox::mock::Mock,
    gate: tokio::sync::watch::Sender<bool>,
    gate_port: u16,
}

impl Mocks {
    pub async fn start() -> Self {
        let cluster = sdk_proxmox::mock::Cluster::demo(2, 6, 1);
        let proxmox = sdk_proxmox::mock::Mock::start(cluster).await.unwrap();
        let netbox = sdk_netbox::mock::Mock::start().await.unwrap();
        let (gate, opened) = tokio::sync::watch::channel(false);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate_port = listener.local_addr().unwrap().port();
        let behind = netbox.url().trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, behind.clone(), opened.clone()));
            }
        });
        Self { proxmox, netbox, gate, gate_port }
    }

    /// Lets runs go on.
    pub fn open(&self) {
        self.gate.send_replace(true);
    }

    /// Registers both endpoints, the NetBox behind its gate.
    pub async fn register(&self, server: &TestServer) {
        let mut netbox = netbox_body();
        netbox["domain"] = json!("");
        netbox["ip_address"] = json!("127.0.0.1");
        netbox["port"] = json!(self.gate_port);
        netbox["token"] = json!(self.netbox.token());
        assert_eq!(server.post("/netbox/endpoint", netbox).await.status, 200);
        let mut proxmox = proxmox_body();
        proxmox["ip_address"] = json!("127.0.0.1");
        proxmox["port"] = json!(self.proxmox.address().port());
        proxmox["token_name"] = json!(self.proxmox.token_id());
        proxmox["token_value"] = json!(self.proxmox.token_secret());
        assert_eq!(server.post("/proxmox/endpoints", proxmox).await.status, 200);
    }
}

/// Answers the question for TLS at once, and everything else when the gate is open.
async fn pass(
    mut stream: TcpStream,
    behind: String,
    mut opened: tokio::sync::watch::Receiver<bool>,
) {
    let mut first = [0];
    if stream.peek(&mut first).await.is_ok() && first == [0x16] {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        return;
    }
    let _ = opened.wait_for(|open| *open).await;
    let mut netbox = TcpStream::connect(behind).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut netbox).await;
}

/// Event and data of each frame; comments are left out.
pub fn frames(text: &str) -> Vec<(String, Value)> {
    text.split("\n\n")
        .filter(|frame| !frame.is_empty() && !frame.starts_with(':'))
        .map(|frame| {
            let lines: Vec<&str> = frame.lines().collect();
            let [event, data] = lines[..] else { panic!("not two lines: {frame}") };
            let event = event.strip_prefix("event: ").unwrap().to_owned();
            (event, serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap())
        })
        .collect()
}
