//! What Postfix complains about itself, by program, severity and text.

mod grave;

use std::fmt;

use hashbrown::HashMap;
use postfix::log::{Complaint, Severity};

pub(crate) use grave::level;

/// How many texts of an instance are kept distinct: strangers can make Postfix warn of ever new ones.
const MOST: usize = 500;

/// As many bytes of a text, and of a program's name.
const MOST_TEXT: usize = 2048;

/// What stands for all texts beyond those.
const OTHERS: &str = "(other texts)";

/// What stands for all programs beyond twice as many: whoever may write to the log makes up theirs.
const OTHER_PROGRAMS: &str = "(other programs)";

/// Postfix's own programs (master(8), "SEE ALSO"): however many others are made up, what these say stays theirs, for
/// a verdict may rest on it.
const OWN_PROGRAMS: [&str; 28] = [
    "anvil",
    "bounce",
    "cleanup",
    "defer",
    "discard",
    "dnsblog",
    "error",
    "flush",
    "lmtp",
    "local",
    "master",
    "nqmgr",
    "oqmgr",
    "pickup",
    "pipe",
    "postlogd",
    "postscreen",
    "proxymap",
    "qmgr",
    "scache",
    "showq",
    "smtp",
    "smtpd",
    "tlsmgr",
    "tlsproxy",
    "trivial-rewrite",
    "verify",
    "virtual",
];

/// Complaints of an instance, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Complaints {
    counts: HashMap<(Severity, Box<str>, Box<str>), u64>,
}

/// One kind of complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplaintRow {
    /// How bad it is.
    pub severity: Severity,
    /// The program: `master`, `smtpd`. Text from a log.
    pub service: String,
    /// What it says, but for what differs from one to the next ([`folded`]). A stranger's words may be part of it.
    pub text: String,
    /// How often.
    pub count: u64,
}

/// `qmgr fatal: open active QUEUEID: Permission denied (12 times)`: a stranger's words may be part of it.
impl fmt::Display for ComplaintRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            service,
            text,
            count,
        } = self;
        write!(f, "{service} {}: {text}", severity.as_str())?;
        match count {
            1 => Ok(()),
            n => write!(f, " ({n} times)"),
        }
    }
}

impl Complaints {
    /// Counts a complaint.
    pub fn add(&mut self, complaint: &Complaint<'_>) {
        let service = String::from_utf8_lossy(begin(complaint.service));
        let text = folded(complaint.text, complaint.severity == Severity::Warning);
        self.count(complaint.severity, &service, &text, complaint.repeat);
    }

    /// Those of these rows.
    pub fn of(rows: impl IntoIterator<Item = ComplaintRow>) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.count(row.severity, &row.service, &row.text, row.count);
        }
        all
    }

    /// Adds the complaints of another part of the log.
    pub fn merge(&mut self, other: &Self) {
        for ((severity, service, text), n) in &other.counts {
            self.count(*severity, service, text, *n);
        }
    }

    fn count(&mut self, severity: Severity, service: &str, text: &str, n: u64) {
        let of = |service: &str, text: &str| (severity, Box::from(service), Box::from(text));
        let mut key = of(service, text);
        if self.counts.len() >= MOST && !self.counts.contains_key(&key) {
            let others = grave::others(severity, service, text);
            key = of(service, &others);
            let is_full = self.counts.len() >= 2 * MOST && !self.counts.contains_key(&key);
            if is_full && !OWN_PROGRAMS.contains(&service) {
                key = of(OTHER_PROGRAMS, &others);
            }
        }
        let count = self.counts.entry(key).or_default();
        *count = count.saturating_add(n);
    }

    /// The worst first, of equally bad ones the most frequent.
    pub fn rows(&self) -> Vec<ComplaintRow> {
        let rows = self.counts.iter();
        let rows = rows.map(|((severity, service, text), count)| ComplaintRow {
            severity: *severity,
            service: service.to_string(),
            text: text.to_string(),
            count: *count,
        });
        let mut rows: Vec<ComplaintRow> = rows.collect();
        rows.sort_unstable_by(|a, b| {
            let worst = b.severity.cmp(&a.severity).then(b.count.cmp(&a.count));
            worst.then_with(|| (&a.service, &a.text).cmp(&(&b.service, &b.text)))
        });
        rows
    }
}

/// A complaint without what differs from one to the next: queue ids, process ids, addresses in brackets, clients
/// (`name[address]`), and in a warning, which is about other hosts as often as not, also names and addresses of hosts.
pub fn folded(text: &[u8], is_warning: bool) -> String {
    let text = String::from_utf8_lossy(begin(text));
    let mut folded = String::with_capacity(text.len().min(256));
    let mut before = "";
    for word in text.split_inclusive(' ').take(60) {
        let (word, blank) = word
            .strip_suffix(' ')
            .map_or((word, ""), |word| (word, " "));
        let core = word.trim_end_matches([':', ',', ';', '.', ')']);
        let rest = word.get(core.len()..).unwrap_or_default();
        match kind(core, before, is_warning) {
            Some(name) => folded.push_str(name),
            None => folded.push_str(core),
        }
        folded.push_str(rest);
        folded.push_str(blank);
        before = word;
    }
    folded
}

/// What is kept of a text, which may be as long as a line: Postfix's own are no longer.
fn begin(text: &[u8]) -> &[u8] {
    text.get(..MOST_TEXT).unwrap_or(text)
}

/// What stands for a word that differs from one complaint to the next.
fn kind(word: &str, before: &str, is_warning: bool) -> Option<&'static str> {
    let is_number = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    if is_number && (before == "pid" || before == "process") {
        return Some("N");
    }
    if word.starts_with('<') && word.ends_with('>') || word.contains('@') {
        return Some("<…>");
    }
    if let Some((name, address)) = word.split_once('[')
        && address.ends_with(']')
    {
        let is_own = !is_warning && name.is_empty();
        return (!is_own).then_some("HOST[…]");
    }
    if is_queue_id(word) {
        return Some("QUEUEID");
    }
    if let Some(queue) = new_file(word) {
        return Some(queue);
    }
    if !is_warning {
        return None;
    }
    if word.parse::<std::net::IpAddr>().is_ok() {
        return Some("ADDRESS");
    }
    is_host(word).then_some("HOST")
}

/// A queue file that is made has the time and the process in its name until it has an id: `incoming/805373.706`.
fn new_file(word: &str) -> Option<&'static str> {
    let (queue, name) = word.split_once('/')?;
    let (time, process) = name.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_new = is_number(time) && is_number(process);
    let folded = match queue {
        "incoming" => "incoming/N.N",
        "maildrop" => "maildrop/N.N",
        _ => return None,
    };
    is_new.then_some(folded)
}

/// Short ids are hexadecimal, long ones begin with a time in base 52 (Postfix `src/global/mail_queue.h`).
fn is_queue_id(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_short = word.len() >= 7 && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
    let is_long = (11..=20).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_alphanumeric())
        && word.bytes().any(|b| b.is_ascii_uppercase());
    digits > 0 && digits < word.len() && (is_short || is_long)
}

/// `mx.example.org`, not `main.cf` or `/etc/hosts`.
fn is_host(word: &str) -> bool {
    let is_of_files = [".cf", ".db", ".lmdb", ".cdb", ".pem", ".key", ".so", ".log"];
    let mut labels = word.split('.');
    word.contains('.')
        && word.parse::<f64>().is_err()
        && labels.all(|label| {
            let is_label = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            !label.is_empty() && label.bytes().all(is_label)
        })
        && !is_of_files.iter().any(|end| word.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_one_to_the_next_is_folded() {
        let check = |text: &str, is_warning: bool, expected: &str| {
            assert_eq!(folded(text.as_bytes(), is_warning), expected);
        };
        let fatal = "bind 192.0.2.41 port 25: Address already in use";
        check(fatal, false, fatal);
        check(
            "open active 4HnkK60lBRz6tl1: Permission denied",
            false,
            "open active QUEUEID: Permission denied",
        );
        check(
            "process /usr/lib/postfix/sbin/smtp pid 1234 killed by signal 11",
            true,
            "process /usr/lib/postfix/sbin/smtp pid N killed by signal 11",
        );
        check(
            "hostname dsl-1.example.net does not resolve to address 203.0.113.9: Name or service not known",
            true,
            "hostname HOST does not resolve to address ADDRESS: Name or service not known",
        );
        // A record of a day has no address in it.
        check(
            "virtual_alias_maps map lookup problem for x@y.example -- message not accepted, try again later",
            true,
            "virtual_alias_maps map lookup problem for <…> -- message not accepted, try again later",
        );
        check(
            "unknown[203.0.113.9]: SASL LOGIN authentication failed: authentication failure",
            true,
            "HOST[…]: SASL LOGIN authentication failed: authentication failure",
        );
        check(
            "/etc/postfix/main.cf, line 12: overriding earlier entry: relayhost=",
            true,
            "/etc/postfix/main.cf, line 12: overriding earlier entry: relayhost=",
        );
        check(
            "A1B2C3D4E5: attempted to send to <x@example.org>",
            true,
            "QUEUEID: attempted to send to <…>",
        );
    }

    /// So many complaints, each of this service and with this text.
    fn rows_of(service: impl Fn(u32) -> String, text: impl Fn(u32) -> String) -> usize {
        let mut complaints = Complaints::default();
        for n in 0..4_000 {
            complaints.add(&Complaint {
                time: None,
                host: b"",
                tag: b"postfix",
                service: service(n).as_bytes(),
                severity: Severity::ALL[n as usize % 4],
                text: text(n).as_bytes(),
                repeat: 1,
            });
        }
        let rows = complaints.rows();
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 4_000);
        rows.len()
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let text = |n| format!("odd name {n}x");
        assert_eq!(rows_of(|_| "smtpd".to_owned(), text), MOST + 4);
        // Programs that there are not, one for each complaint.
        let made_up = |n| format!("smtpd{n}");
        assert_eq!(rows_of(made_up, text), 2 * MOST + 4);
        assert_eq!(rows_of(made_up, |_| "the same".to_owned()), 2 * MOST + 4);
    }

    /// Programs that are made up do not hide that the queue manager died.
    #[test]
    fn what_postfixs_own_programs_say_stays_theirs() {
        let mut all = Complaints::default();
        let mut add = |service: &str, severity, text: &str| {
            all.add(&Complaint {
                time: None,
                host: b"",
                tag: b"postfix",
                service: service.as_bytes(),
                severity,
                text: text.as_bytes(),
                repeat: 1,
            });
        };
        for n in 0..4_000 {
            add(&format!("made-up{n}"), Severity::Fatal, "x");
        }
        add(
            "qmgr",
            Severity::Fatal,
            "open active 4F9A1: Permission denied",
        );
        let rows = all.rows();
        let of_qmgr = rows.iter().find(|row| row.service == "qmgr").unwrap();
        assert_eq!((of_qmgr.severity, of_qmgr.count), (Severity::Fatal, 1));
    }
}
