//! What the other tools say of an instance that is held.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use figures::held::Held;
use postfix::{Problem, Root, Time};

use crate::journal::Journal;
use crate::limit::{Ending, Limit, Standing};

/// When the instance of this configuration directory was paused, by the host's journal: from, and up to. A journal
/// that is not there or cannot be read knows of none; [`Marks::read`] reports the latter.
pub fn pauses(root: &Root, directory: &Path, now: Time) -> Vec<(Time, Time)> {
    let journal = Journal::read(&root.under(Path::new(crate::DIRECTORY)));
    let limits = journal.map_or_else(|_| Vec::new(), |read| read.value.limits);
    let own = limits.iter().filter(|one| {
        is_same(root, &one.limit.config_directory, directory)
            && one.limit.pause().is_some()
            && !matches!(one.ended, Some((_, Ending::Failed, _)))
    });
    let span = |one: &Standing| {
        let ended = one.ended.as_ref().map(|(at, ..)| *at);
        let until = [ended, one.limit.until].into_iter().flatten().min();
        (one.limit.begun, until.unwrap_or(now))
    };
    own.map(span).collect()
}

/// Do both name one directory? It may have been listed by another name when a limit was ordered, as where one is a
/// link.
fn is_same(root: &Root, one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| {
        let seen = root.under(path).metadata().ok()?;
        Some((seen.dev(), seen.ino()))
    };
    one == other || identity(one).is_some_and(|own| identity(other) == Some(own))
}

/// What is to hold at a host now.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// The limits, in the order in which they were ordered.
    pub limits: Vec<Limit>,
    /// What of the journal could not be read: there may be more.
    pub problems: Vec<Problem>,
    root: Root,
}

impl Marks {
    /// What the host's journal says. Without a journal, nothing holds.
    pub fn read(root: &Root, now: Time) -> Self {
        let directory = root.under(Path::new(crate::DIRECTORY));
        match Journal::read(&directory) {
            Ok(read) => {
                let holding = read.value.limits.into_iter().filter(|one| one.holds(now));
                Self {
                    limits: holding.map(|one| one.limit).collect(),
                    problems: read.problems,
                    root: root.clone(),
                }
            }
            Err(e) => {
                let what = format!("what is paused is not known: {e}");
                Self {
                    limits: Vec::new(),
                    problems: vec![Problem::new(Journal::path(&directory), what)],
                    root: root.clone(),
                }
            }
        }
    }

    /// A line for each limit of the instances in these configuration directories: `postfix-aol-b is paused, all mail
    /// (aol-b-20261124T093012Z): TSS04`.
    pub fn lines(&self, directories: &[&Path]) -> Vec<String> {
        self.at(directories)
            .map(|limit| {
                let reason = limit.reason.as_ref();
                let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                format!(
                    "{} is {} ({}){reason}",
                    limit.instance,
                    limit.what(),
                    limit.id
                )
            })
            .collect()
    }

    /// The same for programs.
    pub fn held(&self, directories: &[&Path]) -> Vec<Held> {
        self.at(directories).map(Limit::held).collect()
    }

    /// A pause at the instance in this configuration directory.
    pub fn pause_at(&self, directory: &Path) -> Option<&Limit> {
        let mut all = self.limits.iter();
        all.find(|limit| {
            is_same(&self.root, &limit.config_directory, directory) && limit.pause().is_some()
        })
    }

    fn at<'a>(&'a self, directories: &'a [&Path]) -> impl Iterator<Item = &'a Limit> {
        let is_at = |limit: &&Limit| {
            let mut all = directories.iter();
            all.any(|directory| is_same(&self.root, &limit.config_directory, directory))
        };
        self.limits.iter().filter(is_at)
    }
}
