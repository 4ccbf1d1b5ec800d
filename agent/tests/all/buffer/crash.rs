//! Killed in the middle of writing.

use super::writer::{Said, Writer, check};
use crate::support::soak;

#[test]
fn kill_9_loses_nothing_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = Said::default();
    let kills = if soak() { 40 } else { 6 };
    for kill in 0..kills {
        let writer = Writer::start(dir.path());
        writer.reaches(20 + kill * 13 % 90);
        let said = writer.kill();
        all.confirmed.extend(said.confirmed);
        all.acknowledged.extend(said.acknowledged);
        check(dir.path(), &all);
    }
    assert!(all.confirmed.len() > 100);
}
