//! Which certificates are trusted.

use std::fmt::Write as _;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

use crate::Error;

/// Which certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Trust {
    /// Those that the system trusts.
    #[default]
    System,
    /// Those signed by an authority in this PEM text.
    Authorities(Vec<u8>),
    /// Those with one of these SHA-256 fingerprints.
    Pinned(Vec<[u8; 32]>),
    /// All.
    Anything,
}

impl Trust {
    /// The TLS settings.
    pub(crate) fn config(&self, own: Option<&Certificate>) -> Result<ClientConfig, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Invalid(format!("TLS is not available: {error}")))?;
        let verifier = |pins| Arc::new(Verifier { pins, provider: provider.clone() });
        let config = match self {
            Self::System => {
                let system = rustls_platform_verifier::Verifier::new(provider.clone());
                let system = system.map_err(|error| {
                    Error::Invalid(format!("the system's certificates cannot be read: {error}"))
                })?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(system))
            }
            Self::Authorities(pem) => builder.with_root_certificates(authorities(pem)?),
            Self::Pinned(pins) => {
                let pins = Some(pins.clone());
                builder.dangerous().with_custom_certificate_verifier(verifier(pins))
            }
            Self::Anything => builder.dangerous().with_custom_certificate_verifier(verifier(None)),
        };
        let mut config = match own {
            None => config.with_no_client_auth(),
            Some(own) => {
                let (chain, key) = own.read()?;
                config.with_client_auth_cert(chain, key).map_err(|error| {
                    Error::Invalid(format!("the client certificate is not usable: {error}"))
                })?
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The certificate that the client shows, with its key.
pub(crate) struct Certificate {
    chain: Vec<u8>,
    key: SecretSlice<u8>,
}

impl Certificate {
    pub(crate) fn new(chain: Vec<u8>, key: Vec<u8>) -> Self {
        Self { chain, key: key.into() }
    }

    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let chain = CertificateDer::pem_slice_iter(&self.chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
            Error::Invalid("the client certificate is not PEM: no certificate in it".into())
        })?;
        // What the parser says of a key stays out of the error.
        let key = PrivateKeyDer::from_pem_slice(self.key.expose_secret());
        let key = key.map_err(|_| Error::Invalid("the client's key is not PEM".into()))?;
        Ok((chain, key))
    }
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate
            .map_err(|error| Error::Invalid(format!("the CA file is not PEM: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| Error::Invalid(format!("a CA certificate is not usable: {error}")))?;
    }
    if roots.is_empty() {
        return Err(Error::Invalid("the CA file holds no certificate".into()));
    }
    Ok(roots)
}

/// Reads a SHA-256 fingerprint: 64 hex digits, with or without colons.
pub(crate) fn fingerprint(text: &str) -> Result<[u8; 32], Error> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| *c != ':' && !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()
        .filter(|digits: &Vec<u32>| digits.len() == 64)
        .ok_or_else(|| {
            Error::Invalid(format!("`{text}` is not a SHA-256 fingerprint: 64 hex digits are"))
        })?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        // Two hex digits always fit a byte.
        *byte = pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8);
    }
    Ok(bytes)
}

fn written(fingerprint: &[u8]) -> String {
    let mut text = String::new();
    for byte in fingerprint {
        let _ = write!(text, "{}{byte:02X}", if text.is_empty() { "" } else { ":" });
    }
    text
}

/// Trusts pinned certificates, or all; names, authorities and dates are not looked at.
#[derive(Debug)]
struct Verifier {
    pins: Option<Vec<[u8; 32]>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let seen: [u8; 32] = Sha256::digest(certificate.as_ref()).into();
        match &self.pins {
            Some(pins) if !pins.contains(&seen) => Err(rustls::Error::General(format!(
                "the certificate's SHA-256 fingerprint is {}, which is not pinned",
                written(&seen)
            ))),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let bytes = fingerprint(&"aB:".repeat(32)).expect("colons");
        assert_eq!(bytes, [0xAB; 32]);
        assert_eq!(fingerprint(&"ab".repeat(32)).expect("plain"), bytes);
        assert_eq!(fingerprint(&written(&bytes)).expect("as written"), bytes);
        for text in ["", "ab", &"ab".repeat(33), &"zz".repeat(32)] {
            assert!(fingerprint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        assert!(Trust::Authorities(b"not PEM".to_vec()).config(None).is_err());
    }
}
