//! Where the host's own logs are: in files of a syslog daemon, or only in the journal, as on Debian 12 and later.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use postfix::config::{Host, Instance};
use postfix::log::{self, Journal, LogPlace, LogSet, MAIL, Trust};
use postfix::{Parsed, Span, Time};

use super::Selection;
use crate::failure::Failure;
use crate::identity;
use crate::site::Site;

/// What is looked at for settings.
const SETTINGS: &str = "/etc/default/relay-tools";

/// Where Postfix's packages put its programs: Debian, and the others.
const DAEMON_DIRECTORIES: [&str; 2] = ["/usr/lib/postfix/sbin", "/usr/libexec/postfix"];

/// A file is written to by a syslog daemon if the journal's last mail is no later than its last line, give or take this
/// much, in microseconds.
const LAG: Span = Span::from_minutes(5);

/// Which of the two that may hold what Postfix sends to syslog is read. Never both: beside rsyslog, the journal has
/// each line once more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Preference {
    /// The syslog daemon's file if one is being written, else the journal.
    #[default]
    Auto,
    /// The file.
    Files,
    /// The journal.
    Journal,
}

impl Preference {
    /// The names, as in `LOG_SOURCE`.
    pub const ALL: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("files", Self::Files),
        ("journal", Self::Journal),
    ];

    /// What `LOG_SOURCE` in the host's /etc/default/relay-tools says, which is read as a shell would.
    ///
    /// # Errors
    /// The file cannot be read, or the value is invalid.
    pub fn of(site: &Site) -> anyhow::Result<Self> {
        let path = site.root().under(Path::new(SETTINGS));
        let text = match guarded::read(&path, 1 << 20) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Self::Auto),
            Err(e) => return Err(Failure::io("cannot read", &path, e).into()),
        };
        let lines = text.lines().zip(1..);
        let set = lines.filter_map(|(line, n)| Some((line.trim().strip_prefix("LOG_SOURCE=")?, n)));
        // The last one holds.
        let Some((value, line)) = set.last() else {
            return Ok(Self::Auto);
        };
        let value = value
            .split([' ', '\t', '#', ';'])
            .next()
            .unwrap_or_default();
        let value = value.trim_matches(['"', '\'']);
        let known = Self::ALL.iter().find(|(name, _)| *name == value);
        match known {
            Some((_, preference)) => Ok(*preference),
            None if value.is_empty() => Ok(Self::Auto),
            None => {
                let what = format!(
                    "{}, line {line}: LOG_SOURCE={value} is unknown",
                    path.display()
                );
                Err(Failure::new(what)
                    .hint("set LOG_SOURCE to auto, files or journal")
                    .into())
            }
        }
    }
}

/// The host's own logs that hold lines of the instances that are asked for. Without an `asked` preference, the host's
/// settings say it.
///
/// # Errors
/// As [`Preference::of`].
pub fn log_sets(
    site: &Site,
    host: &Parsed<Host>,
    selection: &Selection<'_>,
    asked: Option<Preference>,
) -> anyhow::Result<Vec<LogSet>> {
    let wants = |instance: &Instance| {
        selection
            .instances
            .iter()
            .any(|i| std::ptr::eq(*i, instance))
    };
    let sets = log_sets_of(site, &host.value, selection.takes_all(), wants, asked)?;
    for set in &sets {
        site.note(format!("{}: {}", set.place.path().display(), set.why));
    }
    Ok(sets)
}

/// The log that an instance writes to now.
///
/// # Errors
/// As [`Preference::of`].
pub fn log_of(site: &Site, host: &Host, instance: &Instance) -> anyhow::Result<Option<LogPlace>> {
    let is_it = |other: &Instance| other.config_directory() == instance.config_directory();
    let sets = log_sets_of(site, host, false, is_it, None)?;
    Ok(sets.into_iter().next().map(|set| set.place))
}

fn log_sets_of(
    site: &Site,
    host: &Host,
    all: bool,
    wants: impl Fn(&Instance) -> bool,
    asked: Option<Preference>,
) -> anyhow::Result<Vec<LogSet>> {
    let preference = match asked {
        Some(preference) => preference,
        None => Preference::of(site)?,
    };
    let syslog = syslog(site, host, preference);
    Ok(log::log_sets(
        site.root(),
        host.instances(),
        all,
        wants,
        syslog,
    ))
}

/// Where the lines go that Postfix sends to syslog, and why it is that.
fn syslog(site: &Site, host: &Host, preference: Preference) -> (LogPlace, String) {
    let candidates = log::syslog_files(site.root());
    let there = candidates.iter().find(|path| path.exists());
    let file = there.or(candidates.first()).cloned().unwrap_or_default();
    let name = file.display().to_string();
    let journal = journal_of(site, host);
    let (is_file, why) = match preference {
        Preference::Files => (true, "files were requested".to_owned()),
        Preference::Journal => (false, "the journal was requested".to_owned()),
        Preference::Auto if there.is_none() => match is_kept(site) {
            true => (false, format!("there is no {name}")),
            false => (true, "there is no journal either".to_owned()),
        },
        Preference::Auto if !is_kept(site) => (true, "there is no journal".to_owned()),
        Preference::Auto => is_written(site, &file, &journal),
    };
    match is_file {
        true => (LogPlace::File(file), why),
        false => (LogPlace::Journal(journal), why),
    }
}

/// Does a syslog daemon write this file, beside the journal?
fn is_written(site: &Site, file: &Path, journal: &Journal) -> (bool, String) {
    let readable = |at: Time| {
        let local = site.zone().at(at);
        local.map_or_else(
            || "?".to_owned(),
            |l| l.format("%Y-%m-%d %H:%M:%S").to_string(),
        )
    };
    let written = last_written(site, file);
    if let Some(written) = written.filter(|time| *time >= site.now().minus(LAG)) {
        return (true, format!("its last line is from {}", readable(written)));
    }
    let ends = match written {
        Some(written) => format!("{} ends at {}", file.display(), readable(written)),
        None => format!("{} is empty", file.display()),
    };
    match journal.last() {
        Ok(Some(last)) if written.is_none_or(|written| last > written.plus(LAG)) => {
            let why = format!("{ends}, and the journal has mail until {}", readable(last));
            (false, why)
        }
        Ok(Some(_)) => (true, "the journal has no later mail".to_owned()),
        Ok(None) => (true, "the journal holds no mail".to_owned()),
        Err(problem) => (true, problem.to_string()),
    }
}

/// The time of the last line of the log or, where it was rotated just now, of the file before it.
fn last_written(site: &Site, file: &Path) -> Option<Time> {
    let files = log::siblings(file).unwrap_or_default();
    let mut newest = files.iter().rev().take(2);
    newest.find_map(|path| log::last_time(path, site.zone()).ok().flatten())
}

/// Where journald keeps what is to outlast the boot.
const KEPT: &str = "/var/log/journal";

/// Is there a journal of this host?
fn is_kept(site: &Site) -> bool {
    let is_volatile = site.root().is_this_host() && Path::new("/run/log/journal").is_dir();
    is_volatile || site.root().under(Path::new(KEPT)).is_dir()
}

/// The host's journal, and what of it is a mail log.
pub(super) fn journal_of(site: &Site, host: &Host) -> Journal {
    let root = site.root();
    let owners: BTreeSet<String> = host.instances().iter().map(Instance::mail_owner).collect();
    let uids = owners.iter().map(|owner| identity::uid(root, owner));
    Journal {
        directory: (!root.is_this_host()).then(|| root.under(Path::new(KEPT))),
        trust: Trust {
            owners: uids
                .collect::<Option<Vec<u32>>>()
                .filter(|uids| !uids.is_empty()),
            ..trust(host)
        },
        facilities: facilities(host),
    }
}

/// A journal that may be another host's.
pub(super) fn journal_in(directory: PathBuf, host: &Host) -> Journal {
    Journal {
        directory: Some(directory),
        facilities: facilities(host),
        trust: trust(host),
    }
}

fn trust(host: &Host) -> Trust {
    let of_instances = host.instances().iter().map(|i| i.get("daemon_directory"));
    let usual = DAEMON_DIRECTORIES.map(str::to_owned);
    let all: BTreeSet<String> = of_instances
        .chain(usual)
        .filter(|d| !d.is_empty())
        .collect();
    Trust {
        owners: None,
        daemon_directories: all.into_iter().map(PathBuf::from).collect(),
    }
}

/// The facilities that the instances log with, by their numbers (postconf(5), `syslog_facility`; RFC 5424, 6.2.1).
fn facilities(host: &Host) -> BTreeSet<u8> {
    let number = |instance: &Instance| {
        let name = instance.get("syslog_facility");
        let local = name
            .strip_prefix("local")
            .and_then(|n| n.parse::<u8>().ok());
        match name.as_str() {
            "user" => 1,
            "daemon" => 3,
            "auth" | "security" => 4,
            "syslog" => 5,
            "lpr" => 6,
            "news" => 7,
            "uucp" => 8,
            "cron" => 9,
            "authpriv" => 10,
            "ftp" => 11,
            _ => local.filter(|n| *n <= 7).map_or(MAIL, |n| 16 + n),
        }
    };
    let configured = host.instances().iter().map(number);
    configured.chain([MAIL]).collect()
}
