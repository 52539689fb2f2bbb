//! What the proxy carries: requests a second and the slowest hundredth, beside nginx as a plain reverse
//! proxy and beside the Python backend's route. `cargo xtask bench proxy` runs it.
//!
//! All of them ask the same mock over TLS, in turns; each is a process of its own, and so is
//! the mock. A peer that is not installed is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot run has failed")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// What is asked of all of them.
const PATH: &str = "/version";

/// How often each is measured; the middle counts.
const ROUNDS: usize = 5;

#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    #[arg(long, default_value_t = 16)]
    connections: usize,
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    #[arg(long)]
    python: Option<String>,
    #[arg(long)]
    json: bool,
    /// Cargo says so to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What a proxy carried.
#[derive(Debug, Default, Clone)]
struct Carried {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    errors: usize,
}

/// The round in the middle, with the errors of all.
fn middle(mut rounds: Vec<Carried>) -> Carried {
    let errors = rounds.iter().map(|round| round.errors).sum();
    rounds.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    Carried { errors, ..rounds.swap_remove(rounds.len() / 2) }
}

/// The mock of a cluster, over TLS.
struct Upstream {
    _process: Child,
    port: u16,
    token_id: String,
    token_secret: String,
}

fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn upstream() -> Upstream {
    let mut process = Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(["mock", "pve"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let (mut port, mut token) = (0, None);
    while token.is_none() {
        let line = lines.next_line().await.unwrap().unwrap();
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match words.as_slice() {
            [name, url] if name == "url" => port = url.rsplit(':').next().unwrap().parse().unwrap(),
            [name, id, secret] if name == "token" => token = Some((id.clone(), secret.clone())),
            _ => {}
        }
    }
    let (token_id, token_secret) = token.unwrap();
    Upstream { _process: process, port, token_id, token_secret }
}

/// One request after another over a connection that is kept.
async fn client(address: String, head: String, end: Instant) -> (Vec<u32>, usize) {
    let (mut times, mut errors) = (Vec::new(), 0);
    'connecting: while Instant::now() < end {
        let Ok(mut stream) = TcpStream::connect(&address).await else {
            errors += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        stream.set_nodelay(true).unwrap();
        let mut buffer = Vec::with_capacity(16 * 1024);
        while Instant::now() < end {
            let started = Instant::now();
            match exchange(&mut stream, &head, &mut buffer).await {
                Some(200) => times.push(u32::try_from(started.elapsed().as_micros()).unwrap()),
                // Closed between two requests: that is the server's right.
                None if buffer.is_empty() => continue 'connecting,
                _ => {
                    errors += 1;
                    continue 'connecting;
                }
            }
        }
    }
    (times, errors)
}

/// The status of an answer, once the whole answer is read.
async fn exchange(stream: &mut TcpStream, head: &str, buffer: &mut Vec<u8>) -> Option<u16> {
    buffer.clear();
    stream.write_all(head.as_bytes()).await.ok()?;
    loop {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..end]).ok()?.to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length?.trim().parse().ok()?;
        let status = text.split(' ').nth(1)?.parse().ok()?;
        while buffer.len() < end + 4 + length {
            if stream.read_buf(buffer).await.ok()? == 0 {
                return None;
            }
        }
        return Some(status);
    }
}

async fn measure(port: u16, path: &str, header: &str, connections: usize, seconds: u64) -> Carried {
    let address = format!("127.0.0.1:{port}");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n\r\n");
    // Connections and logins are made before the time runs.
    let _ =
        client(address.clone(), head.clone(), Instant::now() + Duration::from_millis(500)).await;
    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let clients =
        (0..connections).map(|_| tokio::spawn(client(address.clone(), head.clone(), end)));
    let (mut times, mut errors) = (Vec::new(), 0);
    for client in clients.collect::<Vec<_>>() {
        let (more, failed) = client.await.unwrap();
        times.extend(more);
        errors += failed;
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: f64| {
        let index = (times.len() as f64 * part) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .map_or(0.0, |time| f64::from(*time) / 1000.0)
    };
    Carried { rate: times.len() as f64 / took, p50_ms: at(0.5), p99_ms: at(0.99), errors }
}

async fn wait_for(port: u16, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    while Instant::now() < end {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// The server under test, with the mock as its endpoint.
async fn ours(folder: &Path, upstream: &Upstream) -> (Child, u16, String) {
    let (port, database) = (port(), folder.join("proxbox.db"));
    let made = Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(["keys", "create", "--label", "bench"])
        .env("PROXBOX_DATABASE", &database)
        .output()
        .await
        .unwrap();
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let process = Command::new(env!("CARGO_BIN_EXE_proxbox"))
        .args(["serve", "--rate-limit", "0", "--listen", &format!("127.0.0.1:{port}")])
        .env("PROXBOX_DATABASE", &database)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert!(wait_for(port, Duration::from_secs(20)).await, "the server does not listen");
    let endpoint = json!({
        "name": "mock", "ip_address": "127.0.0.1", "port": upstream.port, "username": "root@pam",
        "token_name": upstream.token_id, "token_value": upstream.token_secret, "verify_ssl": false,
    });
    post(port, "/proxmox/endpoints", &key, &endpoint).await;
    (process, port, key)
}

async fn post(port: u16, path: &str, key: &str, body: &Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://127.0.0.1:{port}{path}"));
    let request =
        request.header("X-Proxbox-API-Key", key).header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
}

/// nginx with two workers, connections kept to the mock, and nothing written down.
async fn nginx(folder: &Path, upstream: &Upstream) -> Option<(Child, u16)> {
    let port = port();
    let config = format!(
        "worker_processes 2; pid nginx.pid; error_log error.log crit; events {{ worker_connections 4096; }}
         http {{ access_log off; keepalive_requests 1000000000;
           client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
           upstream pve {{ server 127.0.0.1:{0}; keepalive 64; keepalive_requests 1000000000; }}
           server {{ listen 127.0.0.1:{port} backlog=4096;
             location / {{ proxy_pass https://pve; proxy_ssl_verify off; proxy_http_version 1.1;
                          proxy_ssl_session_reuse on; proxy_set_header Connection \"\";
                          proxy_set_header Host $host; }} }} }}",
        upstream.port
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let process = Command::new("nginx")
        .args([
            "-p",
            folder.to_str()?,
            "-c",
            folder.join("nginx.conf").to_str()?,
            "-g",
            "daemon off;",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    wait_for(port, Duration::from_secs(5)).await.then_some((process, port))
}

/// Lets nginx end its workers: killed, it would leave them behind.
async fn stop(nginx: &mut Child) {
    if let Some(pid) = nginx.id() {
        let _ = Command::new("kill").args(["-QUIT", &pid.to_string()]).status().await;
        let _ = tokio::time::timeout(Duration::from_secs(5), nginx.wait()).await;
    }
}

/// The Python backend as it is shipped, with the mock as its endpoint.
async fn python(folder: &Path, interpreter: &str, upstream: &Upstream) -> Option<(Child, u16)> {
    let port = port();
    let process = Command::new(interpreter)
        .args(["-m", "uvicorn", "proxbox_api.main:app", "--host", "127.0.0.1", "--no-access-log"])
        .args(["--log-level", "warning", "--port", &port.to_string()])
        .env_clear()
        .env("PATH", std::env::var_os("PATH")?)
        .env("HOME", folder)
        .env("PROXBOX_SKIP_NETBOX_BOOTSTRAP", "true")
        .env("PROXBOX_DATABASE_PATH", folder.join("python.db"))
        .env("PROXBOX_ENCRYPTION_KEY", "a-key-for-a-bench-0123456789-01234567")
        .env("PROXBOX_RATE_LIMIT", "100000000")
        .env("PROXBOX_GENERATED_DIR", folder.join("generated"))
        .env("PROXBOX_LOG_LEVEL", "WARNING")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    wait_for(port, Duration::from_secs(180)).await.then_some(())?;
    post(port, "/auth/register-key", "", &json!({ "api_key": PYTHON_KEY, "label": "bench" })).await;
    let (_, name) = upstream.token_id.split_once('!')?;
    let endpoint = json!({
        "name": "mock", "ip_address": "127.0.0.1", "port": upstream.port, "username": "root@pam",
        "token_name": name, "token_value": upstream.token_secret, "verify_ssl": false,
    });
    post(port, "/proxmox/endpoints", PYTHON_KEY, &endpoint).await;
    Some((process, port))
}

const PYTHON_KEY: &str = "a-key-of-the-bench-0123456789-0123456789";

/// Memory that a process holds now, in MiB.
fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 =
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

fn row(name: &str, carried: &Carried) {
    let Carried { rate, p50_ms, p99_ms, errors } = carried;
    println!(
        "{name:<24} {rate:>9.0} requests/s   p50 {p50_ms:>7.2} ms   p99 {p99_ms:>7.2} ms   {errors} errors"
    );
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream().await;
    let (connections, seconds) = (arguments.connections, arguments.seconds);
    let token =
        format!("Authorization: PVEAPIToken={}={}", upstream.token_id, upstream.token_secret);

    let (process, port, key) = ours(folder.path(), &upstream).await;
    let header = format!("X-Proxbox-API-Key: {key}");
    let path = format!("/proxmox/api2/json{PATH}");
    let (mut own, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut peer = nginx(folder.path(), &upstream).await;
    // In turns: a machine is not equally fast all the time.
    for _ in 0..ROUNDS {
        let carried = measure(port, &path, &header, connections, seconds).await;
        if let Some((_, at)) = &peer {
            let path = format!("/api2/json{PATH}");
            let other = measure(*at, &path, &token, connections, seconds).await;
            ratios.push(carried.rate / other.rate);
            beside.push(other);
        }
        own.push(carried);
    }
    if let Some((nginx, _)) = &mut peer {
        stop(nginx).await;
    }
    ratios.sort_by(f64::total_cmp);
    let ratio_nginx = ratios.get(ratios.len() / 2).copied();
    let own = middle(own);
    let beside = peer.map(|_| middle(beside));
    row("proxbox", &own);
    match &beside {
        Some(carried) => row("nginx", carried),
        None => println!("nginx                    is not installed"),
    }
    if let Some(ratio) = ratio_nginx {
        println!("ratio to nginx           {ratio:>9.2} in the middle of {ROUNDS} rounds");
    }
    let mut other = None;
    if let Some(interpreter) = &arguments.python
        && let Some((_python, at)) = python(folder.path(), interpreter, &upstream).await
    {
        let header = format!("X-Proxbox-API-Key: {PYTHON_KEY}");
        let carried =
            measure(at, &format!("/proxmox/api2{PATH}"), &header, connections, seconds).await;
        row("proxbox-api (Python)", &carried);
        other = Some(carried);
    }
    let pid = process.id().unwrap();
    let before = memory(pid);
    let crowd = measure(port, &path, &header, arguments.clients, seconds).await;
    let between = memory(pid);
    let again = measure(port, &path, &header, arguments.clients, seconds).await;
    row(&format!("{} clients", arguments.clients), &crowd);
    row(&format!("{} clients, again", arguments.clients), &again);
    println!(
        "memory                   {before:.1} MiB before, {between:.1} MiB and {:.1} MiB after them",
        memory(pid)
    );
    if arguments.json {
        let ratio_python = other.map(|other| own.rate / other.rate);
        let mut told = json!({
            "p99_ms": own.p99_ms, "errors": own.errors + crowd.errors + again.errors,
        });
        for (name, ratio) in [("ratio_nginx", ratio_nginx), ("ratio_python", ratio_python)] {
            if let Some(ratio) = ratio {
                told[name] = ratio.into();
            }
        }
        println!("{told}");
    }
}
