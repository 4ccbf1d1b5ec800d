//! The rules that keep the code simple, as tests: they read the sources and the manifests, and start nothing.
//!
//! A rule that is only written down lasts until the first busy week. Each test here names the rule, the file and the
//! line, so that who breaks one learns why it stands. The words are those of `docs/architecture.md`.
//!
//! - [`crates`]: who may depend on whom, and which outside crate belongs to whom.
//! - [`boundaries`]: SQL in stores, axum in `http`, the wire protocol at the gateway, the platform's handle by name.
//! - [`tables`]: a table belongs to one domain; migrations are numbered once.
//! - [`files`]: short files, essays, nothing left for later, nothing of one person's machine.
//! - [`schemas`]: a schema of the API document has a name of its own.
//! - [`sealed`]: what holds sealed bytes is brought over to a new key.
//! - [`printed`]: what holds a secret cannot be printed.
//! - [`personal`]: what is held of a person is shown to them, or it is said why not.
//! - [`words`]: what agents find has a sentence on the pages.
//! - [`documents`]: `docs/events.md` and the OpenAPI document say what the code does.
//!   `ATALAYA_WRITE=1 cargo nextest run -p atalaya-tests architecture` writes them anew.
#![allow(clippy::panic, reason = "a broken rule is a failed test, also in what tests share")]

mod boundaries;
mod catalogue;
mod checked_in;
mod crates;
mod documents;
mod files;
mod personal;
mod printed;
mod schemas;
mod sealed;
mod sources;
mod tables;
mod words;
