//! `--check`: the figures judged, an instance at a time.

use cli::Failure;
use figures::distribution::{Distribution, InstanceFigures};
use figures::instances::Trouble;
use figures::verdict::{Level, Perf, Verdict};
use legible::human;
use postfix::{Span, count};

use crate::args::Args;
use host::mailq::Counted;

/// The limits, each for one instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    warn_count: Option<u64>,
    crit_count: Option<u64>,
    warn_age: Option<u64>,
    crit_age: Option<u64>,
    warn_expiring: Option<Span>,
    crit_expiring: Option<Span>,
}

/// What is wrong with an instance.
struct Backlog {
    level: Level,
    /// The fuller or older, the greater, among those of one level.
    weight: u64,
    text: String,
}

impl Limits {
    /// The limits that are asked for.
    ///
    /// # Errors
    /// One that would warn only after it has become critical.
    pub(crate) fn new(args: &Args) -> Result<Self, Failure> {
        let pairs = [
            ("count", args.warn_count, args.crit_count),
            (
                "age",
                args.warn_age.map(Span::seconds),
                args.crit_age.map(Span::seconds),
            ),
        ];
        for (what, warn, crit) in pairs {
            if warn.zip(crit).is_some_and(|(warn, crit)| warn > crit) {
                return Err(Failure::new(format!(
                    "--warn-{what} is above --crit-{what} and would never take effect"
                )));
            }
        }
        let expiring = args.warn_expiring.zip(args.crit_expiring);
        if expiring.is_some_and(|(warn, crit)| warn < crit) {
            return Err(Failure::new(
                "--warn-expiring is below --crit-expiring and would never take effect",
            ));
        }
        Ok(Self {
            warn_count: args.warn_count,
            crit_count: args.crit_count,
            warn_age: args.warn_age.map(Span::seconds),
            crit_age: args.crit_age.map(Span::seconds),
            warn_expiring: args.warn_expiring,
            crit_expiring: args.crit_expiring,
        })
    }

    /// Judges the figures. `unknown` names what else there may be that could not be looked at.
    /// `troubles` are what the instances' programs stumble over.
    pub(crate) fn judge(
        &self,
        counted: &Counted,
        unknown: &[String],
        troubles: &[Trouble],
    ) -> Verdict {
        let distribution = &counted.distribution;
        let mut findings: Vec<Backlog> = unknown
            .iter()
            .chain(&counted.unreadable)
            .map(|what| Backlog {
                level: Level::Unknown,
                weight: 0,
                text: format!("{what} cannot be read"),
            })
            .collect();
        findings.extend(troubles.iter().map(|trouble| Backlog {
            level: trouble.level,
            weight: 0,
            text: trouble.to_string(),
        }));
        // Postfix passes over such mail, or it is not counted.
        let see = |n: usize| format!("{}, see mailq-distribution", count(n, "problem"));
        if counted.damaged > 0 {
            findings.push(Backlog {
                level: Level::Warning,
                weight: 0,
                text: see(counted.damaged),
            });
        }
        let mut perf = Vec::new();
        for instance in &distribution.instances {
            findings.push(self.count(instance));
            findings.extend(self.age(distribution, instance));
            findings.extend(unknown_age(instance));
            findings.extend(self.expiring(distribution, instance));
            let is_seen = !counted.unreadable.contains(&instance.instance);
            perf.extend(self.measured(distribution, instance, is_seen));
        }
        findings.sort_by(|a, b| b.level.cmp(&a.level).then(b.weight.cmp(&a.weight)));
        let found = findings
            .into_iter()
            .map(|finding| (finding.level, finding.text));
        let mut verdict = Verdict::of(found.collect(), || summary(distribution), perf);
        if counted.misconfigured > 0 {
            verdict.text.push_str("; ");
            verdict.text.push_str(&see(counted.misconfigured));
        }
        verdict
    }

    fn count(&self, instance: &InstanceFigures) -> Backlog {
        let count = instance.figures.counts.total();
        let (warn, crit) = (self.warn_count, self.crit_count);
        let level = level(count, warn, crit);
        let limit = passed(level, warn, crit).map_or(String::new(), |n| format!(", more than {n}"));
        Backlog {
            level,
            weight: count,
            text: format!("{}: {count} in the mailq{limit}", instance.instance),
        }
    }

    fn age(&self, distribution: &Distribution, instance: &InstanceFigures) -> Option<Backlog> {
        let age = distribution.age(instance.figures.oldest?)?.seconds();
        let (warn, crit) = (self.warn_age, self.crit_age);
        let level = level(age, warn, crit);
        let limit = passed(level, warn, crit).map_or(String::new(), |seconds| {
            format!(", more than {}", human::age(Span::from_seconds(seconds)))
        });
        Some(Backlog {
            level,
            weight: age,
            text: format!(
                "{}: oldest {}{limit}",
                instance.instance,
                human::age(Span::from_seconds(age))
            ),
        })
    }

    /// Mail that is returned to its sender soon.
    fn expiring(&self, distribution: &Distribution, instance: &InstanceFigures) -> Option<Backlog> {
        let expires = instance.figures.next_expiry?;
        let is_within = |limit: &Span| expires <= distribution.time.plus(*limit);
        let crit = self.crit_expiring.filter(is_within);
        let warn = self.warn_expiring.filter(is_within);
        let (level, limit) = match (crit, warn) {
            (Some(limit), _) => (Level::Critical, limit),
            (None, Some(limit)) => (Level::Warning, limit),
            (None, None) => return None,
        };
        let left = expires.since(distribution.time);
        let when = match left.seconds() {
            0 => "at its next attempt".to_owned(),
            _ => format!("in {}", human::age(left)),
        };
        Some(Backlog {
            level,
            weight: u64::MAX - left.seconds(),
            text: format!(
                "{}: mail is returned to its sender {when} if not delivered, within {}; queue-report {} \
                 --expires-within {}s",
                instance.instance,
                human::age(limit),
                instance.instance,
                limit.seconds()
            ),
        })
    }

    /// `is_seen`: could all of its queues be read? Of what was not seen nothing is known, and it is not zero.
    fn measured(
        &self,
        distribution: &Distribution,
        instance: &InstanceFigures,
        is_seen: bool,
    ) -> Vec<Perf> {
        let float = |n: Option<u64>| n.map(|n| n as f64);
        let figures = &instance.figures;
        let count = match figures.counts.total() {
            0 if !is_seen => f64::NAN,
            n => n as f64,
        };
        let count = Perf::count(&instance.instance, count)
            .limits(float(self.warn_count), float(self.crit_count));
        let age = figures.bytes.is_some().then(|| {
            let oldest = match figures.oldest {
                Some(time) => distribution
                    .age(time)
                    .map_or(f64::NAN, |age| age.seconds() as f64),
                None if is_seen && figures.is_empty() => 0.0,
                None => f64::NAN,
            };
            Perf::count(format!("{}_oldest", instance.instance), oldest)
                .unit("s")
                .limits(float(self.warn_age), float(self.crit_age))
        });
        let is_asked = self.warn_expiring.or(self.crit_expiring).is_some();
        let expires = figures.next_expiry.filter(|_| is_asked);
        let expires = expires.map(|time| Perf {
            min: None,
            ..Perf::count(
                format!("{}_expires", instance.instance),
                (time.seconds() - distribution.time.seconds()) as f64,
            )
            .unit("s")
        });
        [Some(count), age, expires].into_iter().flatten().collect()
    }
}

/// Mail that may be older than every limit: its age is not known.
fn unknown_age(instance: &InstanceFigures) -> Option<Backlog> {
    let what = instance.figures.unknown_age()?;
    Some(Backlog {
        level: Level::Unknown,
        // What could not be read says more.
        weight: 0,
        text: format!("{}: {what}", instance.instance),
    })
}

fn level(value: u64, warn: Option<u64>, crit: Option<u64>) -> Level {
    Level::above(value as f64, warn.map(|n| n as f64), crit.map(|n| n as f64))
}

fn passed(level: Level, warn: Option<u64>, crit: Option<u64>) -> Option<u64> {
    match level {
        Level::Warning => warn,
        Level::Critical => crit,
        Level::Ok | Level::Unknown => None,
    }
}

fn summary(distribution: &Distribution) -> String {
    let count = distribution.total.counts.total();
    let instances = match distribution.instances.as_slice() {
        [one] => one.instance.clone(),
        all => postfix::count(all.len(), "instance"),
    };
    let age = distribution
        .total
        .oldest
        .and_then(|time| distribution.age(time));
    let oldest = age.map_or_else(String::new, |age| format!(", oldest {}", human::age(age)));
    format!("{count} in the mailq of {instances}{oldest}")
}
