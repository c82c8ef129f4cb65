//! What holds for every file of this project, so that no reader has to look after it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod files;
mod modules;
