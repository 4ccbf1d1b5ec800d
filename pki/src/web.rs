//! Certificates of the web's door, which browsers judge by public authorities or by what a person told them to trust.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rcgen::{ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType};
use rustls::{
    ServerConfig,
    pki_types::pem::PemObject,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use x509_parser::extensions::GeneralName;
use zeroize::Zeroizing;

use crate::{
    CertificateDer, PkiError, PrivateKeyDer, ServerCertificate, UnixTime,
    authority::params,
    days,
    server::{ShownCertificate, provider},
};

/// What browsers accept of a certificate that no public authority signed: Apple's refuse a longer life.
const SELF_MADE_LIFE: Duration = days(397);

/// A chain and its key as files hold them.
pub struct Pem {
    /// Certificates, the leaf first.
    pub chain: String,
    /// PKCS#8.
    pub key: Zeroizing<String>,
}

/// A certificate that this machine signs itself, for the host names and addresses by which browsers reach it.
///
/// # Errors
/// A name that is none, [`PkiError::Signing`], [`PkiError::Random`].
pub fn self_made(names: &[String], now: UnixTime) -> Result<Pem, PkiError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let first = names.first().map_or("localhost", String::as_str);
    let mut params = params("Atalaya, self-made", first, now, SELF_MADE_LIFE)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        });
    }
    let certificate = params.self_signed(&key)?;
    Ok(Pem { chain: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
}

/// Reads a chain and its key; the key may be PKCS#8, SEC1 or PKCS#1.
///
/// # Errors
/// [`PkiError::Unreadable`].
pub fn read(chain: &[u8], key: &[u8]) -> Result<ServerCertificate, PkiError> {
    let unreadable = |_| PkiError::Unreadable("certificate chain");
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(unreadable)?;
    if chain.is_empty() {
        return Err(PkiError::Unreadable("certificate chain"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PkiError::Unreadable("key"))?;
    Ok(ServerCertificate { chain, key })
}

/// The host names and addresses that the leaf of a chain is for, as they are written in it; none where it cannot be read.
pub fn names(certificate: &ServerCertificate) -> Vec<String> {
    let Some(leaf) = certificate.chain.first() else { return Vec::new() };
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(leaf) else { return Vec::new() };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return Vec::new() };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
                .ok()
                .map(|address| address.to_string())
        }
        _ => None,
    };
    names.value.general_names.iter().filter_map(text).collect()
}

/// One certificate for everybody, but for the host names that have one of their own.
#[derive(Debug)]
pub struct ShownByName {
    usual: Arc<ShownCertificate>,
    others: RwLock<HashMap<String, Arc<ShownCertificate>>>,
}

impl ShownByName {
    /// Only the usual one yet.
    pub fn new(usual: Arc<ShownCertificate>) -> Arc<Self> {
        Arc::new(Self { usual, others: RwLock::default() })
    }

    /// Shows another one to whoever asks for a host name, from now on. The name is in lower case.
    ///
    /// # Errors
    /// [`PkiError::Tls`] when certificate and key do not fit; what was shown stays.
    pub fn show(&self, name: &str, certificate: ServerCertificate) -> Result<(), PkiError> {
        let shown = ShownCertificate::new(certificate)?;
        self.others.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), shown);
        Ok(())
    }

    /// Shows the usual one for a host name again.
    pub fn forget(&self, name: &str) {
        self.others.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// What is shown to whoever asks for a host name, or for none.
    pub fn of(&self, name: Option<&str>) -> Arc<ShownCertificate> {
        let others = self.others.read().unwrap_or_else(PoisonError::into_inner);
        name.and_then(|name| others.get(&name.to_ascii_lowercase())).unwrap_or(&self.usual).clone()
    }
}

impl ResolvesServerCert for ShownByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.of(hello.server_name());
        shown.resolve(hello)
    }
}

/// TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1. `time` is the control plane's clock.
///
/// # Errors
/// [`PkiError::Tls`].
pub fn config(
    shown: Arc<dyn ResolvesServerCert>,
    time: Arc<dyn TimeProvider>,
) -> Result<ServerConfig, PkiError> {
    let mut config = ServerConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(PkiError::Tls)?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validity;

    #[test]
    fn a_self_made_certificate_is_read_back_and_names_what_it_should() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let names = ["atalaya.isp.example", "192.0.2.7", "2001:db8::7"].map(str::to_owned);
        let pem = self_made(&names, now).unwrap();
        let read = read(pem.chain.as_bytes(), pem.key.as_bytes()).unwrap();
        assert_eq!(super::names(&read), names);
        let life = validity(&read.chain[0]).unwrap();
        assert!(life.not_before < now && now < life.not_after);
        let certificate = rustls::pki_types::ServerName::try_from("192.0.2.7").unwrap();
        let parsed = rustls::server::ParsedCertificate::try_from(&read.chain[0]).unwrap();
        rustls::client::verify_server_name(&parsed, &certificate).unwrap();
        ShownCertificate::new(read).unwrap();
        assert!(self_made(&["ni\u{f1}o".to_owned()], now).is_err(), "a name is written in ASCII");
    }

    #[test]
    fn a_name_with_a_certificate_of_its_own_is_shown_that_one() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let made = |name: &str| {
            let pem = self_made(&[name.to_owned()], now).unwrap();
            read(pem.chain.as_bytes(), pem.key.as_bytes()).unwrap()
        };
        let usual = ShownCertificate::new(made("usual.example")).unwrap();
        let by_name = ShownByName::new(usual.clone());
        let is_usual = |name: Option<&str>| Arc::ptr_eq(&by_name.of(name), &usual);
        by_name.show("red.example", made("red.example")).unwrap();
        assert!(!is_usual(Some("red.example")) && !is_usual(Some("RED.example")));
        assert!(is_usual(None) && is_usual(Some("other.example")));
        let wrong = ServerCertificate { chain: made("red.example").chain, key: made("x.example").key };
        assert!(by_name.show("other.example", wrong).is_err());
        assert!(is_usual(Some("other.example")));
        by_name.forget("red.example");
        assert!(is_usual(Some("red.example")));
    }

    #[test]
    fn files_that_are_none_are_refused_by_name() {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        let pem = self_made(&["a.example".to_owned()], now).unwrap();
        let other = self_made(&["b.example".to_owned()], now).unwrap();
        assert!(read(b"", pem.key.as_bytes()).unwrap_err().to_string().contains("chain"));
        assert!(read(pem.chain.as_bytes(), b"nothing").unwrap_err().to_string().contains("key"));
        let mixed = read(pem.chain.as_bytes(), other.key.as_bytes()).unwrap();
        assert!(ShownCertificate::new(mixed).is_err(), "a key of another certificate");
    }
}
