//! From queue directories to figures.

use postfix::Time;
use std::ops::ControlFlow;
use std::sync::Arc;

use figures::bounds;
use figures::distribution::{
    Dimension, Distribution, Frame, InstanceTally, QUEUES, Settings, Tally,
};
use knowledge::providers::Providers;
use postfix::Problem;
use postfix::queue::{Detail, Lifetimes, Queue, ScanError, ScanOptions};

use super::InstanceSpool;
use crate::failure::Failure;
use crate::pool::{self, Shards};

/// Tallies that a scan's threads fill: more than one, so that they seldom wait for each other.
const SHARDS: usize = 8;

/// Directories that are listed at the same time.
const LISTERS: usize = 8;

/// How to look.
#[derive(Debug)]
pub struct Counting<'a> {
    /// Where.
    pub spools: &'a [InstanceSpool],
    /// The host whose queues they are.
    pub host: &'a str,
    /// Open no file.
    pub counts_only: bool,
    /// Find out when messages expire: more of each file is read. Not with `counts_only`.
    pub with_expiry: bool,
    /// The breakdowns that are wanted.
    pub by: Vec<Dimension>,
    /// How many rows of a breakdown are wanted, the biggest. All, if absent.
    pub top: Option<usize>,
    /// Keys that are kept distinct of all instances and all breakdowns together ([`bounds::MOST_KEYS_IN_ALL`]).
    pub most_keys: usize,
    /// Whose a domain is.
    pub providers: Arc<Providers>,
}

/// What was found.
#[derive(Debug)]
pub struct Counted {
    /// The figures.
    pub distribution: Distribution,
    /// The instances that could not be read, or not all of whose queues.
    pub unreadable: Vec<String>,
    /// How many of the problems are with single files.
    pub damaged: usize,
    /// How many are with the configuration, of these instances or of others.
    pub misconfigured: usize,
}

/// The result for one queue.
struct QueueResult {
    tally: Tally,
    problems: Vec<Problem>,
    /// Is there a directory of it that could not be read?
    is_unseen: bool,
    error: Option<ScanError>,
}

impl Counting<'_> {
    /// Looks at all queues. `now` is. `each` is called for each file, or for each
    /// directory where files are only counted, and may say to stop: what comes back then must not be used.
    ///
    /// # Errors
    /// Not one of the instances may be read: this is not for everyone's eyes.
    pub fn look(
        &self,
        now: Time,
        problems: &[Problem],
        each: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Result<Counted, Failure> {
        let settings = Arc::new(Settings {
            by: self.by.clone(),
            now,
            most_keys: bounds::queued_keys(self.top),
            providers: Arc::clone(&self.providers),
        });
        let mut found = if self.counts_only {
            self.list(&settings, each)
        } else {
            self.read(&settings, each)
        };
        let mut problems = problems.to_vec();
        let mut tallies: Vec<InstanceTally> = Vec::new();
        let mut unreadable = Vec::new();
        let mut denied = Vec::new();
        let misconfigured = problems.len();
        let mut damaged: usize = 0;
        for (at, spool) in self.spools.iter().enumerate() {
            let mut tally = Tally::new(Arc::clone(&settings));
            let mut errors = Vec::new();
            let mut is_unseen = spool.problem.is_some();
            let mut is_whole = !is_unseen;
            for found in found.get_mut(at).map(std::mem::take).unwrap_or_default() {
                tally.merge(found.tally);
                damaged = damaged.saturating_add(found.problems.len());
                is_whole &= found.problems.is_empty();
                problems.extend(found.problems);
                is_unseen |= found.is_unseen || found.error.is_some();
                errors.extend(found.error);
            }
            if let Some(first) = spool.same_as.and_then(|at| tallies.get(at)) {
                tally = first.tally.clone();
                is_whole = first.is_whole;
                problems.push(repeated(spool, &first.instance));
            }
            problems.extend(spool.problem.clone());
            if is_unseen {
                unreadable.push(spool.instance.clone());
            }
            problems.extend(errors.iter().map(ScanError::problem));
            let is_denied = |error: &ScanError| matches!(error, ScanError::Denied(_));
            denied.extend(errors.into_iter().find(is_denied));
            tallies.push(InstanceTally {
                instance: spool.instance.clone(),
                tally,
                is_repeated: spool.same_as.is_some(),
                is_whole: is_whole && !is_unseen,
            });
        }
        let asked = self.readable().count();
        if let Some(error) = denied.first().filter(|_| denied.len() == asked) {
            return Err(Failure::scan(error));
        }
        let frame = Frame {
            host: self.host.to_owned(),
            time: now,
            counts_only: self.counts_only,
            with_expiry: self.with_expiry,
            by: self.by.clone(),
            top: self.top,
            problems,
        };
        Ok(Counted {
            distribution: Distribution::new(frame, tallies),
            unreadable,
            damaged,
            misconfigured,
        })
    }

    /// The spools that are to be read: each directory once.
    fn readable(&self) -> impl Iterator<Item = (usize, &InstanceSpool)> {
        let spools = self.spools.iter().enumerate();
        spools.filter(|(_, spool)| spool.is_there && spool.same_as.is_none())
    }

    /// Counts names, several queues at a time: what takes long is to wait for the disk.
    fn list(
        &self,
        settings: &Arc<Settings>,
        each: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Vec<Vec<QueueResult>> {
        let jobs: Vec<_> = self
            .readable()
            .flat_map(|(at, spool)| QUEUES.map(|queue| (at, spool, queue)))
            .collect();
        let counted = pool::each(jobs, LISTERS, |(at, spool, queue)| {
            if each().is_break() {
                return None;
            }
            let mut tally = Tally::new(Arc::clone(settings));
            let counted = spool.spool.count(queue);
            if let Ok(counted) = &counted {
                tally.add_count(queue, counted.messages);
            }
            Some((at, QueueResult::new(tally, counted, spool, queue)))
        });
        let mut all = self.nothing();
        for (at, found) in counted.into_iter().flatten() {
            if let Some(all) = all.get_mut(at) {
                all.push(found);
            }
        }
        all
    }

    /// Reads the files of one queue after the other, many at a time.
    fn read(
        &self,
        settings: &Arc<Settings>,
        each: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Vec<Vec<QueueResult>> {
        let detail = if self.by.iter().any(|d| d.counts_recipients()) {
            Detail::Envelope
        } else if self.with_expiry || self.by.contains(&Dimension::SenderDomain) {
            Detail::Head
        } else {
            Detail::Times
        };
        let mut all = self.nothing();
        for (at, spool) in self.readable() {
            for queue in QUEUES {
                let expiry = self.with_expiry.then_some(spool.lifetimes);
                let found = read_queue(spool, queue, (detail, expiry), settings, each);
                if let Some(all) = all.get_mut(at) {
                    all.push(found);
                }
                let tallies = all.iter_mut().flatten().map(|found| &mut found.tally);
                Tally::bound(tallies, self.most_keys);
            }
        }
        all
    }

    fn nothing(&self) -> Vec<Vec<QueueResult>> {
        self.spools.iter().map(|_| Vec::new()).collect()
    }
}

/// That the mail of an instance is another's, too: who adds up the rows counts it twice.
fn repeated(spool: &InstanceSpool, first: &str) -> Problem {
    let what = format!(
        "{first} and {} claim the same queue directory: both show its mail, and the total counts it once",
        spool.instance
    );
    Problem::new(spool.spool.dir(), what)
}

fn read_queue(
    spool: &InstanceSpool,
    queue: Queue,
    (detail, expiry): (Detail, Option<Lifetimes>),
    settings: &Arc<Settings>,
    each: &(dyn Fn() -> ControlFlow<()> + Sync),
) -> QueueResult {
    let shards = Shards::new(SHARDS, || Tally::new(Arc::clone(settings)));
    let scanned = spool
        .spool
        .scan(queue, detail, &ScanOptions::default(), |file| {
            shards.with(|tally| {
                tally.add(&file);
                expiry.map(|lifetimes| tally.add_expiry(queue, lifetimes.expiry(&file)))
            });
            each()
        });
    let mut tally = Tally::new(Arc::clone(settings));
    for shard in shards.into_values() {
        tally.merge(shard);
    }
    QueueResult::new(tally, scanned, spool, queue)
}

impl QueueResult {
    fn new(
        mut tally: Tally,
        found: Result<postfix::queue::Tally, ScanError>,
        spool: &InstanceSpool,
        queue: Queue,
    ) -> Self {
        if let Ok(found) = &found {
            tally.add_count(queue, found.unopened);
        }
        match found {
            Ok(found) => Self {
                tally,
                is_unseen: found.unseen > 0,
                problems: found.into_problems(spool.spool.queue_dir(queue)),
                error: None,
            },
            Err(error) => Self {
                tally,
                problems: Vec::new(),
                is_unseen: true,
                error: Some(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figures::distribution::Breakdown;
    use postfix::queue::{Layout, Spool};
    use std::path::Path;

    /// Of three instances, each with a few domains: all together are held to the bound, and nothing is lost.
    #[test]
    fn the_keys_of_all_instances_together_are_bounded() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/spools");
        let spools = ["a", "b", "c"].map(|name| InstanceSpool {
            instance: name.to_owned(),
            spool: Spool::new(fixtures.join("real-default/spool"), Layout::default()),
            lifetimes: Lifetimes::default(),
            is_there: true,
            problem: None,
            same_as: None,
        });
        let look = |most_keys| {
            let counting = Counting {
                spools: &spools,
                host: "rustin",
                counts_only: false,
                with_expiry: false,
                by: vec![Dimension::Domain, Dimension::SenderDomain],
                top: None,
                most_keys,
                providers: Arc::new(Providers::load(None).unwrap()),
            };
            let counted = counting.look(Time::EPOCH, &[], &|| ControlFlow::Continue(()));
            let all = counted.unwrap().distribution.instances;
            let by: Vec<_> = all.iter().flat_map(|one| &one.figures.by).collect();
            let rows: usize = by.iter().map(|by| by.rows.len()).sum();
            let sum = |by: &Breakdown| by.rows.iter().map(|row| row.counts.total()).sum::<u64>();
            (rows, by.into_iter().map(sum).collect::<Vec<_>>())
        };
        let (rows, sums) = look(bounds::MOST_KEYS_IN_ALL);
        let (bounded, same) = look(8);
        // A row more each, for what is not told apart.
        assert!(
            rows == 18 && (6..=8 + 6).contains(&bounded),
            "{rows} {bounded}"
        );
        assert_eq!(sums, same);
    }
}
