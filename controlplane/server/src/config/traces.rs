//! `[traces]`: the collector that spans are exported to. Without it nothing of that runs.

use super::{Config, Source};
use crate::traces::Traces as Running;
use anyhow::{Context, bail};
use atalaya_kernel::time::SystemClock;
use axum::http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

/// A collector of traces.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Where it takes them by OTLP over HTTP: `https://collector.example/v1/traces`.
    pub endpoint: String,
    /// Certificates (PEM) that its own is judged by; the system's when absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Where further headers of each call lie, one a line: `authorization: Bearer …`.
    #[serde(default)]
    pub headers: Option<Source>,
    /// Which part of all traces is exported, 0 to 1.
    #[serde(default = "all_of_them")]
    pub ratio: f64,
    /// Whether a trace that a proxy of `http.trusted_proxies` names is continued; else each request begins one.
    #[serde(default)]
    pub from_proxies: bool,
}

const fn all_of_them() -> f64 {
    1.0
}

/// What is said by the protocol itself.
const OURS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::HOST];

impl Traces {
    /// At an address, and everything else as usual.
    pub fn at(endpoint: String) -> Self {
        Self { endpoint, ca_file: None, headers: None, ratio: all_of_them(), from_proxies: false }
    }

    /// The further headers. They may hold a credential: no error shows a line, and nothing prints a value.
    ///
    /// # Errors
    /// A place that cannot be read, or a line that is no header.
    pub(crate) fn further_headers(&self) -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
        let Some(source) = &self.headers else { return Ok(Vec::new()) };
        let text = source.read("[traces] headers")?;
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = number + 1;
            let parsed = line.split_once(':').and_then(|(name, value)| {
                Some((name.trim().parse::<HeaderName>().ok()?, HeaderValue::from_str(value.trim()).ok()?))
            });
            let Some((name, mut value)) = parsed else {
                bail!("[traces] headers: line {number} is not `name: value`");
            };
            if OURS.contains(&name) {
                bail!("[traces] headers: {name} in line {number} is not for a setting to say");
            }
            value.set_sensitive(true);
            found.push((name, value));
        }
        Ok(found)
    }
}

impl Config {
    /// The export of spans, begun; none where no collector is named.
    ///
    /// # Errors
    /// A setting of `[traces]` that cannot be, named.
    pub fn traces(&self) -> anyhow::Result<Option<Arc<Running>>> {
        let Some(settings) = &self.traces else { return Ok(None) };
        if !(0.0..=1.0).contains(&settings.ratio) {
            bail!("[traces] ratio must be 0 to 1");
        }
        if settings.from_proxies && self.http.trusted_proxies.is_empty() {
            bail!("[traces] from_proxies needs http.trusted_proxies: a trace is continued for no other peer");
        }
        let running = Running::start(settings, self.environment, Arc::new(SystemClock));
        Ok(Some(Arc::new(running.context("no spans can be exported")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn start(text: &str) -> anyhow::Result<Option<Arc<Running>>> {
        toml::from_str::<Config>(text)?.traces()
    }

    #[test]
    fn nothing_runs_unless_a_collector_is_named() {
        assert!(start("").unwrap().is_none());
        let here = start("[traces]\nendpoint = \"http://127.0.0.1:4318/v1/traces\"").unwrap().unwrap();
        assert!(!here.continues_from_proxies());
        let usual = Traces::at("https://collector.example/v1/traces".to_owned());
        assert!((usual.ratio - 1.0).abs() < f64::EPSILON && usual.further_headers().unwrap().is_empty());
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let here = "endpoint = \"http://127.0.0.1:4318/v1/traces\"\n";
        for (text, named) in [
            (String::new(), "endpoint"),
            ("endpoint = \"http://collector.example/v1/traces\"".to_owned(), "[traces] endpoint"),
            ("endpoint = \"http://127.0.0.1.example/v1/traces\"".to_owned(), "[traces] endpoint"),
            ("endpoint = \"collector:4318\"".to_owned(), "[traces] endpoint"),
            ("endpoint = \"http://127.0.0.1:4318\"".to_owned(), "/v1/traces"),
            ("endpoint = \"https://me:key@collector.example/v1/traces\"".to_owned(), "[traces] headers"),
            ("endpoint = \"https://collector.example/v1/traces?key=x\"".to_owned(), "[traces] headers"),
            (format!("{here}ratio = 1.5"), "[traces] ratio"),
            (format!("{here}ratio = -0.1"), "[traces] ratio"),
            (format!("{here}ratio = nan"), "[traces] ratio"),
            (format!("{here}from_proxies = true"), "http.trusted_proxies"),
            (format!("{here}headers = \"authorization: Bearer x\""), "file:PATH"),
            (format!("{here}headers = \"file:/nowhere\""), "[traces] headers"),
            (
                "endpoint = \"https://collector.example/v1/traces\"\nca_file = \"/nowhere\"".to_owned(),
                "[traces] ca_file",
            ),
            (format!("{here}protocol = \"grpc\""), "protocol"),
        ] {
            let error = start(&format!("[traces]\n{text}")).err().map(|error| format!("{error:#}"));
            let error = error.unwrap_or_default();
            assert!(error.contains(named), "{text}: {error:?}");
        }
        let proxy = format!("[http]\ntrusted_proxies = [\"127.0.0.1\"]\n[traces]\n{here}from_proxies = true");
        assert!(start(&proxy).unwrap().unwrap().continues_from_proxies());
    }

    #[test]
    fn headers_are_read_from_a_file_and_shown_by_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("headers");
        let settings = Traces {
            headers: Some(Source::File(path.clone())),
            ..Traces::at("http://127.0.0.1:4318/v1/traces".to_owned())
        };
        fs::write(&path, "Authorization: Bearer hunter2\n\nx-scope: isp\n").unwrap();
        let found = settings.further_headers().unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].0.as_str(), found[0].1.to_str().unwrap()), ("authorization", "Bearer hunter2"));
        assert!(!format!("{found:?}").contains("hunter2"));
        for wrong in ["hunter2", "x y: hunter2", "content-type: hunter2", "x-key: hunter2\u{1}"] {
            fs::write(&path, wrong).unwrap();
            let error = format!("{:#}", settings.further_headers().unwrap_err());
            assert!(error.contains("[traces] headers") && !error.contains("hunter2"), "{error}");
        }
    }
}
