//! A double of an object store: PUT, GET (whole or a range), HEAD, DELETE and ListObjectsV2 of one bucket by path, and uploads in
//! parts, in memory. It checks the signature
//! of each request by itself, from what the S3 API reference says about Signature Version 4 and not by the product's own code.

mod multipart;
mod signature;

use super::double::{Asked, Double, Told, decoded, pairs, serve};
use multipart::Upload;
use parking_lot::Mutex;
use signature::verify;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Its one bucket.
pub const BUCKET: &str = "isp-files";
/// Its region.
pub const REGION: &str = "sa-east-1";
/// Who is let in.
pub const KEY_ID: &str = "AKIDATALAYATEST";
/// And by what.
pub const SECRET: &str = "Secret/of+the=store-4d1f";
/// How far the clock of a caller may be off, s.
const SKEW_S: i64 = 15 * 60;

/// A running double.
pub struct ObjectStore {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// Bytes, and when they were written, Unix s.
type Object = (Vec<u8>, i64);

/// In what the store deceives whoever uploads in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// It does not.
    Never,
    /// It makes the object, and its answer says that it failed; once.
    LosesAnAnswer,
    /// It makes no object, and says so in an answer whose status is 200; once.
    FailsWith200,
    /// It tells another size of each object.
    OfTheSize,
}

struct State {
    objects: BTreeMap<String, Object>,
    /// By their names.
    uploads: BTreeMap<String, Upload>,
    /// Uploads that were ever begun.
    begun: u64,
    lies: Lies,
    /// Parts still to be answered with 500.
    failing_parts: u32,
    /// Calls still to be answered with 503.
    busy: u32,
    /// Calls still to be left without an answer.
    silent: u32,
    /// Calls still to be hung up on in the middle of what they send.
    cut: u32,
    /// Most keys of a list.
    most: usize,
    calls: Vec<String>,
}

impl ObjectStore {
    /// Starts it, empty.
    ///
    /// # Errors
    /// No free port.
    pub fn start() -> anyhow::Result<Self> {
        let state = State {
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            begun: 0,
            lies: Lies::Never,
            failing_parts: 0,
            busy: 0,
            silent: 0,
            cut: 0,
            most: 1_000,
            calls: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let address = serve(state.clone())?;
        Ok(Self { address, state })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `[blobs.s3]` of a configuration file that names it; its credentials are written to a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settings(&self, key_file: &Path) -> anyhow::Result<String> {
        self.section("blobs", "atalaya/", 2, key_file)
    }

    /// `[backup.s3]` of a configuration file that names it.
    ///
    /// # Errors
    /// The file of the credentials cannot be written.
    pub fn copies(&self, key_file: &Path) -> anyhow::Result<String> {
        self.section("backup", "copies/", 10, key_file)
    }

    fn section(&self, name: &str, prefix: &str, timeout_s: u32, key_file: &Path) -> anyhow::Result<String> {
        fs::write(
            key_file,
            format!("[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"),
        )?;
        Ok(format!(
            "[{name}.s3]\nendpoint = \"{}\"\nregion = \"{REGION}\"\nbucket = \"{BUCKET}\"\nprefix = \"{prefix}\"\nkey_file = \"{}\"\ntimeout_s = {timeout_s}\n",
            self.endpoint(),
            key_file.display()
        ))
    }

    /// Answers the next calls with 503.
    pub fn be_busy(&self, calls: u32) {
        self.state.lock().busy = calls;
    }

    /// Leaves the next calls without an answer.
    pub fn be_silent(&self, calls: u32) {
        self.state.lock().silent = calls;
    }

    /// Hangs up on the next uploads in the middle.
    pub fn cut_off(&self, calls: u32) {
        self.state.lock().cut = calls;
    }

    /// Answers the next parts with 500.
    pub fn fail_parts(&self, parts: u32) {
        self.state.lock().failing_parts = parts;
    }

    /// Deceives.
    pub fn lie(&self, lies: Lies) {
        self.state.lock().lies = lies;
    }

    /// Begins an upload in parts by hand.
    pub fn plant_upload(&self, key: &str) {
        let mut state = self.state.lock();
        state.begun += 1;
        let name = format!("planted-{}", state.begun);
        state.uploads.insert(name, Upload::of(key));
    }

    /// Makes all uploads older.
    pub fn age_uploads(&self, seconds: i64) {
        self.state.lock().uploads.values_mut().for_each(|upload| upload.begun -= seconds);
    }

    /// Keys of uploads that are no objects yet.
    pub fn uploads(&self) -> Vec<String> {
        self.state.lock().uploads.values().map(|upload| upload.key.clone()).collect()
    }

    /// Lists at most so many keys at once.
    pub fn list_at_most(&self, keys: usize) {
        self.state.lock().most = keys;
    }

    /// Keys that it holds.
    pub fn keys(&self) -> Vec<String> {
        self.state.lock().objects.keys().cloned().collect()
    }

    /// The bytes of an object.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.state.lock().objects.get(key).map(|object| object.0.clone())
    }

    /// Puts an object there by hand.
    pub fn plant(&self, key: &str, bytes: &[u8]) {
        self.state.lock().objects.insert(key.to_owned(), (bytes.to_vec(), now_s()));
    }

    /// Forgets everything.
    pub fn burn(&self) {
        let mut state = self.state.lock();
        state.objects.clear();
        state.uploads.clear();
    }

    /// Methods and paths of what was called, in order, answered or not.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().calls.clone()
    }
}

#[allow(clippy::disallowed_methods, reason = "a store has a clock of its own")]
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

impl Double for Arc<Mutex<State>> {
    fn decided(&self, asked: &Asked) -> Told {
        let mut state = self.lock();
        state.calls.push(format!("{} {}", asked.method, asked.path));
        if state.silent > 0 {
            state.silent -= 1;
            return Told::Nothing;
        }
        if state.busy > 0 {
            state.busy -= 1;
            return told(503, error("SlowDown"));
        }
        match verify(asked) {
            Ok(()) => decided(asked, &mut state),
            Err(code) => told(403, error(code)),
        }
    }

    fn cuts_off(&self, method: &str, path: &str) -> bool {
        let mut state = self.lock();
        let is_cut = state.cut > 0 && method == "PUT";
        if is_cut {
            state.cut -= 1;
            state.calls.push(format!("{method} {path}"));
        }
        is_cut
    }
}

fn told(status: u16, body: Vec<u8>) -> Told {
    Told::text(status, "application/xml", body)
}

fn error(code: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>").into_bytes()
}

fn decided(asked: &Asked, state: &mut State) -> Told {
    let rest = asked.path.strip_prefix('/').unwrap_or_default();
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket != BUCKET {
        return told(404, error("NoSuchBucket"));
    }
    let Some(key) = decoded(key) else { return told(400, error("InvalidURI")) };
    let query = pairs(&asked.query);
    if let Some(told) = multipart::decided(asked, &key, &query, state) {
        return told;
    }
    match (asked.method.as_str(), key.is_empty()) {
        ("GET", true) => told(200, list(&query, state)),
        ("GET" | "HEAD", false) => object(asked, &key, state),
        ("PUT", false) => {
            state.objects.insert(key, (asked.body.clone(), now_s()));
            told(200, Vec::new())
        }
        ("DELETE", false) => {
            state.objects.remove(&key);
            told(204, Vec::new())
        }
        _ => told(405, error("MethodNotAllowed")),
    }
}

fn object(asked: &Asked, key: &str, state: &State) -> Told {
    let Some((bytes, _)) = state.objects.get(key) else { return told(404, error("NoSuchKey")) };
    let mut bytes = bytes.clone();
    if asked.method == "HEAD" && state.lies == Lies::OfTheSize {
        bytes.push(0);
    }
    let Some(range) = asked.header("range") else { return told(200, bytes) };
    let range = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let range = range.and_then(|(from, to)| Some((from.parse().ok()?, to.parse::<usize>().ok()?)));
    let Some((from, to)) = range else { return told(400, error("InvalidArgument")) };
    match bytes.get(from..bytes.len().min(to.saturating_add(1))) {
        Some(part) if !part.is_empty() => told(206, part.to_vec()),
        _ => told(416, error("InvalidRange")),
    }
}

fn list(query: &[(String, String)], state: &State) -> Vec<u8> {
    let value = |name: &str| query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
    let (prefix, after) = (value("prefix"), value("start-after"));
    let most = value("max-keys").parse().unwrap_or(1_000).min(state.most);
    let mut fitting = state.objects.iter().filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult>");
    for (key, (bytes, written)) in fitting.by_ref().take(most) {
        let key = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(
            text,
            "<Contents><Key>{key}</Key><LastModified>{}</LastModified><Size>{}</Size></Contents>",
            utc(*written),
            bytes.len()
        );
    }
    let more = fitting.next().is_some();
    let _ = write!(text, "<IsTruncated>{more}</IsTruncated></ListBucketResult>");
    text.into_bytes()
}

/// `2026-11-05T15:07:09.000Z`.
fn utc(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * of_year + 2) / 153;
    let day = of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.000Z", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::{signature::instant, *};

    #[test]
    fn its_clock_reads_what_it_writes() {
        for seconds in [0, 951_782_400, 1_793_891_229, 4_107_542_399] {
            let text = utc(seconds).replace(['-', ':'], "").replace(".000", "");
            assert_eq!(instant(&text), Some(seconds), "{text}");
        }
        assert_eq!(utc(1_793_891_229), "2026-11-05T15:07:09.000Z");
    }
}
