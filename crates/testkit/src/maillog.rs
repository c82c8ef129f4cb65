//! Mail logs with known counts, as large as wanted: what the counting is tested and timed on.

use std::io::{self, Write};

use chrono::{DateTime, FixedOffset, TimeDelta};

/// How many deliveries of an instance ended in each way.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// The syslog name.
    pub name: String,
    /// `status=sent` lines.
    pub sent: u64,
    /// `status=bounced` lines.
    pub bounced: u64,
    /// `status=deferred` lines.
    pub deferred: u64,
}

impl Traffic {
    /// So many of each.
    pub fn new(name: &str, sent: u64, bounced: u64, deferred: u64) -> Self {
        Self {
            name: name.to_owned(),
            sent,
            bounced,
            deferred,
        }
    }
}

/// How a line's time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// Debian 12: RFC 3339 with microseconds.
    Rfc3339,
    /// Older hosts: `Sep 19 12:22:57`.
    Traditional,
}

/// A log to be made.
#[derive(Debug, Clone)]
pub struct MailLog {
    /// What was delivered.
    pub traffic: Vec<Traffic>,
    /// The time of the first line.
    pub start: DateTime<FixedOffset>,
    /// The time from the first line to the last.
    pub span: TimeDelta,
    /// How times are written.
    pub stamps: Stamps,
    /// The order of deliveries and the addresses follow from it.
    pub seed: u64,
}

/// Steele, Lea and Flood's splitmix64: the same log on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        &from[at]
    }
}

/// The recipient domains of an instance, by the provider in its name.
fn domains(name: &str) -> &'static [&'static str] {
    let of = [
        (
            "-aol-",
            &["aol.com", "aol.com", "aim.com", "verizon.net"][..],
        ),
        (
            "-msn-",
            &["hotmail.com", "outlook.com", "live.com", "msn.com"],
        ),
        (
            "-yahoo-",
            &["yahoo.com", "yahoo.com", "ymail.com", "yahoo.co.uk"],
        ),
        ("-gmail-", &["gmail.com", "gmail.com", "googlemail.com"]),
    ];
    of.iter().find(|(part, _)| name.contains(part)).map_or(
        &[
            "riseup.net",
            "example.org",
            "comcast.net",
            "att.net",
            "earthlink.net",
            "bellsouth.net",
        ],
        |(_, domains)| *domains,
    )
}

const SENT: &[&str] = &[
    "250 2.0.0 OK",
    "250 2.0.0 Ok: queued as 4F9A1C0DE",
    "250 ok dirdel",
];
const BOUNCED: &[(&str, &str)] = &[
    (
        "5.1.1",
        "550 5.1.1 <x@y>: Recipient address rejected: User unknown (in reply to RCPT TO command)",
    ),
    (
        "5.2.1",
        "550 5.2.1 The email account that you tried to reach is disabled (in reply to RCPT TO command)",
    ),
    (
        "5.7.1",
        "554 5.7.1 Service unavailable; Client host [216.66.23.44] blocked using zen.spamhaus.org (in reply to RCPT TO \
         command)",
    ),
    // What a server may say to fool a careless count.
    (
        "5.7.1",
        "554 5.7.1 status=sent (250 2.0.0 OK) postfix-aol-a/smtp[1]: AAAAA: to=<a@b>, relay=c[1.2.3.4]:25, status=sent \
         (250 ok)",
    ),
];
const DEFERRED: &[(&str, &str)] = &[
    (
        "4.7.0",
        "421 4.7.0 [TSS04] Messages from 216.66.23.44 temporarily deferred due to user complaints (in reply to MAIL \
         FROM command)",
    ),
    (
        "4.2.2",
        "452 4.2.2 The email account that you tried to reach is over quota (in reply to RCPT TO command)",
    ),
    (
        "4.2.0",
        "450 4.2.0 <x@y>: Recipient address rejected: Greylisted, status=bounced (no (in reply to RCPT TO command)",
    ),
];

impl MailLog {
    /// A day's log that ends in midsummer 2026.
    pub fn day(traffic: Vec<Traffic>, stamps: Stamps) -> Self {
        let start = DateTime::from_timestamp(1_784_073_600, 0)
            .unwrap_or_default()
            .fixed_offset();
        Self {
            traffic,
            start,
            span: TimeDelta::hours(24),
            stamps,
            seed: 1,
        }
    }

    /// Writes the log. Around each delivery stand the lines of the other Postfix programs, and now and then one of
    /// another program, or one that quotes a delivery line. Returns how many lines there are.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<u64> {
        let mut left: Vec<[u64; 3]> = self
            .traffic
            .iter()
            .map(|t| [t.sent, t.bounced, t.deferred])
            .collect();
        let total: u64 = left.iter().flatten().sum();
        let mut random = Random(self.seed);
        let mut lines = 0;
        for done in 0..total {
            let (instance, outcome) = take(&mut left, random.below(total - done));
            let Some(traffic) = self.traffic.get(instance) else {
                continue;
            };
            let share = i64::try_from(done).unwrap_or(0) as f64 / total as f64;
            let micros = (self.span.num_microseconds().unwrap_or(0) as f64 * share) as i64;
            let stamp = self.stamp(micros);
            lines += message(out, &stamp, &traffic.name, outcome, &mut random)?;
        }
        Ok(lines)
    }

    fn stamp(&self, micros: i64) -> String {
        let time = self.start + TimeDelta::microseconds(micros);
        match self.stamps {
            Stamps::Rfc3339 => time.format("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string(),
            Stamps::Traditional => time.format("%b %e %H:%M:%S").to_string(),
        }
    }
}

/// Takes the `nth` of what is left: the instance, and the place of the outcome.
fn take(left: &mut [[u64; 3]], mut nth: u64) -> (usize, usize) {
    for (instance, counts) in left.iter_mut().enumerate() {
        for (outcome, count) in counts.iter_mut().enumerate() {
            if nth < *count {
                *count -= 1;
                return (instance, outcome);
            }
            nth -= *count;
        }
    }
    (usize::MAX, 0)
}

fn message(
    out: &mut impl Write,
    stamp: &str,
    name: &str,
    outcome: usize,
    random: &mut Random,
) -> io::Result<u64> {
    let head = format!("{stamp} rustin");
    let pid = 1000 + random.below(30_000);
    let id = format!("{:05X}{:06X}", random.below(1 << 20), random.below(1 << 24));
    let list = random.below(200);
    let domain = *random.pick(domains(name));
    let user = random.below(100_000);
    let ip = format!("198.51.100.{}", random.below(256));
    let relay = format!("mx{}.{domain}[{ip}]:25", random.below(8));
    writeln!(
        out,
        "{head} {name}/smtpd[{pid}]: {id}: client=lists.mayfirst.example[192.0.2.7]"
    )?;
    writeln!(
        out,
        "{head} {name}/cleanup[{pid}]: {id}: message-id=<{id}.{list}@lists.mayfirst.example>"
    )?;
    writeln!(
        out,
        "{head} {name}/qmgr[812]: {id}: from=<list{list}-bounces@lists{list}.example>, size={}, nrcpt=1 (queue active)",
        1500 + random.below(60_000)
    )?;
    // Before the queue manager, in it, connecting, transmitting: hundredths of a second. What is put off has waited
    // before.
    let waited = if outcome == 2 {
        random.below(40_000)
    } else {
        random.below(40)
    };
    let waits = [
        waited,
        random.below(9),
        10 + random.below(300),
        5 + random.below(900),
    ];
    let refused = |(dsn, text): &(&'static str, &str)| (*dsn, format!("host {relay} said: {text}"));
    let (status, (dsn, reply)) = match outcome {
        0 => ("sent", ("2.0.0", (*random.pick(SENT)).to_owned())),
        1 => ("bounced", refused(random.pick(BOUNCED))),
        _ => ("deferred", refused(random.pick(DEFERRED))),
    };
    writeln!(
        out,
        "{head} {name}/smtp[{pid}]: {id}: to=<user{user}@{domain}>, relay={relay}, delay={}, delays={}/{}/{}/{}, \
         dsn={dsn}, status={status} ({reply})",
        hundredths(waits.iter().sum()),
        hundredths(waits[0]),
        hundredths(waits[1]),
        hundredths(waits[2]),
        hundredths(waits[3]),
    )?;
    let mut lines = 4;
    if outcome != 2 {
        writeln!(out, "{head} {name}/qmgr[812]: {id}: removed")?;
        lines += 1;
    }
    match random.below(20) {
        0 => writeln!(
            out,
            "{head} spamd[77]: spamd: result: . 1 - scantime=0.4,mid=<{id}@x>: to=<a@b>, status=sent (x)"
        )?,
        1 => writeln!(
            out,
            "{head} {name}/cleanup[{pid}]: {id}: warning: header Subject: postfix-aol-a/smtp[1]: {id}: to=<a@b>, \
             relay=x[1.2.3.4]:25, delay=1, dsn=2.0.0, status=sent (250 ok) from local"
        )?,
        2 => writeln!(
            out,
            "{head} CRON[{pid}]: (root) CMD (test -x /usr/sbin/anacron)"
        )?,
        _ => return Ok(lines),
    }
    Ok(lines + 1)
}

fn hundredths(n: u64) -> String {
    format!("{}.{:02}", n / 100, n % 100)
}
