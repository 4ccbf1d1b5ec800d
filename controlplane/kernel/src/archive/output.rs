//! Where the bytes of a copy go while it is made, and where they come from.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A copy that is being written. Until [`Unfinished::finish`] has returned there is none. Blocking: for a thread of its own.
pub trait Unfinished: Write + Send {
    /// Makes what was written durable, and only then gives it its name.
    ///
    /// # Errors
    /// The place's; the copy is to be abandoned then.
    fn finish(&mut self) -> io::Result<()>;

    /// Leaves nothing of it behind. What cannot be removed now is told in the log, and left to whoever makes the next copy.
    fn abandon(&mut self);
}

/// A copy as a file on the disk: `NAME.partial` until it is whole.
#[derive(Debug)]
pub struct FileCopy {
    out: BufWriter<File>,
    partial: PathBuf,
    path: PathBuf,
}

impl FileCopy {
    /// Begins one, for its owner's eyes.
    ///
    /// # Errors
    /// A folder that is not there or cannot be written.
    pub fn begin(path: &Path) -> io::Result<Box<dyn Unfinished>> {
        let partial = path.with_extension("partial");
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        Ok(Box::new(Self { out: BufWriter::new(file), partial, path: path.to_owned() }))
    }

    /// Opens a whole one.
    ///
    /// # Errors
    /// A file that is not there or cannot be read, by its name.
    pub fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        Ok(Box::new(File::open(path).map_err(named)?))
    }
}

impl Write for FileCopy {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Unfinished for FileCopy {
    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        fs::rename(&self.partial, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn abandon(&mut self) {
        match fs::remove_file(&self.partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.partial.display(), %error, "an unfinished copy could not be removed");
            }
            _ => {}
        }
    }
}
