//! MX lookups: limited in number, concurrency, rate and time, and none twice while an answer may be kept.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cli::{Context, Failure, replace_file};
use dns::{Data, Limits, Lookup as _, Resolver, Rtype};
use guarded::{Links, Place};
use postfix::{Time, count, either};
use transport::Domain;
use transport::discover::{Exchangers, MxCache, Open};

use crate::args::MxArgs;
use host::pool;

/// The most bytes of a cache.
const MOST_CACHE: u64 = 64 << 20;

/// The result.
#[derive(Default)]
pub(crate) struct Answers {
    /// The mail exchangers of each domain that is known of; none of a domain that has none.
    pub(crate) known: HashMap<Domain, Exchangers>,
    /// Which could not be looked up, or were not, since there are so many: a sentence each. They have been reported.
    pub(crate) missing: Vec<String>,
}

/// Looks up the exchangers of these domains, the first ones first.
///
/// # Errors
/// /etc/resolv.conf cannot be read.
pub(crate) fn look_up(cx: &Context, args: &MxArgs, open: &[Open]) -> anyhow::Result<Answers> {
    let now = cx.now();
    let mut cache = match args.no_cache {
        true => MxCache::default(),
        false => read_cache(cx, &args.cache),
    };
    let mut answers = Answers::default();
    let mut jobs: Vec<&Domain> = Vec::new();
    for Open { domain, .. } in open {
        match cache.get(domain, now) {
            Some(exchangers) => {
                answers.known.insert(domain.clone(), exchangers.clone());
            }
            None => jobs.push(domain),
        }
    }
    let cached = answers.known.len();
    let left = jobs.len().saturating_sub(args.max_lookups);
    jobs.truncate(args.max_lookups);
    let asked = jobs.len();
    let (mut failed, mut why) = (0, None);
    for (domain, found) in ask(cx, args, jobs)? {
        match found {
            Ok((exchangers, ttl)) => {
                cache.put(domain, exchangers.clone(), ttl, now);
                answers.known.insert(domain.clone(), exchangers);
            }
            Err(failure) => {
                failed += 1;
                why.get_or_insert(format!("{domain}: {failure}"));
            }
        }
    }
    cx.note(format!(
        "MX lookups: {cached} from the cache, {asked} asked, {failed} failed"
    ));
    if !args.no_cache && asked > failed {
        write_cache(cx, &args.cache, &cache, now);
    }
    if let Some(why) = why {
        let text = format!("{failed} of {asked} MX lookups failed ({why})");
        answers.missing.push(text);
    }
    if left > 0 {
        answers.missing.push(format!(
            "{} {} not looked up, {} with the fewest deliveries: --max-lookups is {}",
            count(left, "domain"),
            either(left, "was", "were"),
            either(left, "the one", "those"),
            args.max_lookups
        ));
    }
    answers.missing.iter().for_each(|text| cx.warn(text));
    Ok(answers)
}

type MxAnswer<'a> = (&'a Domain, Result<(Exchangers, Option<u32>), String>);

/// Asks the DNS.
fn ask<'a>(
    cx: &Context,
    args: &MxArgs,
    jobs: Vec<&'a Domain>,
) -> anyhow::Result<Vec<MxAnswer<'a>>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let limits = Limits {
        total: args.timeout.duration(),
        ..Limits::default()
    };
    let resolver = Resolver::new(host::resolvers::servers(args.resolver)?, limits);
    let progress = cx.progress_items("looking up MX records", u64::try_from(jobs.len()).ok());
    let pace = Pace::new(args.rate, args.timeout.duration());
    let found = pool::each(jobs, args.concurrency.into(), |domain| {
        pace.wait();
        let found = exchangers(&resolver, domain);
        progress.advance(1);
        (domain, found)
    });
    Ok(found)
}

fn exchangers(resolver: &Resolver, domain: &Domain) -> Result<(Exchangers, Option<u32>), String> {
    let Some(name) = dns::name(domain.as_str()) else {
        return Ok((Vec::new(), None));
    };
    let answer = resolver
        .ask(&name, Rtype::MX)
        .map_err(|why| why.to_string())?;
    let records = answer
        .records
        .iter()
        .filter_map(|record| match &record.data {
            Data::Mx(preference, host) => Some((*preference, host.to_string())),
            _ => None,
        });
    Ok((records.collect(), answer.ttl()))
}

/// Lets this many through per second.
struct Pace {
    gap: Duration,
    /// After this, there is nothing more to wait for.
    end: Instant,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(rate: u32, total: Duration) -> Self {
        let now = Instant::now();
        Self {
            gap: Duration::from_secs(1) / rate.max(1),
            end: now + total,
            next: Mutex::new(now),
        }
    }

    fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + self.gap;
            turn
        };
        thread::sleep(turn.min(self.end).saturating_duration_since(Instant::now()));
    }
}

fn read_cache(cx: &Context, path: &Path) -> MxCache {
    let text = match guarded::read(path, MOST_CACHE) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return MxCache::default(),
        Err(e) => {
            cx.warn(format!("not used: {}: {e}", path.display()));
            return MxCache::default();
        }
    };
    MxCache::parse(&text).unwrap_or_else(|why| {
        cx.warn(format!("not used, and replaced: {}: {why}", path.display()));
        MxCache::default()
    })
}

/// What cannot be kept is asked again, and is not an error.
fn write_cache(cx: &Context, path: &Path, cache: &MxCache, now: Time) {
    let write = || {
        let made = Place::make(Path::new("/"), path, Links::Ours);
        let place = made.map_err(|e| Failure::io("cannot write", path, e))?;
        replace_file(&place, &cache.text(now)?)
    };
    let written: anyhow::Result<()> = write();
    if let Err(why) = written {
        cx.warn(format!("the answers are not cached: {why:#}"));
    }
}
