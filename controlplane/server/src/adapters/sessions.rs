//! Who is connected, and what each agent should have.

use super::{
    Edge,
    observed::finding,
    values::{count, moment, unsigned, words},
};
use crate::gateway::{BackendError, Refusal, Session, SessionGrant, Sessions, Standing, Verdict};
use anyhow::Context;
use async_trait::async_trait;
use atalaya_kernel::{Ctx, Error, ids::AgentId, time::Timestamp};
use atalaya_network::{
    agents::{
        self, BufferState, Heartbeat, Signal,
        sessions::{self, Admission, Arrival},
    },
    devices::{self, DeviceReport, DeviceState},
    provisioning::{self, Position},
};
use atalaya_pki::AgentIdentity;
use atalaya_protocol::{desired, wire};
use parking_lot::Mutex;
use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

/// Three of them fit into a lease.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Content of a configuration that no signal tells of (a site's name, a tenant's policy) is compared this often, ms.
const CONFIG_CHECK_MS: i64 = 5_000;

pub(super) struct Held {
    edge: Arc<Edge>,
    configs: Mutex<HashMap<AgentId, Checked>>,
}

/// When an agent's configuration was last compared with its tables.
#[derive(Debug, Clone, Copy)]
struct Checked {
    signal: i64,
    at: Timestamp,
    version: i64,
}

impl Held {
    pub(super) fn new(edge: Arc<Edge>) -> Self {
        Self { edge, configs: Mutex::default() }
    }

    async fn config_version(&self, ctx: &Ctx, agent: &AgentId, signal: i64) -> Result<i64, Error> {
        let now = ctx.now();
        let known = self.configs.lock().get(agent).copied();
        let fresh =
            known.filter(|known| known.signal == signal && known.at.plus_millis(CONFIG_CHECK_MS) > now);
        if let Some(fresh) = fresh {
            return Ok(fresh.version);
        }
        let version = devices::agent_config_peek(ctx, agent).await?;
        self.configs.lock().insert(agent.clone(), Checked { signal, at: now, version });
        Ok(version)
    }

    async fn standing(&self, session: &Session, signal: Option<&Signal>) -> Result<Standing, BackendError> {
        let close = |reason, detail: &str| Standing {
            verdict: Verdict::Close(refusal(reason, detail, 0)),
            config_version: 0,
            desired_version: 0,
            has_jobs: false,
        };
        let Some(signal) = signal.filter(|signal| unsigned(signal.epoch) == session.epoch) else {
            return Ok(close(
                wire::GoodbyeReason::Superseded,
                "a newer connection of this agent was taken in",
            ));
        };
        if signal.revoked {
            return Ok(close(wire::GoodbyeReason::Revoked, "this agent was revoked"));
        }
        let (ctx, agent) = self.edge.ctx(&session.identity).map_err(anyhow::Error::from)?;
        let config = self.config_version(&ctx, &agent, signal.config).await.map_err(anyhow::Error::from)?;
        Ok(Standing {
            verdict: Verdict::Alive,
            config_version: unsigned(config),
            desired_version: unsigned(signal.generation),
            has_jobs: signal.has_jobs,
        })
    }

    async fn signals(&self) -> Result<HashMap<String, Signal>, Error> {
        let signals = agents::signals(&self.edge.runtime, &self.edge.instance).await?;
        Ok(signals.into_iter().map(|signal| (signal.agent_id.to_string(), signal)).collect())
    }
}

fn refusal(reason: wire::GoodbyeReason, detail: &str, retry_after_ms: u64) -> Refusal {
    Refusal { reason, detail: detail.to_owned(), retry_after: Duration::from_millis(retry_after_ms) }
}

fn failed(error: &anyhow::Error) -> Refusal {
    tracing::error!("an agent could not be admitted: {error:#}");
    refusal(wire::GoodbyeReason::Draining, "the control plane failed: come back in a moment", 5_000)
}

#[async_trait]
impl Sessions for Held {
    async fn hello(
        &self,
        identity: &AgentIdentity,
        from: IpAddr,
        hello: &wire::Hello,
    ) -> Result<SessionGrant, Refusal> {
        let not_ours = |detail: String| refusal(wire::GoodbyeReason::NotEnrolled, &detail, 60_000);
        let (ctx, agent) = self.edge.ctx(identity).map_err(|error| not_ours(error.to_string()))?;
        let arrival = Arrival {
            agent: agent.clone(),
            instance: self.edge.instance.clone(),
            run_id: hex::encode(&hello.run_id),
            version: words(&hello.agent_version),
            sealing_key: hello.sealing_key.to_vec(),
            config_version: count(hello.config_version),
        };
        let admission =
            sessions::session_open(&ctx, &arrival).await.map_err(|error| failed(&error.into()))?;
        let epoch = match admission {
            Admission::Open(epoch) => epoch,
            Admission::Revoked => {
                return Err(refusal(wire::GoodbyeReason::Revoked, "this agent was revoked", 3_600_000));
            }
            Admission::Unknown => {
                return Err(not_ours("this agent is not known here: enrol it anew".to_owned()));
            }
        };
        tracing::info!(%agent, %from, epoch, "agent connected");
        let grant = self.grant(&ctx, &agent, identity, hello, epoch).await;
        grant.map_err(|error| failed(&error))
    }

    async fn poll(&self, sessions: &[Session]) -> Result<Vec<Standing>, BackendError> {
        let signals = self.signals().await.map_err(anyhow::Error::from)?;
        let mut standings = Vec::with_capacity(sessions.len());
        for session in sessions {
            standings.push(self.standing(session, signals.get(&session.identity.agent)).await?);
        }
        Ok(standings)
    }

    async fn heartbeat(&self, session: &Session, beat: wire::Heartbeat) -> Result<(), BackendError> {
        let (ctx, agent) = self.edge.ctx(&session.identity).map_err(anyhow::Error::from)?;
        let (kept, reports) =
            (heartbeat(&beat), beat.devices.into_iter().filter_map(report).collect::<Vec<_>>());
        let recorded = async {
            // A session that was taken over has nothing more to say; the poll ends it.
            let standing = sessions::session_renew(&ctx, &agent, count(session.epoch)).await?;
            if standing != sessions::Standing::Valid {
                return Ok(());
            }
            agents::heartbeat_record(&ctx, &agent, &kept).await?;
            devices::device_states_record(&ctx, &agent, &reports).await
        };
        recorded.await.context("heartbeat").map_err(BackendError::from)
    }

    async fn duplicated(&self, session: &Session) {
        let Ok((ctx, agent)) = self.edge.ctx(&session.identity) else { return };
        if let Err(error) = sessions::session_duplicated(&ctx, &agent).await {
            tracing::warn!(%agent, %error, "two machines have one identity, and it could not be recorded");
        }
    }

    async fn ended(&self, session: &Session) {
        let Ok((ctx, agent)) = self.edge.ctx(&session.identity) else { return };
        if let Err(error) = sessions::session_close(&ctx, &agent, count(session.epoch)).await {
            // The lease runs out by itself.
            tracing::warn!(%agent, %error, "the end of a session could not be kept");
        }
    }
}

impl Held {
    async fn grant(
        &self,
        ctx: &Ctx,
        agent: &AgentId,
        identity: &AgentIdentity,
        hello: &wire::Hello,
        epoch: i64,
    ) -> anyhow::Result<SessionGrant> {
        let highest = hello.highest_order.unwrap_or_default();
        let highest = Position { timeline: count(highest.timeline), generation: count(highest.generation) };
        let held = provisioning::timeline_check(ctx, agent, highest).await?;
        let ours = desired::digest(held.points.iter().map(|(point, at)| {
            (
                point.as_str(),
                wire::Order { timeline: unsigned(at.timeline), generation: unsigned(at.generation) },
            )
        }));
        let same = ours[..] == hello.desired_digest[..];
        let session = Session { identity: identity.clone(), epoch: unsigned(epoch) };
        let signals = self.signals().await?;
        Ok(SessionGrant {
            epoch: unsigned(epoch),
            timeline: unsigned(held.timeline),
            heartbeat_interval: HEARTBEAT,
            standing: self.standing(&session, signals.get(&identity.agent)).await?,
            desired_held: if same { unsigned(held.generation) } else { 0 },
        })
    }
}

fn heartbeat(beat: &wire::Heartbeat) -> Heartbeat {
    Heartbeat {
        backlog_batches: count(beat.backlog_batches),
        backlog_bytes: count(beat.backlog_bytes),
        oldest_unsent_at: moment(beat.oldest_unsent_ms),
        buffer_state: match beat.buffer_state() {
            wire::BufferState::Unspecified => None,
            wire::BufferState::Ok => Some(BufferState::Ok),
            wire::BufferState::DiskFull => Some(BufferState::DiskFull),
            wire::BufferState::ReadOnly => Some(BufferState::ReadOnly),
            wire::BufferState::Quarantined => Some(BufferState::Quarantined),
        },
        evicted_samples: count(beat.evicted_samples),
        clock_offset_ms: beat.clock_offset_ms,
        cuts_held_reason: words(&beat.cuts_held_reason),
    }
}

/// None for a device id that is not one.
fn report(state: wire::DeviceState) -> Option<DeviceReport> {
    Some(DeviceReport {
        device_id: state.device_id.parse().ok()?,
        state: match state.reachability() {
            wire::Reachability::Unspecified => DeviceState::Unknown,
            wire::Reachability::Answers => DeviceState::Answers,
            wire::Reachability::Silent => DeviceState::Silent,
            wire::Reachability::Refuses => DeviceState::Refuses,
        },
        detail: words(&state.detail),
        finding: state.finding.as_ref().map(finding),
        since: Timestamp::from_millis(state.since_ms),
        last_answer_at: moment(state.last_answer_ms),
        model: words(&state.model),
        firmware: words(&state.version),
        serial: words(&state.serial),
        identity: words(&state.identity),
        uptime_ms: count(state.uptime_ms),
    })
}
