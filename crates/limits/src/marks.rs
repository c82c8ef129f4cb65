//! What the other tools say of an instance that is held.

use std::path::Path;

use postfix::{Problem, Root, Time};

use crate::journal::Journal;
use crate::limit::Limit;

/// What is to hold at a host now.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// The limits, in the order in which they were ordered.
    pub limits: Vec<Limit>,
    /// What of the journal could not be read: there may be more.
    pub problems: Vec<Problem>,
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
                }
            }
            Err(e) => {
                let what = format!("what is paused is not known: {e}");
                Self {
                    limits: Vec::new(),
                    problems: vec![Problem::new(Journal::path(&directory), what)],
                }
            }
        }
    }

    /// A line for each limit of the instances in these configuration directories: `postfix-aol-b is paused, all mail
    /// (aol-b-20261124T093012Z): TSS04`.
    pub fn lines(&self, directories: &[&Path]) -> Vec<String> {
        let own = self
            .limits
            .iter()
            .filter(|limit| directories.contains(&limit.config_directory.as_path()));
        own.map(|limit| {
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

    /// A pause at the instance in this configuration directory.
    pub fn pause_at(&self, directory: &Path) -> Option<&Limit> {
        let mut own = self.limits.iter();
        own.find(|limit| limit.config_directory == directory && limit.pause().is_some())
    }
}
