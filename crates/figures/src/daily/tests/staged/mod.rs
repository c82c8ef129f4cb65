//! Months of hosts that are made up, with a week's rhythm, holidays, growth, lists and noise: how many days without an
//! incident are marked, and whether incidents are on their first day.
//!
//! The rules are chosen by what they do to the hosts of the seeds [`TUNED`]; those of [`HELD`] are not looked at for
//! that, and it is their figures that say how good the rules are. `tests/bench/verdicts` prints both, of more hosts.

mod hosts;
mod incidents;

use std::ops::Range;
use std::sync::LazyLock;

use postfix::log::{Complaint, Severity};

use super::*;
use crate::days::counted;
use hosts::{Chance, Host, Kind, OfDay, PROVIDERS};
use incidents::{INCIDENTS, Incident, deliveries};

static PROVIDERS_TABLE: LazyLock<Arc<Providers>> =
    LazyLock::new(|| Arc::new(Providers::load(None).unwrap()));
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::load(None).unwrap());

/// Where the seeds begin by which limits were chosen, and those that no limit was chosen by.
const TUNED: u64 = 0;
const HELD: u64 = 1_000_000;

/// How many days are judged of each host.
const MONTH: u64 = 30;

/// So many days are known before: of a host that was set up today, a week ago, or long ago.
const KNOWN: [u64; 3] = [0, 7, 28];

fn record_of(day: &Period, instance: &str, of: &OfDay) -> DayRecord {
    let sum = |at: usize| of.iter().map(|counts| counts[at]).sum::<u64>();
    let [sent, bounced, deferred, blocked] = [0, 1, 2, 3].map(sum);
    let row = |key: &str, [sent, bounced, deferred]: [u64; 3]| json!({"key": key, "sent": sent, "bounced": bounced, "deferred": deferred});
    let providers = PROVIDERS.iter().zip(of);
    let providers = providers.map(|(name, [s, b, d, x])| row(name, [*s, b + x, *d]));
    let all = [sent, bounced + blocked, deferred];
    let reasons = [
        row("-", [sent, 0, 0]),
        row("blocked", [0, blocked, 0]),
        row("connection", [0, bounced, deferred]),
    ];
    let figures = json!({
        "total": all.iter().sum::<u64>(), "sent": sent, "bounced": all[1], "deferred": deferred,
        "by": {"provider": providers.collect::<Vec<_>>(), "reason": reasons, "dsn": [row("x", all)], "hour": [row("x", all)]},
    });
    stored(day, instance, &figures)
}

/// A day of a host.
type HostDay = (Period, Vec<DayRecord>);

/// The first `n` days of a host. An incident, if any, is on the last of them.
fn days_of(host: &Host, n: u64, incident: Option<(Incident, Option<usize>)>) -> Vec<HostDay> {
    // 2026-09-19 is a Saturday, day of the week 5.
    let shift = (5 + 7 - (host.first + n - 1) % 7) % 7;
    let days = (0..n).map(|at| {
        let ahead = n - 1 - at;
        let of = day(ahead + shift);
        let incident = incident.map(|(incident, place)| (incident, place, ahead));
        let instances = (0..host.instances.len()).map(|instance| {
            let name = format!("postfix-{instance}");
            record_of(&of, &name, &deliveries(host, instance, at, incident))
        });
        let instances = instances.collect();
        (of, instances)
    });
    days.collect()
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
        is_covered: true,
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
    incidents: u64,
    missed: u64,
}

/// Judges a month of each of these hosts, and each incident on `each` of them.
fn judge(kind: Kind, seeds: Range<u64>, each: u64, is_told: bool) -> Figures {
    let mut figures = Figures::default();
    for seed in seeds.clone() {
        let before = KNOWN[(seed % 3) as usize];
        let host = Host::new(kind, seed, before, MONTH);
        let days = days_of(&host, before + MONTH, None);
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
    for incident in INCIDENTS {
        for seed in seeds.clone().take(each as usize) {
            let mut before = [7, 14, 28][(seed % 3) as usize];
            let host = Host::new(kind, !seed, before, 7);
            // Not on a weekend, if nothing is done then. Three times as much as on a holiday is as much as on others.
            let is_odd = |day| incident == Incident::Tripled && host.is_holiday(day);
            while (host.expected_of_all(before) < 30.0 || is_odd(before)) && before < 36 {
                before += 1;
            }
            let mut chance = Chance::new(seed);
            let place = incident.place(&host, before, &mut chance);
            let days = days_of(&host, before + 1, Some((incident, place)));
            figures.incidents += 1;
            // What rises slowly may well be seen a day before.
            let (_, risen) = days.split_last().unwrap();
            let is_before = || incident == Incident::SlowRise && !marked(risen, None).is_empty();
            if marked(&days, Some(incident)).is_empty() && !is_before() {
                figures.missed += 1;
                if is_told {
                    let of = place.map(|at| host.expected(at, before));
                    println!(
                        "{kind:?} {seed}: {incident:?} is not marked, of {of:?} after {before} days"
                    );
                }
            }
        }
    }
    figures
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
        for kind in Kind::ALL {
            let of = judge(kind, first..first + hosts, hosts, told == name);
            let [none, one, more] = of.of_months;
            all.0 += of.marked;
            all.1 += of.months * MONTH;
            all.2 += of.missed;
            all.3 += of.incidents;
            println!(
                "{name}, {kind:?}: {} months, {none} without a mark, {one} with one marked day, {more} with more; {} \
                 of {} days marked, {:.2} a month; {} of {} incidents not marked on their first day",
                of.months,
                of.marked,
                of.months * MONTH,
                of.marked as f64 / of.months as f64,
                of.missed,
                of.incidents
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
