//! The hosts that the lines of logs are of: a log server has those of many, whose instances may have the same names and
//! the same queue ids.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use figures::bounds::OTHER_INSTANCES;
use postfix::log::{self, LogPlace, LogSet};

use crate::site::Site;

/// Hosts that are distinguished. Whoever may write to the log makes them up.
const MOST: usize = 1024;

/// What stands for those beyond [`MOST`].
const REST: &[u8] = b"(other)";

/// The hosts that were met. Forks share the first one, so that all give an instance the same name.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// Are they distinguished?
    is_told_apart: bool,
    /// The host whose logs these are, up to its first dot: however it is written, it is the first.
    own: Option<Vec<u8>>,
    first: Arc<OnceLock<Vec<u8>>>,
    /// The last host that was the first one, as this one met it: nearly every line is of it.
    last: Short,
    others: BTreeSet<Vec<u8>>,
}

/// A name of at most sixteen bytes, which is compared without a call; longer ones are not held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Short {
    len: usize,
    begins: u64,
    ends: u64,
}

impl Short {
    #[inline]
    fn of(name: &[u8]) -> Option<Self> {
        let few = || name.iter().fold(0, |n, b| n << 8 | u64::from(*b));
        let (begins, ends) = match (name.len(), name.first_chunk(), name.last_chunk()) {
            (8..=16, Some(first), Some(last)) => {
                (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
            }
            (1..8, ..) => (few(), 0),
            _ => return None,
        };
        let len = name.len();
        Some(Self { len, begins, ends })
    }
}

/// A host's name without its domain.
fn bare(host: &[u8]) -> &[u8] {
    match host.iter().position(|b| *b == b'.') {
        // 192.0.2.1, as syslog daemons write hosts that they cannot find the name of.
        Some(0) | None => host,
        Some(_) if host.iter().all(|b| b.is_ascii_digit() || *b == b'.') => host,
        Some(at) => host.get(..at).unwrap_or(host),
    }
}

impl Hosts {
    /// Hosts are distinguished. In logs that are no host's own, the first that is met is the first.
    pub fn of_any() -> Self {
        Self {
            is_told_apart: true,
            ..Self::default()
        }
    }

    /// The same in the logs of a host itself, given as their sets: its lines are the first one's. An image, a
    /// container, a host that was renamed and a syslog daemon with a name of its own write another name than the
    /// host has, and its figures must not be taken for a stranger's: where no file's ends have the host's name, the
    /// host that the newest file names first is it, too. In a journal, and in JSON, it is the first that is met.
    pub fn of_own<'s>(site: &Site, sets: impl IntoIterator<Item = &'s LogSet>) -> Self {
        let mut hosts = Self {
            own: Some(bare(site.host().as_bytes()).to_vec()),
            ..Self::of_any()
        };
        let mut newest = None;
        for set in sets {
            let LogPlace::File(current) = &set.place else {
                return hosts;
            };
            // What cannot be read is reported when it is read for its lines.
            let files = log::siblings(current).unwrap_or_default();
            for file in files.iter().rev() {
                let named = log::hosts(file).unwrap_or_default();
                if named.iter().any(|host| hosts.is_own(host)) {
                    hosts.settle(site.host().as_bytes().to_vec());
                    return hosts;
                }
                newest = newest.or_else(|| named.into_iter().next());
            }
        }
        if let Some(newest) = newest {
            hosts.settle(newest);
        }
        hosts
    }

    fn settle(&mut self, first: Vec<u8>) {
        self.first.get_or_init(|| first);
    }

    /// The host, if it is not the first one; else nothing.
    #[inline]
    pub(super) fn other<'h>(&mut self, host: &'h [u8]) -> &'h [u8] {
        if !self.is_told_apart || host.is_empty() {
            return b"";
        }
        let short = Short::of(host);
        if short == Some(self.last) {
            return b"";
        }
        let other = self.look_up(host);
        if let Some(short) = short.filter(|_| other.is_empty()) {
            self.last = short;
        }
        other
    }

    fn look_up<'h>(&mut self, host: &'h [u8]) -> &'h [u8] {
        let first = self.first.get_or_init(|| host.to_vec());
        if first == host || self.is_own(host) {
            return b"";
        }
        // The first was another than the host whose logs these are, or is written in another way.
        if bare(first).eq_ignore_ascii_case(bare(host)) {
            return b"";
        }
        if !self.others.contains(host) {
            if self.others.len() >= MOST {
                return REST;
            }
            self.others.insert(host.to_vec());
        }
        host
    }

    fn is_own(&self, host: &[u8]) -> bool {
        let own = self.own.as_deref();
        own.is_some_and(|own| own.eq_ignore_ascii_case(bare(host)))
    }

    /// Adds those that another met, which must be its fork, or its source.
    pub fn join(&mut self, later: &Self) {
        let more = later
            .others
            .iter()
            .take(MOST.saturating_sub(self.others.len()));
        self.others.extend(more.cloned());
    }

    /// What an instance is called at the end: with its host, where several were met, unless that is the host whose logs
    /// these are.
    pub fn name(&self, instance: &[u8]) -> Vec<u8> {
        let is_of = |host: &Vec<u8>| {
            let name = instance.strip_suffix(host.as_slice());
            name.is_some_and(|name| name.ends_with(b"@"))
        };
        match self.first.get() {
            Some(first)
                if !self.others.is_empty()
                    && self.own.is_none()
                    && instance != OTHER_INSTANCES.as_bytes()
                    && !instance.ends_with(b"@(other)")
                    && !self.others.iter().any(is_of) =>
            {
                [instance, b"@", first].concat()
            }
            _ => instance.to_vec(),
        }
    }

    /// What to call what was read, if it is not of the host `own`: the hosts whose lines were met.
    pub fn title(&self, own: &str) -> Option<String> {
        let first = self.first.get()?;
        let own = bare(own.as_bytes());
        if self.own.is_some() || self.others.is_empty() && bare(first).eq_ignore_ascii_case(own) {
            return None;
        }
        let all: BTreeSet<&Vec<u8>> = self.others.iter().chain([first]).collect();
        let named: Vec<_> = all
            .iter()
            .take(3)
            .map(|h| String::from_utf8_lossy(h))
            .collect();
        let mut title = named.join(", ");
        if all.len() > 3 {
            title.push_str(&format!(" and {} more", all.len() - 3));
        }
        Some(title)
    }
}
