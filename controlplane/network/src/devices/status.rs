//! What agents say of their devices: kept, and told when the state changes.

use super::{DeviceState, events, store};
use crate::jobs::Finding;
use atalaya_kernel::{
    Ctx, Error,
    events::{self as facts, EntityRef, NewEvent},
    ids::{AgentId, DeviceId},
    time::Timestamp,
    write_tx,
};
use serde_json::json;

/// What an agent last learnt of one device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceReport {
    /// Which.
    pub device_id: DeviceId,
    /// What it did when asked.
    pub state: DeviceState,
    /// In its own words where it has some.
    pub detail: String,
    /// What `detail` says; none when there is nothing to say, or from an older agent.
    pub finding: Option<Finding>,
    /// Since when.
    pub since: Timestamp,
    /// Last answer.
    pub last_answer_at: Option<Timestamp>,
    /// Hardware model; empty when not known.
    pub model: String,
    /// Software version; empty when not known.
    pub firmware: String,
    /// Serial number; empty when not known.
    pub serial: String,
    /// The name its operator gave it; empty when not known.
    pub identity: String,
    /// Time since its last start, ms.
    pub uptime_ms: i64,
}

/// Takes in what an agent says of its devices. Devices of other agents are left alone, whatever it says.
///
/// # Errors
/// The database's.
pub async fn device_states_record(ctx: &Ctx, agent: &AgentId, reports: &[DeviceReport]) -> Result<(), Error> {
    if reports.is_empty() {
        return Ok(());
    }
    write_tx!(ctx, tx => {
        let devices = store::devices_of_agent(&mut tx, agent).await?;
        let mut known = store::statuses(&mut tx, devices.iter().map(|device| &device.id)).await?;
        for report in reports {
            let Some(device) = devices.iter().find(|device| device.id == report.device_id) else { continue };
            let before = known.remove(&device.id);
            let row = row_of(report, before.as_ref())?;
            if before.as_ref() == Some(&row) {
                continue;
            }
            store::status_put(&mut tx, &row).await?;
            let from = before.map_or(DeviceState::Unknown, |before| before.state);
            if from != row.state {
                let payload = json!({"name": device.name, "from": from, "to": row.state, "detail": row.state_detail, "finding": report.finding, "since": row.state_since});
                let event = NewEvent::new(events::STATE_CHANGED, EntityRef::new("device", &device.id), payload)
                    .related("site_id", &device.site_id)
                    .related("agent_id", agent);
                facts::emit(ctx, &mut tx, event).await?;
            }
        }
        Ok(())
    })
}

/// A silent device keeps what it once said of itself.
fn row_of(report: &DeviceReport, before: Option<&store::StatusRow>) -> Result<store::StatusRow, Error> {
    let kept = |new: &str, old: fn(&store::StatusRow) -> &String| {
        if new.is_empty() {
            before.map(|before| old(before).clone()).unwrap_or_default()
        } else {
            new.to_owned()
        }
    };
    let finding = report.finding.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    Ok(store::StatusRow {
        device_id: report.device_id.clone(),
        state: report.state,
        state_detail: report.detail.chars().take(1_000).collect(),
        finding,
        state_since: report.since,
        last_answer_at: report.last_answer_at.or_else(|| before.and_then(|before| before.last_answer_at)),
        model: kept(&report.model, |row| &row.model),
        firmware: kept(&report.firmware, |row| &row.firmware),
        serial: kept(&report.serial, |row| &row.serial),
        identity: kept(&report.identity, |row| &row.identity),
        uptime_ms: report.uptime_ms,
    })
}
