//! Days of hosts that are made up, with a week's rhythm and noise: how many without an incident are marked, and on which day
//! incidents are. The shares and the noise are meant to be worse than those of real hosts.

use std::sync::LazyLock;

use postfix::log::{Complaint, Severity};

use super::*;

static PROVIDERS_TABLE: LazyLock<Arc<Providers>> =
    LazyLock::new(|| Arc::new(Providers::load(None).unwrap()));
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::load(None).unwrap());

/// A pseudo-random sequence (splitmix64), so that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About a normal distribution: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Around `mean`: two thirds within a factor of 1 + `spread`.
    fn around(&mut self, mean: f64, spread: f64) -> f64 {
        mean * (self.normal() * spread).exp()
    }

    /// How many of `n` are such.
    fn of(&mut self, n: u64, share: f64) -> u64 {
        (0..n).filter(|_| self.unit() < share).count() as u64
    }
}

/// A kind of host.
struct Host {
    name: &'static str,
    /// Deliveries of each instance on a working day.
    volumes: &'static [f64],
    /// What of them is done on Saturday and Sunday.
    weekend: f64,
    /// How much the volume and the shares of a day differ from those of another.
    spread: (f64, f64),
    /// By so much a slow rise is more from day to day: of few deliveries, less is not seen.
    rise: f64,
    /// What is bounced, deferred, blocked on a usual day.
    shares: [f64; 3],
}

const HOSTS: [Host; 3] = [
    Host {
        name: "quiet",
        volumes: &[25.0, 40.0, 90.0],
        weekend: 0.6,
        spread: (0.15, 0.15),
        rise: 1.4,
        shares: [0.03, 0.04, 0.001],
    },
    Host {
        name: "normal",
        volumes: &[300.0, 450.0, 250.0, 900.0, 1500.0, 700.0],
        weekend: 0.5,
        spread: (0.12, 0.2),
        rise: 1.25,
        shares: [0.03, 0.05, 0.003],
    },
    Host {
        name: "noisy",
        volumes: &[400.0, 800.0, 1200.0, 2000.0],
        weekend: 0.3,
        spread: (0.2, 0.25),
        rise: 1.25,
        shares: [0.05, 0.09, 0.004],
    },
];

/// Where an instance's mail goes, and how much of it.
const PROVIDERS: [(&str, f64); 3] = [("aol", 0.6), ("msn", 0.25), ("therest", 0.15)];

/// What goes wrong, on an instance, the last of the host, or on all.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Incident {
    /// Two of three refuse the address from the morning on.
    Blocked,
    /// One provider, with a quarter of the mail, defers three of five from six o'clock on.
    ProviderDefers,
    /// Nothing is delivered.
    Dead,
    /// Three times as much.
    Tripled,
    /// Only a fifth.
    Fallen,
    /// Half as much again to a list of which three of four are dead.
    DeadList,
    /// Cleanup cannot write; a third of the mail is let in.
    FullDisk,
    /// For eight hours, no name is found.
    NoDns,
    /// One provider's certificate has expired, and it must be verified.
    Certificate,
    /// The queue manager is killed again and again.
    QueueManager,
    /// What is bounced rises by a quarter each day; looked at when it is almost four times as much.
    SlowRise,
}

const INCIDENTS: [Incident; 11] = [
    Incident::Blocked,
    Incident::ProviderDefers,
    Incident::Dead,
    Incident::Tripled,
    Incident::Fallen,
    Incident::DeadList,
    Incident::FullDisk,
    Incident::NoDns,
    Incident::Certificate,
    Incident::QueueManager,
    Incident::SlowRise,
];

/// For so many days the slow rise is on its way.
const RISE: i32 = 6;

/// What is sent, bounced, deferred, blocked, by provider.
type OfDay = [(&'static str, [u64; 4]); 3];

/// A day of the instance `at`. `rise` is how many days a slow rise is old.
fn deliveries(
    host: &Host,
    at: usize,
    weekday: u64,
    chance: &mut Chance,
    incident: Option<Incident>,
    rise: i32,
) -> OfDay {
    let is_last = at + 1 == host.volumes.len();
    let incident = incident.filter(|i| {
        let is_everywhere = matches!(
            i,
            Incident::NoDns | Incident::FullDisk | Incident::ProviderDefers | Incident::Certificate
        );
        is_last || is_everywhere
    });
    let is = |other| incident == Some(other);
    let (volumes, shares) = host.spread;
    let usual = match weekday {
        0..5 => host.volumes[at],
        _ => host.volumes[at] * host.weekend,
    };
    let mut volume = chance.around(usual, volumes);
    match incident {
        Some(Incident::Dead) => volume = 0.0,
        Some(Incident::Tripled) => volume = usual * 3.0,
        Some(Incident::Fallen) => volume /= 5.0,
        Some(Incident::FullDisk) => volume /= 3.0,
        _ => {}
    }
    let [mut bounced, deferred, blocked] = host.shares.map(|share| chance.around(share, shares));
    if rise > 0 && is_last {
        bounced *= host.rise.powi(rise);
    }
    PROVIDERS.map(|(name, part)| {
        let n = (volume * part).round() as u64;
        let hit = match incident {
            Some(Incident::ProviderDefers) if name == "msn" => 0.6 * 0.75,
            Some(Incident::Certificate) if name == "msn" => 0.95,
            Some(Incident::NoDns) => 0.95 * 8.0 / 24.0,
            _ => 0.0,
        };
        let hit = chance.of(n, hit);
        let refused = match is(Incident::Blocked) && name == "aol" {
            true => chance.of(n, 2.0 / 3.0 * 0.7),
            false => 0,
        };
        let others = n - hit - refused;
        let counts = [bounced, deferred, blocked].map(|share| chance.of(others, share));
        let [mut bounced, deferred, blocked] = counts;
        let sent = others.saturating_sub(bounced + deferred + blocked);
        if is(Incident::DeadList) {
            let list = n / 2;
            bounced += chance.of(list, 0.75);
        }
        (name, [sent, bounced, deferred + hit, blocked + refused])
    })
}

fn record_of(day: &Day, instance: &str, of: &OfDay) -> DayRecord {
    let sum = |at: usize| of.iter().map(|(_, counts)| counts[at]).sum::<u64>();
    let [sent, bounced, deferred, blocked] = [0, 1, 2, 3].map(sum);
    let row = |key: &str, [sent, bounced, deferred]: [u64; 3]| json!({"key": key, "sent": sent, "bounced": bounced, "deferred": deferred});
    let providers = of
        .iter()
        .map(|(name, [s, b, d, x])| row(name, [*s, b + x, *d]));
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

/// A host's days up to the one that is judged, the last.
fn days_of(
    host: &Host,
    seed: u64,
    incident: Option<Incident>,
    n: u64,
) -> Vec<(Day, Vec<DayRecord>)> {
    let mut chance = Chance(seed);
    let days = (0..n).rev().map(|back| {
        let of = day(back);
        let rise = match incident {
            Some(Incident::SlowRise) => RISE - i32::try_from(back).unwrap(),
            _ => 0,
        };
        let incident = incident.filter(|_| back == 0);
        // 2026-09-19 is a Saturday; an incident may come on any day of the week.
        let weekday = (5 + seed + 70 * 7 - back) % 7;
        let instances = (0..host.volumes.len()).map(|at| {
            let name = format!("postfix-{at}");
            let of_day = deliveries(host, at, weekday, &mut chance, incident, rise.max(0));
            record_of(&of, &name, &of_day)
        });
        let instances: Vec<DayRecord> = instances.collect();
        (of, instances)
    });
    days.collect()
}

/// What Postfix says on such a day.
fn said(incident: Option<Incident>) -> Option<(&'static str, Severity, &'static str)> {
    match incident? {
        Incident::FullDisk => Some((
            "postdrop",
            Severity::Warning,
            "mail_queue_enter: create file maildrop/805373.706: No space left on device",
        )),
        Incident::QueueManager => Some((
            "master",
            Severity::Warning,
            "process /usr/lib/postfix/sbin/qmgr pid 706 killed by signal 11",
        )),
        _ => None,
    }
}

/// What is found on the last of these days.
fn marked(days: &[(Day, Vec<DayRecord>)], incident: Option<Incident>) -> Vec<String> {
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
    let (last, today) = days.last().unwrap();
    let mut counted_today = Tally::new(Arc::clone(&settings));
    for record in today {
        counted_today.enter(counted(record, &settings));
    }
    if let Some((service, severity, text)) = said(incident) {
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
        busy: today.iter().map(|record| record.instance.clone()).collect(),
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

/// Of days without an incident, how many are marked; of incidents, how many are not. `STAGED=400 cargo test -p figures staged --
/// --nocapture` prints the figures of so many days of each host.
#[test]
fn incidents_are_marked_on_their_first_day_and_quiet_days_are_not() {
    let asked = std::env::var("STAGED").ok();
    let days: u64 = asked.and_then(|n| n.parse().ok()).unwrap_or(60);
    let each = days / 5;
    let (mut quiet, mut missed) = (0, 0);
    for host in &HOSTS {
        for seed in 0..days {
            let found = marked(&days_of(host, seed * 1000, None, 8), None);
            quiet += u64::from(!found.is_empty());
            if !found.is_empty() {
                println!("{}, quiet day {seed}: {}", host.name, found.join(" | "));
            }
        }
        for incident in INCIDENTS {
            let of = |seed: u64| days_of(host, seed * 7919, Some(incident), 8);
            let unmarked = (0..each).filter(|seed| marked(&of(*seed), Some(incident)).is_empty());
            let unmarked = unmarked.count() as u64;
            println!(
                "{}, {incident:?}: {unmarked} of {each} not marked",
                host.name
            );
            // What rises slowly and with noise is seen a day later, now and then.
            assert!(
                unmarked * 10 <= each,
                "{}: {incident:?}: {unmarked}",
                host.name
            );
            missed += unmarked;
        }
    }
    let hosts = HOSTS.len() as u64;
    let (days, incidents) = (days * hosts, each * hosts * INCIDENTS.len() as u64);
    println!("{quiet} of {days} quiet days marked, {missed} of {incidents} incidents not");
    assert!(quiet * 100 <= days * 3, "{quiet} of {days} quiet days");
    assert!(
        missed * 100 <= incidents,
        "{missed} of {incidents} incidents"
    );
}
