//! Two processes on one PostgreSQL do jobs whose effect is outside of the database. One is killed in the middle of a job, one
//! is stopped until its lease has long run out and then goes on: nothing is lost, nothing is done twice, and what the
//! stopped one wants to commit is refused.
//!
//! The processes run what a control plane runs for its jobs (`jobs::run`), with a handler of this test: it calls the double
//! and commits what came of it together with the job. They are this test's own program, started again.

use super::{block_on, soak};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, AuditFilter, Entry},
    blobs::FolderStore,
    db::Db,
    events::{EntityRef, Subscriptions},
    ids::TenantId,
    jobs::{self, Handler, Job, LEASE_LOST, NewJob},
    runtime::Runtime,
    secrets::{InstallationKey, Secrets},
    testing::postgres_database,
    time::SystemClock,
    write_tx,
};
use atalaya_tests::harness::{Process, wait_for, wait_until};
use parking_lot::{Condvar, Mutex};
use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

const KIND: &str = "test.effect";
/// A lease is fifteen seconds; a busy machine needs more.
const SOON: Duration = Duration::from_secs(180);
/// Tells the process that it is a worker: its name, the database and the double, one a line.
const WORKER: &str = "ATALAYA_TEST_JOB_WORKER";

/// What jobs have an effect on: it knows each call by its idempotency key, and can let a caller wait.
#[derive(Default)]
struct Double {
    seen: Mutex<Seen>,
    released: Condvar,
}

#[derive(Default)]
struct Seen {
    /// Who called, by key, in order.
    calls: BTreeMap<String, Vec<String>>,
    /// Whose commit was refused, and for which key.
    refused: Vec<(String, String)>,
    /// Keys whose first call is not answered yet.
    held: HashMap<String, bool>,
}

impl Double {
    fn start() -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let double = Arc::new(Self::default());
        let serving = double.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serving = serving.clone();
                std::thread::spawn(move || serving.answer(&stream));
            }
        });
        (double, address)
    }

    /// One line in (`WORKER VERB KEY`), one line out. A caller that died meanwhile is nobody's loss.
    fn answer(&self, stream: &TcpStream) {
        let mut line = String::new();
        let read = BufReader::new(stream).read_line(&mut line);
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let (Ok(_), [worker, verb, key]) = (read, words.as_slice()) else { return };
        if verb == "refused" {
            self.seen.lock().refused.push((worker.clone(), key.clone()));
        } else {
            let mut seen = self.seen.lock();
            let calls = seen.calls.entry(key.clone()).or_default();
            calls.push(worker.clone());
            if calls.len() == 1 {
                while seen.held.get(key) == Some(&true) {
                    self.released.wait(&mut seen);
                }
            }
        }
        let mut stream = stream;
        let _ = stream.write_all(b"ok\n");
    }

    /// The first call of a key gets no answer until [`Double::release`].
    fn hold(&self, key: &str) {
        self.seen.lock().held.insert(key.to_owned(), true);
    }

    fn release(&self, key: &str) {
        self.seen.lock().held.insert(key.to_owned(), false);
        self.released.notify_all();
    }

    /// Who has called for a key so far.
    fn callers(&self, key: &str) -> Vec<String> {
        self.seen.lock().calls.get(key).cloned().unwrap_or_default()
    }
}

/// Calls the double and commits what came of it, with the job.
struct Effect {
    worker: String,
    double: SocketAddr,
}

impl Effect {
    async fn tell(&self, verb: &str, key: &str) -> Result<(), Error> {
        let told = async {
            let mut stream = tokio::net::TcpStream::connect(self.double).await?;
            stream.write_all(format!("{} {verb} {key}\n", self.worker).as_bytes()).await?;
            let mut answer = String::new();
            tokio::io::BufReader::new(stream).read_line(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        match told.await {
            Ok(answer) if answer == "ok\n" => Ok(()),
            other => Err(Error::Unavailable(format!("the double: {other:?}"))),
        }
    }
}

#[async_trait::async_trait]
impl Handler for Effect {
    fn kind(&self) -> &'static str {
        KIND
    }
    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let key: String = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        self.tell("effect", &key).await?;
        let tenant = job.tenant_id.clone().ok_or(Error::NotFound)?;
        let ctx = Ctx::system(runtime.tenant(tenant), "worker");
        let done = write_tx!(ctx, tx => {
            jobs::complete(&mut tx, job).await?;
            audit::record(&ctx, &mut tx, Entry::new("effect.done", EntityRef::new("effect", &key))).await
        });
        if matches!(&done, Err(Error::Conflict { code: LEASE_LOST, .. })) {
            self.tell("refused", &key).await?;
        }
        done
    }
}

async fn runtime(url: &str, folder: &Path) -> Arc<Runtime> {
    let db = Db::open(url).await.expect("the database opens");
    let secrets = Secrets::new(InstallationKey::generate());
    let blobs = Arc::new(FolderStore::new(folder.join("blobs")));
    Runtime::new(db, Arc::new(SystemClock), Subscriptions::default(), secrets, blobs)
}

#[test]
#[ignore = "a process of the test below, which starts it"]
fn worker() {
    let told = std::env::var(WORKER).expect("the test below says what to do");
    let [name, url, double] = told.lines().collect::<Vec<_>>()[..] else { panic!("three lines: {told}") };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let effect = Effect { worker: name.to_owned(), double: double.parse().expect("an address") };
    block_on(async {
        let runtime = runtime(url, folder.path()).await;
        jobs::run(runtime, vec![Arc::new(effect)], CancellationToken::new())
            .await
            .expect("the database stays");
    });
}

/// The processes, by name.
struct Workers<'t> {
    url: &'t str,
    double: SocketAddr,
    logs: &'t Path,
    running: BTreeMap<&'static str, Process>,
}

impl Workers<'_> {
    fn start(&mut self, name: &'static str) {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command
            .args(["--exact", "e2e::jobs::worker", "--ignored", "--nocapture"])
            .env(WORKER, format!("{name}\n{}\n{}", self.url, self.double));
        let process = Process::start(name, self.logs, &mut command).expect("this program starts again");
        self.running.insert(name, process);
    }

    fn signal(&self, name: &str, signal: &str) {
        let id = self.running[name].id().to_string();
        let told = Command::new("kill").args([signal, &id]).status().expect("kill is there");
        assert!(told.success(), "{signal} {name}");
    }

    fn named(&self, name: &str) -> &'static str {
        self.running.keys().find(|known| **known == name).expect("one of the two")
    }
}

/// The jobs of a tenant, and what came of them.
struct Work {
    ctx: Ctx,
    /// Its connections live with it.
    threads: tokio::runtime::Runtime,
}

impl Work {
    fn ask(&self, keys: impl Iterator<Item = String>) {
        let keys: Vec<_> = keys.collect();
        let ctx = &self.ctx;
        self.threads.block_on(async {
            for keys in keys.chunks(200) {
                write_tx!(ctx, tx => {
                    for key in keys {
                        let job = NewJob {
                            kind: KIND,
                            tenant: Some(ctx.tenant().clone()),
                            payload: serde_json::json!(key),
                            dedupe_key: key.clone(),
                            run_at: ctx.now(),
                        };
                        jobs::enqueue(&mut tx, job, ctx.now()).await?;
                    }
                    Ok(())
                })
                .expect("jobs can be asked for");
            }
        });
    }

    /// How often each key was committed as done.
    fn done(&self) -> BTreeMap<String, usize> {
        let filter = AuditFilter {
            actions: vec!["effect.done".to_owned()],
            limit: 1_000_000,
            ..AuditFilter::default()
        };
        let read = async { audit::list(&mut self.ctx.begin_read().await?, &filter).await };
        let rows = self.threads.block_on(read).expect("the trail can be read");
        let mut done = BTreeMap::new();
        for row in rows {
            *done.entry(row.entity_id).or_default() += 1;
        }
        done
    }
}

#[test]
fn each_job_takes_effect_once_though_its_holder_dies_or_stalls() {
    let half = if soak() { 5_000 } else { 150 };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = block_on(postgres_database());
    let threads = tokio::runtime::Runtime::new().expect("a test has threads");
    let runtime = threads.block_on(runtime(&url, folder.path()));
    let tenant = runtime.tenant(TenantId::new(runtime.clock.now()));
    let work = Work { ctx: Ctx::system(tenant, "test"), threads };
    let (double, address) = Double::start();
    let logs = folder.path().join("log");
    let mut workers = Workers { url: &url, double: address, logs: &logs, running: BTreeMap::new() };
    let key = |number: usize| format!("key-{number:05}");
    let (killed_at, stalled_at) = (key(half / 3), key(half + half / 3));

    // One dies while the other side works for it.
    double.hold(&killed_at);
    work.ask((0..half).map(key));
    workers.start("first");
    workers.start("second");
    let caller = wait_for("a job to be under way", SOON, || double.callers(&killed_at).first().cloned());
    let dead = workers.named(&caller);
    workers.running.get_mut(dead).expect("it runs").kill().expect("it can be killed");
    double.release(&killed_at);
    wait_until("the other to do every job", SOON, || work.done().len() == half);
    workers.start(dead);

    // One stalls, long enough for the other to take its job over, and then wants to commit.
    double.hold(&stalled_at);
    work.ask((half..2 * half).map(key));
    let caller = wait_for("a job to be under way", SOON, || double.callers(&stalled_at).first().cloned());
    let stalled = workers.named(&caller);
    workers.signal(stalled, "-STOP");
    wait_until("the other to do every job", SOON, || work.done().len() == 2 * half);
    double.release(&stalled_at);
    workers.signal(stalled, "-CONT");
    wait_until("the stalled one to be refused", SOON, || !double.seen.lock().refused.is_empty());

    let seen = double.seen.lock();
    assert_eq!(seen.refused, [(stalled.to_owned(), stalled_at.clone())], "and nobody else");
    let done = work.done();
    for number in 0..2 * half {
        let key = key(number);
        let calls = seen.calls.get(&key).map_or(0, Vec::len);
        let interrupted = key == killed_at || key == stalled_at;
        assert_eq!((done.get(&key), calls), (Some(&1), if interrupted { 2 } else { 1 }), "{key}");
    }
    assert_eq!(done.len(), 2 * half);
    let both = seen.calls.values().flatten().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(both.len(), 2, "both did something");
}
