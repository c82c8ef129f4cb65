//! What Postfix's files say, held against what Postfix itself says of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod config;
mod queue;
