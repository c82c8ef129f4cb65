//! Whose events count, by the tag of a line.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use figures::bounds::OTHER_INSTANCES;
use postfix::log::Scope;

use super::Selection;
use super::hosts::Hosts;

/// Tags that are looked through one by one before the table is asked: a host's own, mostly.
const NEAR: usize = 32;
/// Places of the last tags met: a host has some ten.
const LAST: usize = 64;
/// Tags that are remembered: anyone who may write to a log makes them up. Whose another is, is found out at each line.
const MOST_TAGS: usize = 4096;
/// How many names of no instance are kept, to show what they are.
const SAMPLE: usize = 3;

/// Whose events count.
#[derive(Debug, Clone)]
pub struct Filter<'a> {
    selection: &'a Selection<'a>,
    hosts: Hosts,
    scope: Scope,
    /// The tags met so far, but those of no instance.
    known: Vec<KnownTag<'a>>,
    /// Where those behind the first [`NEAR`] are.
    table: HashMap<Vec<u8>, usize>,
    /// Where the last tags met are, by what they end with.
    last: [usize; LAST],
    /// The first names of no instance whose events count.
    strays: Vec<Vec<u8>>,
}

/// What a tag of a host is found by.
fn key(host: &[u8], tag: &[u8]) -> Vec<u8> {
    [host, b"\0", tag].concat()
}

/// The last eight bytes of a tag, or those it has.
#[inline]
fn ending(tag: &[u8]) -> u64 {
    match tag.last_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => tag.iter().fold(0, |n, b| n << 8 | u64::from(*b)),
    }
}

/// The place of a tag with this [`ending`] among the last ones met: the top six bits of a multiple of it.
#[inline]
fn slot(ending: u64) -> usize {
    (ending.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize
}

/// A tag, and what was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KnownTag<'a> {
    tag: Vec<u8>,
    /// The host, if that is another than the first one: its `name@host` is then the instance's name here.
    host: Vec<u8>,
    /// Its [`ending`], which distinguishes nearly all tags.
    ending: u64,
    /// How much of the tag is the instance's name.
    name: usize,
    /// The instance's name, if that is another: of a service with a name of its own.
    owner: Option<&'a [u8]>,
    /// Do its events count?
    counts: bool,
}

impl<'a> KnownTag<'a> {
    fn name(&self) -> &[u8] {
        self.name_in(&self.tag).unwrap_or_default()
    }

    #[inline]
    fn is(&self, host: &[u8], tag: &[u8], ending: u64) -> bool {
        self.ending == ending
            && self.tag == tag
            && self.host.len() == host.len()
            && (host.is_empty() || self.host == host)
    }

    /// The same, as a part of the tag that is given.
    fn name_in<'t>(&self, tag: &'t [u8]) -> Option<&'t [u8]>
    where
        'a: 't,
    {
        self.owner.or_else(|| tag.get(..self.name))
    }

    /// The same with the host, if that is another than the first.
    fn full_name<'t>(&self, tag: &'t [u8]) -> Option<Cow<'t, [u8]>>
    where
        'a: 't,
    {
        let name = self.name_in(tag)?;
        Some(match self.host.as_slice() {
            b"" => Cow::Borrowed(name),
            host => Cow::Owned([name, b"@", host].concat()),
        })
    }
}

impl<'a> Filter<'a> {
    /// Nothing is left out before [`Filter::scope`] says so.
    pub fn new(selection: &'a Selection<'a>) -> Self {
        Self {
            selection,
            hosts: Hosts::default(),
            scope: Scope::All,
            known: Vec::new(),
            table: HashMap::new(),
            last: [0; LAST],
            strays: Vec::new(),
        }
    }

    /// Distinguishes hosts: instances of one that is not the first have names that end with it.
    #[must_use]
    pub fn by_host(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Adds hosts that another filter of the same logs met.
    pub fn join_hosts(&mut self, hosts: &Hosts) {
        self.hosts.join(hosts);
    }

    /// The hosts that were met.
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The instance of `tag`, if its events count: [`OTHER_INSTANCES`] for a tag of none of a host in its own logs.
    #[inline]
    pub fn instance<'t>(&mut self, host: &[u8], tag: &'t [u8]) -> Option<Cow<'t, [u8]>>
    where
        'a: 't,
    {
        self.known(host, tag).map(|(_, name)| name)
    }

    /// The instance's own name, of the name that it has here.
    pub fn without_host<'n>(&mut self, host: &[u8], instance: &'n [u8]) -> &'n [u8] {
        let host = self.hosts.other(host);
        let name = instance
            .strip_suffix(host)
            .and_then(|n| n.strip_suffix(b"@"));
        name.filter(|_| !host.is_empty()).unwrap_or(instance)
    }

    /// Are lines of this tag asked for?
    pub fn wants(&mut self, tag: &[u8]) -> bool {
        let name = self.selection.names.instance(tag);
        self.counts(self.selection.owner(name).unwrap_or(name))
    }

    /// The same with the number of the tag, if it is remembered, which stays the same for this filter: they count from
    /// 0.
    #[inline]
    pub fn known<'t>(
        &mut self,
        host: &[u8],
        tag: &'t [u8],
    ) -> Option<(Option<usize>, Cow<'t, [u8]>)>
    where
        'a: 't,
    {
        let host = self.hosts.other(host);
        let ending = ending(tag);
        let is_it = |known: &KnownTag<'_>| known.is(host, tag, ending);
        let last = self.last.get_mut(slot(ending));
        let at = last.as_ref().map_or(0, |at| **at);
        let found = match self.known.get(at).filter(|known| is_it(known)) {
            Some(known) => Some((known, at)),
            None => {
                let near = self.known.iter().take(NEAR);
                let found = near.zip(0..).find(|(known, _)| is_it(known));
                if let (Some(last), Some((_, at))) = (last, found) {
                    *last = at;
                }
                found
            }
        };
        match found {
            Some((known, at)) if known.counts => Some((Some(at), known.full_name(tag)?)),
            Some(_) => None,
            None => self.look_up(host, tag, ending),
        }
    }

    /// The number of the tag, if it is among the last ones met and its events count: what [`Filter::known`] finds, for
    /// whoever has asked that before.
    #[inline]
    pub fn met(&mut self, host: &[u8], tag: &[u8]) -> Option<usize> {
        let host = self.hosts.other(host);
        let ending = ending(tag);
        let at = *self.last.get(slot(ending))?;
        let known = self.known.get(at)?;
        (known.counts && known.is(host, tag, ending)).then_some(at)
    }

    fn look_up<'t>(
        &mut self,
        host: &[u8],
        tag: &'t [u8],
        ending: u64,
    ) -> Option<(Option<usize>, Cow<'t, [u8]>)>
    where
        'a: 't,
    {
        if let Some(&at) = self.table.get(&key(host, tag)) {
            let known = self.known.get(at).filter(|known| known.counts)?;
            return Some((Some(at), known.full_name(tag)?));
        }
        let name = self.selection.names.instance(tag);
        let owner = self.selection.owner(name);
        let counts = self.counts(owner.unwrap_or(name));
        if self.selection.is_stray(name) {
            if !counts {
                return None;
            }
            self.stray(name);
            return Some((None, Cow::Borrowed(OTHER_INSTANCES.as_bytes())));
        }
        let known = KnownTag {
            tag: tag.to_vec(),
            host: host.to_vec(),
            ending,
            name: name.len(),
            owner,
            counts,
        };
        let full = known.full_name(tag)?;
        let at = self.remember(known);
        counts.then_some((at, full))
    }

    /// Remembers a tag that is not known yet.
    fn remember(&mut self, known: KnownTag<'a>) -> Option<usize> {
        let at = self.known.len();
        // A name that is asked for must be found among what was met.
        let most = match known.counts && !self.selection.takes_all() {
            true => MOST_TAGS * 2,
            false => MOST_TAGS,
        };
        if at >= most {
            return None;
        }
        if at >= NEAR {
            self.table.insert(key(&known.host, &known.tag), at);
        }
        self.known.push(known);
        Some(at)
    }

    fn stray(&mut self, name: &[u8]) {
        if self.strays.len() < SAMPLE && self.strays.iter().all(|known| known != name) {
            self.strays.push(name.to_vec());
        }
    }

    /// Is a tag that names no service an instance's? Where none is configured, it may be.
    pub fn knows(&self, tag: &[u8]) -> bool {
        let names = &self.selection.names;
        match names.is_empty() {
            true => tag.starts_with(b"postfix"),
            false => names.has(names.instance(tag)),
        }
    }

    fn counts(&self, name: &[u8]) -> bool {
        self.scope.has(name) && self.selection.wants(name)
    }

    /// The names that the logs know, asked for or not; not those of no instance in a host's own logs.
    pub fn seen(&self) -> BTreeSet<Vec<u8>> {
        self.known
            .iter()
            .map(|known| known.name().to_vec())
            .collect()
    }

    /// Some of the names that [`OTHER_INSTANCES`] stands for.
    pub fn strays(&self) -> &[Vec<u8>] {
        &self.strays
    }

    /// From here on, only the names of this scope count.
    pub fn scope(&mut self, scope: Scope) {
        self.scope = scope;
        let mut known = std::mem::take(&mut self.known);
        for one in &mut known {
            one.counts = self.counts(one.name());
        }
        self.known = known;
    }

    /// Takes in what another filter met in a later part of the log.
    pub fn join(&mut self, later: Self) {
        self.hosts.join(&later.hosts);
        for entry in later.known {
            let mut near = self.known.iter().take(NEAR);
            if !self.table.contains_key(&key(&entry.host, &entry.tag))
                && !near.any(|known| known.tag == entry.tag && known.host == entry.host)
            {
                self.remember(entry);
            }
        }
        for name in &later.strays {
            self.stray(name);
        }
    }
}
