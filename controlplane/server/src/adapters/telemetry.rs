//! Batches to the metrics store.

use super::Edge;
use crate::gateway::{AppendError, BackendError, ReceivedBatch, Session, Telemetry, series_spec};
use async_trait::async_trait;
use atalaya_kernel::ids::DeviceId;
use atalaya_metrics::{
    AgentKey, Batch, BatchIdentity, Column, Epoch, SeriesId, SeriesSpec, StoreError, TenantKey,
};
use atalaya_network::devices;
use atalaya_protocol::wire;
use std::sync::Arc;

pub(super) struct Measured(pub(super) Arc<Edge>);

fn tenant(session: &Session) -> Result<TenantKey, BackendError> {
    TenantKey::new(&session.identity.tenant).map_err(|error| BackendError(error.into()))
}

#[async_trait]
impl Telemetry for Measured {
    async fn register(
        &self,
        session: &Session,
        entries: &[wire::SeriesEntry],
    ) -> Result<Vec<Option<SeriesId>>, BackendError> {
        let (ctx, agent) = self.0.ctx(&session.identity).map_err(anyhow::Error::from)?;
        let read = async {
            let mut tx = ctx.begin_read().await?;
            devices::device_sites_of_agent(&mut tx, &agent).await
        };
        let sites = read.await.map_err(anyhow::Error::from)?;
        let specs: Vec<Option<SeriesSpec>> = entries
            .iter()
            .map(|entry| {
                if entry.device_id.is_empty() {
                    return series_spec(session, None, entry);
                }
                // An agent speaks for its own devices and for no others.
                let device: DeviceId = entry.device_id.parse().ok()?;
                series_spec(session, Some(sites.get(&device)?.as_str()), entry)
            })
            .collect();
        let known: Vec<SeriesSpec> = specs.iter().flatten().cloned().collect();
        let registered =
            self.0.metrics.register(&tenant(session)?, &known).await.map_err(anyhow::Error::from)?;
        let mut handles = registered.into_iter();
        Ok(specs.into_iter().map(|spec| spec.and_then(|_| handles.next())).collect())
    }

    async fn append(&self, session: &Session, batch: &ReceivedBatch) -> Result<u64, AppendError> {
        let agent = AgentKey::new(&session.identity.agent).map_err(|error| BackendError(error.into()))?;
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
        let identity = BatchIdentity { agent, epoch: Epoch(batch.epoch), sequence: batch.sequence };
        let stored = self.0.metrics.append(&tenant(session)?, Batch { identity, columns: &columns }).await;
        match stored {
            Ok(ack) => Ok(ack.quarantined),
            Err(StoreError::UnknownSeries) => Err(AppendError::UnknownSeries),
            Err(StoreError::MalformedBatch(what)) => Err(AppendError::Malformed(what.to_owned())),
            Err(error) => Err(BackendError(error.into()).into()),
        }
    }
}
