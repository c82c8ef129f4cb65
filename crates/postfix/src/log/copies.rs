//! A log and its copy: logrotate's `copytruncate` copies a log before it empties it, and so do people.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::open::{self, Compression};

/// How much of each end is compared.
const END: u64 = 4096;

/// So much of the beginning of two files tells most of them apart.
const COMPARED: u64 = 256;

/// How files begin: few of them need be compared further.
#[derive(Debug)]
pub struct Beginnings(Vec<Option<Vec<u8>>>);

impl Beginnings {
    /// Of regular files by the first of their names; any other is not opened, as its writer would find its reader gone.
    pub fn of(files: &[PathBuf]) -> Self {
        let mut known = HashSet::new();
        let of = |path: &PathBuf| {
            let is_file = std::fs::metadata(path).is_ok_and(|m| m.is_file());
            let (file, metadata) = is_file.then(|| open::open(path).ok()).flatten()?;
            // A file that is read by another name stands in for nothing once more.
            let file_id = (metadata.dev(), metadata.ino());
            let mut begins = Vec::new();
            file.take(COMPARED).read_to_end(&mut begins).ok()?;
            known.insert(file_id).then_some(begins)
        };
        Self(files.iter().map(of).collect())
    }

    /// The places of other files that may hold what the one at this place does, or more.
    pub fn alike(&self, at: usize) -> impl Iterator<Item = usize> {
        let this = self.0.get(at).and_then(Option::as_deref);
        let this = this.filter(|begins| !begins.is_empty());
        let others = self.0.iter().enumerate().filter(move |(of, other)| {
            let both = this.zip(other.as_deref());
            *of != at && both.is_some_and(|(this, other)| other.starts_with(this))
        });
        others.map(|(of, _)| of)
    }
}

/// The files of a log, oldest first, without those that hold only what the next one holds, too: their lines would count
/// twice.
pub fn without_copies(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut next = files.iter().skip(1);
    let is_copy = |path: &PathBuf| {
        let next = next.next();
        next.is_some_and(|next| is_copied(path, next).unwrap_or(false))
    };
    let copies: Vec<bool> = files.iter().map(is_copy).collect();
    let files = files.into_iter().zip(copies);
    files
        .filter(|(_, copy)| !copy)
        .map(|(path, _)| path)
        .collect()
}

/// Does `log` begin with all that `path` holds, by its two ends? Both must be plain.
///
/// # Errors
/// One of them cannot be read.
pub fn is_copied(path: &Path, log: &Path) -> io::Result<bool> {
    let ((copy, metadata), (log, of_log)) = (open::open(path)?, open::open(log)?);
    let length = metadata.len();
    if length == 0 || length > of_log.len() || !metadata.is_file() || !of_log.is_file() {
        return Ok(false);
    }
    let begin = part(&copy, 0, length)?;
    let is_plain = Compression::of(begin.get(..6).unwrap_or(&begin)) == Compression::None;
    let end = length.saturating_sub(END);
    Ok(is_plain
        && begin == part(&log, 0, length)?
        && part(&copy, end, length)? == part(&log, end, length)?)
}

/// So many bytes of a file, from one on, but none behind another.
fn part(file: &File, from: u64, before: u64) -> io::Result<Vec<u8>> {
    let length = before.saturating_sub(from).min(END);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_next_one_holds_is_a_copy() {
        let directory = tempfile::tempdir().unwrap();
        let line = |n: u32| format!("Nov 28 06:{:02}:00 relay1 postfix/smtp[1]: x {n}\n", n % 60);
        let lines = |range: std::ops::Range<u32>| range.map(line).collect::<String>();
        let check = |older: &str, newer: &str, expected: bool| {
            let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
            std::fs::write(&a, older).unwrap();
            std::fs::write(&b, newer).unwrap();
            assert_eq!(is_copied(&a, &b).unwrap(), expected);
            let left = without_copies(vec![a, b.clone()]);
            assert_eq!(left.len(), if expected { 1 } else { 2 });
            assert_eq!(left.last(), Some(&b));
        };
        let all = lines(0..400);
        check(&all, &all, true);
        check(&lines(0..200), &all, true);
        check(&all, &lines(0..200), false);
        check(&lines(0..200), &lines(200..400), false);
        check("", &all, false);
        check(&all, "", false);
        // A log that was begun anew with the same first lines.
        check(&(lines(0..200) + "x"), &all, false);
    }
}
