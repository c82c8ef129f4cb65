//! A queue file: any bytes are read to an envelope, in bounded time and memory.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use postfix::queue::read_envelope;

fuzz_target!(|file: &[u8]| {
    let read = read_envelope(file, file.len() as u64, Path::new("x"), &mut Vec::new());
    for problem in read.problems {
        assert!(!problem.to_string().contains(|c: char| c.is_control()));
    }
});
