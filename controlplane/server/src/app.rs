//! Puts the process together: opens, wires, listens, supervises. Read `serve` and you know the system.

use crate::{
    adapters::{self, Authorities, GatewayJoins, Issuing, PkiClock},
    backup::{self, BackupJob},
    cli::{open, ready_to_serve},
    config::{Config, Tls, host_fingerprint},
    door::{self, Certificate, Door},
    gateway::{Gateway, GatewayOptions, ResetKey},
    http::{self, Shared, allowed::Allowed, countries::Countries, stream::Hub},
    traces::Traces,
    worker::{self, audit::SealLag},
};
use anyhow::{Context, bail};
use atalaya_kernel::{
    installation, jobs, outbox, outbox::Subscriber, personal::PersonKind, runtime::Runtime,
};
use atalaya_metrics::{EmbeddedStore, MetricStore};
use atalaya_money::collections::RunExecution;
use atalaya_network::{
    agents::JoinStrings,
    provisioning::{Reconciler, ServiceFollower},
};
use atalaya_operations::{
    erasure::{Decided, ErasureJob},
    personal::ExportJob,
};
use atalaya_people::{
    approvals::Operations,
    identity::http::Installation,
    messaging::{Channel, NoticeFollower, NoticeJob},
    openid::Issuers,
    push,
};
use atalaya_pki::server::ShownCertificate;
use serde::Serialize;
use std::{fs, future::Future, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;

/// How long tasks get to finish when the process is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Who reacts to events inside the process.
pub fn subscribers() -> Vec<Arc<dyn Subscriber>> {
    vec![Arc::new(ServiceFollower), Arc::new(NoticeFollower { operations: operations() })]
}

/// What can wait for a second person.
fn operations() -> Operations {
    Operations::new(vec![
        Arc::new(RunExecution),
        Arc::new(Decided(PersonKind::Customer)),
        Arc::new(Decided(PersonKind::User)),
    ])
}

/// Routes that need more than the domains.
pub(crate) fn extra_routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(atalaya_network::router())
        .merge(atalaya_operations::router())
        .merge(http::metrics::router())
}

/// The addresses in use, for whoever started the process.
#[derive(Debug, Serialize)]
struct Ready {
    http: SocketAddr,
    gateway: SocketAddr,
    /// Where plain HTTP is sent on to HTTPS.
    redirect: Option<SocketAddr>,
}

/// Runs the control plane until it is told to stop or a task of it ends unexpectedly.
///
/// # Errors
/// What could not be opened or bound and the mend, or the task that ended.
pub async fn serve(
    config: Config,
    traces: Option<Arc<Traces>>,
    ready_file: Option<PathBuf>,
) -> anyhow::Result<()> {
    let subscribers = subscribers();
    let runtime = open(&config, &subscribers).await?;
    let copies = config.backup_place(runtime.clock.clone())?;
    ready_to_serve(&config, &runtime).await?;
    let installation = installation::open(&runtime, config.environment, &host_fingerprint()).await?;
    if installation.safe_mode {
        tracing::warn!(
            "safe mode: this database was armed elsewhere; no agent is let in and nothing leaves until `atalaya admin arm`"
        );
    }
    let listener = listen(config.http.listen, "the web app", "--http-listen").await?;
    let address = listener.local_addr()?;
    let may_order = !installation.safe_mode;
    let certificate = Certificate::open(&config.http, &config.data_dir, &runtime, may_order).await?;
    let door = Door::new(listener, &config.http, certificate.as_ref())?;
    let metrics = metrics(&config, &runtime).await?;
    let authorities = Authorities::open(runtime.clone(), &installation.id).await?;
    let gateway_certificate = ShownCertificate::new(authorities.root().issue_gateway(authorities.now())?)?;
    let gateway = gateway(&config, &runtime, &authorities, gateway_certificate.clone(), metrics.clone())?;
    let gateway_address = gateway.local_addr()?;
    let joins: Arc<dyn JoinStrings> =
        Arc::new(GatewayJoins::new(authorities.clone(), advertised(&config, gateway_address)));
    let hub = Arc::new(Hub::default());
    let shown =
        Installation { environment: config.environment.to_string(), safe_mode: installation.safe_mode };
    let seal_lag = Arc::new(SealLag::default());
    let outbound = Arc::new(config.outbound(installation.safe_mode)?);
    if outbound.push.is_some() {
        push::key_ensure(&runtime).await?;
    }
    let countries = Countries::named(config.http.allow.as_ref())?;
    let allow = config.http.allow.clone();
    let allowed =
        allow.map(|list| Allowed::open(list, countries.clone())).transpose()?.flatten().map(Arc::new);
    let shared = Shared {
        seal_lag: seal_lag.clone(),
        runtime: runtime.clone(),
        installation: Arc::new(shown),
        hub: hub.clone(),
        joins,
        metrics,
        operations: operations(),
        issuers: Arc::new(Issuers::new(Arc::new(Issuing::new(&config.single_sign_on)))),
        config: config.http.clone(),
        allowed,
        countries: countries.clone(),
        certificate: certificate.as_ref().map(Certificate::shown),
        outbound: outbound.clone(),
        traces,
    };
    let site = http::router(shared, extra_routes());
    let mut ready = Ready { http: address, gateway: gateway_address, redirect: None };

    let mut tasks = Tasks::default();
    let stop = tasks.stop.clone();
    tasks.start("live events", hub.run(runtime.clone(), stop.clone()));
    let data = config.data_dir.clone();
    tasks.start("audit", worker::audit::seal(runtime.clone(), data, seal_lag, stop.clone()));
    tasks.start("keys", worker::secrets::learn(runtime.clone(), stop.clone()));
    if !installation.safe_mode {
        tasks.start("deliveries", outbox::run(runtime.clone(), subscribers, stop.clone()));
        tasks.start("collections", worker::money(runtime.clone(), stop.clone()));
        tasks.start(
            "housekeeping",
            worker::housekeeping(runtime.clone(), config.jobs.done_days, stop.clone()),
        );
        tasks.start("jobs", jobs::run(runtime.clone(), worker::handlers(), stop.clone()));
        // In a row of their own: a copy takes minutes, and a cut run must not wait for it.
        let settings = Arc::new(config.clone());
        tasks.start("backup schedule", backup::schedule(runtime.clone(), settings, stop.clone()));
        let copying = BackupJob { place: copies, keep: config.backup.keep };
        tasks.start("backups", jobs::run(runtime.clone(), vec![Arc::new(copying)], stop.clone()));
        // Nor for these: they go through everything that is sealed, and through every blob or thing.
        let resealing = vec![worker::secrets::handler()];
        tasks.start("replacement of keys", jobs::run(runtime.clone(), resealing, stop.clone()));
        let sweeping = vec![worker::blobs::handler()];
        tasks.start("sweep of blobs", jobs::run(runtime.clone(), sweeping, stop.clone()));
        let indexing = vec![worker::search::handler()];
        tasks.start("index of the search", jobs::run(runtime.clone(), indexing, stop.clone()));
        // Nor for these: they gather all that is held of somebody, or take it out.
        let personal: Vec<Arc<dyn jobs::Handler>> = vec![Arc::new(ExportJob), Arc::new(ErasureJob)];
        tasks.start("personal data", jobs::run(runtime.clone(), personal, stop.clone()));
        // Nor these: a mail server may let itself be waited for, and a push service too.
        for (name, channel) in [("mail", Channel::Mail), ("web push", Channel::Push)] {
            let notices: Vec<Arc<dyn jobs::Handler>> =
                vec![Arc::new(NoticeJob { channel, outbound: outbound.clone() })];
            tasks.start(name, jobs::run(runtime.clone(), notices, stop.clone()));
        }
        tasks.start("reconcile", Reconciler::new(runtime.clone()).run(stop.clone()));
        tasks.start(
            "agents' news",
            adapters::follow(runtime.clone(), authorities.clone(), gateway.registry(), stop.clone()),
        );
        tasks.start(
            "gateway's certificate",
            adapters::keep_certificate_fresh(authorities, gateway_certificate, stop.clone()),
        );
        tasks.start("gateway", gateway.run(stop.clone()));
    }
    tasks.start("http", door.serve(site, stop.clone()));
    if let Some(countries) = countries {
        tasks.start("countries", countries.follow(stop.clone()));
    }
    if let Some(plain) = config.http.redirect {
        let listener = listen(plain, "redirects to HTTPS", "http.redirect").await?;
        ready.redirect = Some(listener.local_addr()?);
        let door = Door::new(listener, &config.http, None)?;
        let answering = matches!(config.http.tls, Some(Tls::Acme(_))).then(|| runtime.clone());
        tasks.start("redirect", door.serve(door::redirect(address.port(), answering), stop.clone()));
    }
    // After the door on which an authority asks.
    if let Some(certificate) = certificate {
        tasks.start("web certificate", certificate.follow(stop.clone()));
    }
    tasks.start("watchdog", watchdog(stop));

    tracing::info!(http = %ready.http, gateway = %ready.gateway, "ready");
    if let Some(path) = ready_file {
        fs::write(&path, serde_json::to_vec(&ready)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    sd_notify::notify(&[sd_notify::NotifyState::Ready]).context("cannot tell the service manager")?;
    let outcome = tasks.run().await;
    runtime.db().close().await;
    outcome
}

/// Binds an address of the web.
async fn listen(address: SocketAddr, what: &str, mend: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} for {what}: choose another with {mend}"))
}

/// The metrics store in the data folder.
async fn metrics(config: &Config, runtime: &Arc<Runtime>) -> anyhow::Result<Arc<dyn MetricStore>> {
    let folder = config.data_dir.join("metrics");
    let options = atalaya_metrics::Options {
        raw_retention_ms: i64::from(config.metrics.raw_days) * 86_400_000,
        ..atalaya_metrics::Options::default()
    };
    let clock = Arc::new(MetricsClock(runtime.clone()));
    let store = tokio::task::spawn_blocking(move || EmbeddedStore::open(&folder, options, clock)).await?;
    Ok(Arc::new(store.context("cannot open the metrics store")?))
}

/// The process's clock, as the metrics store asks for it.
struct MetricsClock(Arc<Runtime>);

impl atalaya_metrics::Clock for MetricsClock {
    fn now_ms(&self) -> i64 {
        self.0.clock.now().as_millis()
    }
}

/// The agents' door, open but not yet serving.
fn gateway(
    config: &Config,
    runtime: &Arc<Runtime>,
    authorities: &Arc<Authorities>,
    certificate: Arc<ShownCertificate>,
    metrics: Arc<dyn MetricStore>,
) -> anyhow::Result<Gateway> {
    let clock = Arc::new(PkiClock(runtime.clock.clone()));
    let tls = atalaya_pki::server::config(certificate, authorities.clone(), clock)?;
    let reset_key = ResetKey::new(runtime.secrets.derive("gateway/stateless-reset")?);
    let options = GatewayOptions::new(config.gateway.listen, reset_key);
    let backend = adapters::backend(runtime.clone(), authorities.clone(), metrics);
    Gateway::bind(options, tls, backend, runtime.clock.clone()).with_context(|| {
        format!(
            "cannot listen on UDP {} for agents: choose another with --gateway-listen",
            config.gateway.listen
        )
    })
}

/// What agents are told to connect to: what the configuration says, or the address in use where it is a real one.
fn advertised(config: &Config, listening: SocketAddr) -> Vec<String> {
    if config.gateway.advertise.is_empty() && !listening.ip().is_unspecified() {
        return vec![listening.to_string()];
    }
    config.gateway.advertise.clone()
}

/// Tells the service manager that the process lives, as often as it asks for.
async fn watchdog(stop: CancellationToken) -> anyhow::Result<()> {
    let Some(interval) = sd_notify::watchdog_enabled() else {
        stop.cancelled().await;
        return Ok(());
    };
    while !stop.is_cancelled() {
        sd_notify::notify(&[sd_notify::NotifyState::Watchdog])?;
        tokio::select! {
            () = tokio::time::sleep(interval / 2) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// The long tasks of the process. One that ends before it was asked to ends the process with its name: a control plane
/// whose deliveries died silently looks healthy and cuts nobody back on.
#[derive(Default)]
struct Tasks {
    running: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
}

impl Tasks {
    fn start<E>(&mut self, name: &'static str, task: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        anyhow::Error: From<E>,
    {
        self.running.spawn(async move { (name, task.await.map_err(anyhow::Error::from)) });
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            ended = self.running.join_next() => return early(ended),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        self.stop.cancel();
        let drain = async {
            while let Some(ended) = self.running.join_next().await {
                if let Ok((name, Err(error))) = ended {
                    tracing::warn!(task = name, "ended with: {error:#}");
                }
            }
        };
        if tokio::time::timeout(STOP_WITHIN, drain).await.is_err() {
            bail!("some tasks did not stop within {} s", STOP_WITHIN.as_secs());
        }
        Ok(())
    }
}

fn early(
    ended: Option<Result<(&'static str, anyhow::Result<()>), tokio::task::JoinError>>,
) -> anyhow::Result<()> {
    match ended {
        Some(Ok((name, Ok(())))) => bail!("task `{name}` ended unexpectedly"),
        Some(Ok((name, Err(error)))) => Err(error.context(format!("task `{name}` failed"))),
        Some(Err(panic)) => bail!("a task panicked: {panic}"),
        None => bail!("there is nothing to run"),
    }
}
