//! A host's instances: how each is configured, what the machine says of it, and what is wrong.
//!
//! [`Facts::of`] takes what the configuration says; the caller, who may look at the machine and ask the DNS, fills in
//! the rest. [`findings`] judges.

mod findings;
mod services;
#[cfg(any(test, feature = "specimens"))]
#[allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "for tests alone"
)]
pub mod specimen;
mod strays;
#[cfg(test)]
mod tests;

use crate::verdict::Level;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::held::Held;
use postfix::config::{Instance, MasterCf, Outlet};
use postfix::{Problem, Time, Zone};

pub use findings::{Finding, Kind, findings, level, queues_shared};
pub use services::{Listen, RateLimits};
pub use strays::Stray;

/// Does an instance run?
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Running {
    /// Its master daemon does.
    Yes {
        /// When it was started.
        since: Time,
        /// Its process id.
        pid: Option<u32>,
    },
    /// It does not.
    No,
    /// It could not be found out; why, unless there is nothing to be known, as of another host's image.
    #[default]
    Unknown,
    /// It could not be found out: why.
    Failed(String),
}

/// Where an address is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AddressPlace {
    /// On this interface, which is up or not.
    Interface {
        /// The interface's name.
        name: String,
        /// Is it up?
        is_up: bool,
    },
    /// On this interface, which is up; but no mail can leave from it.
    Unusable {
        /// The interface's name.
        name: String,
        /// Why, to be put behind its name: `which has no carrier`.
        why: String,
    },
    /// On no interface.
    Missing,
    /// Not known, as of another host's image.
    #[default]
    Unknown,
}

/// An address that an instance sends from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The address.
    pub address: IpAddr,
    /// Where it is.
    pub place: AddressPlace,
    /// What is known of its DNS; empty if not asked.
    pub dns: Vec<DnsCheck>,
}

/// The result of a look at the DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsOutcome {
    /// In order.
    Ok,
    /// Wrong, to be fixed.
    Poor,
    /// Wrong, and mail suffers.
    Wrong,
    /// It could not be found out.
    Unknown,
    /// There is nothing to be checked.
    Skipped,
}

impl DnsOutcome {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Poor => "poor",
            Self::Wrong => "wrong",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

/// One look at the DNS of an address. The texts may be strangers'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsCheck {
    /// What was looked at: `host`, `ttl`, `ptr`, `provider`, `spf`.
    pub check: &'static str,
    /// The name asked for.
    pub asked: String,
    /// The result.
    pub outcome: DnsOutcome,
    /// What was found.
    pub detail: String,
    /// Of `provider`: how many addresses the relay name has, if this one is among them; else 0.
    pub listed: usize,
    /// What the records say that were found: addresses, names, SPF records.
    pub records: Vec<String>,
    /// The name that they are of, where CNAME records led to another than [`Self::asked`].
    pub alias: Option<String>,
}

impl DnsCheck {
    /// The name whose records are to be changed.
    pub fn owner(&self) -> &str {
        self.alias
            .as_deref()
            .unwrap_or(&self.asked)
            .trim_end_matches('.')
    }
}

/// What is known of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DirectoryState {
    /// It is there, and can be read.
    Ok,
    /// It is missing or invalid: why.
    Missing(String),
    /// It cannot be read: why.
    Unreadable(String),
    /// Not known: not in the image.
    #[default]
    Unknown,
}

/// A directory of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// As main.cf names it.
    pub path: PathBuf,
    /// With no symbolic link in it, so that two names of one directory are the same.
    pub resolved: PathBuf,
    /// Its device and inode, where it is there: the same for two mounts of one directory.
    pub identity: Option<(u64, u64)>,
    /// What is known of it.
    pub state: DirectoryState,
}

impl Directory {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
            resolved: path.to_path_buf(),
            identity: None,
            state: DirectoryState::Unknown,
        }
    }
}

/// Something that an instance's programs stumble over in its queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The instance's name.
    pub instance: String,
    /// How bad it is.
    pub level: Level,
    /// What it is, on which path.
    pub text: String,
}

impl Trouble {
    /// Is there one of which it is not known how bad it is?
    pub fn any_unknown(all: &[Self]) -> bool {
        all.iter().any(|trouble| trouble.level == Level::Unknown)
    }
}

/// Why figures of queues are not complete, a line each: what could not be read, and troubles of which it is not known
/// how bad they are. None: all was seen.
pub fn missing(problems: &[Problem], troubles: &[Trouble]) -> Vec<String> {
    let unknown = troubles.iter().filter(|one| one.level == Level::Unknown);
    let problems = problems.iter().map(ToString::to_string);
    problems.chain(unknown.map(ToString::to_string)).collect()
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.instance, self.text)
    }
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// multi_instance_group.
    pub group: Option<String>,
    /// Does `postfix start` start it?
    pub is_enabled: bool,
    /// Does it run?
    pub running: Running,
    /// Why Postfix's own programs do not run with its main.cf, if they were asked and do not.
    pub refused: Option<String>,
    /// Where it sends from; empty if the system chooses.
    pub senders: Vec<Sender>,
    /// By which SMTP clients its mail leaves, default_transport's first, and from which addresses.
    pub outlets: Vec<Outlet>,
    /// The machine's own addresses that mail to other hosts may leave from, one of which the system chooses where none
    /// is set. Empty where that is not known.
    pub system: Vec<IpAddr>,
    /// smtp_helo_name of default_transport's client.
    pub helo_name: String,
    /// mydomain.
    pub mydomain: String,
    /// Where its main.cf is.
    pub config_directory: PathBuf,
    /// queue_directory.
    pub queue: Directory,
    /// data_directory.
    pub data: Directory,
    /// mail_owner.
    pub mail_owner: String,
    /// syslog_name.
    pub syslog_name: String,
    /// maillog_file; syslog if it is not set.
    pub maillog_file: Option<PathBuf>,
    /// What is wrong with its queue, if that was looked at.
    pub troubles: Vec<Trouble>,
    /// What it listens on.
    pub listens: Vec<Listen>,
    /// The limits of each transport that is an SMTP client.
    pub rate_limits: Vec<RateLimits>,
    /// Does it take mail from its maildrop? `None` if master.cf could not be read.
    pub pickup: Option<bool>,
}

impl Facts {
    /// What the configuration says; nothing is known about the machine yet. `services` is what the instance's master.cf
    /// lists, if that could be read.
    pub fn of(instance: &Instance, services: Option<&MasterCf>) -> Self {
        let sender = |address| Sender {
            address,
            place: AddressPlace::Unknown,
            dns: Vec::new(),
        };
        Self {
            name: instance.name().to_owned(),
            group: instance.group(),
            is_enabled: instance.is_enabled(),
            running: Running::Unknown,
            refused: None,
            senders: instance.bind_addresses().into_iter().map(sender).collect(),
            outlets: instance.outlets().to_vec(),
            system: Vec::new(),
            helo_name: instance
                .outlets()
                .first()
                .map_or_else(|| instance.helo_name(), |first| first.helo_name.clone()),
            mydomain: instance.get("mydomain"),
            config_directory: instance.config_directory().to_path_buf(),
            queue: Directory::new(instance.queue_directory()),
            data: Directory::new(instance.data_directory()),
            mail_owner: instance.mail_owner(),
            syslog_name: instance.syslog_name().to_owned(),
            maillog_file: instance.maillog_file(),
            troubles: Vec::new(),
            listens: services.map_or_else(Vec::new, |all| services::listens(instance, all)),
            rate_limits: services.map_or_else(Vec::new, |all| services::rate_limits(instance, all)),
            pickup: services.map(|all| all.running("pickup").next().is_some()),
        }
    }

    /// Its HELO name as the DNS has names: in lower case, without a dot at its end.
    pub fn helo(&self) -> String {
        self.helo_name.trim_end_matches('.').to_ascii_lowercase()
    }

    /// Can its HELO name be one of the DNS?
    pub fn has_full_helo(&self) -> bool {
        let name = self.helo();
        name.contains('.') && !name.ends_with(".localdomain") && !name.starts_with("localhost.")
    }

    /// The domain of the site whose relay this is: the registrable domain of its HELO name (`example.org` of
    /// `aol-a.smtp.example.org`), or else mydomain.
    pub fn site_domain(&self) -> String {
        let helo = self.helo();
        psl::domain_str(&helo).map_or_else(|| self.mydomain.clone(), str::to_owned)
    }
}

/// A host's instances, to be shown.
#[derive(Debug, Clone)]
pub struct Listing {
    /// The host's name.
    pub host: String,
    /// When this was so.
    pub time: Time,
    /// The host's time zone.
    pub zone: Zone,
    /// The instances, sorted by name.
    pub instances: Vec<Facts>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What relay-limit holds the instances to.
    pub limits: Vec<Held>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Listing {
    /// Why not all is known, a line each; none if all was seen.
    pub fn missing(&self) -> Vec<String> {
        let unknown = self
            .findings
            .iter()
            .filter(|one| one.level == Level::Unknown);
        let problems = self.problems.iter().map(ToString::to_string);
        problems
            .chain(unknown.map(|one| one.text.clone()))
            .collect()
    }
}
