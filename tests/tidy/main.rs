//! What holds for every file of this project, so that no reader has to look after it.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod docs;
mod files;
mod help;
mod modules;
mod narrow;
mod policy;
mod said;
mod schemas;
mod shape;
mod words;
