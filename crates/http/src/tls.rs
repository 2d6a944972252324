//! TLS: the platform's roots, the user's own, and a client certificate where a registry wants one.
//!
//! On Linux the platform's roots are those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, where they
//! are set.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::{HttpError, IdentityFiles};

/// Whom a connection believes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Verify {
    /// Nobody is asked: the connection is plain http.
    Plain,
    /// The platform's roots and the configured ones.
    Roots,
    /// Anybody (`strict-ssl=false`, registries only).
    Nobody,
}

/// Makes the TLS settings of one connection pool. Reads the platform's roots: some milliseconds, so
/// it is done when needed.
pub(super) fn config(verify: &Verify, extra_roots: &[String], identity: Option<&IdentityFiles>) -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(ring::default_provider());
    let failed = |reason: String| HttpError::TlsSetup { reason };
    let verifier: Arc<dyn ServerCertVerifier> = match verify {
        Verify::Roots => Arc::new(
            rustls_platform_verifier::Verifier::new_with_extra_roots(roots(extra_roots), provider.clone())
                .map_err(|error| failed(error.to_string()))?,
        ),
        Verify::Plain | Verify::Nobody => Arc::new(TrustAnybody(provider.clone())),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let unreadable = |error: &dyn std::fmt::Display| failed(format!("the client certificate cannot be read: {error}"));
            let chain = CertificateDer::pem_file_iter(certificate)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| unreadable(&error))?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(&error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unreadable(&error))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates of some PEM texts. What is none is passed over, as Node does, and so is what
/// cannot be a root.
fn roots(texts: &[String]) -> Vec<CertificateDer<'static>> {
    let all = texts.iter().flat_map(|text| CertificateDer::pem_slice_iter(text.as_bytes()).filter_map(Result::ok));
    all.filter(|der| rustls::RootCertStore::empty().add(der.clone()).is_ok()).collect()
}

/// Believes every certificate, but still wants the server to hold its key.
#[derive(Debug)]
struct TrustAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
