//! What is wrong with a host's instances.

use std::collections::BTreeMap;

use crate::verdict::Level;

use super::{AddressPlace, Directory, DirectoryState, DnsOutcome, Facts, Running};

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Two instances claim one queue directory.
    QueueShared,
    /// Two instances claim one data directory.
    DataShared,
    /// Two instances send from one address.
    AddressShared,
    /// Two instances log under one name.
    SyslogNameShared,
    /// An address is on no interface, or on one that cannot be used.
    AddressMissing,
    /// Mail leaves from an address that the system chooses.
    AddressUnset,
    /// Two instances have one HELO name, or one has a name that is not a DNS name.
    HeloName,
    /// A directory is not there.
    DirectoryMissing,
    /// A directory cannot be read.
    DirectoryUnreadable,
    /// The instance is to run, and does not.
    EnabledStopped,
    /// The instance runs, and would not after the next start.
    DisabledRunning,
    /// Whether it runs could not be found out.
    RunningUnknown,
    /// The instance's programs stumble over something in its queue.
    Queue,
    /// syslog_name is not the instance's name.
    SyslogNameDiffers,
    /// The DNS of an address is not in order.
    Dns,
    /// A main.cf or master.cf could not be read, or is wrong.
    Configuration,
}

impl Kind {
    /// Its word, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueShared => "queue-shared",
            Self::DataShared => "data-shared",
            Self::AddressShared => "address-shared",
            Self::SyslogNameShared => "syslog-name-shared",
            Self::AddressMissing => "address-missing",
            Self::AddressUnset => "address-unset",
            Self::HeloName => "helo-name",
            Self::DirectoryMissing => "directory-missing",
            Self::DirectoryUnreadable => "directory-unreadable",
            Self::EnabledStopped => "enabled-stopped",
            Self::DisabledRunning => "disabled-running",
            Self::RunningUnknown => "running-unknown",
            Self::Queue => "queue",
            Self::SyslogNameDiffers => "syslog-name-differs",
            Self::Dns => "dns",
            Self::Configuration => "configuration",
        }
    }
}

/// Something that is wrong. The text may quote what others wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about.
    pub kind: Kind,
    /// The instances it concerns, by name; empty if it concerns none in particular.
    pub instances: Vec<String>,
    /// What is wrong, and what to do where that is not plain.
    pub text: String,
}

impl Finding {
    fn of(level: Level, kind: Kind, instance: &Facts, text: String) -> Self {
        Self {
            level,
            kind,
            instances: vec![instance.name.clone()],
            text,
        }
    }
}

/// What is wrong with a host's instances, the worst first. `all` are all of the host's: two of them may claim the same.
pub fn findings(all: &[Facts]) -> Vec<Finding> {
    let mut found = Vec::new();
    shared(&mut found, all);
    for instance in all {
        if let Some(why) = &instance.refused {
            let text = format!(
                "{}: Postfix does not start with its configuration: {why}",
                instance.name
            );
            found.push(Finding::of(
                Level::Critical,
                Kind::Configuration,
                instance,
                text,
            ));
        }
        addresses(&mut found, instance);
        directories(&mut found, instance);
        running(&mut found, instance);
        let troubles = instance
            .troubles
            .iter()
            .map(|trouble| Finding::of(trouble.level, Kind::Queue, instance, trouble.to_string()));
        found.extend(troubles);
        names(&mut found, instance);
        dns(&mut found, instance);
    }
    // Stable: of the same level, as they were found.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    found
}

impl Facts {
    /// Where none is set, it is not known which address to look up in the DNS.
    pub fn without_address(&self) -> Option<Finding> {
        if !self.senders.is_empty() {
            return None;
        }
        let text = format!(
            "{}: the system chooses the address that mail leaves from, so its DNS was not checked: set \
             smtp_bind_address",
            self.name
        );
        Some(Finding::of(Level::Unknown, Kind::AddressUnset, self, text))
    }
}

/// Who claims what.
type Claims<'a> = Vec<(String, &'a Facts)>;

/// Who claims which directory, by the first of its names.
fn claimed(all: &[Facts], of: fn(&Facts) -> &Directory) -> Claims<'_> {
    let mut first: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let claim = |instance| {
        let directory = of(instance);
        let path = directory
            .resolved
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let name = match directory.identity {
            Some(identity) => first.entry(identity).or_insert(path).clone(),
            None => path,
        };
        (name, instance)
    };
    all.iter().map(claim).collect()
}

/// Which instances have a queue directory together: their daemons take each other's mail.
pub fn queues_shared(all: &[Facts]) -> Vec<Finding> {
    let (kind, words) = (Kind::QueueShared, "share the queue directory");
    of_claims(
        kind,
        Level::Critical,
        words,
        claimed(all, |instance| &instance.queue),
    )
}

/// What two instances claim.
fn shared(found: &mut Vec<Finding>, all: &[Facts]) {
    found.extend(queues_shared(all));
    let claims: [(Kind, Level, &str, Claims<'_>); 4] = [
        (
            Kind::DataShared,
            Level::Critical,
            "share the data directory",
            claimed(all, |i| &i.data),
        ),
        (
            Kind::AddressShared,
            Level::Warning,
            "send from the same address,",
            all.iter()
                .flat_map(|i| i.senders.iter().map(move |s| (s.address.to_string(), i)))
                .collect(),
        ),
        (
            Kind::HeloName,
            Level::Warning,
            "use the same HELO name,",
            all.iter()
                .filter(|i| i.senders.iter().any(|s| !s.address.is_loopback()))
                .map(|i| (i.helo(), i))
                .collect(),
        ),
        (
            Kind::SyslogNameShared,
            Level::Warning,
            "log under the same syslog_name,",
            all.iter().map(|i| (i.syslog_name.clone(), i)).collect(),
        ),
    ];
    for (kind, level, words, claims) in claims {
        found.extend(of_claims(kind, level, words, claims));
    }
}

/// A finding for each value that more than one instance claims.
fn of_claims(kind: Kind, level: Level, words: &str, claims: Claims<'_>) -> Vec<Finding> {
    let mut by_value: BTreeMap<String, Vec<&Facts>> = BTreeMap::new();
    for (value, instance) in claims {
        by_value.entry(value).or_default().push(instance);
    }
    let shared = by_value.into_iter().filter(|(_, of)| of.len() > 1);
    let finding = |(value, claimants): (String, Vec<&Facts>)| Finding {
        level,
        kind,
        text: format!("{} {words} {value}", named(&claimants)),
        instances: claimants.iter().map(|i| i.name.clone()).collect(),
    };
    shared.map(finding).collect()
}

/// `postfix-aol-a and postfix-aol-b`. Where two have one name, as of a configuration that was copied, with their
/// directories.
fn named(claimants: &[&Facts]) -> String {
    let is_alone = |one: &Facts| {
        claimants
            .iter()
            .filter(|other| other.name == one.name)
            .count()
            < 2
    };
    let names = claimants.iter().map(|one| match is_alone(one) {
        true => one.name.clone(),
        false => format!("{} ({})", one.name, one.config_directory.display()),
    });
    names.collect::<Vec<_>>().join(" and ")
}

/// How bad the worst is that can be wrong with it: with an instance that nobody has started yet it can wait.
pub fn level(instance: &Facts) -> Level {
    match instance.running {
        Running::Yes { .. } => Level::Critical,
        _ if instance.is_enabled => Level::Critical,
        _ => Level::Warning,
    }
}

fn addresses(found: &mut Vec<Finding>, instance: &Facts) {
    for sender in &instance.senders {
        let address = sender.address;
        let what = match &sender.place {
            AddressPlace::Missing => format!("{address} is on no interface"),
            AddressPlace::Interface { name, is_up: false } => {
                format!("{address} is on {name}, which is down")
            }
            AddressPlace::Unusable { name, why } => format!("{address} is on {name}, {why}"),
            _ => continue,
        };
        let text = format!("{}: {what}", instance.name);
        found.push(Finding::of(
            level(instance),
            Kind::AddressMissing,
            instance,
            text,
        ));
    }
    for stray in instance.strays() {
        let text = format!("{}: {}", instance.name, stray.found);
        found.push(Finding::of(
            level(instance),
            Kind::AddressUnset,
            instance,
            text,
        ));
    }
}

fn directories(found: &mut Vec<Finding>, instance: &Facts) {
    let named = [
        ("queue_directory", &instance.queue),
        ("data_directory", &instance.data),
    ];
    for (parameter, Directory { path, state, .. }) in named {
        let (kind, level, why) = match state {
            DirectoryState::Missing(why) => (Kind::DirectoryMissing, level(instance), why),
            DirectoryState::Unreadable(why) => (Kind::DirectoryUnreadable, Level::Unknown, why),
            DirectoryState::Ok | DirectoryState::Unknown => continue,
        };
        let text = format!("{}: {parameter} {}: {why}", instance.name, path.display());
        found.push(Finding::of(level, kind, instance, text));
    }
}

fn running(found: &mut Vec<Finding>, instance: &Facts) {
    let name = &instance.name;
    let (level, kind, text) = match &instance.running {
        Running::Yes { .. } if !instance.is_enabled => (
            Level::Warning,
            Kind::DisabledRunning,
            format!("{name} is running but not enabled: postfix start does not start it"),
        ),
        Running::No if instance.is_enabled => (
            Level::Critical,
            Kind::EnabledStopped,
            format!("{name} is enabled but not running"),
        ),
        Running::Failed(why) => (
            Level::Unknown,
            Kind::RunningUnknown,
            format!("{name}: cannot find out whether it is running: {why}"),
        ),
        _ => return,
    };
    found.push(Finding::of(level, kind, instance, text));
}

fn names(found: &mut Vec<Finding>, instance: &Facts) {
    // Loopback addresses reach nobody who would notice.
    let sends = instance
        .senders
        .iter()
        .any(|sender| !sender.address.is_loopback());
    if sends && !instance.has_full_helo() {
        let text = format!(
            "{}: its HELO name, {}, is not a fully qualified host name: set smtp_helo_name",
            instance.name, instance.helo_name
        );
        found.push(Finding::of(level(instance), Kind::HeloName, instance, text));
    }
    if instance.syslog_name == instance.name {
        return;
    }
    let text = format!(
        "{} logs under another name, syslog_name {}",
        instance.name, instance.syslog_name
    );
    found.push(Finding::of(
        Level::Warning,
        Kind::SyslogNameDiffers,
        instance,
        text,
    ));
}

fn dns(found: &mut Vec<Finding>, instance: &Facts) {
    for sender in &instance.senders {
        for check in &sender.dns {
            let level = match check.outcome {
                DnsOutcome::Ok | DnsOutcome::Skipped => continue,
                DnsOutcome::Poor => Level::Warning,
                DnsOutcome::Wrong => Level::Critical,
                DnsOutcome::Unknown => Level::Unknown,
            };
            let text = format!(
                "{} {}: {} {}: {}",
                instance.name, sender.address, check.check, check.asked, check.detail
            );
            found.push(Finding::of(level, Kind::Dns, instance, text));
        }
    }
}
