//! Log files that the user names.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use postfix::Time;
use postfix::log;

use crate::site::Site;

/// Each file once, the oldest lines first: what a recipient's last status is depends on it.
pub(super) fn in_order(site: &Site, given: &[PathBuf]) -> Vec<PathBuf> {
    let mut known = HashSet::new();
    let mut files: Vec<(Option<Time>, PathBuf)> = Vec::new();
    let beginnings = log::Beginnings::of(given);
    for (at, path) in given.iter().enumerate() {
        // A pipe has no beginning to look at twice.
        let regular = std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file);
        if let Some(metadata) = &regular
            && !known.insert((metadata.dev(), metadata.ino()))
        {
            site.warn(format!("{} is named twice and read once", path.display()));
            continue;
        }
        // logrotate compresses it at this moment, or was interrupted.
        let plain = given
            .iter()
            .find(|plain| log::is_packed(path) && path.with_extension("") == **plain);
        if let Some(plain) = plain
            && regular.is_some()
            && log::is_packed_of(path, plain).is_ok_and(|is| is)
        {
            let (path, plain) = (path.display(), plain.display());
            site.warn(format!(
                "{path} holds the same lines as {plain} and is not read"
            ));
            continue;
        }
        // Of two that are alike, one is read.
        let is_copied =
            |one: &PathBuf, other: &PathBuf| log::is_copied(one, other).is_ok_and(|is| is);
        let copied = beginnings
            .alike(at)
            .filter_map(|of| Some((of, given.get(of)?)))
            .find(|(of, other)| is_copied(path, other) && (*of > at || !is_copied(other, path)));
        if let Some((_, other)) = copied {
            let (path, other) = (path.display(), other.display());
            site.warn(format!(
                "{path} holds no line but those of {other} and is not read"
            ));
            continue;
        }
        let first = regular.and_then(|_| log::first_time(path, site.zone()).ok().flatten());
        files.push((first, path.clone()));
    }
    files.sort_by_key(|(first, _)| first.unwrap_or(Time::MAX));
    files.into_iter().map(|(_, path)| path).collect()
}
