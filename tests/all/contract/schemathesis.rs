//! Runs schemathesis over a document and reads what it found.

use atalaya_tests::harness::{Api, python};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

/// What the checks allow beyond what the document says, and why.
const CONFIG: &str = include_str!("schemathesis.toml");
/// Writes operation and status of each call.
const HOOKS: &str = include_str!("hooks.py");

/// The program.
pub(super) struct Schemathesis(PathBuf);

/// One run over some operations.
pub(super) struct Run {
    pub(super) name: &'static str,
    /// Which paths, as a regular expression of Python.
    pub(super) paths: &'static str,
    pub(super) as_whom: Api,
    /// The address that its calls come from, as the proxy says.
    pub(super) client: String,
    /// How long, in seconds.
    pub(super) seconds: u32,
    /// Whether there are links from one of these operations to another one; without any, following them is an error.
    pub(super) follows_links: bool,
}

/// Statuses by operation.
pub(super) struct Reached(BTreeMap<String, BTreeSet<u16>>);

impl Reached {
    /// Of no operation yet; a stream of events never ends and is tested elsewhere.
    pub(super) fn of(document: &Value) -> Self {
        let mut all = BTreeMap::new();
        for (path, methods) in document["paths"].as_object().expect("the document has paths") {
            for method in
                methods.as_object().expect("a path has methods").keys().filter(|_| path != "/stream")
            {
                all.insert(format!("{} {path}", method.to_uppercase()), BTreeSet::new());
            }
        }
        Self(all)
    }

    fn has_success(statuses: &BTreeSet<u16>) -> bool {
        statuses.iter().any(|status| (200..300).contains(status))
    }

    /// How many of a hundred were reached with success.
    pub(super) fn percent(&self) -> usize {
        self.0.values().filter(|statuses| Self::has_success(statuses)).count() * 100 / self.0.len()
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} % of {} operations were reached with success; not:", self.percent(), self.0.len())?;
        self.0
            .iter()
            .filter(|(_, statuses)| !Self::has_success(statuses))
            .try_for_each(|(operation, statuses)| writeln!(f, "  {operation}: {statuses:?}"))
    }
}

impl Schemathesis {
    /// The one of `tests/.venv`; none, told, where it is not installed.
    pub(super) fn find() -> Option<Self> {
        python(&["schemathesis"]).map(Self)
    }

    /// Runs it; what it found wrong, for a person.
    pub(super) fn run(
        &self,
        run: &Run,
        document: &Value,
        http: SocketAddr,
        folder: &Path,
        reached: &mut Reached,
    ) -> Option<String> {
        let file = |name: &str, text: &str| -> PathBuf {
            let path = folder.join(name);
            fs::write(&path, text).expect("the folder can be written");
            path
        };
        let document = file("openapi.json", &document.to_string());
        let (config, hooks) = (file("schemathesis.toml", CONFIG), file("contract_hooks.py", HOOKS));
        let statuses = folder.join("statuses.tsv");
        let phases = if run.follows_links { "examples,coverage,stateful" } else { "examples,coverage" };
        let output = Command::new(&self.0)
            .args(["-m", "schemathesis.cli", "--config-file"])
            .arg(&config)
            .arg("run")
            .arg(&document)
            .args(["--url", &format!("http://{http}/api/v1"), "--seed", "1", "--no-color"])
            .args(["--phases", phases, "--max-time", &run.seconds.to_string()])
            .args(["--include-path-regex", run.paths])
            .args(["-H", &format!("Cookie: {}", run.as_whom.cookie())])
            .args(["-H", &format!("X-Forwarded-For: {}", run.client)])
            .args(["-H", &format!("X-CSRF-Token: {}", run.as_whom.csrf())])
            .env("SCHEMATHESIS_HOOKS", hooks.file_stem().expect("it has a name"))
            .env("PYTHONPATH", folder)
            .env("ATALAYA_STATUSES", &statuses)
            .current_dir(folder)
            .output()
            .expect("it can be started");
        let said = format!(
            "== {}\n{}{}",
            run.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let told = fs::read_to_string(&statuses).unwrap_or_default();
        if told.is_empty() {
            return Some(format!("{said}\nno call was made"));
        }
        for line in told.lines() {
            let (operation, status) = line.split_once('\t').expect("an operation and a status");
            if let Some(seen) = reached.0.get_mut(operation) {
                seen.insert(status.parse().expect("a status is a number"));
            }
        }
        fs::remove_file(&statuses).expect("it can be written anew");
        (!output.status.success()).then_some(said)
    }
}
