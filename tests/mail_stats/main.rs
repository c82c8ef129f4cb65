//! mail-stats-print: each file is a subject, and says which.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod check;
mod claims;
mod complaints;
mod days;
mod delays;
mod errors;
mod expired;
mod exported;
mod filtered;
mod follow;
mod holes;
mod hostile;
mod html;
mod journal;
mod lists_host;
mod live;
mod log_server;
mod mail;
mod quiet;
mod reasons;
mod report;
mod rotated;
mod sample;
mod service_names;
mod silence;
mod sources;
mod sql;
mod time;
mod torn;
mod unread;
mod unseen;

/// The tool under test.
const TOOL: &str = env!("CARGO_BIN_EXE_mail-stats-print");
