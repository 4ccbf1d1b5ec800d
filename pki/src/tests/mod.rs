//! Both ends together: real handshakes in memory, with clocks of our own.

mod handshake;
mod issuing;
mod joining;
mod renewing;

use std::{sync::Arc, time::Duration};

use rustls::time_provider::TimeProvider;

use crate::{
    AgentKey, CertificateDer, CertificateRequest, IssuingAuthority, Root, UnixTime, days,
    server::AuthorityDirectory,
};

/// 2026-11-22.
const NOW: u64 = 1_795_305_600;

fn at(secs: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(secs))
}

fn after(life: Duration) -> UnixTime {
    at(NOW + life.as_secs())
}

#[derive(Debug)]
struct Fixed(UnixTime);

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}

fn clock(time: UnixTime) -> Arc<dyn TimeProvider> {
    Arc::new(Fixed(time))
}

/// Tenant → its authorities' certificates, as a database would say.
#[derive(Debug)]
struct Directory {
    installation: &'static str,
    rows: Vec<(&'static str, CertificateDer<'static>)>,
}

impl AuthorityDirectory for Directory {
    fn installation(&self) -> &str {
        self.installation
    }

    fn authorities(&self, tenant: &str) -> Vec<CertificateDer<'static>> {
        self.rows.iter().filter(|(owner, _)| *owner == tenant).map(|(_, der)| der.clone()).collect()
    }
}

/// An installation with tenants `ten_a` and `ten_b`, and an agent of `ten_a`.
struct World {
    root: Root,
    a: IssuingAuthority,
    b: IssuingAuthority,
    key: AgentKey,
    leaf: CertificateDer<'static>,
}

fn world() -> World {
    let root = Root::generate("ins_1", at(NOW)).unwrap();
    let a = root.issue_authority("ten_a", at(NOW)).unwrap();
    let b = root.issue_authority("ten_b", at(NOW)).unwrap();
    let key = AgentKey::generate().unwrap();
    let leaf = a.issue(&request(&key), "agt_1", at(NOW)).unwrap();
    World { root, a, b, key, leaf }
}

impl World {
    fn directory(&self) -> Directory {
        Directory {
            installation: "ins_1",
            rows: vec![("ten_a", self.a.certificate().clone()), ("ten_b", self.b.certificate().clone())],
        }
    }
}

fn request(key: &AgentKey) -> CertificateRequest {
    CertificateRequest::parse(&key.request().unwrap()).unwrap()
}

/// A leaf's end, exactly.
fn leaf_end() -> Duration {
    days(90)
}
