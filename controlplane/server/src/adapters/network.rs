//! Configuration, desired and observed state, jobs.

use super::{
    Edge, config, desired, jobs, observed,
    values::{count, unsigned, words},
};
use crate::gateway::{BackendError, Desired, DesiredPush, NetworkState, Session, WaitingJob};
use async_trait::async_trait;
use atalaya_kernel::{Error, ids::JobId};
use atalaya_network::{agents, devices, provisioning};
use atalaya_protocol::wire;
use prost::Message;
use sha2::{Digest, Sha256};
use std::sync::Arc;

pub(super) struct Network(pub(super) Arc<Edge>);

fn failed(error: impl Into<anyhow::Error>) -> BackendError {
    BackendError(error.into())
}

impl Network {
    async fn sealing_key(&self, session: &Session) -> Result<Vec<u8>, BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let read = async {
            let mut tx = ctx.begin_read().await?;
            devices::agent_sealing_key(&mut tx, &agent).await
        };
        let key: Result<Vec<u8>, Error> = read.await;
        key.map_err(failed)
    }
}

#[async_trait]
impl NetworkState for Network {
    async fn config(&self, session: &Session) -> Result<wire::AgentConfig, BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let config = devices::agent_config(&ctx, &agent).await.map_err(failed)?;
        config::agent_config(&config).map_err(failed)
    }

    async fn config_applied(
        &self,
        session: &Session,
        applied: wire::ConfigApplied,
    ) -> Result<(), BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let error = words(&applied.error);
        agents::config_applied(&ctx, &agent, count(applied.version), &error).await.map_err(failed)
    }

    async fn desired(&self, session: &Session, since: Option<u64>) -> Result<Desired, BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let key = self.sealing_key(session).await?;
        let after = count(since.unwrap_or(0));
        let set = provisioning::desired_since(&ctx, &agent, after).await.map_err(failed)?;
        let points = set.points.iter().map(|point| desired::desired_point(point, &key));
        let points: Vec<wire::DesiredPoint> = points.collect::<Result<_, _>>().map_err(failed)?;
        let push = if set.is_whole {
            DesiredPush::Snapshot { timeline: unsigned(set.timeline), points }
        } else {
            DesiredPush::Update(points)
        };
        Ok(Desired { version: unsigned(set.generation), push })
    }

    async fn desired_acknowledged(
        &self,
        session: &Session,
        version: u64,
        refused: Option<String>,
    ) -> Result<(), BackendError> {
        // What the agent made of each point comes in its reports; a refused push is the agent's trouble as a whole.
        if let Some(words) = refused {
            tracing::warn!(
                agent = session.identity.agent,
                version,
                words,
                "an agent could not keep desired state"
            );
        }
        Ok(())
    }

    async fn observed(&self, session: &Session, report: wire::ObservedReport) -> Result<(), BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let digest = hex::encode(Sha256::digest(report.encode_to_vec()));
        let id = count(report.report_id);
        let seen: Vec<_> = report.points.into_iter().filter_map(observed::observation).collect();
        provisioning::observed_record(&ctx, &agent, id, &digest, &seen).await.map_err(failed)
    }

    async fn jobs(&self, session: &Session) -> Result<Vec<WaitingJob>, BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let key = self.sealing_key(session).await?;
        let waiting = atalaya_network::jobs::jobs_waiting(&ctx, &agent).await.map_err(failed)?;
        waiting.iter().map(|job| jobs::job(job, &key)).collect::<Result<_, _>>().map_err(failed)
    }

    async fn job_part(&self, session: &Session, part: wire::JobPart) -> Result<(), BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let Ok(id) = part.job_id.parse::<JobId>() else {
            tracing::warn!(
                agent = session.identity.agent,
                "a part of a job that has no id of ours was dropped"
            );
            return Ok(());
        };
        let Some(content) = jobs::content(part.content) else {
            tracing::debug!(agent = session.identity.agent, job = %id, "a part of an unknown kind was dropped");
            return Ok(());
        };
        let sequence = count(part.sequence);
        atalaya_network::jobs::job_part_take(&ctx, &agent, &id, sequence, &content).await.map_err(failed)
    }

    async fn job_result(&self, session: &Session, result: wire::JobResult) -> Result<(), BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(failed)?;
        let Ok(id) = result.job_id.parse::<JobId>() else {
            tracing::warn!(
                agent = session.identity.agent,
                "a result of a job that has no id of ours was dropped"
            );
            return Ok(());
        };
        let outcome = jobs::outcome(result);
        atalaya_network::jobs::job_finish(&ctx, &agent, &id, &outcome).await.map_err(failed)
    }
}
