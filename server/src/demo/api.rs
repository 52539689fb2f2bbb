//! The server's HTTP API as the demo calls it.

use std::sync::Arc;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::stage::Stage;
use crate::edge::API_KEY;

/// A client of the server.
pub(super) struct Api {
    http: reqwest::Client,
    url: String,
    key: SecretString,
}

impl Api {
    pub(super) fn new(url: String, key: SecretString) -> anyhow::Result<Self> {
        // Only the loopback address is asked, so nobody's certificate is trusted.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        Ok(Self { http: builder.build()?, url, key })
    }

    /// Registers the first key and both endpoints.
    pub(super) async fn register(&self, stage: &Stage) -> anyhow::Result<()> {
        let key = json!({"api_key": self.key.expose_secret(), "label": "demo"});
        self.send(Method::POST, "/auth/register-key", key).await?;
        let mut netbox = place(&stage.netbox.url())?;
        netbox["name"] = json!("demo NetBox");
        netbox["token"] = json!(stage.netbox.token());
        self.send(Method::POST, "/netbox/endpoint", netbox).await?;
        let token_id = stage.proxmox.token_id();
        let (username, token_name) = token_id.split_once('!').context("the mock's token id")?;
        let mut proxmox = place(&stage.proxmox.url())?;
        proxmox["name"] = json!("demo cluster");
        proxmox["username"] = json!(username);
        proxmox["token_name"] = json!(token_name);
        proxmox["token_value"] = json!(stage.proxmox.token_secret());
        self.send(Method::POST, "/proxmox/endpoints", proxmox).await
    }

    /// Runs a full update, shows its events, and answers the content of the last one.
    pub(super) async fn full_update(
        &self,
        mut show: impl FnMut(&str, &Value),
    ) -> anyhow::Result<Value> {
        let request = self.http.get(format!("{}/full-update/stream", self.url));
        let response = request.header(API_KEY, self.key.expose_secret()).send().await?;
        if !response.status().is_success() {
            bail!("the full update was refused: {}", response.text().await?);
        }
        let mut chunks = response.bytes_stream();
        let mut text = Vec::new();
        while let Some(chunk) = chunks.next().await {
            text.extend_from_slice(&chunk?);
            while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
                let frame: Vec<u8> = text.drain(..end + 2).collect();
                let Some((event, data)) = parse(&String::from_utf8_lossy(&frame)) else { continue };
                if event == "complete" {
                    return Ok(data);
                }
                show(&event, &data);
            }
        }
        bail!("the stream ended without `complete`")
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> anyhow::Result<()> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header(API_KEY, self.key.expose_secret())
            .header("content-type", "application/json")
            .body(body.to_string());
        let response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            bail!("{path} answered {status}: {}", response.text().await?);
        }
        Ok(())
    }
}

/// Host and port of a mock, as the endpoints' routes take them.
fn place(url: &str) -> anyhow::Result<Value> {
    let url: Url = url.parse()?;
    let host = url.host_str().context("a mock without a host")?;
    Ok(json!({
        "ip_address": host, "domain": null, "port": url.port_or_known_default(),
        "verify_ssl": false,
    }))
}

/// Event and data of a frame; none for a keep-alive.
fn parse(frame: &str) -> Option<(String, Value)> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
    let data = serde_json::from_str(field("data: ")?).ok()?;
    Some((field("event: ")?.to_owned(), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_keepalives_are_passed_over() {
        let frame = parse("event: step\ndata: {\"step\": \"devices\"}\n\n");
        assert_eq!(frame, Some(("step".to_owned(), json!({"step": "devices"}))));
        assert_eq!(parse(": keepalive\n\n"), None);
        assert_eq!(parse("event: step\ndata: cut off\n\n"), None);
    }
}
