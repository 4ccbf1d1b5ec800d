use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SanType};

use super::*;
use crate::{AgentIdentity, PkiError, Token, TokenHash, server::verify_leaf, validity};

#[test]
fn a_leaf_is_known_lives_90_days_and_starts_a_little_before() {
    let world = world();
    let identity = verify_leaf(&world.directory(), &world.leaf, at(NOW)).unwrap();
    assert_eq!(identity, AgentIdentity::new("ins_1", "ten_a", "agt_1").unwrap());
    let validity = validity(&world.leaf).unwrap();
    assert_eq!(validity.not_after, after(leaf_end()));
    assert!(validity.not_before.as_secs() < NOW);
}

/// What a request asks for is not what its sender gets.
#[test]
fn a_request_that_names_another_tenant_gets_its_own() {
    let world = world();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "agt_of_b");
    params.subject_alt_names = vec![SanType::URI("atalaya://ins_1/ten_b/agt_9".try_into().unwrap())];
    let der = params.serialize_request(&key).unwrap().der().to_vec();
    let leaf = world.a.issue(&CertificateRequest::parse(&der).unwrap(), "agt_1", at(NOW)).unwrap();
    let identity = verify_leaf(&world.directory(), &leaf, at(NOW)).unwrap();
    assert_eq!(identity.to_string(), "atalaya://ins_1/ten_a/agt_1");
    let subject = crate::x509::parse(&leaf).unwrap().subject().to_string();
    assert!(!subject.contains("agt_of_b"), "{subject}");
}

/// The database says that B's tenant is signed by A's authority: rows were mixed up, or someone did it.
#[test]
fn an_authority_filed_under_another_tenant_signs_nothing() {
    let world = world();
    let mixed = Directory { installation: "ins_1", rows: vec![("ten_a", world.b.certificate().clone())] };
    assert!(matches!(verify_leaf(&mixed, &world.leaf, at(NOW)), Err(PkiError::Foreign)));
    let loaded = IssuingAuthority::load("ins_1", "ten_b", world.a.certificate().as_ref(), &world.a.key_der());
    assert!(matches!(loaded, Err(PkiError::Foreign)));
}

/// A stolen authority of tenant A signs a leaf that names tenant B: B's authorities alone judge it.
#[test]
fn a_leaf_that_names_another_tenant_than_its_signers_is_refused() {
    let world = world();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI("atalaya://ins_1/ten_b/agt_1".try_into().unwrap())];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let signer = KeyPair::try_from(world.a.key_der().as_slice()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_der(world.a.certificate(), signer).unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap().der().clone();
    assert!(matches!(verify_leaf(&world.directory(), &leaf, at(NOW)), Err(PkiError::Untrusted(_))));
}

#[test]
fn another_installation_and_an_unknown_tenant_are_foreign() {
    let world = world();
    let elsewhere = Directory { installation: "ins_2", ..world.directory() };
    assert!(matches!(verify_leaf(&elsewhere, &world.leaf, at(NOW)), Err(PkiError::Foreign)));
    let empty = Directory { installation: "ins_1", rows: vec![] };
    assert!(matches!(verify_leaf(&empty, &world.leaf, at(NOW)), Err(PkiError::Foreign)));
}

#[test]
fn authorities_survive_storage() {
    let world = world();
    let root = Root::load("ins_1", world.root.certificate().as_ref(), &world.root.key_der()).unwrap();
    assert_eq!(root.fingerprint(), world.root.fingerprint());
    let a =
        IssuingAuthority::load("ins_1", "ten_a", world.a.certificate().as_ref(), &world.a.key_der()).unwrap();
    let leaf = a.issue(&request(&world.key), "agt_2", at(NOW)).unwrap();
    verify_leaf(&world.directory(), &leaf, at(NOW)).unwrap();
    let mixed = Root::load("ins_1", world.root.certificate().as_ref(), &world.a.key_der());
    assert!(matches!(mixed, Err(PkiError::Unreadable(_))), "a key that is not the certificate's");
}

#[test]
fn requests_must_be_signed_by_their_own_p256_key() {
    let key = AgentKey::generate().unwrap();
    let der = key.request().unwrap();
    assert_eq!(CertificateRequest::parse(&der).unwrap().public_key_hash(), key.public_key_hash());

    let mut tampered = der.clone();
    *tampered.last_mut().unwrap() ^= 1;
    assert!(CertificateRequest::parse(&tampered).is_err());
    assert!(matches!(CertificateRequest::parse(&der[..der.len() - 1]), Err(PkiError::Unreadable(_))));
    assert!(matches!(CertificateRequest::parse(&vec![0x30; 10_000]), Err(PkiError::Unreadable(_))));

    let edwards = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let der = CertificateParams::default().serialize_request(&edwards).unwrap().der().to_vec();
    assert!(matches!(CertificateRequest::parse(&der), Err(PkiError::KeyKind)));
}

#[test]
fn ids_that_could_forge_a_uri_are_refused() {
    for id in ["", "a/b", "ten a", "tené", "a\0b", &"x".repeat(129)] {
        assert!(matches!(AgentIdentity::new("ins_1", "ten_a", id), Err(PkiError::BadId(_))), "{id:?}");
    }
    let world = world();
    assert!(world.root.issue_authority("ten_a/agt_1", at(NOW)).is_err());
    assert!(world.a.issue(&request(&world.key), "agt_1/x", at(NOW)).is_err());
}

#[test]
fn keys_survive_storage_and_derive_the_same_secrets() {
    let key = AgentKey::generate().unwrap();
    let again = AgentKey::from_pem(&key.to_pem()).unwrap();
    assert_eq!(again.public_key_hash(), key.public_key_hash());
    assert_eq!(again.derive("sealing"), key.derive("sealing"));
    assert_ne!(key.derive("sealing"), key.derive("config"));
    assert!(matches!(AgentKey::from_pem("-----BEGIN nothing"), Err(PkiError::Unreadable(_))));
}

#[test]
fn tokens_differ_and_only_their_hash_is_needed() {
    let (one, two) = (Token::generate().unwrap(), Token::generate().unwrap());
    assert_ne!(one.reveal(), two.reveal());
    let stored = TokenHash::from_bytes(*one.hash().as_bytes());
    assert_eq!(stored, TokenHash::of(one.reveal()));
    assert_ne!(stored, TokenHash::of(two.reveal()));
    assert!(!format!("{one:?}").contains(one.reveal()));
}
