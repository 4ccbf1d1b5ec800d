//! Samples of a router: uptime, load, memory, interface counters, sessions.

use async_trait::async_trait;

use super::client::{Client, Command, Row};
use super::{RouterOs, parse};
use crate::driver::{DeviceError, Measure, SampleSink};

const INTERFACE: &[&str] = &["name", "running", "disabled", "rx-byte", "tx-byte", "rx-error", "tx-error"];

#[async_trait]
impl Measure for RouterOs {
    async fn measure(&self, sink: &mut SampleSink<'_>) -> Result<(), DeviceError> {
        let client = self.client().await?;
        let resource = Command::new("/system/resource/print").columns(&[
            "uptime",
            "cpu-load",
            "free-memory",
            "total-memory",
        ]);
        // The interface of a session comes and goes with it; thousands of them are no one's chart.
        let interfaces =
            Command::new("/interface/print").columns(INTERFACE).query("?dynamic=true").query("?#!");
        let (resource, interfaces, sessions) =
            futures::try_join!(client.call(&resource), client.call(&interfaces), active_sessions(&client))?;
        for row in &resource.rows {
            push_resource(row, sink);
        }
        for row in &interfaces.rows {
            push_interface(row, sink);
        }
        if let Some(sessions) = sessions {
            sink.gauge("ppp_active_sessions", &[], sessions);
        }
        Ok(())
    }
}

async fn active_sessions(client: &Client) -> Result<Option<u64>, super::client::CallError> {
    let counted = client.call(&Command::new("/ppp/active/print").with("count-only", "")).await;
    match counted {
        Ok(reply) => Ok(reply.ret.and_then(|count| count.parse().ok())),
        // A router without the ppp package.
        Err(error) if error.class() == Some(super::client::TrapClass::NoSuchCommand) => Ok(None),
        Err(error) => Err(error),
    }
}

fn push_resource(row: &Row, sink: &mut SampleSink<'_>) {
    let number = |name: &str| row.text(name).parse::<u64>().ok();
    if let Some(uptime) = parse::duration(row.text("uptime")) {
        sink.gauge("system_uptime_seconds", &[], uptime.as_secs());
    }
    if let Ok(load) = row.text("cpu-load").trim_end_matches('%').parse::<f64>() {
        sink.gauge("system_cpu_ratio", &[], load / 100.0);
    }
    if let Some(free) = number("free-memory") {
        sink.gauge("system_memory_free_bytes", &[], free);
    }
    if let Some(total) = number("total-memory") {
        sink.gauge("system_memory_total_bytes", &[], total);
    }
}

fn push_interface(row: &Row, sink: &mut SampleSink<'_>) {
    let labels = [("interface", row.text("name"))];
    if row.text("name").is_empty() {
        return;
    }
    if row.get("running").is_some() {
        sink.gauge("interface_up", &labels, row.flag("running") && !row.flag("disabled"));
    }
    for (metric, attribute) in [
        ("interface_receive_bytes_total", "rx-byte"),
        ("interface_transmit_bytes_total", "tx-byte"),
        ("interface_receive_errors_total", "rx-error"),
        ("interface_transmit_errors_total", "tx-error"),
    ] {
        if let Ok(value) = row.text(attribute).parse::<u64>() {
            sink.counter(metric, &labels, value);
        }
    }
}
