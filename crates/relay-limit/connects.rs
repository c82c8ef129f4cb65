//! Who still connects to an instance: its smtpd's lines, in whatever log they are written to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use cli::{Context, Interrupts};
use host::logs::{Filter, Selection, log_sets, lost};
use postfix::config::{Host, Instance};
use postfix::log::{Bookmark, Event, LogSet, Options, Sink, Wanted};
use postfix::{Parsed, Problem, Span, Time};

use crate::desk::{Clock, readable};
use crate::probe;

/// How often the log is looked at: a journal's reader is a process.
const ROUND: Duration = Duration::from_secs(1);
/// Who has not come for so long may be gone: a list server that has mail comes each minute or more often.
const QUIET: Duration = Duration::from_secs(60);
/// How long a connection of our own may take to be in the log.
const LOGGED: Duration = Duration::from_secs(30);
/// As many of those who still come are named.
const MOST: usize = 20;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Nobody has come for a minute: since when.
    Quiet { since: Time },
    /// These still do: when they came last; and since when everybody else does not.
    Busy {
        who: BTreeMap<String, Time>,
        quiet: Time,
    },
    /// It could not be seen: why.
    Unseen(String),
}

impl Watched {
    pub(crate) fn lines(&self, cx: &Context, held_until: Time) -> Vec<String> {
        match self {
            Self::Quiet { since } => {
                let held = held_until > since.plus(Span::from_seconds(QUIET.as_secs()));
                let until = held.then(|| {
                    let until = readable(cx, held_until);
                    format!("; a resolver may hold the name until {until}")
                });
                let since = readable(cx, *since);
                vec![format!("quiet since {since}{}", until.unwrap_or_default())]
            }
            Self::Busy { who, quiet } => {
                let named = who.iter().take(MOST).map(|(client, last)| {
                    let why = match held_until > *last {
                        true => format!(
                            "its resolver holds the name until {}",
                            readable(cx, held_until)
                        ),
                        false => {
                            "is the name still in the zone, or in its configuration?".to_owned()
                        }
                    };
                    format!(
                        "quiet since {}; {client} still connects ({}): {why}",
                        readable(cx, *quiet),
                        readable(cx, *last)
                    )
                });
                let more = who.len().saturating_sub(MOST);
                let more = (more > 0).then(|| format!("and {more} more"));
                named.chain(more).collect()
            }
            Self::Unseen(why) => vec![format!("who connects was not seen: {why}")],
        }
    }
}

/// Watches until nobody comes any more, for `patience` at most.
pub(crate) fn watch(
    cx: &Context,
    clock: &Clock,
    (host, instance): (&Parsed<Host>, &Instance),
    patience: Span,
) -> anyhow::Result<Watched> {
    let name = instance.name().to_owned();
    let selection = Selection::new(cx.site(), host, &[name], false)?;
    let mut logs = match Logs::open(cx, host, &selection, clock.exact())? {
        Ok(logs) => logs,
        Err(why) => return Ok(Watched::Unseen(why)),
    };
    let interrupts = cx.catch_interrupts()?;
    // Who came up to here is not looked at: who has mail comes again.
    if let Err(why) = is_logged(cx, instance, &mut logs, &interrupts) {
        return Ok(Watched::Unseen(why));
    }
    let (begun, start) = (Instant::now(), clock.exact());
    let progress = cx.progress_items("watching who connects", None);
    let mut seen: BTreeMap<String, (Instant, Time)> = BTreeMap::new();
    loop {
        match logs.new_clients(instance) {
            Ok(new) => {
                let at = (Instant::now(), clock.now());
                seen.extend(new.into_iter().map(|(client, _)| (client, at)));
            }
            Err(problem) => return Ok(Watched::Unseen(problem.to_string())),
        }
        let last = seen.values().map(|(at, _)| *at).max().unwrap_or(begun);
        if last.elapsed() >= QUIET {
            // Is it still logged who comes?
            match is_logged(cx, instance, &mut logs, &interrupts) {
                Ok(_) if interrupts.came() => {
                    return Ok(Watched::Unseen("interrupted".to_owned()));
                }
                Ok(others) if others.is_empty() => {}
                Ok(others) => {
                    let at = (Instant::now(), clock.now());
                    seen.extend(others.into_iter().map(|client| (client, at)));
                    continue;
                }
                Err(why) => return Ok(Watched::Unseen(why)),
            }
            let since = seen.values().map(|(_, at)| *at).max().unwrap_or(start);
            // What was lost may have been of somebody who came.
            return Ok(match logs.lost {
                None => Watched::Quiet { since },
                Some(why) => Watched::Unseen(why),
            });
        }
        if begun.elapsed() >= patience.duration() || interrupts.came() {
            return Ok(still(seen, start));
        }
        progress.advance(1);
        std::thread::sleep(ROUND);
    }
}

/// Those of these who came within the last minute, when nobody is watched any longer; `start`: since when.
fn still(mut seen: BTreeMap<String, (Instant, Time)>, start: Time) -> Watched {
    let is_busy = |at: &Instant| at.elapsed() < QUIET;
    let others = seen.values().filter(|(at, _)| !is_busy(at));
    let quiet = others.map(|(_, at)| *at).max().unwrap_or(start);
    seen.retain(|_, (at, _)| is_busy(at));
    let who = seen.into_iter().map(|(who, (_, at))| (who, at));
    let who: BTreeMap<String, Time> = who.collect();
    match who.is_empty() {
        true => Watched::Unseen("not watched for a minute".to_owned()),
        false => Watched::Busy { who, quiet },
    }
}

/// Is it logged who comes? A log that nobody writes to is quiet, too: a connection of our own must be in it. Who else
/// came up to there comes back. Where nobody listens, nobody can come.
fn is_logged(
    cx: &Context,
    instance: &Instance,
    logs: &mut Logs<'_>,
    interrupts: &Interrupts,
) -> Result<BTreeSet<String>, String> {
    let servers = probe::listeners(cx, instance);
    if servers.is_empty() {
        return Err("no smtpd was found to be asked: see inet_interfaces and master.cf".to_owned());
    }
    let (mut own, mut failed) = (None, None);
    for server in servers {
        match probe::visit(server) {
            Ok(from) => {
                own = Some(from);
                break;
            }
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => {}
            Err(e) => failed = Some(format!("smtpd at {server} does not greet: {e}")),
        }
    }
    let mut others = BTreeSet::new();
    let Some(own) = own else {
        return failed.map_or(Ok(others), Err);
    };
    let begun = Instant::now();
    loop {
        let new = logs.new_clients(instance).map_err(|e| e.to_string())?;
        let is_own = |address: &String| address.parse() == Ok::<IpAddr, _>(own);
        let is_there = new.iter().any(|(_, address)| is_own(address));
        let new = new.into_iter().filter(|(_, address)| !is_own(address));
        others.extend(new.map(|(client, _)| client));
        if is_there || interrupts.came() {
            return Ok(others);
        }
        if begun.elapsed() > LOGGED {
            let what = "a connection of our own is not in its log: is the syslog daemon running?";
            return Err(what.to_owned());
        }
        std::thread::sleep(ROUND);
    }
}

/// The logs of an instance, and how far they were read.
struct Logs<'a> {
    sets: Vec<(LogSet, Bookmark)>,
    filter: Filter<'a>,
    options: Options<'a>,
    /// Why not all that was written was seen.
    lost: Option<String>,
}

impl<'a> Logs<'a> {
    /// From this time on.
    fn open(
        cx: &Context,
        host: &Parsed<Host>,
        selection: &'a Selection<'a>,
        start: Time,
    ) -> anyhow::Result<Result<Self, String>> {
        let mut sets = Vec::new();
        for set in log_sets(cx.site(), host, selection, None)? {
            match set.place.at_end(start) {
                Ok(known) => sets.push((set, known)),
                Err(problem) => return Ok(Err(problem.to_string())),
            }
        }
        if sets.is_empty() {
            return Ok(Err("no log was found".to_owned()));
        }
        let wanted = Wanted {
            connects: true,
            ..Wanted::default()
        };
        Ok(Ok(Self {
            sets,
            filter: Filter::new(selection),
            options: Options {
                // Of a journal without a new line, the next round looks from here on again.
                now: start,
                threads: 1,
                ..cx.site().read_options(None, wanted, &|_| {})
            },
            lost: None,
        }))
    }

    /// Who has come to the instance since the last time, and from which address.
    fn new_clients(&mut self, instance: &Instance) -> Result<BTreeSet<(String, String)>, Problem> {
        let mut all = BTreeSet::new();
        for (set, known) in &mut self.sets {
            self.filter.scope(set.scope.clone());
            let empty = || Clients {
                filter: self.filter.clone(),
                name: instance.syslog_name().as_bytes(),
                found: BTreeSet::new(),
            };
            let (followed, mut clients) = set.place.follow(known, &self.options, empty)?;
            *known = followed.known;
            all.append(&mut clients.found);
            let problems = followed.readings.into_iter().flat_map(|one| {
                let dropped = lost(&one.path, &one.seen.lost);
                one.problems.into_iter().chain(dropped)
            });
            let mut problems = followed.gap.into_iter().chain(problems);
            self.lost = self
                .lost
                .take()
                .or(problems.next().map(|one| one.to_string()));
        }
        Ok(all)
    }
}

/// Those who connect to an instance's smtpd, by name if they have one, and their addresses.
struct Clients<'a> {
    filter: Filter<'a>,
    /// The instance's syslog_name.
    name: &'a [u8],
    found: BTreeSet<(String, String)>,
}

impl Sink for Clients<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Connected {
            tag, name, address, ..
        } = event
            && self.filter.instance(b"", tag).as_deref() == Some(self.name)
        {
            let who = match *name {
                b"unknown" => address,
                name => name,
            };
            let (who, address) = (postfix::escape(who), postfix::escape(address));
            self.found.insert((who.to_string(), address.to_string()));
        }
    }
}
