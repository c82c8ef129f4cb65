//! Metrics in Prometheus' text format.

use std::borrow::Cow;
use std::io::{self, Write};

/// The two lines before a gauge's samples.
///
/// # Errors
/// Those of `out`.
pub fn gauge(out: &mut impl Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

/// A label's value: UTF-8, with `\\`, `"` and newline escaped, and nothing that a terminal would act upon.
pub fn label(text: &[u8]) -> String {
    let text: Cow<'_, str> = String::from_utf8_lossy(text);
    let visible = postfix::escape(text.as_ref()).to_string();
    visible.replace('\\', "\\\\").replace('"', "\\\"")
}
