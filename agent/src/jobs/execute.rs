//! What each order does.

use atalaya_protocol::wire::{self, job::Order};

use super::parts::Said;
use super::{Shared, done, failed, told};
use crate::driver::{DeviceError, Found, Operation, Word};

/// Whether doing the order again would do something again. What an agent does not know is refused, as often as it comes.
pub(super) fn is_done_once(job: &wire::Job) -> bool {
    match &job.order {
        Some(Order::Ping(_) | Order::Traceroute(_)) => true,
        Some(Order::TestConnection(_) | Order::PlanDevice(_) | Order::SweepDevice(_)) | None => false,
    }
}

impl Shared {
    pub(super) async fn execute(&self, job: &wire::Job) -> wire::JobResult {
        match &job.order {
            Some(Order::TestConnection(order)) => self.test_connection(job, order).await,
            Some(Order::PlanDevice(order)) => match self.enforcer.plan(&order.device_id).await {
                Ok(plan) => {
                    wire::JobResult { result: Some(wire::job_result::Result::Plan(plan)), ..done(job) }
                }
                Err(error) => failed(job, &error),
            },
            Some(Order::SweepDevice(order)) => match self.enforcer.sweep(&order.device_id).await {
                Ok(()) => done(job),
                Err(error) => failed(job, &error),
            },
            Some(Order::Ping(order)) => self.operate(job, Operation::Ping(order.clone())).await,
            Some(Order::Traceroute(order)) => self.operate(job, Operation::Traceroute(order.clone())).await,
            None => {
                let unknown = Found::new(Word::OrderUnknown, &[], "this agent does not know the order");
                told(job, wire::JobStatus::Unsupported, unknown)
            }
        }
    }

    async fn test_connection(&self, job: &wire::Job, order: &wire::TestConnection) -> wire::JobResult {
        let Some(config) = &order.device else {
            return failed(job, &DeviceError::Config { words: "the order names no device".into() });
        };
        let device = match self.devices.build(config) {
            Ok(device) => device,
            Err(error) => return failed(job, &error),
        };
        let stages = device.test_connection().await;
        let failed = stages.iter().any(|stage| stage.status() == wire::CheckStatus::Failed);
        // Who it is, for people; the stages have said whether it can be asked.
        let identity = if failed { None } else { device.identify().identify().await.ok() };
        let identity = identity.unwrap_or_default();
        let report = wire::ConnectionReport {
            stages,
            model: identity.model,
            version: identity.version,
            identity: identity.name,
        };
        wire::JobResult { result: Some(wire::job_result::Result::Connection(report)), ..done(job) }
    }

    async fn operate(&self, job: &wire::Job, operation: Operation) -> wire::JobResult {
        let device = match self.enforcer.device_handle(operation.device_id()) {
            Ok(device) => device,
            Err(error) => return failed(job, &error),
        };
        let Some(operate) = device.operate() else {
            let kind = device.target().kind.clone();
            let sentence = format!("devices of kind {kind} cannot do this");
            let unable = Found::new(Word::KindUnable, &[("kind", &kind)], sentence);
            return told(job, wire::JobStatus::Unsupported, unable);
        };
        match operate.operate(&operation, &Said::new(&self.parts, &job.job_id)).await {
            Ok(()) => done(job),
            Err(error) => failed(job, &error),
        }
    }
}
