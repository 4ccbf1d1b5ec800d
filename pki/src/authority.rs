//! The installation's root and the tenants' issuing authorities.
//!
//! Both are made here and handed out as (certificate DER, key PKCS#8 DER) for the control plane to seal and store;
//! both are read back the same way.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    AgentIdentity, CertificateDer, CertificateRequest, GATEWAY_NAME, LEAF_LIFE, PkiError, PrivateKeyDer,
    UnixTime, days, fingerprint,
    identity::{authority_uri, is_authority_of},
};

const ROOT_LIFE: Duration = days(20 * 365);
const AUTHORITY_LIFE: Duration = days(10 * 365);
/// Longer than a leaf's: an agent whose clock floor is ahead must still get in to learn the time.
const GATEWAY_LIFE: Duration = days(400);
/// Certificates begin this long before they are made: the clocks of two servers differ a little.
const BACKDATE: Duration = Duration::from_secs(3_600);

/// The installation's root.
pub struct Root {
    installation: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root").field("installation", &self.installation).finish_non_exhaustive()
    }
}

impl Root {
    /// A new root for an installation.
    ///
    /// # Errors
    /// [`PkiError::BadId`], [`PkiError::Signing`], [`PkiError::Random`].
    pub fn generate(installation: &str, now: UnixTime) -> Result<Self, PkiError> {
        authority_uri(installation, "any")?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params("Atalaya root", installation, now, ROOT_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { installation: installation.into(), certificate, key })
    }

    /// Reads a stored root.
    ///
    /// # Errors
    /// [`PkiError::Unreadable`].
    pub fn load(installation: &str, certificate_der: &[u8], key_der: &[u8]) -> Result<Self, PkiError> {
        authority_uri(installation, "any")?;
        let (certificate, key) = load_pair(certificate_der, key_der)?;
        Ok(Self { installation: installation.into(), certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key, PKCS#8 DER, to be sealed and stored.
    pub fn key_der(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.serialize_der())
    }

    /// What join strings carry.
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint(&self.certificate)
    }

    /// The installation it stands for.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// A new issuing authority for a tenant.
    ///
    /// # Errors
    /// [`PkiError::BadId`], [`PkiError::Signing`], [`PkiError::Random`].
    pub fn issue_authority(&self, tenant: &str, now: UnixTime) -> Result<IssuingAuthority, PkiError> {
        let uri = authority_uri(&self.installation, tenant)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params("Atalaya issuing authority", tenant, now, AUTHORITY_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // An authority of a tenant can never make a gateway.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![san_uri(uri)?];
        let certificate = params.signed_by(&key, &self.issuer()?)?.der().clone();
        Ok(IssuingAuthority {
            installation: self.installation.clone(),
            tenant: tenant.into(),
            certificate,
            key,
        })
    }

    /// A certificate for the gateway, with a fresh key: made at each start, nothing to store.
    ///
    /// # Errors
    /// [`PkiError::Signing`], [`PkiError::Random`].
    pub fn issue_gateway(&self, now: UnixTime) -> Result<ServerCertificate, PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params("Atalaya gateway", &self.installation, now, GATEWAY_LIFE)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let name = GATEWAY_NAME.try_into().expect("the gateway's name is ASCII");
        params.subject_alt_names = vec![SanType::DnsName(name)];
        let certificate = params.signed_by(&key, &self.issuer()?)?.der().clone();
        Ok(ServerCertificate {
            chain: vec![certificate, self.certificate.clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }

    fn issuer(&self) -> Result<Issuer<'static, &KeyPair>, PkiError> {
        Ok(Issuer::from_ca_cert_der(&self.certificate, &self.key)?)
    }
}

/// What a door shows. The agents' gateway: its certificate, then the root, which a new agent compares with the join string.
#[derive(Debug)]
pub struct ServerCertificate {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
}

/// The issuing authority of one tenant.
pub struct IssuingAuthority {
    installation: String,
    tenant: String,
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl std::fmt::Debug for IssuingAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuingAuthority").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl IssuingAuthority {
    /// Reads a stored authority.
    ///
    /// # Errors
    /// [`PkiError::Unreadable`]; [`PkiError::Foreign`] when the certificate names another tenant: rows were mixed up.
    pub fn load(
        installation: &str,
        tenant: &str,
        certificate_der: &[u8],
        key_der: &[u8],
    ) -> Result<Self, PkiError> {
        let (certificate, key) = load_pair(certificate_der, key_der)?;
        if !is_authority_of(&certificate, installation, tenant) {
            return Err(PkiError::Foreign);
        }
        Ok(Self { installation: installation.into(), tenant: tenant.into(), certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key, PKCS#8 DER, to be sealed and stored.
    pub fn key_der(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.serialize_der())
    }

    /// The tenant it signs for.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// A certificate for an agent of this tenant: the key is the request's, everything else is ours.
    ///
    /// # Errors
    /// [`PkiError::BadId`], [`PkiError::Signing`], [`PkiError::Random`].
    pub fn issue(
        &self,
        request: &CertificateRequest,
        agent: &str,
        now: UnixTime,
    ) -> Result<CertificateDer<'static>, PkiError> {
        let identity = AgentIdentity::new(&self.installation, &self.tenant, agent)?;
        let mut params = params("Atalaya agent", agent, now, LEAF_LIFE)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names = vec![san_uri(identity.to_string())?];
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &self.key)?;
        Ok(params.signed_by(request.public_key(), &issuer)?.der().clone())
    }
}

fn load_pair(certificate: &[u8], key: &[u8]) -> Result<(CertificateDer<'static>, KeyPair), PkiError> {
    let certificate = CertificateDer::from(certificate.to_vec());
    let parsed = crate::x509::parse(&certificate)?;
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key.into(), &PKCS_ECDSA_P256_SHA256)
        .map_err(|_| PkiError::Unreadable("authority key"))?;
    if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
        return Err(PkiError::Unreadable("pair of certificate and key"));
    }
    Ok((certificate, key))
}

pub(crate) fn params(
    kind: &str,
    name: &str,
    now: UnixTime,
    life: Duration,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, kind);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date(now.as_secs().saturating_sub(BACKDATE.as_secs()))?;
    params.not_after = date(now.as_secs().saturating_add(life.as_secs()))?;
    params.use_authority_key_identifier_extension = true;
    let mut serial = [0u8; 16];
    SystemRandom::new().fill(&mut serial).map_err(|_| PkiError::Random)?;
    // A serial is a positive integer (RFC 5280, 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

fn date(secs: u64) -> Result<OffsetDateTime, PkiError> {
    i64::try_from(secs)
        .ok()
        .and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok())
        .ok_or(PkiError::Unreadable("clock"))
}

fn san_uri(uri: String) -> Result<SanType, PkiError> {
    Ok(SanType::URI(uri.try_into()?))
}
