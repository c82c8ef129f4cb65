//! What holds for every file of this project, so that no reader has to look after it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod docs;
mod files;
mod modules;
mod shape;
