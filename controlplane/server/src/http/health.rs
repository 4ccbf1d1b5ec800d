//! `/healthz`, `/readyz`, `/metrics`.

use super::{answered::Answered, request::Client};
use crate::{traces::Figures, worker::audit::SealLag};
use atalaya_kernel::{
    Error,
    acme::{self, Standing},
    archive::journal,
    blobs,
    db::WriterWaits,
    figures, installation, jobs, outbox,
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
use std::{sync::Arc, time::Duration};

/// Whoever asks whether we are ready does not wait for long.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

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

/// Whether requests can be served, which wants the database alone. The machine itself is also told what is wrong though they
/// are: a certificate that is not ordered, copies that are not made, a store of files that does not answer. Nobody gains by
/// the process being taken out for these: they are alike for all processes, and most requests need none of them.
async fn ready(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(Client(client)): Extension<Client>,
) -> Response {
    let looked = tokio::time::timeout(ANSWERS_WITHIN, look(&runtime)).await;
    let why = match looked {
        Ok(Ok(wrong)) if client.is_loopback() => {
            let store = store(&runtime).await;
            return format!("ready\n{wrong}{}", store.unwrap_or_default()).into_response();
        }
        Ok(Ok(_)) => return "ready\n".into_response(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", ANSWERS_WITHIN.as_secs()),
    };
    tracing::warn!(error = why, "not ready: the database does not answer");
    (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
}

/// What the database tells to be wrong, a line each.
async fn look(runtime: &Runtime) -> Result<String, Error> {
    let now = runtime.clock.now();
    let mut tx = runtime.platform().begin_read().await?;
    let certificates = acme::list(&mut tx, now).await?;
    let last = journal::last_good(&mut tx).await?.map(|backup| backup.started_at);
    let since = match last {
        Some(last) => last,
        None => installation::founded_at(&mut tx).await?,
    };
    tx.rollback().await?;
    let mut wrong: String = certificates.iter().filter_map(wrong).collect();
    if since.plus_millis(journal::OVERDUE_MS) < now {
        let newest =
            last.map_or_else(|| "there is none".to_owned(), |last| format!("the newest is of {last}"));
        wrong
            .push_str(&format!("backup: no good copy for {} h: {newest}\n", journal::OVERDUE_MS / 3_600_000));
    }
    Ok(wrong)
}

/// What is wrong with the store of files and pictures, as a line.
async fn store(runtime: &Runtime) -> Option<String> {
    let why = match tokio::time::timeout(ANSWERS_WITHIN, runtime.blobs.list("", "", 1)).await {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) => error.to_string().replace(['\r', '\n'], " "),
        Err(_) => format!("no answer within {} s", ANSWERS_WITHIN.as_secs()),
    };
    Some(format!("blob store: {why}\n"))
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
    Extension(answered): Extension<Arc<Answered>>,
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
    text.push_str(&runtime.db().writer_waits().map(|waits| of_writer(&waits)).unwrap_or_default());
    text.push_str(&answered.text());
    if let Some(exported) = exported {
        text.push_str(&exported.text());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// How long work waited for SQLite's one writer.
fn of_writer(waits: &WriterWaits) -> String {
    let name = "atalaya_database_writer_wait_seconds";
    let mut text = figures::heading(name, "Wait for the turn to write; people go ahead of bulk work.");
    waits.interactive.write(&mut text, name, "priority=\"interactive\"");
    waits.bulk.write(&mut text, name, "priority=\"bulk\"");
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{installation::Environment, on_both, testing::World};
    use std::net::{IpAddr, Ipv4Addr};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    async fn asked(world: &World, from: IpAddr) -> (StatusCode, String) {
        let answer = ready(Extension(world.runtime.clone()), Extension(Client(from))).await;
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    on_both!(it_is_ready_while_the_database_answers_and_says_what_is_wrong, |world: World| async move {
        installation::open(&world.runtime, Environment::Development, "test").await.unwrap();
        let (status, text) = asked(&world, HERE).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "ready\n"), "a copy is not due yet");
        world.clock.advance_millis(journal::OVERDUE_MS + 1);
        let (status, text) = asked(&world, HERE).await;
        assert_eq!(status, StatusCode::OK, "and everything is served");
        assert_eq!(text, "ready\nbackup: no good copy for 36 h: there is none\n");
        assert_eq!(asked(&world, ELSEWHERE).await.1, "ready\n", "which is nobody else's business");

        world.runtime.db().close().await;
        for from in [HERE, ELSEWHERE] {
            let (status, text) = asked(&world, from).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(text, "the database does not answer\n");
        }
    });
}
