//! The gateway's backend over the domains: wire messages become domain calls here, and only here.
//!
//! One file per concern: [`authorities`] (keys and the handshake's directory), `certificate`, `enrol`, `sessions`, `telemetry`,
//! `network` with its mappings `config`, `desired`, `observed`, `jobs`, and `joins`; beside them `transit`, which
//! wraps keys, `s3`, which keeps blobs and copies, `smtp`, which hands messages to a mail server, `collector`, which hands spans to a collector,
//! `acme`, which issues the web's certificate, and, behind `guarded`, `issuer`, by which people log in, and `push`, by which
//! browsers are reached. Who an agent is comes from its
//! certificate; a call acts for that agent in that tenant and for nobody else.

mod acme;
mod authorities;
mod certificate;
mod collector;
mod config;
mod desired;
mod enrol;
mod guarded;
mod issuer;
mod jobs;
mod joins;
mod network;
mod observed;
mod outside;
mod push;
mod s3;
mod sealing;
mod sessions;
mod smtp;
mod telemetry;
mod transit;
mod values;

pub(crate) use acme::{Authority, jitter};
pub use authorities::{Authorities, PkiClock};
pub use certificate::keep_certificate_fresh;
pub(crate) use collector::{Collector, Said};
pub use issuer::Issuing;
pub use joins::GatewayJoins;
pub use push::Pushing;
pub(crate) use s3::Client as S3Client;
pub use s3::{S3Settings, S3Store};
pub use smtp::Smtp;
pub use transit::{Transit, TransitSettings};

use crate::gateway::{Backend, SessionRegistry};
use atalaya_kernel::{
    Ctx, Permissions, Principal, Scope,
    ids::{AgentId, TenantId},
    runtime::Runtime,
    secrets::random_token,
};
use atalaya_metrics::MetricStore;
use atalaya_pki::AgentIdentity;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What all adapters share.
pub(crate) struct Edge {
    runtime: Arc<Runtime>,
    authorities: Arc<Authorities>,
    metrics: Arc<dyn MetricStore>,
    /// This process, among several on one database.
    instance: String,
}

/// The gateway's backend over the domains.
pub fn backend(
    runtime: Arc<Runtime>,
    authorities: Arc<Authorities>,
    metrics: Arc<dyn MetricStore>,
) -> Backend {
    let edge = Arc::new(Edge { runtime, authorities, metrics, instance: random_token() });
    Backend {
        enrolment: Arc::new(enrol::Enrolling(edge.clone())),
        sessions: Arc::new(sessions::Held::new(edge.clone())),
        telemetry: Arc::new(telemetry::Measured(edge.clone())),
        network: Arc::new(network::Network(edge)),
    }
}

/// An identity whose ids are not ours: signed by us it cannot be, unless another program used our key.
#[derive(Debug, thiserror::Error)]
#[error("the certificate names {0}, which is no id of ours")]
pub(crate) struct ForeignIdentity(String);

impl Edge {
    /// The context of an agent's call.
    fn ctx(&self, identity: &AgentIdentity) -> Result<(Ctx, AgentId), ForeignIdentity> {
        let foreign = || ForeignIdentity(identity.to_string());
        let tenant: TenantId = identity.tenant.parse().map_err(|_| foreign())?;
        let agent: AgentId = identity.agent.parse().map_err(|_| foreign())?;
        let db = self.runtime.tenant(tenant);
        let principal = Principal::Agent(agent.clone());
        Ok((Ctx::new(db, principal, Permissions::All, Scope::All, "gateway"), agent))
    }
}

/// Tells the gateway's sessions to look as soon as something was committed here, so that a payment reaches a router in
/// well under a second; and keeps the directory of authorities up to date with other processes. What a hint misses, the
/// gateway's own poll finds.
///
/// # Errors
/// The database's, when it stays away.
pub async fn follow(
    runtime: Arc<Runtime>,
    authorities: Arc<Authorities>,
    registry: Arc<SessionRegistry>,
    stop: CancellationToken,
) -> Result<(), atalaya_kernel::Error> {
    const REFRESH: Duration = Duration::from_secs(2);
    let mut refresh = tokio::time::interval(REFRESH);
    refresh.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        let rung = runtime.committed.notified();
        tokio::select! {
            () = rung => registry.hint(),
            _ = refresh.tick() => {
                authorities.refresh().await?;
                // A bell that rang meanwhile was not heard.
                registry.hint();
            }
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
