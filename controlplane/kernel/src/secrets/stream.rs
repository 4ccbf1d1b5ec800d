//! Sealing of what is too large to be sealed in one piece: chunks, each authenticated, under a key that seals this and
//! nothing else.
//!
//! ```text
//! chunks: u32 length (little-endian), XChaCha20-Poly1305 over up to 256 KiB; the nonce is the chunk's number and whether
//! it is the last
//! ```
//!
//! Numbering the chunks and marking the last one is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015):
//! chunks cannot be left out, swapped or cut off unnoticed. Numbers start at 0, so a key seals one stream.

use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Bytes of a chunk before it is sealed.
pub(crate) const CHUNK: usize = 256 * 1024;
const TAG: usize = 16;

fn nonce(number: u64, last: bool) -> XNonce {
    let mut nonce = [0; 24];
    let (head, tail) = nonce.split_at_mut(16);
    if let Some(flag) = head.last_mut() {
        *flag = last.into();
    }
    tail.copy_from_slice(&number.to_be_bytes());
    XNonce::from(nonce)
}

/// Seals what is written to it, chunk by chunk.
pub(crate) struct Sealer<W> {
    cipher: XChaCha20Poly1305,
    out: W,
    plain: Zeroizing<Vec<u8>>,
    number: u64,
    written: u64,
}

impl<W: Write> Sealer<W> {
    /// Under a key that sealed nothing yet.
    pub(crate) fn new(key: &[u8; 32], out: W) -> Self {
        let cipher = XChaCha20Poly1305::new(&(*key).into());
        Self { cipher, out, plain: Zeroizing::new(Vec::with_capacity(CHUNK)), number: 0, written: 0 }
    }

    fn chunk(&mut self, last: bool) -> io::Result<()> {
        let sealed = self
            .cipher
            .encrypt(&nonce(self.number, last), self.plain.as_slice())
            .map_err(|_| io::Error::other("sealing failed"))?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&sealed)?;
        self.written += u64::from(length) + 4;
        self.number += 1;
        self.plain.clear();
        Ok(())
    }

    /// Writes the last chunk; bytes of all of them.
    ///
    /// # Errors
    /// The writer's.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.chunk(true)?;
        self.out.flush()?;
        Ok(self.written)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is written once more follows: the last one must be marked as such.
        if self.plain.len() == CHUNK {
            self.chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.plain.len());
        self.plain.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens chunks and gives what is in them. A changed one is [`io::ErrorKind::InvalidData`], an end before the last one
/// [`io::ErrorKind::UnexpectedEof`].
pub(crate) struct Opener<R> {
    cipher: XChaCha20Poly1305,
    input: R,
    plain: Zeroizing<Vec<u8>>,
    at: usize,
    number: u64,
    last: bool,
}

impl<R: Read> Opener<R> {
    /// Under the key that sealed it.
    pub(crate) fn new(key: &[u8; 32], input: R) -> Self {
        let cipher = XChaCha20Poly1305::new(&(*key).into());
        Self { cipher, input, plain: Zeroizing::new(Vec::new()), at: 0, number: 0, last: false }
    }

    fn chunk(&mut self) -> io::Result<()> {
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        let changed = || io::Error::new(io::ErrorKind::InvalidData, "what was sealed was changed");
        if !(TAG..=CHUNK + TAG).contains(&length) {
            return Err(changed());
        }
        let mut sealed = vec![0; length];
        self.input.read_exact(&mut sealed)?;
        let open = |last| self.cipher.decrypt(&nonce(self.number, last), sealed.as_slice());
        let (plain, last) = match open(false) {
            Ok(plain) => (plain, false),
            Err(_) => (open(true).map_err(|_| changed())?, true),
        };
        (self.plain, self.at, self.last) = (Zeroizing::new(plain), 0, last);
        self.number += 1;
        Ok(())
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() && !self.last {
            self.chunk()?;
        }
        let rest = self.plain.get(self.at..).unwrap_or_default();
        let given = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..given), rest.get(..given)) {
            to.copy_from_slice(from);
        }
        self.at += given;
        Ok(given)
    }
}
