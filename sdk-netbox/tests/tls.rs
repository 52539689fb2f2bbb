//! Encrypted connections: whom the client trusts.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use sdk_netbox::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A server that says one sentence to everyone; its URL and its certificate.
async fn serve() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let body = r#"{"netbox-version":"4.6.8"}"#;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (format!("https://localhost:{port}"), cert.pem())
}

#[tokio::test]
async fn a_certificate_is_trusted_when_its_issuer_is_given_or_all_are_accepted() {
    let (url, pem) = serve().await;
    let trusting = Client::builder(&url).ca_pem(pem).build().unwrap();
    assert_eq!(trusting.status().await.unwrap().version, "4.6.8");
    let careless = Client::builder(&url).accept_invalid_certs(true).build().unwrap();
    assert_eq!(careless.status().await.unwrap().version, "4.6.8");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_refused_with_a_hint() {
    let (url, _) = serve().await;
    let (_, other) = serve().await;
    let netbox = Client::builder(&url).ca_pem(other).retries(0).build().unwrap();
    let error = netbox.status().await.unwrap_err();
    assert!(error.is_not_sent(), "{error}");
    assert!(error.to_string().contains("give the CA that signed it"), "{error}");
    let error = Client::builder(&url).ca_pem("no certificate").build();
    assert!(error.is_err_and(|error| error.to_string().contains("CA")));
}

#[tokio::test]
async fn a_proxy_is_used_only_when_it_is_named() {
    let mock = sdk_netbox::mock::Mock::start().await.unwrap();
    // Nobody listens there, so that an answer can only come from the proxy.
    let client = || Client::builder("http://127.0.0.1:1").token(mock.token()).retries(0);
    client().proxy(mock.url()).build().unwrap().status().await.unwrap();
    client().build().unwrap().status().await.unwrap_err();
    let error = client().proxy("http://user:secret@[oops").build().unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_that_is_none_is_refused_without_showing_it() {
    let error = Client::builder("https://netbox").client_certificate("KEY").build().unwrap_err();
    assert!(error.to_string().contains("client certificate"), "{error}");
    assert!(!error.to_string().contains("KEY"), "{error}");
}
