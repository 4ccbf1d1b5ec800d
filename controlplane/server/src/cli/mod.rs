//! `atalaya`: one program, its roles as subcommands.

mod admin;
mod agent;
mod audit;
mod backup;
mod certificate;
mod mail;
mod migrate;
mod platform;
mod search;
mod secrets;

use crate::{
    app,
    config::{self, Config},
    traces::Traces,
    worker::every_tenant_id,
};
use anyhow::Context;
use atalaya_kernel::{
    db::Db,
    events::Subscriptions,
    migrations::{self, Migration, MigrationError, Status},
    outbox::Subscriber,
    row_security,
    runtime::Runtime,
    secrets::{Secrets, rotation},
    time::SystemClock,
};
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// The control plane of Atalaya.
#[derive(Debug, Parser)]
#[command(name = "atalaya", version, about)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command may be told; stronger than the file.
#[derive(Debug, Args)]
struct Common {
    /// Configuration file; the defaults without one.
    #[arg(long, global = true, env = "ATALAYA_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of the database, metrics and blobs.
    #[arg(long, global = true, env = "ATALAYA_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// URL of a PostgreSQL database, instead of SQLite in the data folder.
    #[arg(long, global = true, env = "ATALAYA_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// URL of the same database as the role that owns its tables: it migrates, and does not serve.
    #[arg(long, global = true, env = "ATALAYA_DATABASE_OWNER", hide_env_values = true)]
    database_owner: Option<String>,
    /// How log lines are written: for people, or as JSON objects for a collector.
    #[arg(long, global = true, env = "ATALAYA_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// production, staging or development.
    #[arg(long, global = true, env = "ATALAYA_ENVIRONMENT")]
    environment: Option<atalaya_kernel::installation::Environment>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the control plane.
    Serve(Serve),
    /// Brings the database to this program's schema, or says what is missing.
    Migrate(migrate::Migrate),
    /// Copies database and files into one sealed file, in a folder or an object store, while everything runs, and rehearses its
    /// restore.
    Backup(backup::Backup),
    /// Puts a copy into an empty database and data folder, or tries one.
    Restore(backup::Restore),
    /// Copies a database into an empty one of either kind; stop the control plane first.
    Move(backup::Move),
    /// Tenants, users, passwords, arming a copy.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Plans and state of tenants, and the people who run the installation.
    #[command(subcommand)]
    Platform(platform::Platform),
    /// Tokens with which new agents join, and revocation.
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Shows the keys that seal what is secret, and replaces them while everything runs.
    #[command(subcommand)]
    Secrets(secrets::SecretsCommand),
    /// The index that the search looks in.
    #[command(subcommand)]
    Search(search::Search),
    /// Tries the mail server.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Verifies the audit trails, and prints where their chains end.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Certificates of the web that a public authority issues (ACME).
    #[command(subcommand)]
    Certificate(certificate::Certificate),
    /// Prints the OpenAPI document.
    Openapi,
}

#[derive(Debug, Args)]
struct Serve {
    /// Address and TCP port of web app and API; port 0 takes a free one.
    #[arg(long, env = "ATALAYA_HTTP_LISTEN")]
    http_listen: Option<SocketAddr>,
    /// Address and UDP port of the agents' gateway; port 0 takes a free one.
    #[arg(long, env = "ATALAYA_GATEWAY_LISTEN")]
    gateway_listen: Option<SocketAddr>,
    /// Addresses that agents are told to connect to, `host:port`.
    #[arg(long, env = "ATALAYA_GATEWAY_ADVERTISE", value_delimiter = ',')]
    gateway_advertise: Vec<String>,
    /// Collector of traces, `https://collector.example/v1/traces`; none are exported without one.
    #[arg(long, env = "ATALAYA_TRACES_ENDPOINT")]
    traces_endpoint: Option<String>,
    /// File that the addresses in use are written to once everything listens, as JSON.
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

impl Cli {
    /// How log lines are to be written.
    pub fn log_format(&self) -> LogFormat {
        self.common.log_format
    }

    /// Reads the configuration. The log is not open yet: whether spans leave beside its lines stands there.
    ///
    /// # Errors
    /// A configuration that cannot be read, or a setting that cannot be, named.
    pub fn configured(self) -> anyhow::Result<Configured> {
        let mut config = self.common.config()?;
        let Command::Serve(serve) = &self.command else {
            return Ok(Configured { config, command: self.command, traces: None });
        };
        config.http.listen = serve.http_listen.unwrap_or(config.http.listen);
        config.gateway.listen = serve.gateway_listen.unwrap_or(config.gateway.listen);
        if !serve.gateway_advertise.is_empty() {
            config.gateway.advertise.clone_from(&serve.gateway_advertise);
        }
        if let Some(endpoint) = serve.traces_endpoint.clone() {
            config.traces = Some(match config.traces {
                Some(traces) => config::Traces { endpoint, ..traces },
                None => config::Traces::at(endpoint),
            });
        }
        let traces = config.traces()?;
        Ok(Configured { config, command: self.command, traces })
    }
}

/// What was asked, with the configuration that it is done by.
pub struct Configured {
    config: Config,
    command: Command,
    traces: Option<Arc<Traces>>,
}

impl Configured {
    /// The export of spans; none where no collector is named, and none for a command that ends by itself.
    pub fn traces(&self) -> Option<Arc<Traces>> {
        self.traces.clone()
    }

    /// Does what was asked.
    ///
    /// # Errors
    /// What went wrong and the mend, for the terminal.
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.config;
        match self.command {
            Command::Serve(serve) => app::serve(config, self.traces, serve.ready_file).await,
            Command::Migrate(migrate) => migrate.run(&config).await,
            Command::Backup(backup) => backup.run(config).await,
            Command::Restore(restore) => restore.run(&config).await,
            Command::Move(moving) => moving.run().await,
            Command::Admin(admin) => admin.run(&config).await,
            Command::Platform(platform) => platform.run(&config).await,
            Command::Agent(agent) => agent.run(&config).await,
            Command::Secrets(secrets) => secrets.run(&config).await,
            Command::Search(search) => search.run(&config).await,
            Command::Mail(mail) => mail.run(&config).await,
            Command::Audit(audit) => audit.run(&config).await,
            Command::Certificate(certificate) => certificate.run(&config).await,
            Command::Openapi => {
                let document =
                    crate::http::document().to_pretty_json().context("the document has a JSON form")?;
                print_line(&document);
                Ok(())
            }
        }
    }
}

impl Common {
    fn config(&self) -> anyhow::Result<Config> {
        let mut config = Config::read(self.config.as_deref())?;
        config.data_dir = self.data_dir.clone().unwrap_or(config.data_dir);
        config.database = self.database.clone().or(config.database);
        config.database_owner = self.database_owner.clone().or(config.database_owner);
        config.environment = self.environment.unwrap_or(config.environment);
        Ok(config)
    }
}

/// Database and secrets, opened; the schema must be this program's.
///
/// # Errors
/// A database that cannot be opened, or whose schema is another.
pub(crate) async fn open(
    config: &Config,
    subscribers: &[Arc<dyn Subscriber>],
) -> anyhow::Result<Arc<Runtime>> {
    config.prepare()?;
    let secrets = Secrets::with(config.key_providers()?);
    let slow = Duration::from_millis(config.log.slow_query_ms);
    let db = Db::open_noting(&config.database_url(), slow).await.context("cannot open the database")?;
    let blobs = config.blob_store(Arc::new(SystemClock))?;
    Ok(Runtime::new(db, Arc::new(SystemClock), Subscriptions::of(subscribers), secrets, blobs))
}

/// The same, for a command that changes something: the schema is brought up first.
///
/// # Errors
/// As [`open`].
pub(crate) async fn open_migrated(config: &Config) -> anyhow::Result<Arc<Runtime>> {
    let runtime = open(config, &app::subscribers()).await?;
    ready_to_serve(config, &runtime).await?;
    Ok(runtime)
}

/// Brings the schema up as the role that may, and then demands that the serving one sees no more than it should.
///
/// # Errors
/// A schema that cannot be brought up, or rows that would not be kept apart, with the mend.
pub(crate) async fn ready_to_serve(config: &Config, runtime: &Arc<Runtime>) -> anyhow::Result<()> {
    let owner = Owner::open(config, runtime).await?;
    owner.migrate(runtime).await?;
    owner.close().await;
    row_security::demand(runtime.db()).await?;
    let tenants = every_tenant_id(runtime).await?;
    rotation::establish(runtime, &tenants).await.context("the platform's keys do not open")?;
    Ok(())
}

/// The database as the role that may change its schema: `database_owner` on connections of its own, or the serving role
/// where there is no other.
pub(crate) struct Owner {
    db: Db,
    /// Role that serves, when it is another one: it is given its rights.
    serving: Option<String>,
    is_apart: bool,
}

impl Owner {
    /// # Errors
    /// A database that cannot be opened as its owner.
    pub(crate) async fn open(config: &Config, runtime: &Runtime) -> anyhow::Result<Self> {
        let Some(url) = &config.database_owner else {
            return Ok(Self { db: runtime.db().clone(), serving: None, is_apart: false });
        };
        let (owner, serving) = (Db::role(url)?, Db::role(&config.database_url())?);
        let db = Db::open(url).await.context("cannot open the database as its owner (database_owner)")?;
        anyhow::ensure!(
            db.dialect() == runtime.db().dialect(),
            "database_owner must name the same database as `database`, as another role"
        );
        Ok(Self { db, serving: if owner == serving { None } else { serving }, is_apart: true })
    }

    /// The database.
    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The role that serves, when it is another one.
    pub(crate) fn serving(&self) -> Option<&str> {
        self.serving.as_deref()
    }

    /// What the database lacks.
    ///
    /// # Errors
    /// A newer or changed history.
    pub(crate) async fn status(&self) -> Result<Status, MigrationError> {
        migrations::status(&self.db).await
    }

    /// Brings the schema, row security and rights up to date; the steps that ran.
    ///
    /// # Errors
    /// What is in the way, with the mend.
    pub(crate) async fn migrate(&self, runtime: &Runtime) -> Result<Vec<Migration>, MigrationError> {
        migrations::migrate(&self.db, runtime.clock.now(), self.serving.as_deref()).await
    }

    pub(crate) async fn close(self) {
        if self.is_apart {
            self.db.close().await;
        }
    }
}

/// One line on the terminal: this is a command's answer, not a log.
#[allow(clippy::print_stdout, reason = "the answer of a command belongs on the terminal")]
pub(crate) fn print_line(line: &str) {
    println!("{line}");
}
