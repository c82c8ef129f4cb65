//! Where a host's mail logs are, and whose lines are in them.

use crate::Time;
use std::path::{Path, PathBuf};

use super::event::Sink;
use super::follow::{Bookmark, Followed, at_end, follow};
use super::journal::Journal;
use super::read::Options;
use crate::config::Instance;
use crate::problem::Problem;
use crate::root::Root;

/// Where syslog daemons put mail: Debian's name first, then that of Red Hat and the BSDs.
const DEFAULT: [&str; 2] = ["/var/log/mail.log", "/var/log/maillog"];

/// A log, and whose lines are taken from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSet {
    /// Where it is.
    pub place: LogPlace,
    /// The syslog names that are looked for in it.
    pub scope: Scope,
    /// Why it is read, for people.
    pub why: String,
}

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPlace {
    /// The file that is written to now, as this machine names it; its rotated siblings are beside it.
    File(PathBuf),
    /// A systemd journal.
    Journal(Journal),
}

impl LogPlace {
    /// The file, or what the journal is called.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Journal(journal) => journal.place(),
        }
    }

    /// What would be known of it if it had been read to where it ends `now`.
    ///
    /// # Errors
    /// As [`at_end`].
    pub fn at_end(&self, now: Time) -> Result<Bookmark, Problem> {
        match self {
            Self::File(path) => at_end(path, now),
            Self::Journal(_) => Ok(Bookmark {
                seen: Some(now),
                ..Bookmark::default()
            }),
        }
    }

    /// Reads what is new in it since `known`.
    ///
    /// # Errors
    /// As [`follow`] and [`Journal::follow`].
    pub fn follow<S: Sink>(
        &self,
        known: &Bookmark,
        options: &Options<'_>,
        empty: impl Fn() -> S,
    ) -> Result<(Followed, S), Problem> {
        match self {
            Self::File(path) => follow(path, known, options, empty),
            Self::Journal(journal) => journal.follow(known, options, empty),
        }
    }

    /// `file` or `journal`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Journal(_) => "journal",
        }
    }
}

/// Which syslog names a log has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Scope {
    /// Any.
    #[default]
    All,
    /// These.
    Only(Vec<String>),
    /// Any but these.
    Without(Vec<String>),
}

impl Scope {
    /// Is it one instance's?
    pub fn is_ones(&self) -> bool {
        matches!(self, Self::Only(names) if names.len() == 1)
    }

    /// Is it a log that instances name (`maillog_file`), one or several?
    pub fn is_named(&self) -> bool {
        matches!(self, Self::Only(_))
    }

    /// Are the lines of this name looked for in the log?
    pub fn has(&self, name: &[u8]) -> bool {
        let among = |names: &[String]| names.iter().any(|n| n.as_bytes() == name);
        match self {
            Self::All => true,
            Self::Only(names) => among(names),
            Self::Without(names) => !among(names),
        }
    }
}

/// Where a syslog daemon of the host would put mail. The first is the usual one.
pub fn syslog_files(root: &Root) -> [PathBuf; 2] {
    DEFAULT.map(|path| root.under(Path::new(path)))
}

/// The logs of a host: each `maillog_file` (postconf(5)) that an instance sets, and for all others `syslog`, which is
/// where the lines go that Postfix sends to syslog, and why it is that. `instances` are all of the host's; of the logs,
/// those that hold lines of an instance that is `asked` for are returned, and with `all` those that hold lines of a
/// name without an instance.
pub fn log_sets(
    root: &Root,
    instances: &[Instance],
    all: bool,
    asked: impl Fn(&Instance) -> bool,
    (syslog, why): (LogPlace, String),
) -> Vec<LogSet> {
    let mut own: Vec<(PathBuf, Vec<String>, bool)> = Vec::new();
    let mut wants_syslog = all;
    for instance in instances {
        let asked = asked(instance);
        // /dev/stdout, in containers: the log is wherever the container's output goes.
        let Some(file) = instance.maillog_file().filter(|f| !f.starts_with("/dev")) else {
            wants_syslog |= asked;
            continue;
        };
        let current = root.under(&file);
        let name = instance.syslog_name().to_owned();
        match own.iter_mut().find(|(path, _, _)| *path == current) {
            Some((_, names, wanted)) => {
                names.push(name);
                *wanted |= asked;
            }
            None => own.push((current, vec![name], asked)),
        }
    }
    // An instance may write to the syslog daemon's own file: then it is not a separate log.
    own.retain(|(path, _, wanted)| {
        let is_same = matches!(&syslog, LogPlace::File(file) if file == path);
        wants_syslog |= *wanted && is_same;
        !is_same
    });
    let elsewhere: Vec<String> = own.iter().flat_map(|(_, names, _)| names.clone()).collect();
    let mut sets: Vec<LogSet> = own
        .into_iter()
        .filter(|(_, _, wanted)| *wanted)
        .map(|(current, names, _)| LogSet {
            place: LogPlace::File(current),
            why: format!("maillog_file of {}", names.join(", ")),
            scope: Scope::Only(names),
        })
        .collect();
    if wants_syslog {
        let scope = if elsewhere.is_empty() {
            Scope::All
        } else {
            Scope::Without(elsewhere)
        };
        sets.push(LogSet {
            place: syslog,
            scope,
            why,
        });
    }
    sets
}
