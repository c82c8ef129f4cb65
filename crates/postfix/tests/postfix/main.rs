//! What Postfix's files say, held against what Postfix itself says of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod config;
mod queue;
