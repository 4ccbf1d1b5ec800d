//! `/healthz`, `/readyz`, `/metrics`.

use super::request::Client;
use crate::{traces::Figures, worker::audit::SealLag};
use atalaya_kernel::{
    Error,
    acme::{self, Standing},
    archive::journal,
    blobs, jobs, outbox,
    runtime::Runtime,
    time::Timestamp,
};
use atalaya_pki::server::ShownCertificate;
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

/// The certificate that the door shows; none where it speaks no TLS.
#[derive(Clone)]
pub(super) struct Shown(pub(super) Option<Arc<ShownCertificate>>);

/// What became of spans; none where none are exported.
#[derive(Clone)]
pub(super) struct Exported(pub(super) Option<Arc<Figures>>);

/// Whether the database answers. The machine itself is also told what is wrong though everything is served.
async fn ready(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(Client(client)): Extension<Client>,
) -> Response {
    match certificates(&runtime).await {
        Ok(certificates) if client.is_loopback() => {
            let wrong: String = certificates.iter().filter_map(wrong).collect();
            format!("ready\n{wrong}").into_response()
        }
        Ok(_) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

async fn certificates(runtime: &Runtime) -> Result<Vec<Standing>, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    let found = acme::list(&mut tx, runtime.clock.now()).await?;
    tx.rollback().await?;
    Ok(found)
}

/// What is wrong with a certificate, as a line.
fn wrong(certificate: &Standing) -> Option<String> {
    let Standing { names, error, failures, next_at, .. } = certificate;
    let error = error.as_ref()?.replace(['\r', '\n'], " ");
    Some(format!("certificate of {names}: {failures} orders failed, next at {next_at}: {error}\n"))
}

/// Figures of the process in the Prometheus text format, for the machine itself only.
async fn metrics(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(Client(client)): Extension<Client>,
    Extension(lag): Extension<Arc<SealLag>>,
    Extension(Shown(shown)): Extension<Shown>,
    Extension(Exported(exported)): Extension<Exported>,
) -> Response {
    if !client.is_loopback() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let figures = async {
        let mut tx = runtime.platform().begin_read().await?;
        let (deliveries, jobs) = (outbox::undelivered(&mut tx).await?, jobs::undone(&mut tx).await?);
        let blobs = blobs::figures(&mut tx).await?;
        let certificates = acme::list(&mut tx, runtime.clock.now()).await?;
        Ok::<_, Error>((deliveries, jobs, blobs, journal::last_good(&mut tx).await?, certificates))
    };
    let Ok((deliveries, jobs, blobs, backup, certificates)) = figures.await else {
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
    text.push_str(&of_certificates(shown.as_deref(), &certificates, runtime.clock.now()));
    if let Some(exported) = exported {
        text.push_str(&exported.text());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// How long the door's certificate is still valid, and how orders of the next one go.
fn of_certificates(shown: Option<&ShownCertificate>, ordered: &[Standing], now: Timestamp) -> String {
    let mut text = String::new();
    if let Some(validity) = shown.and_then(|shown| shown.validity().ok()) {
        let end_ms = i64::try_from(validity.not_after.as_secs().saturating_mul(1_000)).unwrap_or(i64::MAX);
        // Negative once it is over.
        let days = end_ms.saturating_sub(now.as_millis()).div_euclid(86_400_000);
        text.push_str(&format!(
            "# HELP atalaya_certificate_days_left Whole days that the certificate of the web is still valid.\n\
             # TYPE atalaya_certificate_days_left gauge\natalaya_certificate_days_left {days}\n"
        ));
    }
    if !ordered.is_empty() {
        text.push_str(
            "# HELP atalaya_certificate_failed_orders Orders that an authority refused since it last issued.\n\
             # TYPE atalaya_certificate_failed_orders gauge\n",
        );
    }
    for Standing { names, failures, .. } in ordered {
        // Host names: nothing in them has to be escaped.
        text.push_str(&format!("atalaya_certificate_failed_orders{{names=\"{names}\"}} {failures}\n"));
    }
    text
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
