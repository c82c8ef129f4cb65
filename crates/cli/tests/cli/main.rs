//! The shell of the tools as a user meets it, tried with the example `specimen`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod clock;
mod create_file;
mod exit;
mod history;
mod output;
mod specimen;
mod terminal;
