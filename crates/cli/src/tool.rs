//! What the shell must know of a tool.

use clap::Parser;

use crate::args::Common;
use crate::manual::Manual;

/// A tool's definition: what clap and the manual page are made from.
pub trait Tool: Parser {
    /// What its manual page says beside what clap knows.
    const MANUAL: Manual;

    /// A subcommand whose exit status is that of a check (0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN), with or without
    /// --check.
    const CHECK_COMMAND: Option<&'static str> = None;

    /// The flags that all tools share.
    fn common(&self) -> &Common;
}
