//! TLS of the agent.
//!
//! **Time.** A tower's clock may say 1970 or be years ahead, and the agent can learn the time only through the
//! connection that this certificate protects. So the clock is not asked: the caller's time provider gives a *floor*,
//! a time that certainly has passed, and the gateway's certificate is refused only if it ended before the floor. A
//! certificate that begins after the floor is taken: its beginning proves that the floor is old, and what protects
//! here is the chain to our own root. Whoever feeds the floor must feed it only times confirmed by headquarters (or
//! the build time), never the raw local clock.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls13_signature},
    time_provider::TimeProvider,
    version::TLS13,
};
use rustls_pki_types::ServerName;

use crate::{
    AgentKey, CertificateDer, PkiError, UnixTime, fingerprint,
    server::{ALPN_ENROL, ALPN_SESSION, provider},
    validity,
};

/// By what the gateway is known.
#[derive(Debug, Clone)]
pub enum Trust {
    /// SHA-256 of the root, from the join string: nothing else is known yet.
    Fingerprint([u8; 32]),
    /// Roots received at enrolment (two while one is replaced).
    Roots(Vec<CertificateDer<'static>>),
}

/// The gateway showed no certificate that hashes to the join string's fingerprint.
#[derive(thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("the gateway's root is not the one that the join string names: wrong address, or someone in between")]
pub struct FingerprintMismatch;

/// rustls tells people why a certificate was refused by the Debug form of the cause; so it is said in words there too.
impl std::fmt::Debug for FingerprintMismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// For [`ALPN_ENROL`]: enrolment with a fingerprint, renewal with roots. Shows no certificate.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn enrolment(trust: Trust, floor: Arc<dyn TimeProvider>) -> Result<ClientConfig, PkiError> {
    let provider = provider();
    let mut config = ClientConfig::builder_with_details(Arc::clone(&provider), floor)
        .with_protocol_versions(&[&TLS13])
        .map_err(PkiError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(GatewayVerifier { trust, provider }))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_ENROL.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// For [`ALPN_SESSION`]: shows the agent's certificate.
///
/// # Errors
/// [`PkiError::Tls`] when certificate and key do not fit.
pub fn session(
    roots: Vec<CertificateDer<'static>>,
    certificate: CertificateDer<'static>,
    key: &AgentKey,
    floor: Arc<dyn TimeProvider>,
) -> Result<ClientConfig, PkiError> {
    let provider = provider();
    let verifier = GatewayVerifier { trust: Trust::Roots(roots), provider: Arc::clone(&provider) };
    let mut config = ClientConfig::builder_with_details(provider, floor)
        .with_protocol_versions(&[&TLS13])
        .map_err(PkiError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_client_auth_cert(vec![certificate], key.private_key())
        .map_err(PkiError::Tls)?;
    config.alpn_protocols = vec![ALPN_SESSION.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

#[derive(Debug)]
struct GatewayVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl GatewayVerifier {
    fn anchors(&self, shown: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let mut anchors = RootCertStore::empty();
        match &self.trust {
            Trust::Roots(roots) => {
                for root in roots {
                    anchors.add(root.clone())?;
                }
            }
            Trust::Fingerprint(pinned) => {
                let root = shown.iter().find(|certificate| fingerprint(certificate) == *pinned).ok_or_else(
                    || {
                        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(
                            FingerprintMismatch,
                        ))))
                    },
                )?;
                anchors.add(root.clone().into_owned())?;
            }
        }
        Ok(anchors)
    }
}

/// The floor, or the beginning of the youngest certificate where that is later.
fn judged_at(floor: UnixTime, chain: &[&CertificateDer<'_>]) -> Result<UnixTime, Error> {
    let mut secs = floor.as_secs();
    for certificate in chain {
        let validity = validity(certificate).map_err(|_| CertificateError::BadEncoding)?;
        secs = secs.max(validity.not_before.as_secs());
    }
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(secs)))
}

impl ServerCertVerifier for GatewayVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        floor: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let anchors = self.anchors(intermediates)?;
        let chain: Vec<_> = [end_entity].into_iter().chain(intermediates).collect();
        let at = judged_at(floor, &chain)?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(rustls::PeerIncompatible::Tls13RequiredForQuic))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
