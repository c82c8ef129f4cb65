//! A server's reply: any bytes have a reason.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use knowledge::reasons::Reasons;

static REASONS: LazyLock<Reasons> =
    LazyLock::new(|| Reasons::load(None).unwrap_or_else(|e| panic!("{e}")));

fuzz_target!(|reply: &[u8]| {
    let reason = REASONS.classify(reply, None, None);
    assert!(reason.code.is_none_or(|c| !c.is_empty()));
});
