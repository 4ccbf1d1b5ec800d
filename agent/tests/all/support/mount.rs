//! File systems of our own, on loop devices.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::wait_for;

/// Whether this machine lets us mount. Where it must (CI) and does not, the test fails; elsewhere it says so.
pub(crate) fn may_mount() -> bool {
    let root = rustix::process::geteuid().is_root();
    let tools = ["mkfs.ext4", "mount", "umount"].iter().all(|tool| found(tool));
    let device = Path::new("/dev/loop-control").exists();
    if root && tools && device {
        return true;
    }
    let why = format!(
        "loop mounts need root ({root}), e2fsprogs and mount ({tools}), /dev/loop-control ({device})"
    );
    assert!(std::env::var("CI").is_err(), "{why}");
    eprintln!("NOT TESTED: {why}");
    false
}

fn found(tool: &str) -> bool {
    ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].iter().any(|dir| Path::new(dir).join(tool).exists())
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Makes an ext4 image of so many MiB.
pub(crate) fn image(path: &Path, mebibytes: u64) -> PathBuf {
    std::fs::File::create(path).unwrap().set_len(mebibytes << 20).unwrap();
    run("mkfs.ext4", &["-q", "-F", "-m", "0", path.to_str().unwrap()]).unwrap();
    path.to_owned()
}

/// A mounted image; unmounted when dropped.
pub(crate) struct Mounted {
    point: tempfile::TempDir,
}

impl Mounted {
    pub(crate) fn new(image: &Path, work: &Path, mode: &str) -> Self {
        let point = tempfile::Builder::new().prefix("mnt").tempdir_in(work).unwrap();
        let options = format!("loop,{mode}");
        run("mount", &["-o", &options, image.to_str().unwrap(), point.path().to_str().unwrap()]).unwrap();
        Self { point }
    }

    pub(crate) fn path(&self) -> &Path {
        self.point.path()
    }

    /// The file system gives up, as after an error of the disk: everything written from here on fails.
    pub(crate) fn abort(&self) {
        run("mount", &["-o", "remount,abort", self.point.path().to_str().unwrap()]).unwrap();
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Busy for a moment after a process on it died.
        let point = self.point.path().to_str().unwrap().to_owned();
        wait_for(Duration::from_secs(30), "the image is unmounted", || run("umount", &[&point]).is_ok());
    }
}
