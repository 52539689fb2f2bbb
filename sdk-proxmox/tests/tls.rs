//! Which certificates the client trusts.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use rcgen::generate_simple_self_signed;
use sdk_proxmox::mock::TlsFront;
use sdk_proxmox::mock::{Cluster, Mock};
use sdk_proxmox::pve::GetVersion;
use sdk_proxmox::{Client, ClientBuilder, ConnectFailure, Error};

struct Server {
    mock: Mock,
    front: TlsFront,
}

impl Server {
    async fn start() -> Self {
        let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
        let any = ([127, 0, 0, 1], 0).into();
        let front = TlsFront::start(any, mock.address()).await.expect("a port");
        Self { mock, front }
    }

    fn client(&self) -> ClientBuilder {
        Client::builder(&format!("https://localhost:{}", self.front.address.port()))
            .token(self.mock.token_id(), self.mock.token_secret())
            .retries(0)
    }
}

async fn outcome(builder: ClientBuilder) -> Result<(), Error> {
    builder.build()?.send(&GetVersion::new()).await.map(drop)
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_by_default_with_advice() {
    let server = Server::start().await;
    let error = outcome(server.client()).await.expect_err("not trusted");
    let why = match &error {
        Error::Connect { why: ConnectFailure::Tls(why), .. } => why,
        other => panic!("another error: {other:?}"),
    };
    assert!(why.contains("fingerprint") && why.contains("ca_pem"), "{why}");
    assert!(error.is_not_sent() && !error.is_retryable());
    assert!(server.mock.requests().is_empty());
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_and_no_other() {
    let server = Server::start().await;
    outcome(server.client().fingerprint(&server.front.fingerprint)).await.expect("pinned");
    let error = outcome(server.client().fingerprint(&"00".repeat(32))).await.expect_err("another");
    let shown = error.to_string();
    // What would have to be pinned is named, so that it can be compared on the node.
    let seen = shown.replace(':', "").to_lowercase();
    assert!(seen.contains(&server.front.fingerprint), "{shown}");
}

#[tokio::test]
async fn a_certificate_of_a_given_authority_is_trusted() {
    let server = Server::start().await;
    outcome(server.client().ca_pem(server.front.certificate_pem.clone())).await.expect("its CA");
    let other = Server::start().await;
    let error = outcome(server.client().ca_pem(other.front.certificate_pem.clone())).await;
    assert!(error.expect_err("another CA").is_not_sent());
}

#[tokio::test]
async fn any_certificate_is_trusted_only_when_asked_for() {
    let server = Server::start().await;
    outcome(server.client().accept_invalid_certs(true)).await.expect("any");
    let both = server.client().accept_invalid_certs(true).fingerprint(&server.front.fingerprint);
    assert!(matches!(both.build(), Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_asked_for() {
    let own = generate_simple_self_signed(vec!["runner".to_owned()]).expect("a certificate");
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    let any = ([127, 0, 0, 1], 0).into();
    let front = TlsFront::start_for(any, mock.address(), &chain).await.expect("a port");
    let server = Server { mock, front };
    let pinned = || server.client().fingerprint(&server.front.fingerprint);
    outcome(pinned().client_certificate(chain.clone(), key.clone())).await.expect("shown");
    outcome(pinned()).await.expect_err("none shown");
    let error = outcome(pinned().client_certificate(key, "not a key")).await.expect_err("unusable");
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn a_proxy_is_used_only_when_it_is_named() {
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    // Nobody listens there, so that an answer can only come from the proxy.
    let client = || Client::builder("http://127.0.0.1:1").retries(0);
    let client = || client().token(mock.token_id(), mock.token_secret());
    outcome(client().proxy(&mock.url())).await.expect("the mock takes the whole address");
    outcome(client()).await.expect_err("nobody listens");
    let far = outcome(client().proxy("http://proxy.example.org:3128")).await;
    assert!(matches!(far, Err(Error::Invalid(_))), "the secret would leave in clear text");
    let error = outcome(client().proxy("http://user:secret@[oops")).await.expect_err("no address");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_told_apart() {
    let mock = Mock::start(Cluster::demo(1, 1, 1)).await.expect("a port");
    let client = Client::builder(&format!("https://{}", mock.address()))
        .accept_invalid_certs(true)
        .retries(0)
        .build()
        .expect("a client");
    let error = client.send(&GetVersion::new()).await.expect_err("no TLS there");
    assert!(matches!(&error, Error::Connect { why: ConnectFailure::Tls(_), .. }), "{error:?}");
}
