//! TLS: with a certificate from files, or with one of the program's own that no browser knows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::state::{StateDir, StateError};

/// Holds the program's own certificate and its key.
const OWN: &str = "tls-self-signed.pem";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{option} {}: cannot be read: {source}; name a file that the user of nself-admin may read", path.display())]
    Read { option: &'static str, path: PathBuf, source: io::Error },
    #[error("{option} {}: {source}; it must be PEM, with {expected}", path.display())]
    Pem { option: &'static str, path: PathBuf, expected: &'static str, source: pem::Error },
    #[error("--tls-cert and --tls-key: {0}; they must belong together")]
    Pair(rustls::Error),
    #[error("no certificate can be made: {0}; name one with --tls-cert and --tls-key")]
    Make(#[from] rcgen::Error),
    #[error("{} is damaged: {message}; remove it, and another certificate is made", path.display())]
    Own { path: PathBuf, message: String },
    #[error(transparent)]
    State(#[from] StateError),
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Certificate {
    acceptor: TlsAcceptor,
    leaf: CertificateDer<'static>,
}

impl Certificate {
    /// From files.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub(crate) fn from_files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |option, path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::Read {
                option,
                path: path.to_owned(),
                source,
            })
        };
        let (cert_text, key_text) = (read("--tls-cert", cert)?, read("--tls-key", key)?);
        let wrong = |option, path: &Path, expected| {
            let path = path.to_owned();
            move |source| TlsError::Pem { option, path, expected, source }
        };
        let chain = chain(&cert_text).map_err(wrong("--tls-cert", cert, "a CERTIFICATE"))?;
        let key = PrivateKeyDer::from_pem_slice(&key_text).map_err(wrong(
            "--tls-key",
            key,
            "a PRIVATE KEY without a password",
        ))?;
        Self::new(chain, key).map_err(TlsError::Pair)
    }

    /// The program's own, made for these names when there is none yet.
    ///
    /// # Errors
    ///
    /// [`TlsError`]: there is none and none can be made.
    pub(crate) fn own(dir: &StateDir, names: Vec<String>) -> Result<Self, TlsError> {
        let text = if let Some(text) = dir.read(OWN)? {
            text
        } else {
            let key = KeyPair::generate()?;
            let certificate = CertificateParams::new(names)?.self_signed(&key)?;
            let text = certificate.pem() + &key.serialize_pem();
            dir.replace(OWN, &text)?;
            text
        };
        let damaged = |message: String| TlsError::Own { path: dir.file(OWN), message };
        let chain = chain(text.as_bytes()).map_err(|error| damaged(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes());
        let key = key.map_err(|error| damaged(error.to_string()))?;
        Self::new(chain, key).map_err(|error| damaged(error.to_string()))
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        let Some(leaf) = chain.first().cloned() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), leaf })
    }

    /// Speaks TLS to who has connected.
    pub(super) async fn greet<T>(&self, stream: T) -> io::Result<TlsStream<T>>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        self.acceptor.accept(stream).await
    }

    /// Its SHA-256, as browsers show it.
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.leaf)
    }
}

/// The SHA-256 of a certificate, as browsers show it.
pub(super) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = hex::encode_upper(Sha256::digest(certificate));
    let pairs = (0..digest.len()).step_by(2).filter_map(|at| digest.get(at..at + 2));
    pairs.collect::<Vec<_>>().join(":")
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>()?;
    if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_certificate_is_made_once() {
        let parent = tempfile::tempdir().unwrap();
        let dir = StateDir::open(parent.path().to_owned()).unwrap();
        let first = Certificate::own(&dir, vec!["localhost".to_owned()]).unwrap();
        let again = Certificate::own(&dir, vec!["localhost".to_owned()]).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(first.fingerprint().len(), 32 * 3 - 1);
        dir.replace(OWN, "what").unwrap();
        let error = Certificate::own(&dir, Vec::new()).unwrap_err().to_string();
        assert!(error.contains("tls-self-signed.pem is damaged"), "{error}");
    }

    #[test]
    fn files_that_are_no_certificate_are_named() {
        let parent = tempfile::tempdir().unwrap();
        let (cert, key) = (parent.path().join("cert.pem"), parent.path().join("key.pem"));
        let refused = || Certificate::from_files(&cert, &key).unwrap_err().to_string();
        assert!(refused().starts_with(&format!("--tls-cert {}", cert.display())));
        let made = |name: &str| {
            let pair = KeyPair::generate().unwrap();
            let made = CertificateParams::new(vec![name.to_owned()]).unwrap();
            (made.self_signed(&pair).unwrap().pem(), pair.serialize_pem())
        };
        let ((one, one_key), (_, other_key)) = (made("a"), made("b"));
        std::fs::write(&cert, "what").unwrap();
        std::fs::write(&key, &other_key).unwrap();
        assert!(refused().contains("with a CERTIFICATE"), "{}", refused());
        std::fs::write(&cert, &one).unwrap();
        assert!(refused().contains("belong together"), "{}", refused());
        std::fs::write(&key, "what").unwrap();
        assert!(refused().starts_with(&format!("--tls-key {}", key.display())));
        std::fs::write(&key, one_key).unwrap();
        assert!(Certificate::from_files(&cert, &key).is_ok());
    }
}
