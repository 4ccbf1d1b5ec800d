//! Replays the fuzzers' corpus on the stable toolchain: what once was interesting must never panic.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test")]

use std::{fs, path::PathBuf};

use atalaya_protocol::{FrameDecoder, FrameLimits, Message, block};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// As the fuzz target `frames`.
fn frames(bytes: &[u8]) -> usize {
    let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
    let mut messages = 0;
    for piece in bytes.chunks(7) {
        decoder.extend(piece);
        while let Ok(Some(frame)) = decoder.next_frame() {
            messages += usize::from(Message::decode(frame).is_ok());
        }
    }
    messages
}

#[test]
fn frames_corpus() {
    let messages: usize = corpus("frames").iter().map(|(_, bytes)| frames(bytes)).sum();
    assert!(messages >= 26, "the corpus holds every message at least once, {messages} were read");
}

#[test]
fn block_corpus() {
    let mut readable = 0;
    for (_, bytes) in corpus("block") {
        let columns = block::decode(&bytes, &block::Limits::default());
        readable += usize::from(columns.is_ok());
    }
    assert!(readable >= 1);
}
