//! A copy as one file: records, compressed by zstd, in sealed chunks.
//!
//! ```text
//! "atalaya-copy 2\n"   16 bytes with a closing NUL
//! u16 length, name of the key outside the database that wrapped the file's own key
//! u16 length, the file's own key, wrapped
//! chunks, as `secrets/stream.rs` seals them: they cannot be left out, swapped or cut off unnoticed
//! ```
//!
//! Files of version 1 have no name in front: an installation key sealed them, whichever it was.

use super::{ArchiveError, Record};
use crate::secrets::{
    Secrets, Wrapped, fill_random,
    stream::{Opener, Sealer},
};
use std::io::{self, BufReader, Read, Write};
use tokio::sync::mpsc::{Receiver, Sender};
use zeroize::Zeroizing;

const MAGIC: &[u8; 16] = b"atalaya-copy 2\n\0";
const MAGIC_UNNAMED: &[u8; 16] = b"atalaya-copy 1\n\0";
const CONTEXT: &str = "archive/file-key";
/// A level that keeps a small machine's disk busier than its processor.
const LEVEL: i32 = 3;
/// Largest record taken, bytes: a blob and some.
const MAX_RECORD: u32 = 256 << 20;

/// The key of a file: made for a new one, or opened with [`Sealed::open`].
pub struct FileKey {
    key: Zeroizing<[u8; 32]>,
    wrapped: Wrapped,
}

impl FileKey {
    /// For a new file.
    ///
    /// # Errors
    /// The key outside the database that is to wrap it.
    pub async fn make(secrets: &Secrets) -> Result<Self, ArchiveError> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(&mut *key);
        let wrapped = secrets.wrap_outside(CONTEXT, &*key).await;
        let wrapped = wrapped.map_err(|error| {
            ArchiveError::Unreadable(format!(
                "the file's key could not be wrapped: {}",
                crate::outbox::chain(&error)
            ))
        })?;
        Ok(Self { key, wrapped })
    }
}

/// A file whose key is not opened yet.
pub struct Sealed<R> {
    wrapped: Wrapped,
    input: R,
}

impl<R: Read> Sealed<R> {
    /// Reads what stands in front. Blocking.
    ///
    /// # Errors
    /// The disk's, or a file that is not a copy.
    pub fn of(mut input: R) -> Result<Self, ArchiveError> {
        let mut magic = [0; 16];
        let begun = input.read_exact(&mut magic);
        let is_named = magic == *MAGIC;
        if begun.is_err() || !(is_named || magic == *MAGIC_UNNAMED) {
            return Err(ArchiveError::Unreadable("this file is not a copy that atalaya made".to_owned()));
        }
        let by = if is_named { sized(&mut input)? } else { Vec::new() };
        let by = String::from_utf8(by).map_err(ArchiveError::malformed)?;
        Ok(Self { wrapped: Wrapped { by, bytes: sized(&mut input)? }, input })
    }

    /// Opens the file's key; the rest of the file with it.
    ///
    /// # Errors
    /// A copy that was made under another key, named, or changed.
    pub async fn open(self, secrets: &Secrets) -> Result<(FileKey, R), ArchiveError> {
        let wrong = || {
            ArchiveError::Unreadable(
                "the copy does not open: it was made under another installation key, or changed; put that key in place"
                    .to_owned(),
            )
        };
        let opened = if self.wrapped.by.is_empty() {
            secrets.open_unnamed(CONTEXT, &self.wrapped.bytes).ok_or_else(wrong)?
        } else {
            secrets.unwrap_outside(CONTEXT, &self.wrapped).await.map_err(|error| match error {
                crate::Error::Unavailable(why) => ArchiveError::Unreadable(format!(
                    "the copy does not open: it was made under another installation key. {why}"
                )),
                _ => wrong(),
            })?
        };
        let key = <[u8; 32]>::try_from(opened.expose()).map(Zeroizing::new).map_err(|_| wrong())?;
        Ok((FileKey { key, wrapped: self.wrapped }, self.input))
    }
}

fn sized(input: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
    let mut length = [0; 2];
    input.read_exact(&mut length).map_err(unreadable)?;
    let mut bytes = vec![0; u16::from_le_bytes(length).into()];
    input.read_exact(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Writes records into a file until they end; bytes written. Blocking: for a thread of its own. The caller makes the
/// file durable and gives it its name.
///
/// # Errors
/// The disk's, or records that stopped before [`Record::End`].
pub fn write(
    key: &FileKey,
    mut file: impl Write,
    mut records: Receiver<Record>,
) -> Result<u64, ArchiveError> {
    let head = write_head(key, &mut file)?;
    let mut compressor = zstd::Encoder::new(Sealer::new(&key.key, file), LEVEL)?;
    let mut ended = false;
    while let Some(record) = records.blocking_recv() {
        ended = matches!(record, Record::End(_));
        let bytes = postcard::to_stdvec(&record).map_err(ArchiveError::malformed)?;
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_RECORD);
        let length = length.ok_or_else(|| ArchiveError::malformed("a record is larger than 256 MiB"))?;
        compressor.write_all(&length.to_le_bytes())?;
        compressor.write_all(&bytes)?;
    }
    if !ended {
        return Err(ArchiveError::CutOff);
    }
    Ok(head + compressor.finish()?.finish()?)
}

/// Writes what stands in front of the chunks; its bytes.
fn write_head(key: &FileKey, file: &mut impl Write) -> Result<u64, ArchiveError> {
    file.write_all(MAGIC)?;
    let mut written = 16;
    for part in [key.wrapped.by.as_bytes(), &key.wrapped.bytes] {
        let length = u16::try_from(part.len()).map_err(ArchiveError::malformed)?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(part)?;
        written += u64::from(length) + 2;
    }
    Ok(written)
}

/// Reads the rest of a file and sends its records on. Blocking: for a thread of its own.
///
/// # Errors
/// A file that was changed or cut off; a receiver that left.
pub fn read(key: &FileKey, rest: impl Read, records: &Sender<Record>) -> Result<(), ArchiveError> {
    let opener = Opener::new(&key.key, rest);
    let mut plain = BufReader::new(zstd::Decoder::new(opener)?);
    loop {
        let mut length = [0; 4];
        plain.read_exact(&mut length).map_err(unreadable)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_RECORD {
            return Err(ArchiveError::malformed("a record is larger than 256 MiB"));
        }
        let mut bytes = Vec::new();
        let read = plain.by_ref().take(length.into()).read_to_end(&mut bytes).map_err(unreadable)?;
        if u32::try_from(read).ok() != Some(length) {
            return Err(ArchiveError::CutOff);
        }
        let record: Record = postcard::from_bytes(&bytes).map_err(ArchiveError::malformed)?;
        let ended = matches!(record, Record::End(_));
        records.blocking_send(record).map_err(|_| ArchiveError::ReceiverGone)?;
        if ended {
            return Ok(());
        }
    }
}

/// The errors of [`Opener`] come back through the decompressor as `io::Error`s.
fn unreadable(error: io::Error) -> ArchiveError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::CutOff,
        io::ErrorKind::InvalidData => {
            ArchiveError::Unreadable(format!("the copy was changed: use another one ({error})"))
        }
        _ => ArchiveError::Io(error),
    }
}
