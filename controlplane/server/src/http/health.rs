//! `/healthz`, `/readyz`, `/metrics`.

use super::request::Client;
use crate::worker::audit::SealLag;
use atalaya_kernel::{Error, archive::journal, blobs, jobs, outbox, runtime::Runtime};
use axum::{
    Extension, Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

pub(super) fn router() -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Whether the database answers.
async fn ready(Extension(runtime): Extension<Arc<Runtime>>) -> Response {
    match runtime.platform().ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Figures of the process in the Prometheus text format, for the machine itself only.
async fn metrics(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(Client(client)): Extension<Client>,
    Extension(lag): Extension<Arc<SealLag>>,
) -> Response {
    if !client.is_loopback() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let figures = async {
        let mut tx = runtime.platform().begin_read().await?;
        let (deliveries, jobs) = (outbox::undelivered(&mut tx).await?, jobs::undone(&mut tx).await?);
        let blobs = blobs::figures(&mut tx).await?;
        Ok::<_, Error>((deliveries, jobs, blobs, journal::last_good(&mut tx).await?))
    };
    let Ok((deliveries, jobs, blobs, backup)) = figures.await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let mut text = by_state("atalaya_deliveries", "Events not yet delivered to a subscriber.", &deliveries);
    text.push_str(&by_state("atalaya_jobs", "Background jobs not yet done.", &jobs));
    for (name, help, value) in [
        ("atalaya_blobs", "Files and pictures of all tenants.", blobs.blobs),
        ("atalaya_blob_bytes", "Bytes of their contents.", blobs.bytes),
        (
            "atalaya_blobs_missing",
            "Those whose bytes the last sweep did not find in the store.",
            blobs.missing,
        ),
    ] {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n"));
    }
    if let Some(backup) = backup {
        text.push_str(&format!(
            "# HELP atalaya_backup_last_success_timestamp_seconds When the newest good copy was begun.\n\
             # TYPE atalaya_backup_last_success_timestamp_seconds gauge\n\
             atalaya_backup_last_success_timestamp_seconds {}\n\
             # HELP atalaya_backup_last_bytes Its size.\n# TYPE atalaya_backup_last_bytes gauge\n\
             atalaya_backup_last_bytes {}\n",
            backup.started_at.as_millis() / 1_000,
            backup.bytes.unwrap_or(0)
        ));
    }
    text.push_str(&format!(
        "# HELP atalaya_audit_seal_lag_seconds Longest wait of an audit row that is not in its chain yet.\n\
         # TYPE atalaya_audit_seal_lag_seconds gauge\natalaya_audit_seal_lag_seconds {}.{:03}\n",
        lag.get() / 1_000,
        lag.get() % 1_000
    ));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// A gauge with a value for each state of work that is not done: what is `dead` waits for a person (`/dead-letters`).
fn by_state(name: &str, help: &str, counts: &[(String, i64)]) -> String {
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    for state in ["pending", "leased", "dead"] {
        let count = counts.iter().find(|(name, _)| name == state).map_or(0, |(_, count)| *count);
        text.push_str(&format!("{name}{{state=\"{state}\"}} {count}\n"));
    }
    text
}
