//! What an instance is held to, and how it stands.

use std::path::PathBuf;

use postfix::Time;
use serde::{Deserialize, Serialize};

/// Something that an instance is held to, as it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Unique on its host: `aol-b-20261124T093012Z`.
    pub id: String,
    /// The instance's name.
    pub instance: String,
    /// Its configuration directory, as the host names it: an instance is known by this, since names can change.
    pub config_directory: PathBuf,
    /// When it was ordered.
    #[serde(with = "crate::stamp")]
    pub begun: Time,
    /// When it ends; `None`: not before somebody lifts it.
    #[serde(with = "crate::stamp::option")]
    pub until: Option<Time>,
    /// Who ordered it.
    pub by: String,
    /// The command that ordered it.
    pub command: String,
    /// Why, in the admin's own words.
    pub reason: Option<String>,
    /// What it is.
    pub hold: Hold,
}

/// The kinds of limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// New mail is answered 450, and waiting mail stays where it is.
    Pause(Pause),
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Whose mail is meant.
    pub scope: Scope,
    /// The provider that the domains were taken from.
    pub provider: Option<String>,
    /// What Postfix answers, without the enhanced status code. It begins with [`crate::map::MARK`].
    pub text: String,
    /// Is waiting mail to be tried at once when the pause has ended?
    pub flush: bool,
}

/// Whose mail is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All mail of the instance.
    All,
    /// Mail for these domains, in lower case. One that begins with a dot means all below it, and not itself.
    Domains(Vec<String>),
}

impl Scope {
    /// Is a key of a transport map (`aol.com`, `user@aol.com`, `.aol.com`) about mail that this means?
    pub fn covers(&self, key: &str) -> bool {
        let Self::Domains(domains) = self else {
            return true;
        };
        let domain = key.rsplit_once('@').map_or(key, |(_, domain)| domain);
        domains.iter().any(|meant| {
            domain == meant || (meant.starts_with('.') && domain.ends_with(meant.as_str()))
        })
    }

    /// Do both mean some of the same mail?
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => true,
            (Self::Domains(mine), Self::Domains(theirs)) => {
                mine.iter().any(|domain| other.covers(domain))
                    || theirs.iter().any(|domain| self.covers(domain))
            }
        }
    }
}

/// How a limit came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its time was over.
    Due,
    /// Somebody lifted it.
    Lifted,
    /// It could not be put in force.
    Failed,
    /// Its instance is gone.
    Gone,
    /// Another took its place.
    Replaced,
}

impl Ending {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Due => "ended in time",
            Self::Lifted => "lifted",
            Self::Failed => "failed",
            Self::Gone => "instance gone",
            Self::Replaced => "replaced",
        }
    }
}

/// A limit, and what the journal says became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// As it was ordered.
    pub limit: Limit,
    /// Since when Postfix has been seen to hold to it.
    pub in_force: Option<Time>,
    /// When it was decided to end it, how, and by whom.
    pub ended: Option<(Time, Ending, String)>,
    /// When nothing was left of it.
    pub closed: Option<Time>,
    /// What an admin should know of it.
    pub notes: Vec<String>,
}

impl Standing {
    /// Is it to hold at `now`?
    pub fn holds(&self, now: Time) -> bool {
        self.ended.is_none() && !self.is_due(now)
    }

    /// Is its time over?
    pub fn is_due(&self, now: Time) -> bool {
        self.limit.until.is_some_and(|until| until <= now)
    }

    /// Is anything left to be done for it, now or later?
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}
