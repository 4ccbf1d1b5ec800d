//! Ping and traceroute from a device, asked for by a person and told as they come.

use super::{
    DIAGNOSE, Finding, JobKind, JobOrder, JobRow, JobStatus,
    output::{self, JobPart},
    service::{self, Times},
    store,
};
use crate::devices::{self, DeviceKind};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{DeviceId, JobId},
    text_enum,
    time::Timestamp,
    write_tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::net::IpAddr;
use utoipa::ToSchema;

/// An order that nobody fetched within this is not started any more, ms: who asked is no longer looking.
const START_WITHIN_MS: i64 = 30_000;
/// What the way to the device and the last answer may take beside the echoes themselves, ms.
const SLACK_MS: i64 = 20_000;
/// A request that nobody answers takes a second, and so does the pause to the next, ms.
const A_REQUEST_MS: i64 = 2_000;
/// No order runs longer, ms.
const LONGEST_MS: i64 = 600_000;
/// Hops that a device tries when nobody says.
const USUAL_HOPS: i64 = 30;

text_enum! {
    /// What is done from a device.
    pub enum DiagnosisKind {
        /// Echo requests.
        Ping = "ping",
        /// The way to an address.
        Traceroute = "traceroute",
    }
}

/// What to do from a device.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDiagnosis {
    /// What is done.
    pub kind: DiagnosisKind,
    /// IP address; no name, for the device would ask a resolver of its own.
    #[schema(example = "10.64.1.7")]
    pub address: String,
    /// Echo requests, 1 to 100, or rounds, 1 to 20; 4 echoes or 3 rounds when absent.
    pub count: Option<i64>,
    /// Bytes of an echo request, 28 to 65535; the device's own when absent. Only of a ping.
    pub size: Option<i64>,
    /// Most hops, 1 to 64; the device's own when absent. Only of a traceroute.
    pub max_hops: Option<i64>,
}

/// A ping or a traceroute, and where it stands. What it says is read beside it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Diagnosis {
    /// Which.
    pub id: JobId,
    /// From which device.
    pub device_id: DeviceId,
    /// What is done.
    pub kind: DiagnosisKind,
    /// IP address.
    #[schema(example = "10.64.1.7")]
    pub address: String,
    /// Echo requests or rounds.
    #[schema(example = 4)]
    pub count: i64,
    /// Where it stands.
    pub status: JobStatus,
    /// Whether somebody asked to stop it; the status says what came of that.
    pub stopping: bool,
    /// Why it ended otherwise than it should.
    #[schema(example = "")]
    pub detail: String,
    /// What `detail` says; none when there is nothing to say.
    pub finding: Option<Finding>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it is given up.
    pub deadline_at: Timestamp,
}

/// The order of a request, and how long it may run, ms.
fn order_of(device_id: &DeviceId, new: &NewDiagnosis) -> Result<(JobOrder, i64), Error> {
    let (most, usual) = match new.kind {
        DiagnosisKind::Ping => (100, 4),
        DiagnosisKind::Traceroute => (20, 3),
    };
    let count = new.count.unwrap_or(usual);
    let address = new.address.trim().parse::<IpAddr>();
    let is_ping = new.kind == DiagnosisKind::Ping;
    let mut validation = Validation::new();
    validation
        .check(
            address.as_ref().is_ok_and(|address| !address.is_unspecified()),
            "/address",
            "malformed",
            "an IP address such as 10.64.1.7",
        )
        .check((1..=most).contains(&count), "/count", "out_of_range", "1 to 100 echoes, 1 to 20 rounds")
        .check(
            new.size.is_none_or(|size| is_ping && (28..=65_535).contains(&size)),
            "/size",
            "out_of_range",
            "28 to 65535 bytes, of a ping alone",
        )
        .check(
            new.max_hops.is_none_or(|hops| !is_ping && (1..=64).contains(&hops)),
            "/max_hops",
            "out_of_range",
            "1 to 64 hops, of a traceroute alone",
        );
    validation.finish()?;
    let address = address.map_err(Error::internal)?;
    let device_id = device_id.clone();
    Ok(match new.kind {
        DiagnosisKind::Ping => {
            (JobOrder::Ping { device_id, address, count, size: new.size }, count * A_REQUEST_MS)
        }
        DiagnosisKind::Traceroute => (
            JobOrder::Traceroute { device_id, address, count, max_hops: new.max_hops },
            count * new.max_hops.unwrap_or(USUAL_HOPS) * A_REQUEST_MS,
        ),
    })
}

/// Asks a device's agent for a ping or a traceroute from the device.
///
/// # Errors
/// Not found, wrong fields, a kind of device that cannot do it, or without `device.diagnose`.
pub async fn diagnosis_create(ctx: &Ctx, id: &DeviceId, new: &NewDiagnosis) -> Result<JobId, Error> {
    ctx.authorize(DIAGNOSE)?;
    let (order, echoes_ms) = order_of(id, new)?;
    let limit_ms = echoes_ms.saturating_add(SLACK_MS).min(LONGEST_MS);
    write_tx!(ctx, tx => {
        let (agent, kind) = devices::device_agent(&mut tx, id).await?;
        if kind != DeviceKind::Routeros {
            let detail = "only RouterOS devices can be asked to ping and to trace routes";
            return Err(Error::conflict("device_unable", detail));
        }
        let times = Times { start_within_ms: START_WITHIN_MS, limit_ms };
        let job = service::job_create_shown(&mut tx, &agent, &order, &times, ctx.now()).await?;
        let asked = json!({"job_id": job, "kind": new.kind, "address": new.address.trim()});
        let entry = Entry::new(DIAGNOSE.0, EntityRef::new("device", id)).after(&asked)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(job)
    })
}

/// A ping or a traceroute.
///
/// # Errors
/// Not found, or without `device.diagnose`.
pub async fn diagnosis_get(ctx: &Ctx, id: &JobId) -> Result<Diagnosis, Error> {
    ctx.authorize(DIAGNOSE)?;
    let mut tx = ctx.begin_read().await?;
    shown(read(ctx, &mut tx, id).await?)
}

/// What it said behind the part of this number, a page of it; empty when there is nothing more yet.
///
/// # Errors
/// Not found, a number below 0, or without `device.diagnose`.
pub async fn diagnosis_output(ctx: &Ctx, id: &JobId, after: i64) -> Result<Vec<JobPart>, Error> {
    ctx.authorize(DIAGNOSE)?;
    if after < 0 {
        return Err(Error::invalid("?after", "out_of_range", "0, or the number of a part"));
    }
    let mut tx = ctx.begin_read().await?;
    let job = read(ctx, &mut tx, id).await?;
    output::parts_after(&mut tx, &job.id, after).await
}

/// Asks to stop it. What ended stays as it ended.
///
/// # Errors
/// Not found, or without `device.diagnose`.
pub async fn diagnosis_cancel(ctx: &Ctx, id: &JobId) -> Result<Diagnosis, Error> {
    ctx.authorize(DIAGNOSE)?;
    write_tx!(ctx, tx => {
        let job = read(ctx, &mut tx, id).await?;
        if store::job_cancel(&mut tx, id, ctx.now()).await? {
            crate::agents::job_signal(&mut tx, &job.agent_id).await?;
            tx.ring();
            let device = job.device_id.as_ref().ok_or(Error::NotFound)?;
            let asked = json!({"job_id": id, "stopped": true});
            let entry = Entry::new(DIAGNOSE.0, EntityRef::new("device", device)).after(&asked)?;
            audit::record(ctx, &mut tx, entry).await?;
        }
        shown(read(ctx, &mut tx, id).await?)
    })
}

/// A job of this sort whose device the scope lets see.
async fn read(ctx: &Ctx, tx: &mut TenantTx, id: &JobId) -> Result<JobRow, Error> {
    let job = service::job_read(tx, id, ctx.now()).await?;
    if kind_of(job.kind).is_none() {
        return Err(Error::NotFound);
    }
    let device = job.device_id.as_ref().ok_or(Error::NotFound)?;
    devices::device_agent(tx, device).await?;
    Ok(job)
}

fn kind_of(kind: JobKind) -> Option<DiagnosisKind> {
    match kind {
        JobKind::Ping => Some(DiagnosisKind::Ping),
        JobKind::Traceroute => Some(DiagnosisKind::Traceroute),
        JobKind::TestConnection | JobKind::PlanDevice | JobKind::SweepDevice => None,
    }
}

fn shown(job: JobRow) -> Result<Diagnosis, Error> {
    let asked = job.asked.as_deref().ok_or(Error::NotFound)?;
    let (address, count) = match serde_json::from_str(asked).map_err(Error::internal)? {
        JobOrder::Ping { address, count, .. } | JobOrder::Traceroute { address, count, .. } => {
            (address, count)
        }
        JobOrder::TestConnection { .. } | JobOrder::PlanDevice { .. } | JobOrder::SweepDevice { .. } => {
            return Err(Error::NotFound);
        }
    };
    Ok(Diagnosis {
        finding: job.finding()?,
        device_id: job.device_id.ok_or(Error::NotFound)?,
        kind: kind_of(job.kind).ok_or(Error::NotFound)?,
        address: address.to_string(),
        count,
        stopping: job.cancelled_at.is_some() && job.status == JobStatus::Waiting,
        id: job.id,
        status: job.status,
        detail: job.detail,
        created_at: job.created_at,
        finished_at: job.finished_at,
        deadline_at: job.deadline_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ping(address: &str) -> NewDiagnosis {
        NewDiagnosis {
            kind: DiagnosisKind::Ping,
            address: address.to_owned(),
            count: None,
            size: None,
            max_hops: None,
        }
    }

    fn device() -> DeviceId {
        DeviceId::new(Timestamp::from_millis(1))
    }

    #[test]
    fn an_order_is_bounded_and_says_how_long_it_may_take() {
        let (order, ms) = order_of(&device(), &ping(" 10.64.1.7 ")).unwrap();
        assert!(matches!(order, JobOrder::Ping { count: 4, size: None, .. }));
        assert_eq!(ms, 8_000);
        let trace = NewDiagnosis { kind: DiagnosisKind::Traceroute, ..ping("2001:db8::1") };
        let (order, ms) = order_of(&device(), &trace).unwrap();
        assert!(matches!(order, JobOrder::Traceroute { count: 3, max_hops: None, .. }));
        assert_eq!(ms, 180_000, "longer than an agent allows by itself");
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_field() {
        let odd = [
            ping("router"),
            ping("10.64.1.0/24"),
            ping("0.0.0.0"),
            NewDiagnosis { count: Some(0), ..ping("10.64.1.7") },
            NewDiagnosis { count: Some(101), ..ping("10.64.1.7") },
            NewDiagnosis { size: Some(27), ..ping("10.64.1.7") },
            NewDiagnosis { max_hops: Some(5), ..ping("10.64.1.7") },
            NewDiagnosis { kind: DiagnosisKind::Traceroute, size: Some(56), ..ping("10.64.1.7") },
            NewDiagnosis { kind: DiagnosisKind::Traceroute, count: Some(21), ..ping("10.64.1.7") },
        ];
        for new in odd {
            assert!(matches!(order_of(&device(), &new), Err(Error::Invalid(_))), "{new:?}");
        }
    }
}
