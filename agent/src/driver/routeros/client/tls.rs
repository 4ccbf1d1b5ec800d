//! TLS towards a router: its certificate is self-signed, so it is known by its fingerprint or not at all.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::driver::{DeviceError, TlsMode};

/// Accepts the pinned certificate, or any, and keeps the fingerprint it saw.
#[derive(Debug)]
pub(super) struct RouterVerifier {
    pin: Option<[u8; 32]>,
    seen: Mutex<Option<[u8; 32]>>,
    provider: Arc<CryptoProvider>,
}

impl RouterVerifier {
    /// SHA-256 of the certificate that the router showed.
    pub(super) fn seen(&self) -> Option<[u8; 32]> {
        *self.seen.lock()
    }
}

impl ServerCertVerifier for RouterVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint = fingerprint(end_entity);
        *self.seen.lock() = Some(fingerprint);
        match self.pin {
            Some(pin) if pin != fingerprint => Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            )),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    // The signatures are checked for real: a pin without proof of the key would let anyone replay the certificate.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// SHA-256 of a certificate's DER.
fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(certificate.as_ref()).into()
}

/// Lower-case hexadecimal of a fingerprint, as openssl users know it, without colons.
pub(crate) fn fingerprint_text(fingerprint: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    fingerprint.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A client configuration and the verifier inside it.
pub(super) type TlsSetup = (Arc<ClientConfig>, Arc<RouterVerifier>);

/// A client configuration for `mode` and the verifier inside it; `None` when TLS is off.
///
/// # Errors
/// [`DeviceError::Local`] when the TLS library offers no usable version.
pub(super) fn client_config(mode: TlsMode) -> Result<Option<TlsSetup>, DeviceError> {
    let pin = match mode {
        TlsMode::Off => return Ok(None),
        TlsMode::AnyCertificate => None,
        TlsMode::Pinned(pin) => Some(pin),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(RouterVerifier { pin, seen: Mutex::new(None), provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DeviceError::Local { words: format!("TLS: {error}") })?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    Ok(Some((Arc::new(config), verifier)))
}
