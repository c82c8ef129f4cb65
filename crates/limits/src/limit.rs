//! What an instance is held to, and how it stands.

use std::path::PathBuf;

use figures::held::Held;
use postfix::{Span, Time, count};
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
    /// Mail leaves no faster than this.
    Rate(Rate),
}

/// A rate, and the parameters of main.cf that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// As it was ordered: `600/h`.
    pub text: String,
    /// The SMTP client of master.cf that it holds.
    pub transport: String,
    /// What is set for it.
    pub changes: Vec<Change>,
}

/// A parameter of main.cf that is set for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What it is set to.
    pub new: String,
    /// What main.cf said before; `None`: nothing.
    pub old: Option<String>,
}

/// What is to be done about a [`Change`], by what main.cf says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterEdit {
    /// It is as it is to be.
    Nothing,
    /// `postconf -e NAME = VALUE`.
    Set(String),
    /// `postconf -X NAME`.
    Remove,
    /// Somebody has set it to something else meanwhile: it is left alone.
    LeaveAlone,
}

impl Change {
    /// How it is put in force, where main.cf says `now`.
    pub fn begin(&self, now: Option<&str>) -> ParameterEdit {
        match now {
            now if now == Some(&self.new) => ParameterEdit::Nothing,
            now if now == self.old.as_deref() => ParameterEdit::Set(self.new.clone()),
            _ => ParameterEdit::LeaveAlone,
        }
    }

    /// How it is taken back, where main.cf says `now`.
    pub fn end(&self, now: Option<&str>) -> ParameterEdit {
        match (now, &self.old) {
            (now, old) if now == old.as_deref() => ParameterEdit::Nothing,
            (now, Some(old)) if now == Some(&self.new) => ParameterEdit::Set(old.clone()),
            (now, None) if now == Some(&self.new) => ParameterEdit::Remove,
            _ => ParameterEdit::LeaveAlone,
        }
    }
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
    /// The keys of a transport map that mean this mail.
    pub fn keys(&self) -> Vec<String> {
        match self {
            Self::All => vec!["*".to_owned()],
            Self::Domains(domains) => domains.clone(),
        }
    }

    /// Whose mail it is, in words: of a `provider`, `aol (45 domains)`.
    pub fn whose(&self, provider: Option<&str>) -> String {
        match (self, provider) {
            (Self::All, _) => "all mail".to_owned(),
            (Self::Domains(domains), Some(provider)) => {
                format!("{provider} ({})", count(domains.len(), "domain"))
            }
            (Self::Domains(domains), None) => match domains.as_slice() {
                [first, second, third, _, ..] => format!(
                    "{first}, {second}, {third} and {}",
                    count(domains.len() - 3, "more domain")
                ),
                few => few.join(", "),
            },
        }
    }

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

impl Limit {
    /// The pause, if it is one.
    pub fn pause(&self) -> Option<&Pause> {
        match &self.hold {
            Hold::Pause(pause) => Some(pause),
            Hold::Rate(_) => None,
        }
    }

    /// The rate, if it is one.
    pub fn rate(&self) -> Option<&Rate> {
        match &self.hold {
            Hold::Rate(rate) => Some(rate),
            Hold::Pause(_) => None,
        }
    }

    /// What it does, in words: `paused, aol (43 domains)`, `slowed down to 600/h`.
    pub fn what(&self) -> String {
        match &self.hold {
            Hold::Pause(pause) => {
                let whose = pause.scope.whose(pause.provider.as_deref());
                format!("paused, {whose}")
            }
            Hold::Rate(rate) => format!("slowed down to {}", rate.text),
        }
    }
}

impl Limit {
    /// As the other tools show it.
    pub fn held(&self) -> Held {
        Held {
            instance: self.instance.clone(),
            id: self.id.clone(),
            kind: match self.hold {
                Hold::Pause(_) => "pause",
                Hold::Rate(_) => "rate",
            },
            what: self.what(),
            until: self.until,
            reason: self.reason.clone(),
        }
    }
}

/// What is to be removed from a zone so that no list server comes to an instance any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The zone's lines: `aol.smtp.example.org. 600 IN A 192.0.2.42`.
    pub lines: Vec<String>,
    /// How many seconds resolvers hold them, by the zone's own servers.
    pub ttl: u32,
    /// When they were asked for: removed then, resolvers hold them until `ttl` later.
    #[serde(with = "crate::stamp")]
    pub at: Time,
}

impl Removal {
    /// Until when resolvers hold the lines, if they were removed at once.
    pub fn held_until(&self) -> Time {
        self.at.plus(Span::from_seconds(u64::from(self.ttl)))
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
    /// What its admin was asked to remove from the zone.
    pub removal: Option<Removal>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_set_and_put_back_unless_somebody_was_there() {
        let check =
            |old: Option<&str>, now: Option<&str>, begin: ParameterEdit, end: ParameterEdit| {
                let change = Change {
                    name: "smtp_transport_rate_delay".to_owned(),
                    new: "6s".to_owned(),
                    old: old.map(str::to_owned),
                };
                assert_eq!(change.begin(now), begin, "begin {old:?} {now:?}");
                assert_eq!(change.end(now), end, "end {old:?} {now:?}");
            };
        let set = |value: &str| ParameterEdit::Set(value.to_owned());
        check(None, None, set("6s"), ParameterEdit::Nothing);
        check(Some("1s"), Some("1s"), set("6s"), ParameterEdit::Nothing);
        check(
            None,
            Some("6s"),
            ParameterEdit::Nothing,
            ParameterEdit::Remove,
        );
        check(Some("1s"), Some("6s"), ParameterEdit::Nothing, set("1s"));
        check(
            None,
            Some("9s"),
            ParameterEdit::LeaveAlone,
            ParameterEdit::LeaveAlone,
        );
        check(
            Some("1s"),
            Some("9s"),
            ParameterEdit::LeaveAlone,
            ParameterEdit::LeaveAlone,
        );
        check(
            Some("1s"),
            None,
            ParameterEdit::LeaveAlone,
            ParameterEdit::LeaveAlone,
        );
        // It was so before: nothing was done, and nothing is to be undone.
        check(
            Some("6s"),
            Some("6s"),
            ParameterEdit::Nothing,
            ParameterEdit::Nothing,
        );
    }
}
