//! Power cuts: an ext4 image on a loop device is copied while the writer is stopped; what the file system had not
//! handed to the device is not in the copy, as after a cut. The copy is mounted, checked, and written on.

use std::time::Duration;

use super::writer::{Said, Writer, check};
use crate::support::mount::{Mounted, image, may_mount};
use crate::support::{soak, wait_for};

#[test]
fn a_power_cut_loses_nothing_confirmed_and_the_database_opens() {
    if !may_mount() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let mut current = image(&work.path().join("fs-0.img"), 192);
    let mut all = Said::default();
    let cuts = if soak() { 40 } else { 5 };
    for cut in 1..=cuts {
        let mounted = Mounted::new(&current, work.path(), "rw");
        let dir = mounted.path().join("buffer");
        let writer = Writer::start(&dir);
        writer.reaches(10 + cut * 37 % 160);
        stop(writer.pid());
        let copy = work.path().join(format!("fs-{cut}.img"));
        let copied = std::process::Command::new("cp")
            .arg("--sparse=always")
            .arg(&current)
            .arg(&copy)
            .status()
            .unwrap();
        assert!(copied.success());
        let said = writer.kill();
        drop(mounted);
        std::fs::remove_file(&current).unwrap();
        all.confirmed.extend(said.confirmed);
        all.acknowledged.extend(said.acknowledged);
        let after = Mounted::new(&copy, work.path(), "rw");
        let present = check(&after.path().join("buffer"), &all);
        println!(
            "cut {cut}: {} confirmed so far, {present} blocks present, nothing lost",
            all.confirmed.len()
        );
        drop(after);
        current = copy;
    }
}

/// Stops a process and waits until it stands still.
fn stop(pid: u32) {
    let raw = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(raw, rustix::process::Signal::STOP).unwrap();
    wait_for(Duration::from_secs(10), "the writer stands still", || {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        tasks.flatten().all(|task| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
        })
    });
}
