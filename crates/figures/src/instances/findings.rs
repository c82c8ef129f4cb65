//! What is wrong with a host's instances.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Directory, DirectoryState, DnsOutcome, Facts, Place, Running};

/// How bad a finding is, the worse the greater: as monitoring systems have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// To be mended.
    Warning,
    /// It could not be found out.
    Unknown,
    /// Mail suffers now.
    Critical,
}

impl Severity {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "WARNING",
            Self::Unknown => "UNKNOWN",
            Self::Critical => "CRITICAL",
        }
    }
}

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
    /// An address is on no interface, or on one that is down.
    AddressMissing,
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
            Self::DirectoryMissing => "directory-missing",
            Self::DirectoryUnreadable => "directory-unreadable",
            Self::EnabledStopped => "enabled-stopped",
            Self::DisabledRunning => "disabled-running",
            Self::RunningUnknown => "running-unknown",
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
    pub severity: Severity,
    /// What it is about.
    pub kind: Kind,
    /// Whom it concerns, by name; nobody alone if that is empty.
    pub instances: Vec<String>,
    /// What is wrong, and what to do where that is not plain.
    pub text: String,
}

impl Finding {
    fn of(severity: Severity, kind: Kind, instance: &Facts, text: String) -> Self {
        Self {
            severity,
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
        addresses(&mut found, instance);
        directories(&mut found, instance);
        running(&mut found, instance);
        names(&mut found, instance);
        dns(&mut found, instance);
    }
    // Stable: of the same severity, as they were found.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// Who claims what.
type Claims<'a> = Vec<(String, &'a Facts)>;

/// What two instances claim.
fn shared(found: &mut Vec<Finding>, all: &[Facts]) {
    let path = |path: &Path| path.as_os_str().to_string_lossy().into_owned();
    let claims: [(Kind, Severity, &str, Claims<'_>); 4] = [
        (
            Kind::QueueShared,
            Severity::Critical,
            "share the queue directory",
            all.iter().map(|i| (path(&i.queue.resolved), i)).collect(),
        ),
        (
            Kind::DataShared,
            Severity::Critical,
            "share the data directory",
            all.iter().map(|i| (path(&i.data.resolved), i)).collect(),
        ),
        (
            Kind::AddressShared,
            Severity::Warning,
            "send from the same address,",
            all.iter()
                .flat_map(|i| i.senders.iter().map(move |s| (s.address.to_string(), i)))
                .collect(),
        ),
        (
            Kind::SyslogNameShared,
            Severity::Warning,
            "log under the same syslog_name,",
            all.iter().map(|i| (i.syslog_name.clone(), i)).collect(),
        ),
    ];
    for (kind, severity, words, claims) in claims {
        let mut by_value: BTreeMap<String, Vec<&Facts>> = BTreeMap::new();
        for (value, instance) in claims {
            by_value.entry(value).or_default().push(instance);
        }
        for (value, claimants) in by_value {
            if claimants.len() < 2 {
                continue;
            }
            let names: Vec<String> = claimants.iter().map(|i| i.name.clone()).collect();
            found.push(Finding {
                severity,
                kind,
                text: format!("{} {words} {value}", names.join(" and ")),
                instances: names,
            });
        }
    }
}

/// What is wrong with an instance that nobody has started yet can wait.
fn severity(instance: &Facts) -> Severity {
    match instance.running {
        Running::Yes { .. } => Severity::Critical,
        _ if instance.is_enabled => Severity::Critical,
        _ => Severity::Warning,
    }
}

fn addresses(found: &mut Vec<Finding>, instance: &Facts) {
    for sender in &instance.senders {
        let address = sender.address;
        let what = match &sender.place {
            Place::Missing => format!("{address} is on no interface"),
            Place::Interface { name, is_up: false } => {
                format!("{address} is on {name}, which is down")
            }
            _ => continue,
        };
        let text = format!("{}: {what}", instance.name);
        found.push(Finding::of(
            severity(instance),
            Kind::AddressMissing,
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
        let (kind, severity, why) = match state {
            DirectoryState::Missing(why) => (Kind::DirectoryMissing, severity(instance), why),
            DirectoryState::Unreadable(why) => (Kind::DirectoryUnreadable, Severity::Unknown, why),
            DirectoryState::Ok | DirectoryState::Unknown => continue,
        };
        let text = format!("{}: {parameter} {}: {why}", instance.name, path.display());
        found.push(Finding::of(severity, kind, instance, text));
    }
}

fn running(found: &mut Vec<Finding>, instance: &Facts) {
    let name = &instance.name;
    let (severity, kind, text) = match &instance.running {
        Running::Yes { .. } if !instance.is_enabled => (
            Severity::Warning,
            Kind::DisabledRunning,
            format!("{name} runs but is not enabled: postfix start leaves it out"),
        ),
        Running::No if instance.is_enabled => (
            Severity::Critical,
            Kind::EnabledStopped,
            format!("{name} is enabled but does not run"),
        ),
        Running::Failed(why) => (
            Severity::Unknown,
            Kind::RunningUnknown,
            format!("{name}: cannot tell whether it runs: {why}"),
        ),
        _ => return,
    };
    found.push(Finding::of(severity, kind, instance, text));
}

fn names(found: &mut Vec<Finding>, instance: &Facts) {
    if instance.syslog_name == instance.name {
        return;
    }
    let text = format!(
        "{} logs under another name, syslog_name {}",
        instance.name, instance.syslog_name
    );
    found.push(Finding::of(
        Severity::Warning,
        Kind::SyslogNameDiffers,
        instance,
        text,
    ));
}

fn dns(found: &mut Vec<Finding>, instance: &Facts) {
    for sender in &instance.senders {
        for check in &sender.dns {
            let severity = match check.outcome {
                DnsOutcome::Ok | DnsOutcome::Skipped => continue,
                DnsOutcome::Poor => Severity::Warning,
                DnsOutcome::Wrong => Severity::Critical,
                DnsOutcome::Unknown => Severity::Unknown,
            };
            let text = format!(
                "{} {}: {} {}: {}",
                instance.name, sender.address, check.check, check.asked, check.detail
            );
            found.push(Finding::of(severity, Kind::Dns, instance, text));
        }
    }
}
