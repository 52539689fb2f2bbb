//! TLS with a fresh self-signed certificate in front of a mock, which speaks plain HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
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
        Self::serve(address, target, None).await
    }

    /// Starts to listen for clients that show a certificate of the authority in this PEM text.
    pub async fn start_for(
        address: SocketAddr,
        target: SocketAddr,
        authority_pem: &str,
    ) -> std::io::Result<Self> {
        Self::serve(address, target, Some(authority_pem)).await
    }

    async fn serve(
        address: SocketAddr,
        target: SocketAddr,
        authority_pem: Option<&str>,
    ) -> std::io::Result<Self> {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(std::io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?;
        let builder = match authority_pem {
            None => builder.with_no_client_auth(),
            Some(pem) => builder.with_client_cert_verifier(clients_of(pem, provider)?),
        };
        let chain = vec![cert.der().clone()];
        let config = builder.with_single_cert(chain, key).map_err(std::io::Error::other)?;
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let digest = Sha256::digest(cert.der());
        let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), target));
        Ok(Self { address, certificate_pem: cert.pem(), fingerprint })
    }
}

fn clients_of(
    pem: &str,
    provider: Arc<CryptoProvider>,
) -> std::io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(std::io::Error::other)?;
        roots.add(certificate).map_err(std::io::Error::other)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(std::io::Error::other)
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, target: SocketAddr) {
    while let Ok((stream, _)) = listener.accept().await {
        // The last bytes of an answer should not wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
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
