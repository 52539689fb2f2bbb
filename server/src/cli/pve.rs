//! `proxbox pve`: journals, commands and tasks from the shell, through a server.

use std::io::Write;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use url::Url;

use super::Exit;
use crate::config::{State, secret};
use crate::edge::API_KEY;

/// `pve` and its parts.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Pve {
    /// Shows the journal of a node or a guest.
    Journal {
        #[command(flatten)]
        server: ServerAt,
        /// The node.
        node: String,
        /// A guest of it.
        vmid: Option<i64>,
        /// Only these units.
        #[arg(short, long, value_name = "UNIT")]
        unit: Vec<String>,
        /// Lines of the past.
        #[arg(short = 'n', long, default_value_t = 100)]
        lines: u32,
        /// Goes on with what is logged, until Ctrl-C.
        #[arg(short, long)]
        follow: bool,
    },
    /// Runs a command in a guest, where its endpoint permits that; exits as the command did.
    Exec {
        #[command(flatten)]
        server: ServerAt,
        /// Number of the endpoint.
        #[arg(long)]
        endpoint: i64,
        /// The guest.
        vmid: i64,
        /// The command with its arguments; no shell reads it.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Shows the log of a task to its end.
    Task {
        #[command(flatten)]
        server: ServerAt,
        /// Number of the endpoint.
        #[arg(long)]
        endpoint: i64,
        /// The task: UPID:...
        upid: String,
    },
}

/// Which server is asked, with its key in PROXBOX_KEY.
#[derive(Debug, clap::Args)]
pub(super) struct ServerAt {
    /// Where `proxbox serve` listens.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8800")]
    server: Url,
}

impl Pve {
    pub(super) async fn run(self, _: &State) -> anyhow::Result<Exit> {
        match self {
            Self::Journal { server, node, vmid, unit, lines, follow } => {
                let mut url = server.at(&["proxmox", "journalctl"])?;
                let mut query = url.query_pairs_mut();
                query.append_pair("node", &node).append_pair("limit", &lines.to_string());
                if let Some(vmid) = vmid {
                    query.append_pair("vmid", &vmid.to_string());
                }
                unit.iter().for_each(|unit| _ = query.append_pair("service", unit));
                drop(query);
                if follow {
                    return events(server.send(Method::GET, url, true, None).await?).await;
                }
                let told: Value =
                    json_of(server.send(Method::GET, url, false, None).await?).await?;
                print_lines(told["lines"].as_array().into_iter().flatten())?;
                Ok(exit_of(&told))
            }
            Self::Exec { server, endpoint, vmid, command } => {
                let (endpoint, vmid) = (endpoint.to_string(), vmid.to_string());
                let url =
                    server.at(&["api", "v1", "proxmox", &endpoint, "guests", &vmid, "exec"])?;
                let body = json!({ "command": command });
                let told: Value =
                    json_of(server.send(Method::POST, url, false, Some(body)).await?).await?;
                print_lines(told["lines"].as_array().into_iter().flatten())?;
                write!(std::io::stdout(), "{}", told["stdout"].as_str().unwrap_or_default())?;
                write!(std::io::stderr(), "{}", told["stderr"].as_str().unwrap_or_default())?;
                exit_of_command(&told)
            }
            Self::Task { server, endpoint, upid } => {
                let url =
                    server.at(&["api", "v1", "proxmox", &endpoint.to_string(), "tasks", &upid])?;
                events(server.send(Method::GET, url, true, None).await?).await
            }
        }
    }
}

impl ServerAt {
    fn at(&self, segments: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.server.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow::anyhow!("{} is no server", self.server))?
            .pop_if_empty()
            .extend(segments);
        Ok(url)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        stream: bool,
        body: Option<Value>,
    ) -> anyhow::Result<Response> {
        let key =
            secret("PROXBOX_KEY")?.context("PROXBOX_KEY is not set: an API key of the server")?;
        // Another provider that was installed before is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        // A proxy that the environment names would be shown the key.
        let client = client.no_proxy().build()?;
        let mut request = client
            .request(method, url.clone())
            .header(API_KEY, secrecy::ExposeSecret::expose_secret(&key));
        if stream {
            request = request.header(header::ACCEPT, "text/event-stream");
        }
        if let Some(body) = body {
            request =
                request.header(header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = request.send().await.with_context(|| format!("{}", self.server))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let told: Value = json_of(response).await.unwrap_or_default();
        bail!("{}", told["detail"].as_str().map_or_else(|| status.to_string(), str::to_owned))
    }
}

async fn json_of(response: Response) -> anyhow::Result<Value> {
    Ok(serde_json::from_slice(&response.bytes().await?)?)
}

/// Shows the lines of a stream as they come; ends as what they are of did.
async fn events(response: Response) -> anyhow::Result<Exit> {
    let mut parts = response.bytes_stream();
    let mut rest = Vec::new();
    let mut exit = Exit::Error;
    while let Some(part) = parts.next().await {
        rest.extend_from_slice(&part?);
        // A part may end within a character; an event does not.
        while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\n\n") {
            let event: Vec<u8> = rest.drain(..end + 2).collect();
            let event = String::from_utf8_lossy(&event);
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            let data: Value = field("data: ")
                .and_then(|data| serde_json::from_str(data).ok())
                .unwrap_or_default();
            match field("event: ") {
                Some("line") => print_lines([&data["line"]].into_iter())?,
                Some("ended") => exit = exit_of(&data),
                Some("error") => eprintln!("{}", data["message"].as_str().unwrap_or_default()),
                Some("server_shutdown") => eprintln!("the server is stopping"),
                _ => {}
            }
        }
    }
    Ok(exit)
}

fn print_lines<'l>(lines: impl Iterator<Item = &'l Value>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{}", line.as_str().unwrap_or_default())?;
    }
    out.flush()
}

/// As the command ended; why not, where nobody knows how.
fn exit_of_command(told: &Value) -> anyhow::Result<Exit> {
    match told["exit"].as_i64() {
        Some(0) => Ok(Exit::Done),
        Some(code) => Ok(u8::try_from(code).map_or(Exit::Error, Exit::Code)),
        None => {
            let why = told["reason"].as_str().or(told["signal"].is_i64().then_some("a signal"));
            bail!("the command did not end by itself: {}", why.unwrap_or("it was not seen to end"))
        }
    }
}

/// 0 and `OK` are well; a journal has no exit at all.
fn exit_of(told: &Value) -> Exit {
    match &told["exit"] {
        Value::Null => Exit::Done,
        Value::Number(code) if code.as_i64() == Some(0) => Exit::Done,
        Value::String(text) if text == "OK" || text.starts_with("WARNINGS") => Exit::Done,
        _ => Exit::Error,
    }
}
