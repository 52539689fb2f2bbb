//! What is passed on, and the connections that it takes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use hyper::body::Body as _;
use sdk_proxmox::mock::{Cluster, Fault, Mock, TlsFront, Trouble};
use sdk_proxmox::pve::{GetNodesNodeTasks, GetVersion};
use sdk_proxmox::{
    BoxError, Client, ClientBuilder, ConnectFailure, Error, Forwarded, ForwardedBody, Operation,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

/// A host that answers the requests of each connection in turn, and closes it after the last.
struct Host {
    address: SocketAddr,
    /// The heads that came, with the number of their connection.
    heads: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Host {
    async fn start(connections: &'static [&'static [&'static str]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::<Mutex<Vec<_>>>::default();
        let seen = heads.clone();
        tokio::spawn(async move {
            for (number, answers) in connections.iter().enumerate() {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(number, stream, answers, seen.clone()));
            }
        });
        Self { address, heads }
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder(&format!("http://{}", self.address)).token("a@pve!b", "s3cret").retries(0)
    }

    fn client(&self) -> Client {
        self.builder().build().expect("a client")
    }

    /// The connections that the requests came by.
    fn connections(&self) -> Vec<usize> {
        self.heads.lock().expect("no panic").iter().map(|(number, _)| *number).collect()
    }
}

async fn serve(
    number: usize,
    mut stream: TcpStream,
    answers: &[&str],
    seen: Arc<Mutex<Vec<(usize, String)>>>,
) {
    for answer in answers {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).expect("text").to_lowercase();
        seen.lock().expect("no panic").push((number, head));
        if answer.is_empty() {
            // Says nothing until the client goes away.
            let _ = stream.read_u8().await;
            return;
        }
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

async fn forward(client: &Client) -> Result<Forwarded, Error> {
    client.forward(GetVersion::new().request(), None).await
}

async fn read(mut body: ForwardedBody) -> Result<String, BoxError> {
    let mut text = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        text.extend_from_slice(&frame?.into_data().unwrap_or_default());
    }
    Ok(String::from_utf8(text)?)
}

async fn text(client: &Client) -> String {
    read(forward(client).await.expect("an answer").into_body()).await.expect("a body")
}

#[tokio::test]
async fn a_request_and_its_answer_are_passed_on_as_they_are() {
    let host =
        Host::start(&[&["HTTP/1.1 500 no such guest\r\nX-Odd: 1\r\nContent-Length: 2\r\n\r\n{}"]])
            .await;
    let client = host.client();
    let mut call = GetNodesNodeTasks::new("pve 1");
    call.errors = Some(true);
    let answer = client.forward(call.request(), None).await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-odd"]),
        (500, &"1".parse().expect("a value"))
    );
    let reason = answer.extensions().get::<hyper::ext::ReasonPhrase>().expect("a reason");
    assert_eq!(reason.as_bytes(), b"no such guest");
    assert_eq!(read(answer.into_body()).await.expect("a body"), "{}");
    let head = host.heads.lock().expect("no panic")[0].1.clone();
    assert!(head.starts_with("get /api2/json/nodes/pve%201/tasks?errors=1 http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", host.address)), "{head}");
    assert!(head.contains("authorization: pveapitoken=a@pve!b=s3cret\r\n"), "{head}");
    assert!(
        head.contains("user-agent: sdk-proxmox/") && !head.contains("content-length"),
        "{head}"
    );
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another() {
    const ANSWERS: &[&str] = &[
        OK,
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nfi\r\n2\r\nne\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        OK,
    ];
    let host = Host::start(&[ANSWERS]).await;
    let client = host.client();
    for expected in ["fine", "", "fine", "", "fine"] {
        assert_eq!(text(&client).await, expected);
    }
    assert_eq!(host.connections(), [0; 5]);
    assert_eq!(client.counters().requests, 5);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_takes_its_connection_along() {
    let host = Host::start(&[&[OK, OK], &[OK]]).await;
    let client = host.client();
    drop(forward(&client).await.expect("an answer"));
    assert_eq!(text(&client).await, "fine");
    assert_eq!(host.connections(), [0, 1]);
}

#[tokio::test]
async fn a_call_that_is_given_up_takes_its_connection_along() {
    let host = Host::start(&[&[OK, ""], &[OK]]).await;
    let client = host.client();
    assert_eq!(text(&client).await, "fine");
    let wait = async {
        while host.connections().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = forward(&client) => panic!("nothing was answered"),
        () = wait => {}
    }
    assert_eq!(text(&client).await, "fine");
    assert_eq!(host.connections(), [0, 0, 1]);
}

#[tokio::test]
async fn what_a_host_closed_or_spoilt_meanwhile_is_not_used() {
    const MORE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfineand more of it";
    const CASES: [&[&[&str]]; 2] = [&[&[OK], &[OK]], &[&[MORE, OK], &[OK]]];
    for connections in CASES {
        let host = Host::start(connections).await;
        let client = host.client();
        assert_eq!(text(&client).await, "fine");
        // The end of the connection is there when the next one is asked for.
        tokio::task::yield_now().await;
        assert_eq!(text(&client).await, "fine");
        assert_eq!(host.connections(), [0, 1]);
    }
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_its_connection() {
    let host = Host::start(&[&["HTTP/1.1 200 OK\r\n\r\nfine"], &[OK]]).await;
    let client = host.client();
    assert_eq!(text(&client).await, "fine");
    assert_eq!(text(&client).await, "fine");
    assert_eq!(host.connections(), [0, 1]);
}

#[tokio::test]
async fn half_a_body_is_an_error() {
    for half in [
        &[&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine"] as &[_]] as &[&[_]],
        &[&["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nfine"]],
    ] {
        let host = Host::start(half).await;
        let answer = forward(&host.client()).await.expect("an answer");
        assert!(read(answer.into_body()).await.is_err());
    }
}

#[tokio::test]
async fn half_a_head_is_a_lost_connection() {
    let host = Host::start(&[&["HTTP/1.1 200 OK\r\nContent-"]]).await;
    let error = forward(&host.client()).await.expect_err("half a head");
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
}

#[tokio::test]
async fn silence_is_waited_for_as_long_as_the_client_says() {
    const BEGUN: &[&str] = &["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfine", ""];
    let host = Host::start(&[BEGUN, &[""]]).await;
    let limit = Duration::from_millis(100);
    let client = host.builder().read_timeout(limit).build().expect("a client");
    let answer = forward(&client).await.expect("an answer");
    let error = read(answer.into_body()).await.expect_err("nothing more comes");
    assert!(error.to_string().contains("timed out"), "{error}");
    let error = forward(&client).await.expect_err("no answer");
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_larger_than_any_buffer_comes_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let content: String = (0..200_000).map(|n| format!("{n:08}\n")).collect();
    let sent = content.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut head = [0; 4096];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        for part in sent.as_bytes().chunks(10_007) {
            let _ = stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await;
            let _ = stream.write_all(part).await;
            let _ = stream.write_all(b"\r\n").await;
        }
        let _ = stream.write_all(b"0\r\n\r\n").await;
        let _ = stream.read(&mut head).await;
    });
    let client = Client::builder(&format!("http://{address}")).build().expect("a client");
    assert!(text(&client).await == content);
}

#[tokio::test]
async fn a_host_gets_no_more_calls_at_a_time_than_it_may() {
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    mock.fault(Fault::on("/version", Trouble::Delay(Duration::from_millis(30))));
    let client = mock.client().concurrency(2).build().expect("a client");
    let answers = join_all((0..6).map(|_| text(&client))).await;
    assert!(answers.iter().all(|text| text.contains("9.1")), "{answers:?}");
    assert_eq!(mock.busiest(), 2);
}

#[tokio::test]
async fn why_there_is_no_connection_is_told_apart() {
    let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    let any = ([127, 0, 0, 1], 0).into();
    let front = TlsFront::start(any, mock.address()).await.expect("a port");
    let secure = format!("https://localhost:{}", front.address.port());
    for (url, expected) in [
        (format!("http://{address}"), "refused"),
        ("https://no-such-host.invalid".to_owned(), "unknown"),
        (secure.clone(), "fingerprint"),
        (format!("https://localhost:{}", mock.address().port()), "without TLS"),
    ] {
        let client = Client::builder(&url).retries(0).build().expect("a client");
        let error = forward(&client).await.expect_err(&url);
        let Error::Connect { why, .. } = &error else { panic!("{url}: {error:?}") };
        let told = match why {
            ConnectFailure::Refused => "refused",
            ConnectFailure::UnknownHost => "unknown",
            ConnectFailure::Tls(why) => why,
            other => panic!("{url}: {other:?}"),
        };
        assert!(told.contains(expected), "{url}: {told}");
        assert!(error.is_not_sent());
    }
    let pinned = Client::builder(&secure).fingerprint(&front.fingerprint);
    let client = pinned.token(mock.token_id(), mock.token_secret()).build().expect("a client");
    assert!(text(&client).await.contains("9.1"));
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_given_up() {
    let host = Host::start(&[&[""]]).await;
    let url = format!("https://{}", host.address);
    let builder = Client::builder(&url).connect_timeout(Duration::from_millis(50)).retries(0);
    let error = forward(&builder.build().expect("a client")).await.expect_err("no handshake");
    assert!(matches!(&error, Error::Connect { why: ConnectFailure::Timeout, .. }), "{error:?}");
}

/// Knows no name that may be connected to.
struct Refusing;

impl reqwest::dns::Resolve for Refusing {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        Box::pin(async move { Err(format!("{} leads astray", name.as_str()).into()) })
    }
}

#[tokio::test]
async fn a_resolver_that_refuses_a_name_is_obeyed() {
    let host = Host::start(&[&[OK]]).await;
    let builder = Client::builder(&format!("http://localhost:{}", host.address.port()));
    let client = builder.resolver(Arc::new(Refusing)).retries(0).build().expect("a client");
    let passed_on = forward(&client).await.map(drop);
    let sent = client.send(&GetVersion::new()).await.map(drop);
    for outcome in [passed_on, sent] {
        let error = outcome.expect_err("refused");
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    }
    assert!(host.connections().is_empty());
}

#[tokio::test]
async fn a_proxy_that_is_named_is_used() {
    let proxy = Host::start(&[&[OK]]).await;
    let client = Client::builder("http://127.0.0.1:1").proxy(&format!("http://{}", proxy.address));
    let client = client.retries(0).build().expect("a client");
    assert_eq!(text(&client).await, "fine");
    let heads = proxy.heads.lock().expect("no panic").clone();
    assert!(heads[0].1.starts_with("get http://127.0.0.1:1/api2/json/version "), "{heads:?}");
}
