//! Connection tests: an agent tries a device as it would be configured, stage by stage, and changes nothing.

use super::{
    Credentials, DeviceConfig, DeviceKind, NewDevice, WRITE,
    service::{check, credentials_context, row_of},
    store,
};
use crate::{
    agents,
    jobs::{self, Check, ConnectionReport, Finding, JobKind, JobOrder, JobStatus},
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    events::EntityRef,
    ids::{AgentId, DeviceId, JobId, SiteId},
    write_tx,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to try.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnectionTest {
    /// Where the device stands.
    pub site_id: Option<SiteId>,
    /// Agent that tries.
    pub agent_id: AgentId,
    /// How it is spoken to.
    pub kind: DeviceKind,
    /// IP address or host name.
    pub host: String,
    /// Port; the kind's own when absent.
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    #[serde(default)]
    pub tls: bool,
    /// SHA-256 of its certificate, 64 hexadecimal digits.
    pub tls_fingerprint: Option<String>,
    /// What it is logged into with; those of `device_id` when absent.
    pub credentials: Option<Credentials>,
    /// Not used by the test; taken so that the form of a new device can be sent as it is.
    pub measure_interval_s: Option<i64>,
    /// As for a new device.
    pub ping: Option<bool>,
    /// As for a new device.
    pub cut_profile: Option<String>,
    /// As for a new device.
    pub cut_address_list: Option<String>,
    /// A device that exists: its stored credentials are used when none are given.
    pub device_id: Option<DeviceId>,
}

/// A connection test and what it found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectionTest {
    /// Which.
    pub id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// Why it failed as a whole.
    #[schema(example = "")]
    pub detail: String,
    /// What `detail` says; none when there is nothing to say, or from an older agent.
    pub finding: Option<Finding>,
    /// Stages in order.
    pub stages: Vec<Check>,
    /// Hardware model.
    #[schema(example = "CCR2004-1G-12S+2XS")]
    pub model: String,
    /// Software version.
    #[schema(example = "7.16.2")]
    pub version: String,
    /// The name its operator gave it.
    #[schema(example = "torre-norte")]
    pub identity: String,
    /// SHA-256 of the certificate it showed, hexadecimal, to pin.
    #[schema(example = "9f1c3a5e0b7d2f4a6c8e1b3d5f7a9c0e2b4d6f8a1c3e5b7d9f0a2c4e6b8d1f3a")]
    pub tls_fingerprint: Option<String>,
}

/// Asks an agent to try a device.
///
/// # Errors
/// Wrong fields, unknown agent, or without `device.write`.
pub async fn connection_test_create(ctx: &Ctx, new: NewConnectionTest) -> Result<JobId, Error> {
    ctx.authorize(WRITE)?;
    let now = ctx.now();
    let site_id = new.site_id.clone().unwrap_or_else(|| SiteId::new(now));
    let device = NewDevice {
        site_id,
        agent_id: new.agent_id.clone(),
        name: "connection test".to_owned(),
        kind: new.kind,
        host: new.host.clone(),
        port: new.port,
        tls: new.tls,
        tls_fingerprint: new.tls_fingerprint.clone(),
        credentials: None,
        measure_interval_s: new.measure_interval_s,
        ping: new.ping,
        cut_profile: new.cut_profile.clone(),
        cut_address_list: new.cut_address_list.clone(),
    };
    let row = row_of(DeviceId::new(now), &device);
    let mut validation = Validation::new();
    check(&mut validation, &row, new.credentials.as_ref());
    validation.finish()?;
    write_tx!(ctx, tx => {
        agents::agent_exists(&mut tx, &new.agent_id, "/agent_id").await?;
        let mut credentials = new.credentials.clone();
        if let (None, Some(id)) = (&credentials, &new.device_id) {
            let known = store::device_get(&mut tx, id).await?;
            let same = (&known.host, known.port, known.kind) == (&row.host, row.port, row.kind);
            if !same {
                // Else a stored password could be sent to any host that listens.
                return Err(Error::invalid("/credentials", "required", "another address needs the credentials again"));
            }
            if let Some(sealed) = &known.sealed_credentials {
                let runtime = tx.runtime().clone();
                let plain = runtime.secrets.open(&mut tx, &credentials_context(id), sealed).await?;
                credentials = Some(serde_json::from_slice(plain.expose()).map_err(Error::internal)?);
            }
        }
        let device = Box::new(DeviceConfig::of(&row, String::new(), credentials));
        let order = JobOrder::TestConnection { device };
        let id = jobs::job_create(&mut tx, &new.agent_id, &order, jobs::TEST_TIMEOUT_MS, now).await?;
        let entry = Entry::new("device.test", EntityRef::new("agent", &new.agent_id)).after(&row.host)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(id)
    })
}

/// A connection test.
///
/// # Errors
/// Not found, or without `device.write`.
pub async fn connection_test_get(ctx: &Ctx, id: &JobId) -> Result<ConnectionTest, Error> {
    ctx.authorize(WRITE)?;
    let mut tx = ctx.begin_read().await?;
    let job = jobs::job_read(&mut tx, id, ctx.now()).await?;
    if job.kind != JobKind::TestConnection {
        return Err(Error::NotFound);
    }
    let report: ConnectionReport = match &job.result {
        Some(result) => serde_json::from_str(result).map_err(Error::internal)?,
        None => ConnectionReport::default(),
    };
    let tls_fingerprint = report
        .stages
        .iter()
        .find(|stage| stage.code == "tls")
        .and_then(|stage| shown_fingerprint(&stage.detail));
    Ok(ConnectionTest {
        finding: job.finding()?,
        id: job.id,
        status: job.status,
        detail: job.detail,
        stages: report.stages,
        model: report.model,
        version: report.version,
        identity: report.identity,
        tls_fingerprint,
    })
}

/// The stage names the certificate it saw as `SHA-256` and 64 hexadecimal digits.
fn shown_fingerprint(detail: &str) -> Option<String> {
    let words = detail.split(|c: char| !c.is_ascii_alphanumeric());
    let is_digest = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    words.into_iter().find(is_digest).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_certificate_to_pin_is_read_from_the_stage() {
        let digest = "ab".repeat(32);
        let detail = format!("any certificate is accepted; pin this one: SHA-256 {digest}");
        assert_eq!(shown_fingerprint(&detail), Some(digest));
        assert_eq!(shown_fingerprint("the connection is in clear"), None);
    }
}
