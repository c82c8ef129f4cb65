//! What a test does where no host can be made: it says so, or fails where hosts are required.

use std::io::Write;

use crate::Unavailable;

/// The environment variable that turns a skipped test into a failed one, when it is `1`. CI sets it.
pub const REQUIRE: &str = "RELAY_TOOLS_REQUIRE_POSTFIX";

/// Reports on stderr that the test at `place` is skipped and why; panics instead where [`REQUIRE`] is `1`.
///
/// Written past libtest's capture, which would swallow the words of a test that passes.
#[track_caller]
pub fn skip(place: &str, why: &Unavailable) {
    assert!(
        std::env::var_os(REQUIRE).is_none_or(|value| value != "1"),
        "{place}: no test host, and {REQUIRE}=1: {why}"
    );
    let line = format!("SKIPPED: {place}: no test host: {why}\n");
    drop(std::io::stderr().write_all(line.as_bytes()));
}

/// A [`Host`](crate::Host), or the end of the calling test (which returns `()`) with a `SKIPPED` line.
///
/// `host_or_skip!()` starts a plain host, `host_or_skip!(Host::builder().…)` a configured one.
#[macro_export]
macro_rules! host_or_skip {
    () => {
        $crate::host_or_skip!($crate::Host::builder())
    };
    ($builder:expr) => {
        match $builder.start() {
            Ok(host) => host,
            Err(why) => {
                $crate::skip(
                    concat!(module_path!(), " (", file!(), ":", line!(), ")"),
                    &why,
                );
                return;
            }
        }
    };
}
