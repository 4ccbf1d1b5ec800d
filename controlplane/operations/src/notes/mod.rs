//! Notes and files that people leave with customers, services, devices, invoices and sites.
//!
//! - Who of the staff sees a thing sees what was left with it; a customer in the portal does not: the words are about them, not for
//!   them.
//! - Writing asks for a right of its own; what somebody else wrote or left is removed by those alone who may do that, and the
//!   words are changed by nobody but their author.
//! - What a file is, its bytes say and not its sender; it is handed out to be saved, never to be shown by the browser.
//! - Events and the live stream say that there is a note, never what it says.

mod content;
mod files;
pub mod http;
mod service;

pub use files::{FileContent, MAX_FILE_BYTES, NewFile, file_create, file_download, file_remove, files_list};
pub use service::{NewNote, NoteChange, note_create, note_get, note_remove, note_update, notes_list};

use crate::subject::{self, Subject};
use atalaya_kernel::{Ctx, Error, Permission, Scope, db::TenantTx, events::EventType};
use serde::Deserialize;
use utoipa::IntoParams;

/// Leave notes and files with what one sees, pin notes, and change one's own.
pub const WRITE: Permission = Permission::new("note.write");
/// Remove notes and files of others.
pub const REMOVE: Permission = Permission::new("note.remove");

pub(crate) const PERMISSIONS: [(Permission, &str); 2] = [
    (WRITE, "Leave notes and files with what one may see, pin notes, change and remove one's own"),
    (REMOVE, "Remove notes and files of others"),
];

const WRITTEN: EventType = EventType {
    name: "note.written",
    version: 1,
    public: true,
    doc: "A note was left with a thing, or changed. Payload: id of the note and of its subject, without the words.",
};
const REMOVED: EventType = EventType {
    name: "note.removed",
    version: 1,
    public: true,
    doc: "A note was removed. Payload: id of the note and of its subject.",
};
const FILE_LEFT: EventType = EventType {
    name: "file.left",
    version: 1,
    public: true,
    doc: "A file was left with a thing. Payload: id of the file and of its subject, without its name.",
};
const FILE_REMOVED: EventType = EventType {
    name: "file.removed",
    version: 1,
    public: true,
    doc: "A file was removed. Payload: id of the file and of its subject.",
};

pub(crate) const EVENTS: [EventType; 4] = [WRITTEN, REMOVED, FILE_LEFT, FILE_REMOVED];

/// Whose notes or files a list shows.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubjectQuery {
    /// Id of a customer, service, device, invoice or site.
    #[param(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub subject: String,
}

/// The thing with an id, if there is one and the caller is of the staff and may see it.
async fn subject_seen(ctx: &Ctx, tx: &mut TenantTx, id: &str) -> Result<Subject, Error> {
    if matches!(ctx.scope(), Scope::Customer(_)) {
        return Err(Error::NotFound);
    }
    subject::seen(ctx, tx, id).await
}
