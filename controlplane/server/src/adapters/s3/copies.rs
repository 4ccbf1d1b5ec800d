//! Copies of the installation in the store: written in parts, read in ranges, so that no more than one of them is in memory.
//!
//! What is begun here is no object before the store made one of the parts, and counts as one only once the store has told its
//! size, which must be that of what was sent. Every function here waits for the network: for a thread that may block.

use super::{
    Client, MOST_KEYS,
    answer::{self, Object},
    request::{Answer, Call},
};
use atalaya_kernel::{archive::Unfinished, time::Timestamp};
use bytes::Bytes;
use std::{
    io::{self, Cursor, Read, Write},
    mem,
};

/// Bytes of each part but the last, and of each range: stores want at least 5 MiB, and all of one size.
pub(crate) const PART_BYTES: usize = 16 << 20;
/// Most parts that a store takes.
const MOST_PARTS: usize = 10_000;

/// An object as the list of the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its key behind the prefix of the settings.
    pub(crate) key: String,
    /// Its size, bytes.
    pub(crate) bytes: u64,
}

impl Client {
    /// Key in the bucket.
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.0.settings.prefix)
    }

    /// `s3://BUCKET/KEY` of an object, for people.
    pub(crate) fn shown(&self, name: &str) -> String {
        format!("s3://{}/{}", self.0.settings.bucket, self.key(name))
    }

    /// Objects whose key goes on with `beginning` behind the prefix of the settings, by key.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn stored(&self, beginning: &str) -> io::Result<Vec<Stored>> {
        let mut stored = Vec::new();
        let mut after = String::new();
        loop {
            let call = Call::List { prefix: self.key(beginning), after, most: MOST_KEYS };
            let page = answer::list(&body_of(self.call_blocking(&call)?))?;
            after = page.found.last().map(|object| object.listed.key.clone()).unwrap_or_default();
            for Object { listed, bytes } in page.found {
                let key = listed.key.strip_prefix(self.0.settings.prefix.as_str());
                let key = key.ok_or_else(|| wrong("listed what was not asked for"))?.to_owned();
                stored
                    .push(Stored { key, bytes: bytes.ok_or_else(|| wrong("lists objects without a size"))? });
            }
            if !page.is_truncated || after.is_empty() {
                return Ok(stored);
            }
        }
    }

    /// Size of an object, bytes; none when it is not there.
    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        let Some(answer) = self.call_blocking(&Call::Head { key: key.to_owned() })? else { return Ok(None) };
        answer.length.map(Some).ok_or_else(|| wrong("does not tell the size of an object"))
    }

    /// Begins an object.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn begin(&self, name: &str) -> io::Result<Upload> {
        let key = self.key(name);
        let begun = self.call_blocking(&Call::Create { key: key.clone() })?;
        let upload = answer::upload(&body_of(begun)).ok_or_else(|| wrong("gave no name to an upload"))?;
        Ok(Upload {
            client: self.clone(),
            key,
            upload,
            part: Vec::new(),
            tags: Vec::new(),
            bytes: 0,
            was_completed: false,
        })
    }

    /// Opens an object.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] where there is none, by its name; the store's.
    pub(crate) fn open(&self, name: &str) -> io::Result<Download> {
        let key = self.key(name);
        let Some(size) = self.size(&key)? else {
            let why = format!("there is no {}", self.shown(name));
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        };
        Ok(Download { client: self.clone(), key, size, next: 0, range: Cursor::new(Bytes::new()) })
    }

    /// Removes an object; nothing there is fine.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        self.call_blocking(&Call::Delete { key: self.key(name) }).map(drop)
    }

    /// Aborts uploads that were begun before an instant and never became an object, of keys behind the prefix of the settings
    /// that `is_ours` knows; how many. Its parts are paid for as long as an upload is there.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn abort_uploads(
        &self,
        beginning: &str,
        before: Timestamp,
        is_ours: impl Fn(&str) -> bool,
    ) -> io::Result<u64> {
        let (mut aborted, mut after) = (0, None);
        loop {
            let call = Call::Uploads { prefix: self.key(beginning), after };
            let page = answer::uploads(&body_of(self.call_blocking(&call)?))?;
            after = page.found.last().map(|begun| (begun.key.clone(), begun.upload.clone()));
            for begun in page.found {
                let name = begun.key.strip_prefix(self.0.settings.prefix.as_str());
                if begun.at < before && name.is_some_and(&is_ours) {
                    self.call_blocking(&Call::Abort { key: begun.key, upload: begun.upload })?;
                    aborted += 1;
                }
            }
            if !page.is_truncated || after.is_none() {
                return Ok(aborted);
            }
        }
    }
}

fn body_of(answer: Option<Answer>) -> Bytes {
    answer.map(|answer| answer.body).unwrap_or_default()
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(format!("the object store {what}"))
}

/// An object that is being written, part by part.
#[derive(Debug)]
pub(crate) struct Upload {
    client: Client,
    key: String,
    upload: String,
    /// What was written and not sent yet.
    part: Vec<u8>,
    /// What the store called the parts that it has.
    tags: Vec<String>,
    /// Bytes of those.
    bytes: u64,
    /// Whether the store was asked to make an object of them.
    was_completed: bool,
}

impl Upload {
    fn send(&mut self) -> io::Result<()> {
        let number = self.tags.len() + 1;
        if number > MOST_PARTS {
            let most = (MOST_PARTS * PART_BYTES) >> 30;
            return Err(io::Error::other(format!(
                "a copy in an object store has at most {most} GiB: copy into a folder ([backup] folder)"
            )));
        }
        let body = Bytes::from(mem::take(&mut self.part));
        let bytes = u64::try_from(body.len()).map_err(io::Error::other)?;
        let (key, upload) = (self.key.clone(), self.upload.clone());
        let sent = self.client.call_blocking(&Call::Part { key, upload, number, body })?;
        let sent = sent.ok_or_else(|| wrong("does not know this upload any more: was it aborted?"))?;
        self.tags.push(sent.tag.ok_or_else(|| wrong("gave no tag to a part"))?);
        self.bytes += bytes;
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.len() == PART_BYTES {
            self.send()?;
        }
        if self.part.capacity() == 0 {
            self.part.reserve_exact(PART_BYTES);
        }
        let taken = bytes.len().min(PART_BYTES - self.part.len());
        self.part.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    /// Nothing goes before its part is full: all parts but the last are of one size.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unfinished for Upload {
    fn finish(&mut self) -> io::Result<()> {
        if !self.part.is_empty() || self.tags.is_empty() {
            self.send()?;
        }
        self.was_completed = true;
        let (key, upload) = (self.key.clone(), self.upload.clone());
        // None: an attempt before this one had done it, and its answer was lost. The size tells.
        self.client.call_blocking(&Call::Complete { key, upload, tags: self.tags.clone() })?;
        match self.client.size(&self.key)? {
            Some(size) if size == self.bytes => Ok(()),
            Some(size) => Err(wrong(&format!("has {size} bytes of the {} that it was sent", self.bytes))),
            None => Err(wrong("took all parts and has no object")),
        }
    }

    fn abandon(&mut self) {
        let (key, upload) = (self.key.clone(), self.upload.clone());
        let aborted = self.client.call_blocking(&Call::Abort { key: key.clone(), upload });
        // Whether it was made is not known when the answer was lost, and one of a wrong size lies under its name.
        let removed = if self.was_completed {
            self.client.call_blocking(&Call::Delete { key }).map(drop)
        } else {
            Ok(())
        };
        for error in [aborted.map(drop), removed].into_iter().filter_map(Result::err) {
            tracing::warn!(key = %self.key, %error, "an unfinished copy could not be removed from the object store");
        }
    }
}

/// An object that is being read, range by range.
#[derive(Debug)]
pub(crate) struct Download {
    client: Client,
    key: String,
    /// Its bytes.
    size: u64,
    /// Where the next range begins.
    next: u64,
    range: Cursor<Bytes>,
}

impl Download {
    fn fetch(&mut self) -> io::Result<()> {
        let most = u64::try_from(PART_BYTES).map_err(io::Error::other)?;
        let length = most.min(self.size - self.next);
        let call = Call::Range { key: self.key.clone(), from: self.next, length };
        let answer = self.client.call_blocking(&call)?;
        let answer = answer.ok_or_else(|| wrong("does not have the copy any more"))?;
        if u64::try_from(answer.body.len()).ok() != Some(length) {
            return Err(wrong("gave another number of bytes than was asked for"));
        }
        self.next += length;
        self.range = Cursor::new(answer.body);
        Ok(())
    }
}

impl Read for Download {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let given = self.range.read(into)?;
        if given > 0 || into.is_empty() || self.next == self.size {
            return Ok(given);
        }
        self.fetch()?;
        self.range.read(into)
    }
}
