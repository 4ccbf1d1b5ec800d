//! TLS of the gateway: one configuration for both ALPNs on one port.
//!
//! rustls decides on client certificates per configuration, so a certificate is *asked for* on every handshake and
//! *demanded* after it, where the ALPN is known: the gateway must close a connection on [`ALPN_SESSION`] for which
//! [`peer_identity`] finds none. A certificate that is shown must be valid on either. There is no resumption: each
//! connection is judged anew.

use std::{
    fmt::Debug,
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    time_provider::TimeProvider,
    version::TLS13,
};

use crate::{
    AgentIdentity, CertificateDer, PkiError, ServerCertificate, UnixTime, Validity,
    identity::is_authority_of, renewal, validity,
};

/// ALPN on which a valid client certificate is demanded.
pub const ALPN_SESSION: &[u8] = b"atalaya/1";
/// ALPN of enrolment and renewal, without a client certificate.
pub const ALPN_ENROL: &[u8] = b"atalaya-enroll/1";

/// The issuing authorities of the tenants, as they are now: tenants come while the gateway runs.
pub trait AuthorityDirectory: Debug + Send + Sync {
    /// This installation's id.
    fn installation(&self) -> &str;

    /// Certificates of the tenant's authorities (two while one is replaced); none for an unknown tenant. Called in
    /// the handshake: answers from memory.
    fn authorities(&self, tenant: &str) -> Vec<CertificateDer<'static>>;
}

/// Checks an agent's certificate at `now` against its own tenant's authorities only.
///
/// # Errors
/// [`PkiError::NoIdentity`], [`PkiError::Foreign`], [`PkiError::Untrusted`] (expired and not yet valid too).
pub fn verify_leaf(
    directory: &dyn AuthorityDirectory,
    leaf: &CertificateDer<'_>,
    now: UnixTime,
) -> Result<AgentIdentity, PkiError> {
    let identity = AgentIdentity::of(leaf)?;
    if identity.installation != directory.installation() {
        return Err(PkiError::Foreign);
    }
    let mut anchors = RootCertStore::empty();
    for authority in directory.authorities(&identity.tenant) {
        if !is_authority_of(&authority, &identity.installation, &identity.tenant) {
            return Err(PkiError::Foreign);
        }
        anchors.add(authority).map_err(PkiError::Untrusted)?;
    }
    if anchors.is_empty() {
        return Err(PkiError::Foreign);
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), provider())
        .build()
        .map_err(|_| PkiError::Foreign)?
        .verify_client_cert(leaf, &[], now)
        .map_err(PkiError::Untrusted)?;
    Ok(identity)
}

/// The identity of a connection's peer, after the handshake checked its certificate; `None` when it showed none.
///
/// # Errors
/// [`PkiError::NoIdentity`] when the certificate is not of an agent.
pub fn peer_identity(chain: Option<&[CertificateDer<'_>]>) -> Result<Option<AgentIdentity>, PkiError> {
    chain.and_then(<[_]>::first).map(AgentIdentity::of).transpose()
}

/// The certificate that a door (the agents' gateway, the web) shows now. It is replaced while the door is open; a connection
/// keeps the one that it was shown.
#[derive(Debug)]
pub struct ShownCertificate(RwLock<Arc<CertifiedKey>>);

impl ShownCertificate {
    /// Shows a certificate.
    ///
    /// # Errors
    /// [`PkiError::Tls`] when certificate and key do not fit.
    pub fn new(shown: ServerCertificate) -> Result<Arc<Self>, PkiError> {
        Ok(Arc::new(Self(RwLock::new(certified(shown)?))))
    }

    /// Shows another one from now on.
    ///
    /// # Errors
    /// [`PkiError::Tls`] when certificate and key do not fit; the old one stays.
    pub fn replace(&self, next: ServerCertificate) -> Result<(), PkiError> {
        let next = certified(next)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// Whether it is time for another: past two thirds of its life, or not yet valid because the clock was set back.
    ///
    /// # Errors
    /// [`PkiError`] of a certificate that cannot be read.
    pub fn is_due(&self, now: UnixTime) -> Result<bool, PkiError> {
        let validity = self.validity()?;
        Ok(now >= renewal::due(validity, 0) || now < validity.not_before)
    }

    /// When it is valid.
    ///
    /// # Errors
    /// [`PkiError`] of a certificate that cannot be read.
    pub fn validity(&self) -> Result<Validity, PkiError> {
        validity(self.now().cert.first().ok_or(PkiError::NoIdentity)?)
    }

    fn now(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn certified(shown: ServerCertificate) -> Result<Arc<CertifiedKey>, PkiError> {
    let key = CertifiedKey::from_der(shown.chain, shown.key, &provider()).map_err(PkiError::Tls)?;
    Ok(Arc::new(key))
}

impl ResolvesServerCert for ShownCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

/// The gateway's configuration. `time` is the control plane's clock.
///
/// # Errors
/// [`PkiError::Tls`] when TLS 1.3 cannot be had.
pub fn config(
    gateway: Arc<ShownCertificate>,
    directory: Arc<dyn AuthorityDirectory>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, PkiError> {
    let provider = provider();
    let verifier = AgentVerifier { directory, algorithms: provider.signature_verification_algorithms };
    let mut config = ServerConfig::builder_with_details(provider, time)
        .with_protocol_versions(&[&TLS13])
        .map_err(PkiError::Tls)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(gateway);
    config.alpn_protocols = vec![ALPN_SESSION.to_vec(), ALPN_ENROL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The one crypto provider of both ends.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[derive(Debug)]
struct AgentVerifier {
    directory: Arc<dyn AuthorityDirectory>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AgentVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match verify_leaf(self.directory.as_ref(), end_entity, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            // As rustls said it, so that the right alert is sent: the agent tells expired from unknown by it.
            Err(PkiError::Untrusted(error)) => Err(error),
            Err(_) => Err(Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)),
        }
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
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
