//! Months of hosts that are made up, with a week's rhythm, holidays, growth, lists and noise: how many days without an
//! incident are marked, and whether incidents are on their first day.
//!
//! The rules are chosen by what they do to the hosts of the seeds [`TUNED`]; those of [`HELD`] are not looked at for
//! that, and it is their figures that say how good the rules are. `tests/bench/verdicts` prints both, of more hosts.

mod counts;
mod hosts;
mod incidents;
mod recorded;

use std::ops::Range;
use std::sync::LazyLock;

use postfix::log::{Complaint, Severity};

use super::*;
use crate::days::counted;
use counts::{OfDay, named};
use hosts::{Chance, Host, Kind};
use incidents::{INCIDENTS, Incident, RISE, deliveries};

static PROVIDERS_TABLE: LazyLock<Arc<Providers>> =
    LazyLock::new(|| Arc::new(Providers::load(None).unwrap()));
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::load(None).unwrap());

/// Where the seeds begin by which limits were chosen, and those that no limit was chosen by.
const TUNED: u64 = 0;
const HELD: u64 = 1_000_000;

/// How many days are judged of each host.
const MONTH: u64 = 30;

/// An incident is on a day before this one.
const LATEST: u64 = 36;

/// So many days are known before: of a host that was set up today, a week ago, or long ago.
const KNOWN: [u64; 3] = [0, 7, 28];

fn record_of(day: &Period, instance: &str, of: &OfDay) -> DayRecord {
    let row = |key: &str, [sent, bounced, deferred]: [u64; 3]| json!({"key": key, "sent": sent, "bounced": bounced, "deferred": deferred});
    let [sent, bounced, deferred] =
        [0, 1, 2].map(|at| of.providers.iter().map(|n| n[at]).sum::<u64>());
    let all = [sent, bounced, deferred];
    let providers = named(of.providers).map(|(name, of)| row(name, of));
    let reasons = [
        row("-", [sent, 0, 0]),
        row("blocked", [0, of.blocked, 0]),
        row("connection", [0, bounced - of.blocked, deferred]),
    ];
    let hours = of.hours.iter().enumerate();
    let hours = hours.map(|(hour, of)| row(&format!("{}T{hour:02}", day.day()), *of));
    let put_off = named(of.put_off).zip(of.earlier);
    let put_off = put_off.filter(|((_, n), _)| *n > 0);
    let put_off = put_off
        .map(|((name, n), earlier)| json!({"provider": name, "recipients": n, "blocked": 0, "earlier": earlier}))
        .collect::<Vec<_>>();
    let figures = json!({
        "total": all.iter().sum::<u64>(), "sent": sent, "bounced": bounced, "deferred": deferred,
        "by": {"provider": providers.collect::<Vec<_>>(), "reason": reasons, "dsn": [row("x", all)],
               "hour": hours.collect::<Vec<_>>()},
    });
    stored_with(day, instance, &figures, &json!({"put_off": put_off}))
}

/// A day of a host.
type HostDay = (Period, Vec<DayRecord>);

/// A day of a host, before or on that of an incident: which, where, and on which day.
fn day_of(host: &Host, at: u64, incident: Option<(Incident, Option<usize>, u64)>) -> HostDay {
    // 2026-09-19 is a Saturday, day of the week 5.
    let of = day(98 + (5 + 7 - host.first) % 7 - at);
    let incident = incident.map(|(incident, place, on)| (incident, place, on - at));
    let instances = (0..host.instances.len()).map(|instance| {
        let name = format!("postfix-{instance}");
        record_of(&of, &name, &deliveries(host, instance, at, incident))
    });
    let instances = instances.collect();
    (of, instances)
}

/// What is found on the last of these days.
fn marked(days: &[HostDay], incident: Option<Incident>) -> Vec<String> {
    let settings = Arc::new(Settings {
        by: DIMENSIONS.to_vec(),
        count: Count::Attempts,
        delays: false,
        zone: Zone::named("UTC").unwrap(),
        instances: Vec::new(),
        providers: Arc::clone(&PROVIDERS_TABLE),
        reasons: None,
        most_instances: crate::bounds::MOST_INSTANCES,
        most_keys: crate::bounds::MOST_KEYS,
    });
    // As many days as the report reads.
    let days = &days[days.len().saturating_sub(DAYS_JUDGED + 1)..];
    let (last, today) = days.last().unwrap();
    let mut counted_today = Tally::new(Arc::clone(&settings));
    for record in today {
        counted_today.enter(counted(record, &settings));
    }
    if let Some((service, severity, text)) = incident.and_then(Incident::said) {
        counted_today.complaint(
            b"postfix-0",
            &Complaint {
                time: None,
                host: b"",
                tag: b"postfix-0",
                service: service.as_bytes(),
                severity,
                text: text.as_bytes(),
                repeat: 40,
            },
        );
    }
    // A stranger's warnings are on every day.
    counted_today.complaint(
        b"postfix-0",
        &Complaint {
            time: None,
            host: b"",
            tag: b"postfix-0",
            service: b"smtpd",
            severity: Severity::Warning,
            text: b"hostname dsl.example.net does not resolve to address 203.0.113.9",
            repeat: 900,
        },
    );
    let records = days.iter().flat_map(|(_, records)| records.clone());
    let report = Daily::new(Parts {
        host: "rustin".to_owned(),
        now: last.until,
        counted: counted_today,
        history: History::new(
            days.iter().map(|(day, _)| day.clone()).collect(),
            records.collect(),
            Vec::new(),
            Vec::new(),
        ),
        unseen_queues: Vec::new(),
        busy: today.iter().map(|record| record.instance.clone()).collect(),
        in_use: today.iter().map(|record| record.instance.clone()).collect(),
        lives: BTreeMap::new(),
        is_covered: true,
        ends: None,
        rules: RULES.clone(),
        gaps: Gaps::default(),
        queue: None,
        problems: Vec::new(),
    });
    let found = report.unwrap().attention;
    let found = found
        .iter()
        .map(|of| format!("{}: {}; {}", of.instance, of.what, of.details));
    found.collect()
}

/// What the hosts of some seeds came to.
#[derive(Default)]
struct Figures {
    months: u64,
    /// Months with so many marked days: none, one, more.
    of_months: [u64; 3],
    marked: u64,
    /// Of each incident, how many were missed, and how many there were.
    incidents: BTreeMap<String, (u64, u64)>,
}

impl Figures {
    /// Missed, and all of them.
    fn missed(&self) -> (u64, u64) {
        let of = self.incidents.values();
        of.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
    }

    /// `DeadList 2 of 60`.
    fn told(&self) -> String {
        let missed = self.incidents.iter().filter(|(_, of)| of.0 > 0);
        let missed = missed.map(|(name, of)| format!("{name} {} of {}", of.0, of.1));
        missed.collect::<Vec<_>>().join(", ")
    }
}

/// Judges a month of each of these hosts, and each incident on `each` of them.
fn judge(kind: Kind, seeds: Range<u64>, each: u64, is_told: bool) -> Figures {
    let mut figures = Figures::default();
    for seed in seeds.clone() {
        let before = KNOWN[(seed % 3) as usize];
        let host = Host::new(kind, seed, before, MONTH);
        let days: Vec<HostDay> = (0..before + MONTH)
            .map(|at| day_of(&host, at, None))
            .collect();
        let mut marks = 0;
        for at in before..before + MONTH {
            let found = marked(&days[..=at as usize], None);
            if !found.is_empty() {
                marks += 1;
                if is_told {
                    println!("{kind:?} {seed}, day {at}: {}", found.join(" | "));
                }
            }
        }
        figures.months += 1;
        figures.marked += marks;
        figures.of_months[marks.min(2) as usize] += 1;
    }
    for seed in seeds.take(each as usize) {
        incidents_on(kind, seed, is_told, &mut figures);
    }
    figures
}

/// Each incident on a host, and whether it is marked on its first day.
fn incidents_on(kind: Kind, seed: u64, is_told: bool, figures: &mut Figures) {
    let known = [7, 14, 28][(seed % 3) as usize];
    let host = Host::new(kind, !seed, known, 7);
    let well: Vec<HostDay> = (0..LATEST).map(|at| day_of(&host, at, None)).collect();
    for incident in INCIDENTS {
        let mut before = known;
        // Not on a weekend, if nothing is done then. Three times as much as on a holiday is as much as on others.
        let is_odd = |day| incident == Incident::Tripled && host.is_holiday(day);
        while (host.expected_of_all(before) < 30.0 || is_odd(before)) && before < LATEST {
            before += 1;
        }
        let mut chance = Chance::new(seed);
        let place = incident.place(&host, before, &mut chance);
        let begun = match incident {
            Incident::SlowRise => before.saturating_sub(RISE - 1),
            _ => before,
        };
        let mut days = well[..begun as usize].to_vec();
        days.extend((begun..=before).map(|at| day_of(&host, at, Some((incident, place, before)))));
        let of = figures
            .incidents
            .entry(format!("{incident:?}"))
            .or_default();
        of.1 += 1;
        // What rises slowly may well be seen a day before.
        let (_, risen) = days.split_last().unwrap();
        let is_before = || incident == Incident::SlowRise && !marked(risen, None).is_empty();
        if marked(&days, Some(incident)).is_empty() && !is_before() {
            of.0 += 1;
            if is_told {
                let of = place.map(|at| host.expected(at, before));
                println!(
                    "{kind:?} {seed}: {incident:?} is not marked, of {of:?} after {before} days"
                );
            }
        }
    }
}

/// `VERDICTS=300 VERDICTS_TOLD=tuned cargo test -p figures staged -- --nocapture` judges so many hosts of each kind,
/// and prints what is marked, or not, wrongly.
#[test]
fn incidents_are_marked_on_their_first_day_and_quiet_days_are_not() {
    let asked = std::env::var("VERDICTS").ok();
    let told = std::env::var("VERDICTS_TOLD").unwrap_or_default();
    let hosts: u64 = asked.and_then(|n| n.parse().ok()).unwrap_or(4);
    let mut all = (0, 0, 0, 0);
    for (name, first) in [("tuned", TUNED), ("held out", HELD)] {
        if !told.is_empty() && told != name {
            continue;
        }
        let judge = |kind| judge(kind, first..first + hosts, hosts, told == name);
        let of = std::thread::scope(|threads| {
            let of = Kind::ALL.map(|kind| threads.spawn(move || judge(kind)));
            of.map(|of| of.join().unwrap())
        });
        for (kind, of) in Kind::ALL.iter().zip(of) {
            let [none, one, more] = of.of_months;
            let (missed, incidents) = of.missed();
            all.0 += of.marked;
            all.1 += of.months * MONTH;
            all.2 += missed;
            all.3 += incidents;
            println!(
                "{name}, {kind:?}: {} months, {none} without a mark, {one} with one marked day, {more} with more; {} \
                 of {} days marked, {:.2} a month; {missed} of {incidents} incidents not marked on their first day{}",
                of.months,
                of.marked,
                of.months * MONTH,
                of.marked as f64 / of.months as f64,
                match missed {
                    0 => String::new(),
                    _ => format!(": {}", of.told()),
                }
            );
        }
    }
    let (marked, days, missed, incidents) = all;
    println!("{marked} of {days} days marked, {missed} of {incidents} incidents not");
    // One day in a month is 3.3 %.
    assert!(marked * 100 <= days * 2, "{marked} of {days} days marked");
    assert!(
        missed * 100 <= incidents * 4,
        "{missed} of {incidents} incidents not marked"
    );
}
