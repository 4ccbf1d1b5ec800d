//! A hostile peer's byte stream, in small reads.
#![no_main]

use atalaya_protocol::{FrameDecoder, FrameLimits, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
    for piece in bytes.chunks(7) {
        decoder.extend(piece);
        while let Ok(Some(frame)) = decoder.next_frame() {
            let _ = Message::decode(frame);
        }
    }
});
