//! The ZIP files of an export. Each says in a README, in the language of the ISP, what is in it.

use super::readme::{self, Listed};
use atalaya_kernel::{Error, ids::FileId, personal::Person, time::Timestamp};
use atalaya_people::tenancy::Tenant;
use std::io::{Cursor, Write};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// Bytes of content, before it is packed, after which the next file is begun: a part is one blob, which is sealed in memory.
const PART_BYTES: usize = 24 << 20;

/// Something in a ZIP.
struct Entry {
    name: String,
    bytes: Vec<u8>,
}

/// An export on its way into ZIP files.
pub(super) struct Bundle<'t> {
    tenant: &'t Tenant,
    person: Person,
    at: Timestamp,
    entries: Vec<Entry>,
    listed: Vec<Listed>,
    bytes: usize,
    part: usize,
}

impl<'t> Bundle<'t> {
    pub(super) fn new(tenant: &'t Tenant, person: Person, at: Timestamp) -> Self {
        Self { tenant, person, at, entries: Vec::new(), listed: Vec::new(), bytes: 0, part: 1 }
    }

    /// Adds rows as JSON. The part before it, when that is full.
    pub(super) async fn document(
        &mut self,
        document: &'static str,
        number: usize,
        rows: usize,
        bytes: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let name = if number == 1 { format!("{document}.json") } else { format!("{document}-{number}.json") };
        let listed = Listed::Rows { name: name.clone(), document, rows };
        self.add(Entry { name, bytes }, listed).await
    }

    /// Adds a file that was left with something of the person. The part before it, when that is full.
    pub(super) async fn file(
        &mut self,
        id: &FileId,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, Error> {
        // The id keeps two of one name apart.
        let name = format!("files/{id}-{name}");
        let listed = Listed::File { name: name.clone() };
        self.add(Entry { name, bytes }, listed).await
    }

    async fn add(&mut self, entry: Entry, listed: Listed) -> Result<Option<Vec<u8>>, Error> {
        let is_full = !self.entries.is_empty() && self.bytes + entry.bytes.len() > PART_BYTES;
        let full = if is_full { Some(self.close().await?) } else { None };
        self.bytes += entry.bytes.len();
        self.entries.push(entry);
        self.listed.push(listed);
        Ok(full)
    }

    /// The last part.
    pub(super) async fn end(mut self) -> Result<Vec<u8>, Error> {
        self.close().await
    }

    async fn close(&mut self) -> Result<Vec<u8>, Error> {
        let listed = std::mem::take(&mut self.listed);
        let text = readme::text(self.tenant, &self.person, self.at, self.part, &listed);
        let mut entries = vec![Entry { name: "README.txt".to_owned(), bytes: text.into_bytes() }];
        entries.append(&mut self.entries);
        (self.bytes, self.part) = (0, self.part + 1);
        let packed = tokio::task::spawn_blocking(move || packed(entries)).await;
        packed.map_err(Error::internal)?.map_err(Error::internal)
    }
}

fn packed(entries: Vec<Entry>) -> Result<Vec<u8>, ZipError> {
    // No time of the machine: when it was made, the README says.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .unix_permissions(0o600);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        zip.start_file(entry.name, options)?;
        zip.write_all(&entry.bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
