//! A defer log: any bytes are read, and no control character comes out raw.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use postfix::queue::read_log;

fuzz_target!(|log: &[u8]| {
    let read = read_log(log, true, true, Path::new("x"));
    for problem in read.problems {
        assert!(!problem.to_string().contains(|c: char| c.is_control()));
    }
});
