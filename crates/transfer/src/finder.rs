//! Where files are by their inodes: Postfix's own postsuper(1) renames queue files whose names do not fit, and admins
//! move them from queue to queue.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use postfix::queue::Queue;
use walkdir::{DirEntryExt as _, WalkDir};

use crate::journal::Track;
use crate::mover::Stop;
use crate::tree::{At, Tree};

/// The queues that a message's file can be in. A stray file in others is none.
const QUEUES: [Queue; 5] = [
    Queue::Hold,
    Queue::Deferred,
    Queue::Maildrop,
    Queue::Incoming,
    Queue::Active,
];

/// A file that was found, and in which queue's directory.
#[derive(Debug, Clone)]
pub(crate) struct FoundFile {
    pub(crate) queue: Queue,
    path: PathBuf,
}

impl FoundFile {
    pub(crate) fn at(&self, tree: &Tree) -> std::io::Result<Option<At>> {
        tree.beneath(&self.path)
    }
}

type Index = HashMap<u64, Vec<FoundFile>>;

/// Looks through the two spools when something is not where it was last, once.
pub(crate) struct Finder<'a> {
    from: &'a Tree,
    to: &'a Tree,
    wanted: HashSet<u64>,
    found: OnceLock<Result<(Index, Index), String>>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new<'t>(
        from: &'a Tree,
        to: &'a Tree,
        tracks: impl Iterator<Item = &'t Track>,
    ) -> Self {
        let mut wanted = HashSet::new();
        for track in tracks {
            wanted.insert(track.intent.file.inode);
            wanted.extend(track.copy.map(|copy| copy.inode));
            wanted.extend(track.back.as_ref().map(|(back, _)| back.inode));
            wanted.extend(track.decoy);
        }
        Self {
            from,
            to,
            wanted,
            found: OnceLock::new(),
        }
    }

    /// The names in FROM's (or TO's) queue directories of files that have this inode number.
    pub(crate) fn by_inode(&self, in_to: bool, inode: u64) -> Result<&[FoundFile], Stop> {
        let walk = || Ok((self.walk(self.from)?, self.walk(self.to)?));
        let walked: &Result<(Index, Index), String> = self.found.get_or_init(walk);
        let (from, to) = walked.as_ref().map_err(|why| Stop::Fail(why.clone()))?;
        let index = if in_to { to } else { from };
        Ok(index.get(&inode).map_or(&[], Vec::as_slice))
    }

    fn walk(&self, tree: &Tree) -> Result<Index, String> {
        let mut index = Index::new();
        for queue in QUEUES {
            let dir = tree.spool().queue_dir(queue);
            for entry in WalkDir::new(&dir).min_depth(1) {
                let entry = match entry {
                    Ok(entry) => entry,
                    // It was removed while this looked.
                    Err(e) if e.io_error().is_some_and(is_gone) => continue,
                    Err(e) => return Err(format!("cannot search {}: {e}", dir.display())),
                };
                let inode = entry.ino();
                if entry.file_type().is_file() && self.wanted.contains(&inode) {
                    let path = entry.into_path();
                    index
                        .entry(inode)
                        .or_default()
                        .push(FoundFile { queue, path });
                }
            }
        }
        Ok(index)
    }
}

fn is_gone(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}
