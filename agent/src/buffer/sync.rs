//! Durability that sled does not give: `fdatasync` of its files, `fsync` of directories.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Makes names created, renamed or removed in a directory durable.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// `fdatasync` of every file below a sled database that may hold data: `db`, `conf`, and `blobs/*`, where sled puts
/// pages too large for a segment.
pub(crate) fn database(path: &Path) -> io::Result<()> {
    for name in ["db", "conf"] {
        match File::open(path.join(name)) {
            Ok(file) => file.sync_data()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    blobs(&path.join("blobs"))
}

fn blobs(dir: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut any = false;
    for entry in entries {
        match File::open(entry?.path()) {
            Ok(file) => file.sync_data()?,
            // sled removed it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        any = true;
    }
    if any { directory(dir) } else { Ok(()) }
}

/// Bytes free to us on the file system of `path`.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// How often a locked database is tried again, and how long between two tries.
const LOCK_TRIES: u32 = 200;
const BETWEEN_TRIES: Duration = Duration::from_millis(25);

/// Opens a database. One that this process closed a moment ago is still locked until sled's own threads let go of it:
/// that is waited for. One that another process holds stays locked, and is reported after five seconds.
pub(crate) fn open(config: &sled::Config) -> sled::Result<sled::Db> {
    let mut tries = 0;
    loop {
        match config.open() {
            Err(sled::Error::Io(error))
                if tries < LOCK_TRIES && error.to_string().starts_with("could not acquire lock") =>
            {
                tries += 1;
                std::thread::park_timeout(BETWEEN_TRIES);
            }
            outcome => return outcome,
        }
    }
}
