//! TOML that an admin wrote: errors name the file, the line and the way out.

use std::path::Path;

use postfix::{Position, Problem};
use serde::de::DeserializeOwned;

/// Reads `text`, which came from `path`; `form` says in a few words what the file should look like.
///
/// # Errors
/// The first thing wrong in it.
pub fn parse<T: DeserializeOwned>(text: &str, path: &Path, form: &str) -> Result<T, Problem> {
    toml::from_str(text).map_err(|e| {
        let what = format!("{}; {form}", e.message().trim_end().replace('\n', ", "));
        match e.span() {
            Some(span) => problem(text, path, span.start, what),
            None => Problem::new(path, what),
        }
    })
}

/// A problem with what stands at byte `offset` of `text`.
pub fn problem(text: &str, path: &Path, offset: usize, what: String) -> Problem {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
    Problem::new(path, what).at(Position::Line(line))
}
