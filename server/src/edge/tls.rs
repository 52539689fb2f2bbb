//! The server's own certificate, read from files and read anew when they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Where certificate and key are, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why certificate and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {what} in PEM", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Both are fine, but do not fit.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// The certificate of the moment.
#[derive(Debug)]
pub(super) struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificates {
    pub(super) fn read(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(load(&files)?);
        Ok(Arc::new(Self { files, current }))
    }

    /// Settings that always show the certificate of the moment.
    pub(super) fn config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Reads the files again whenever they have changed. Files that cannot be used change nothing.
    pub(super) async fn keep(self: Arc<Self>, stop: CancellationToken) {
        let mut seen = self.stamp();
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            let now = self.stamp();
            if now != seen {
                self.reload();
                seen = now;
            }
        }
    }

    fn reload(&self) {
        match load(&self.files) {
            Ok(new) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!(path = %self.files.certificate.display(), "certificate read again");
            }
            Err(error) => {
                let error = super::chain(&error);
                tracing::error!(%error, "the new certificate is not used; the old one stays");
            }
        }
    }

    fn stamp(&self) -> [Option<SystemTime>; 2] {
        let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
        [changed(&self.files.certificate), changed(&self.files.key)]
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn load(files: &TlsFiles) -> Result<Arc<CertifiedKey>, TlsError> {
    let read = |path: &PathBuf| {
        fs::read(path).map_err(|source| TlsError::Read { path: path.clone(), source })
    };
    let no = |path: &PathBuf, what| TlsError::Pem { path: path.clone(), what };
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| no(&files.certificate, "certificate"))?;
    if chain.is_empty() {
        return Err(no(&files.certificate, "certificate"));
    }
    // What the parser says of a key stays out of the error.
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|_| no(&files.key, "private key"))?;
    Ok(Arc::new(CertifiedKey::from_der(chain, key, &ring::default_provider())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let files = TlsFiles { certificate: folder.join("c.pem"), key: folder.join("k.pem") };
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    fn shown(certificates: &Certificates) -> Vec<u8> {
        certificates.current.read().unwrap().cert[0].to_vec()
    }

    #[test]
    fn a_new_certificate_is_used_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "first.example.org");
        let certificates = Certificates::read(files.clone()).unwrap();
        let first = shown(&certificates);
        write(folder.path(), "second.example.org");
        certificates.reload();
        let second = shown(&certificates);
        assert_ne!(first, second);
        fs::write(&files.certificate, "nothing").unwrap();
        certificates.reload();
        assert_eq!(shown(&certificates), second);
    }

    #[test]
    fn what_is_wrong_with_the_files_is_named_and_the_key_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "a.example.org");
        let key = fs::read_to_string(&files.key).unwrap();
        fs::write(&files.key, key.replace("PRIVATE", "PUBLIC")).unwrap();
        let error = Certificates::read(files.clone()).unwrap_err().to_string();
        assert!(error.contains("k.pem holds no private key"), "{error}");
        fs::remove_file(&files.certificate).unwrap();
        let error = Certificates::read(files).unwrap_err().to_string();
        assert!(error.contains("c.pem cannot be read"), "{error}");
    }
}
