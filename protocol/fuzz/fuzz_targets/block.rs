//! A hostile block; what can be read must be written and read again as the same columns.
#![no_main]

use atalaya_protocol::block;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = block::Limits { max_uncompressed: 1 << 20, ..block::Limits::default() };
    if let Ok(columns) = block::decode(bytes, &limits) {
        let again = block::encode(&columns).expect("decoded columns are even");
        let numbers = block::series_numbers(&again, &block::Limits::default()).expect("own block");
        assert_eq!(numbers.len(), columns.len());
    }
});
