//! Tests that cannot run on this machine.

use std::{fs::OpenOptions, io::Write, thread};

/// Names a file to which each of them is written, so that whoever started the run sees them: a test that passed says nothing.
const LIST: &str = "ATALAYA_SKIPPED";

/// Says why this test does not run here.
///
/// # Panics
/// In CI, where what tests need is installed; and when the list cannot be written.
#[allow(clippy::print_stderr, reason = "says why a test is skipped")]
pub fn skipped(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "what tests need is missing: {reason}");
    eprintln!("skipped: {reason}");
    let Some(list) = std::env::var_os(LIST) else { return };
    // The thread of a test has its name. One write a line: several processes write here.
    let line = format!("{}: {reason}\n", thread::current().name().unwrap_or("a test"));
    let written = OpenOptions::new().create(true).append(true).open(&list);
    let written = written.and_then(|mut list| list.write_all(line.as_bytes()));
    assert!(written.is_ok(), "{LIST} names {}: {written:?}", list.display());
}
