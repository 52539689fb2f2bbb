//! Terminals as byte streams, against the mock's termproxy.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use sdk_proxmox::mock::{Cluster, GuestKind, Mock, TlsFront};
use sdk_proxmox::pve::{
    GetVersion, PostNodesNodeLxcVmidTermproxy, PostNodesNodeQemuVmidTermproxy,
    PostNodesNodeTermproxy,
};
use sdk_proxmox::{Client, Console, Product};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> (Mock, Client) {
    let mock = Mock::start(Cluster::demo(2, 8, 1)).await.expect("a port");
    // An API token gets no shell of a node.
    let client = mock.client().password("root@pam", "mock-password").build().expect("a client");
    (mock, client)
}

/// Reads until `text` was printed.
async fn until(console: &mut Console, text: &str) -> String {
    let mut screen = Vec::new();
    let mut part = [0; 1024];
    loop {
        let read = timeout(PATIENCE, console.read(&mut part)).await.expect("something is printed");
        let count = read.expect("the terminal is open");
        screen.extend_from_slice(&part[..count]);
        let shown = String::from_utf8_lossy(&screen).into_owned();
        if shown.contains(text) {
            return shown;
        }
        assert!(count > 0, "the terminal ended after {shown:?}");
    }
}

#[tokio::test]
async fn what_is_typed_is_run_and_what_is_printed_is_read() {
    let (mock, client) = start().await;
    mock.with(|cluster| {
        let unit = "journalctl -n 2 -u pveproxy".to_owned();
        cluster.commands.insert(unit, "Jan 01 first\nJan 01 second\n".into());
    });
    let mut console = client.pve().nodes().node("pve01").termproxy().post().console().await;
    let console = console.as_mut().expect("a terminal");
    until(console, "root@pve01:~# ").await;
    console.write_all("journalctl -n 2 -u pveproxy\n".as_bytes()).await.expect("typed");
    let screen = until(console, "second").await;
    assert!(screen.contains("Jan 01 first\r\nJan 01 second"), "{screen:?}");
    // The length before the input counts bytes, not characters.
    console.write_all("echo Größe: 5 €\n".as_bytes()).await.expect("typed");
    until(console, "\rGröße: 5 €\r\n").await;
    console.resize(132, 43).await.expect("resized");
    console.write_all(b"stty size\n").await.expect("typed");
    until(console, "43 132").await;
}

#[tokio::test]
async fn the_stream_ends_with_the_shell_and_the_task_with_the_stream() {
    let (mock, client) = start().await;
    let terminal = PostNodesNodeTermproxy::new("pve02");
    let mut console = client.console(&terminal).await.expect("a terminal");
    let task = client.task(console.upid()).expect("a task");
    console.write_all(b"exit\n").await.expect("typed");
    let mut rest = String::new();
    timeout(PATIENCE, console.read_to_string(&mut rest)).await.expect("an end").expect("no error");
    assert!(rest.ends_with("logout\r\n"), "{rest:?}");
    assert!(task.wait(PATIENCE).await.expect("an end").is_success());
    drop(mock);
}

#[tokio::test]
async fn hanging_up_ends_the_task_on_the_node() {
    let (_mock, client) = start().await;
    let console = client.console(&PostNodesNodeTermproxy::new("pve01")).await.expect("a terminal");
    let task = client.task(console.upid()).expect("a task");
    drop(console);
    assert!(task.wait(PATIENCE).await.expect("an end").is_success());
}

#[tokio::test]
async fn a_guest_without_serial_port_says_so_and_hangs_up() {
    let (mock, client) = start().await;
    let vmid = mock.with(|cluster| {
        let guest = cluster.guests.values().find(|guest| guest.kind == GuestKind::Qemu);
        guest.map(|guest| (guest.node.clone(), guest.vmid)).expect("a machine")
    });
    let terminal = PostNodesNodeQemuVmidTermproxy::new(&vmid.0, i64::from(vmid.1));
    let mut console = client.console(&terminal).await.expect("a connection");
    let mut screen = String::new();
    timeout(PATIENCE, console.read_to_string(&mut screen)).await.expect("an end").expect("text");
    assert_eq!(screen, "unable to find a serial interface\r\n");
}

#[tokio::test]
async fn a_container_has_a_terminal_by_ticket_and_through_tls() {
    let mock = Mock::start(Cluster::demo(1, 8, 1)).await.expect("a port");
    let any = ([127, 0, 0, 1], 0).into();
    let front = TlsFront::start(any, mock.address()).await.expect("a port");
    let (vmid, name) = mock.with(|cluster| {
        let guest = cluster.guests.values_mut().find(|guest| guest.kind == GuestKind::Lxc);
        let guest = guest.expect("a container");
        guest.running = true;
        (guest.vmid, guest.name().expect("a name"))
    });
    let client = Client::builder(&format!("https://{}", front.address))
        .fingerprint(&front.fingerprint)
        .password("root@pam", "mock-password")
        .build()
        .expect("a client");
    let terminal = PostNodesNodeLxcVmidTermproxy::new("pve01", i64::from(vmid));
    let mut console = client.console(&terminal).await.expect("a terminal");
    until(&mut console, &format!("root@{name}:~# ")).await;
}

#[tokio::test]
async fn a_ticket_opens_one_connection_only() {
    let (mock, client) = start().await;
    let answer = client.send(&PostNodesNodeTermproxy::new("pve01")).await.expect("a ticket").value;
    let (port, ticket) = (answer.port.expect("a port"), answer.ticket.expect("a ticket"));
    let socket = || async {
        let port = port.to_string().parse().expect("a number");
        let get = sdk_proxmox::pve::GetNodesNodeVncwebsocket::new("pve01", port, ticket.as_str());
        client.send(&get).await
    };
    // Asking without an upgrade does not use it up.
    socket().await.expect("it waits");
    let url = format!("{}/api2/json/nodes/pve01/vncwebsocket", mock.url());
    let query = [("port", port.to_string()), ("vncticket", ticket.clone())];
    let mut request = url::Url::parse_with_params(&url, query).expect("an address").to_string();
    request = request.split_once("/api2").map_or(String::new(), |(_, rest)| format!("/api2{rest}"));
    let mut stream = tokio::net::TcpStream::connect(mock.address()).await.expect("a connection");
    let (id, secret) = (mock.token_id(), mock.token_secret());
    let head = format!(
        "GET {request} HTTP/1.1\r\nHost: x\r\nAuthorization: PVEAPIToken={id}={secret}\r\nUpgrade: \
         websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: \
         binary\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut part = [0; 12];
    stream.read_exact(&mut part).await.expect("an answer");
    assert_eq!(&part, b"HTTP/1.1 101");
    let error = socket().await.expect_err("used up");
    assert_eq!(error.status(), Some(401));
}

#[tokio::test]
async fn an_operation_that_opens_no_terminal_is_refused_before_it_is_sent() {
    let (mock, client) = start().await;
    let error = client.console(&GetVersion::new()).await.expect_err("no terminal");
    assert_eq!(error.to_string(), "GET /version opens no terminal");
    assert!(mock.requests().is_empty());
}

#[tokio::test]
async fn backup_servers_and_datacenter_managers_have_terminals_too() {
    for product in [Product::Pbs, Product::Pdm] {
        let mock = Mock::start(Cluster::of(product)).await.expect("a port");
        let client = mock.client().product(product).build().expect("a client");
        let console = match product {
            Product::Pbs => client.pbs().nodes().node("backup").termproxy().post().console().await,
            _ => client.pdm().nodes().node("backup").termproxy().post().console().await,
        };
        let mut console = console.expect("a terminal");
        until(&mut console, "root@backup:~# ").await;
    }
}
