//! `--format report` and `--format html`: the report of a day, for people. What both say alike is here.

pub mod html;
pub mod mail;
pub mod text;
mod words;

pub use words::subject;

/// How many things that need attention are shown.
const FINDINGS_MAX: usize = 30;

/// How many rows of a breakdown are shown.
const TOP: usize = 10;
