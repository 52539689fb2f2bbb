//! TLS with a fresh self-signed certificate in front of a mock, which speaks plain HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A TLS listener whose connections go to another address.
#[derive(Debug)]
pub struct TlsFront {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate, which is its own authority.
    pub certificate_pem: String,
    /// SHA-256 of the certificate, in hex.
    pub fingerprint: String,
}

impl TlsFront {
    /// Starts to listen on `address` for connections to `target`.
    pub async fn start(address: SocketAddr, target: SocketAddr) -> std::io::Result<Self> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(std::io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key)
            })
            .map_err(std::io::Error::other)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let digest = Sha256::digest(cert.der());
        let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), target));
        Ok(Self { address, certificate_pem: cert.pem(), fingerprint })
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, target: SocketAddr) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Clients that do not trust the certificate leave here.
            let Ok(mut outside) = acceptor.accept(stream).await else {
                return;
            };
            let Ok(mut inside) = TcpStream::connect(target).await else {
                return;
            };
            let _ = copy_bidirectional(&mut outside, &mut inside).await;
        });
    }
}
