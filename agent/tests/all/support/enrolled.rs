//! A state directory as enrolment and headquarters leave it, so that the program can run without either.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atalaya_agent::clock::AgentClock;
use atalaya_agent::config::{ConfigKeeper, SealingKey};
use atalaya_agent::driver::registry::Resources;
use atalaya_agent::enrol::{Enrolled, IdentityStore};
use atalaya_agent::uplink::ports::ConfigSink;
use atalaya_pki::{CertificateRequest, Root, UnixTime};
use atalaya_protocol::wire;
use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use prost::Message;

/// An identity as enrolment leaves it, of an installation that nobody runs.
pub(crate) fn enrol(state_dir: &Path) {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_793_500_000));
    let root = Root::generate("ins_test", now).unwrap();
    let authority = root.issue_authority("ten_test", now).unwrap();
    let store = IdentityStore::open(state_dir).unwrap();
    let key = store.key_or_new().unwrap();
    let request = CertificateRequest::parse(&key.request().unwrap()).unwrap();
    let certificate = authority.issue(&request, "agt_test", now).unwrap();
    store
        .keep(&Enrolled {
            installation: "ins_test".into(),
            tenant: "ten_test".into(),
            agent: "agt_test".into(),
            // The discard port: nobody answers.
            gateways: vec!["127.0.0.1:9".into()],
            certificate: certificate.to_vec(),
            roots: vec![root.certificate().to_vec()],
            confirmed_time_ms: 1_793_500_000_000,
        })
        .unwrap();
}

/// Keeps a configuration in the state directory, as headquarters' last one.
pub(crate) async fn configure(state_dir: &Path, devices: Vec<wire::DeviceConfig>) {
    let key = SealingKey::load_or_create(&state_dir.join("identity")).unwrap();
    let resources = Resources::open(Arc::new(AgentClock::start()), Default::default());
    let keeper = ConfigKeeper::open(state_dir, key, Arc::new(resources));
    let config = wire::AgentConfig { version: 3, devices, ..Default::default() };
    let applied = keeper.received(config).await;
    assert_eq!(applied.error, "");
}

/// A community, sealed to the key of this state directory.
pub(crate) fn sealed_community(state_dir: &Path, community: &str) -> bytes::Bytes {
    let community = wire::SnmpCommunity { community: community.into() };
    sealed(state_dir, wire::credentials::Kind::SnmpV2c(community))
}

/// Credentials, sealed likewise.
pub(crate) fn sealed(state_dir: &Path, kind: wire::credentials::Kind) -> bytes::Bytes {
    let key = SealingKey::load_or_create(&state_dir.join("identity")).unwrap();
    let plain = wire::Credentials { kind: Some(kind) }.encode_to_vec();
    PublicKey::from(key.public()).seal(&mut OsRng, &plain).unwrap().into()
}
