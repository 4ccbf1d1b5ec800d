//! The gateway's backend over the rows in memory.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use atalaya_kernel::time::Clock;
use atalaya_metrics::{
    AgentKey as MetricsAgent, Batch, BatchIdentity, Column, Epoch, MetricStore, SeriesId, StoreError,
    TenantKey,
};
use atalaya_pki::{
    AgentIdentity, CertificateDer, CertificateRequest, PkiError, TokenHash, renewal,
    server::AuthorityDirectory,
};
use atalaya_protocol::wire;
use atalaya_server::gateway::{
    AppendError, BackendError, Desired, DesiredPush, Enrolment, NetworkState, ReceivedBatch, Refusal,
    Session, SessionGrant, Sessions, Standing, Telemetry, Verdict, WaitingJob, series_spec,
};

use super::headquarters::{AGENT, State, TENANT, TokenUse, unix};

fn refused(code: wire::EnrollErrorCode, detail: &str) -> wire::EnrollError {
    wire::EnrollError { code: code.into(), detail: detail.into(), retry_after_ms: 0 }
}

impl AuthorityDirectory for State {
    fn installation(&self) -> &str {
        "ins_1"
    }

    fn authorities(&self, tenant: &str) -> Vec<CertificateDer<'static>> {
        if tenant == TENANT { vec![self.authority.certificate().clone()] } else { vec![] }
    }
}

#[async_trait]
impl Enrolment for State {
    async fn enroll(
        &self,
        _from: IpAddr,
        request: wire::EnrollRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError> {
        let csr = CertificateRequest::parse(&request.csr_der)
            .map_err(|error| refused(wire::EnrollErrorCode::BadRequest, &error.to_string()))?;
        let mut rows = self.rows.lock();
        let token = rows
            .tokens
            .get_mut(TokenHash::of(&request.token).as_bytes())
            .ok_or_else(|| refused(wire::EnrollErrorCode::TokenUnknown, "unknown token"))?;
        let used =
            token.get_or_insert_with(|| TokenUse { key: csr.public_key_hash(), leaf: self.sign(&csr) });
        if used.key == csr.public_key_hash() {
            Ok(self.issued(&used.leaf))
        } else {
            Err(refused(wire::EnrollErrorCode::TokenUsed, "this token was used by another agent"))
        }
    }

    async fn renew(
        &self,
        _from: IpAddr,
        request: wire::RenewRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError> {
        let old = CertificateDer::from(request.old_certificate_der.to_vec());
        let now = unix(self.clock.now().as_millis());
        match renewal::verify(self, &old, &request.csr_der, &request.proof, now) {
            Ok(_) if self.rows.lock().revoked.contains(AGENT) => {
                Err(refused(wire::EnrollErrorCode::Revoked, "revoked"))
            }
            Ok((_, csr)) => Ok(self.issued(&self.sign(&csr))),
            Err(error @ PkiError::GraceOver) => {
                Err(refused(wire::EnrollErrorCode::GraceOver, &error.to_string()))
            }
            Err(error) => Err(refused(wire::EnrollErrorCode::BadRequest, &error.to_string())),
        }
    }
}

#[async_trait]
impl Sessions for State {
    async fn hello(
        &self,
        agent: &AgentIdentity,
        _from: IpAddr,
        hello: &wire::Hello,
    ) -> Result<SessionGrant, Refusal> {
        assert_eq!(agent.agent, AGENT);
        let mut rows = self.rows.lock();
        rows.epoch += 1;
        rows.hellos.push(hello.clone());
        let epoch = rows.epoch;
        let standing = self.standing(&rows, epoch);
        if let Verdict::Close(refusal) = standing.verdict {
            return Err(refusal);
        }
        let held =
            rows.desired.iter().map(|point| (point.point_id.as_str(), point.order.unwrap_or_default()));
        let same = hello.desired_digest[..] == atalaya_protocol::desired::digest(held);
        let desired_held = if same { rows.desired_version } else { 0 };
        let heartbeat_interval = Duration::from_millis(500);
        Ok(SessionGrant { epoch, timeline: 1, heartbeat_interval, standing, desired_held })
    }

    async fn poll(&self, sessions: &[Session]) -> Result<Vec<Standing>, BackendError> {
        let rows = self.rows.lock();
        Ok(sessions.iter().map(|session| self.standing(&rows, session.epoch)).collect())
    }

    async fn duplicated(&self, session: &Session) {
        self.rows.lock().duplicated.push(session.epoch);
    }

    async fn heartbeat(&self, _session: &Session, heartbeat: wire::Heartbeat) -> Result<(), BackendError> {
        self.rows.lock().heartbeats.push(heartbeat);
        Ok(())
    }

    async fn ended(&self, _session: &Session) {}
}

#[async_trait]
impl Telemetry for State {
    async fn register(
        &self,
        session: &Session,
        entries: &[wire::SeriesEntry],
    ) -> Result<Vec<Option<SeriesId>>, BackendError> {
        let tenant = TenantKey::new(&session.identity.tenant).unwrap();
        let mut ids = Vec::new();
        for entry in entries {
            ids.push(match series_spec(session, Some("sit_1"), entry) {
                Some(spec) => Some(self.metrics.register(&tenant, &[spec]).await.unwrap()[0]),
                None => None,
            });
        }
        Ok(ids)
    }

    async fn append(&self, session: &Session, batch: &ReceivedBatch) -> Result<u64, AppendError> {
        self.available()?;
        let columns: Vec<Column<'_>> = batch
            .columns
            .iter()
            .map(|column| Column {
                series: column.series,
                times: &column.timestamps_ms,
                values: &column.values,
                marks: &[],
            })
            .collect();
        let identity = BatchIdentity {
            agent: MetricsAgent::new(&session.identity.agent).unwrap(),
            epoch: Epoch(batch.epoch),
            sequence: batch.sequence,
        };
        let tenant = TenantKey::new(&session.identity.tenant).unwrap();
        match self.metrics.append(&tenant, Batch { identity, columns: &columns }).await {
            Ok(ack) => {
                self.rows.lock().appended.push(batch.sequence);
                Ok(ack.quarantined)
            }
            Err(StoreError::UnknownSeries) => Err(AppendError::UnknownSeries),
            Err(StoreError::MalformedBatch(reason)) => Err(AppendError::Malformed(reason.into())),
            Err(error) => Err(AppendError::Backend(anyhow::Error::from(error).into())),
        }
    }
}

#[async_trait]
impl NetworkState for State {
    async fn config(&self, _session: &Session) -> Result<wire::AgentConfig, BackendError> {
        self.available()?;
        Ok(self.rows.lock().config.clone())
    }

    async fn config_applied(
        &self,
        _session: &Session,
        applied: wire::ConfigApplied,
    ) -> Result<(), BackendError> {
        self.rows.lock().configs_applied.push(applied);
        Ok(())
    }

    async fn desired(&self, _session: &Session, since: Option<u64>) -> Result<Desired, BackendError> {
        self.available()?;
        let rows = self.rows.lock();
        let points = rows.desired.clone();
        let push = match since {
            None => DesiredPush::Snapshot { timeline: 1, points },
            Some(since) => DesiredPush::Update(
                points
                    .into_iter()
                    .filter(|point| point.order.unwrap_or_default().generation > since)
                    .collect(),
            ),
        };
        Ok(Desired { version: rows.desired_version, push })
    }

    async fn desired_acknowledged(
        &self,
        _session: &Session,
        version: u64,
        refused: Option<String>,
    ) -> Result<(), BackendError> {
        self.rows.lock().desired_acknowledged.push((version, refused));
        Ok(())
    }

    async fn observed(&self, _session: &Session, report: wire::ObservedReport) -> Result<(), BackendError> {
        self.available()?;
        self.rows.lock().observed.push(report);
        Ok(())
    }

    async fn jobs(&self, _session: &Session) -> Result<Vec<WaitingJob>, BackendError> {
        let rows = self.rows.lock();
        let waiting = rows
            .jobs
            .iter()
            .map(|job| WaitingJob { job: job.clone(), cancelled: rows.jobs_cancelled.contains(&job.job_id) });
        Ok(waiting.collect())
    }

    async fn job_part(&self, _session: &Session, part: wire::JobPart) -> Result<(), BackendError> {
        self.available()?;
        self.rows.lock().job_parts.push(part);
        Ok(())
    }

    async fn job_result(&self, _session: &Session, result: wire::JobResult) -> Result<(), BackendError> {
        self.available()?;
        let mut rows = self.rows.lock();
        rows.jobs.retain(|job| job.job_id != result.job_id);
        rows.job_results.push(result);
        Ok(())
    }
}
