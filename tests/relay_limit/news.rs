//! react reads what is new in the logs: evidence that comes over several runs, and what becomes of a log or of the
//! follow state between two of them. None of these needs a Postfix that runs.

use serde_json::Value;
use testkit::{Host, Instance, Ran, host_or_skip};

use crate::crash::stopped;
use crate::hosts::relay_limit;

const RULES: &str = "[[rule]]
code = 'TSS04'
at_least = 5
within = '10m'
do = 'pause'
for = '2h'
";

const STATE: &str = "/var/lib/relay-tools/limits/react-logs.json";
const LOG: &str = "/var/log/aol-b.log";

/// A relay that is refused, in a log of its own, and stopped; one that may take its mail; and the clock of that log.
struct Refused {
    host: Host,
    _aol_b: Instance,
    /// Seconds since 1970, at which each run works.
    now: u64,
    /// Recipients so far.
    refused: u32,
}

impl Refused {
    fn start(host: Host) -> Self {
        let _aol_a = host.instance("postfix-aol-a").start();
        let aol_b = stopped(&host);
        aol_b.set("maillog_file", LOG);
        relay_limit(&host, &["setup", "aol-a", "--apply"]).ok();
        host.write("/etc/relay-tools/react.toml", RULES);
        host.write(LOG, "");
        let now = host.sh("date +%s").text().trim().parse().unwrap();
        Self {
            host,
            _aol_b: aol_b,
            now,
            refused: 0,
        }
    }

    /// A refusal of one more recipient, logged so many seconds ago.
    fn line(&mut self, ago: u64) -> String {
        self.refused += 1;
        let n = self.refused;
        let at = self
            .host
            .sh(&format!("date -u -d @{} +%FT%T", self.now - ago));
        let at = at.text();
        format!(
            "{}.000000+00:00 rustin postfix-aol-b/smtp[1]: 4F9A{n}: to=<u{n}@aol.com>, relay=mx[192.0.2.1]:25, \
             delay=1, delays=0/0/0/1, dsn=4.7.0, status=deferred (host mx[192.0.2.1] said: 421 4.7.0 [TSS04] \
             Messages temporarily deferred)\n",
            at.trim()
        )
    }

    /// So many of them are logged, and a minute goes by. How many bytes are they?
    fn log(&mut self, count: usize) -> u64 {
        let lines: String = (0..count).map(|_| self.line(1)).collect();
        self.append(&lines);
        self.now += 60;
        lines.len() as u64
    }

    fn append(&self, lines: &str) {
        let append = format!("cat >>{LOG} && touch -d @{} {LOG}", self.now);
        let appended = self.host.command("sh").args(["-c", &append]);
        appended.stdin(lines).run().ok();
    }

    fn run(&self) -> Ran {
        let date = self.host.sh(&format!("date -u -d @{} +%FT%TZ", self.now));
        let clock = format!("--clock={}", date.text().trim());
        let args = ["react", &clock, "--resolver=127.0.0.1:9", "--timeout=1s"];
        relay_limit(&self.host, &args)
    }

    /// A run that asks for nothing, and reads so many bytes.
    #[track_caller]
    fn reads(&self, bytes: u64) {
        let before = self.state("bytes");
        let ran = self.run();
        assert_eq!((ran.code(), ran.text().as_str()), (Some(0), ""), "{ran}");
        assert_eq!(self.state("bytes") - before, bytes, "{ran}");
    }

    fn state(&self, key: &str) -> u64 {
        let state: Value = serde_json::from_slice(&self.host.read(STATE)).unwrap();
        state[key].as_u64().unwrap()
    }

    /// The pauses that were ever ordered.
    fn pauses(&self) -> usize {
        let journal = self
            .host
            .sh("cat /var/lib/relay-tools/limits/journal.jsonl 2>/dev/null || true");
        journal.text().matches("\"begin\":").count()
    }

    /// As if nothing had been decided or read yet.
    fn forget(&self) {
        for instance in ["aol-a", "aol-b"] {
            relay_limit(&self.host, &["lift", instance, "--yes"]);
        }
        self.host.sh("rm -rf /var/lib/relay-tools/limits").ok();
        self.host.write(LOG, "");
    }
}

#[test]
fn evidence_of_several_runs_acts_once() {
    let mut site = Refused::start(host_or_skip!());
    // What came before the window counts for nothing, though it is in the file.
    let old: String = (0..9).map(|_| site.line(700)).collect();
    site.append(&old);
    let first = site.run();
    assert_eq!(
        (first.code(), first.text().as_str()),
        (Some(0), ""),
        "{first}"
    );
    let bytes = site.log(2);
    site.reads(bytes);
    let bytes = site.log(2);
    site.reads(bytes);
    site.reads(0);
    let before = String::from_utf8(site.host.read(STATE)).unwrap();
    site.log(1);
    let acted = site.run();
    assert!(
        acted
            .text()
            .contains("pause postfix-aol-b for aol, 2h (rule 1: 5 TSS04"),
        "{acted}"
    );
    assert_eq!(site.pauses(), 1);
    assert_eq!(site.run().text(), "");
    // Killed before the state was kept: the same evidence is read again, and was acted upon.
    site.host.write(STATE, &before);
    assert_eq!(site.run().text(), "");
    assert_eq!(site.pauses(), 1);
    relay_limit(&site.host, &["lift", "aol-b", "--yes"]).ok();
    for state in [before.as_str(), "{\"schema\":"] {
        site.host.write(STATE, state);
        assert_eq!(site.run().text(), "");
        assert_eq!(site.pauses(), 1);
    }

    // Refusals that are too far apart are not within ten minutes, however many runs saw them.
    site.forget();
    site.run();
    for _ in 0..4 {
        site.log(1);
        site.now += 150;
        assert_eq!(site.run().text(), "");
    }
    site.log(1);
    assert_eq!(site.run().text(), "");
    // The last ones count with those that come now.
    site.log(2);
    assert!(site.run().text().contains("pause postfix-aol-b"));
}

#[test]
fn a_state_that_cannot_be_used_is_reported_and_nothing_is_missed() {
    let mut site = Refused::start(host_or_skip!());
    for (state, why) in [
        ("", "not of schema relay-tools/react/1"),
        (
            "{\"schema\":\"relay-tools/react/1\",\"refused\":[",
            "not of schema",
        ),
        (
            "{\"schema\":\"relay-tools/react/2\",\"places\":[]}",
            "its schema is relay-tools/react/2",
        ),
        ("{\"schema\":\"relay-tools/react/1\"}", "missing field"),
    ] {
        site.log(4);
        site.run();
        site.host.write(STATE, state);
        let damaged = site.run();
        assert_eq!(
            (damaged.code(), damaged.text().as_str()),
            (Some(1), ""),
            "{damaged}"
        );
        assert!(damaged.errors().contains(why), "{damaged}");
        assert!(
            damaged
                .errors()
                .contains("the last 10m of the logs are read instead"),
            "{damaged}"
        );
        site.reads(0);
        // The four of before are counted with the fifth.
        site.log(1);
        assert!(site.run().text().contains("pause postfix-aol-b"), "{why}");
        site.forget();
    }
    // One that cannot be written keeps nothing from being done, and is reported in each run.
    site.host.sh(&format!("mkdir -p {STATE}/in-the-way")).ok();
    site.log(5);
    let acted = site.run();
    assert_eq!(acted.code(), Some(1), "{acted}");
    assert!(acted.text().contains("pause postfix-aol-b"), "{acted}");
    assert!(
        acted.errors().contains("cannot keep the follow state"),
        "{acted}"
    );
    let again = site.run();
    assert_eq!(
        (again.code(), again.text().as_str()),
        (Some(1), ""),
        "{again}"
    );
    assert_eq!(site.pauses(), 1);
    site.host.sh(&format!("rm -r {STATE}")).ok();
    site.forget();

    // Lost, or kept for other rules: all that they count is in the window.
    for other in ["rm react-logs.json", "sed -i 's/4/4/' react-logs.json"] {
        site.log(4);
        site.run();
        site.host
            .sh(&format!("cd /var/lib/relay-tools/limits && {other}"))
            .ok();
        site.host
            .write("/etc/relay-tools/react.toml", RULES.replace("= 5", "= 4"));
        assert!(site.run().text().contains("4 TSS04 within"), "{other}");
        site.host.write("/etc/relay-tools/react.toml", RULES);
        site.forget();
    }
}

#[test]
fn what_becomes_of_the_log_between_two_runs() {
    let mut site = Refused::start(host_or_skip!());
    for rotate in [
        "mv aol-b.log aol-b.log.1; touch aol-b.log",
        "gzip -c aol-b.log >aol-b.log.1.gz; rm aol-b.log; touch aol-b.log",
        "cp aol-b.log aol-b.log.1; : >aol-b.log",
    ] {
        site.log(2);
        site.run();
        // Two more, unread, and then a new file.
        site.log(2);
        site.host.sh(&format!("cd /var/log; {rotate}")).ok();
        let ran = site.run();
        assert_eq!(
            (ran.code(), ran.text().as_str()),
            (Some(0), ""),
            "{rotate}: {ran}"
        );
        site.log(1);
        let acted = site.run();
        assert!(acted.text().contains("5 TSS04 within"), "{rotate}: {acted}");
        site.host.sh("rm -f /var/log/aol-b.log.*").ok();
        site.forget();
    }
    // Rotated before the first run: the window is in the old file, too.
    site.log(3);
    site.host
        .sh("cd /var/log && mv aol-b.log aol-b.log.1 && touch aol-b.log")
        .ok();
    site.log(2);
    assert!(site.run().text().contains("5 TSS04 within"));
    site.host.sh("rm -f /var/log/aol-b.log.*").ok();
    site.forget();

    // Emptied: what was not read yet is missing, and nobody knows how much it was.
    site.log(4);
    site.run();
    site.host.write(LOG, "");
    let gap = site.run();
    assert_eq!((gap.code(), gap.text().as_str()), (Some(1), ""), "{gap}");
    assert!(
        gap.errors().contains("it was truncated or removed"),
        "{gap}"
    );
    assert!(
        gap.errors()
            .contains("refusals may be missing in what the rules count for the next 10m"),
        "{gap}"
    );
    assert_eq!(site.state("gaps"), 1);
    // Said once; what had been read is still counted.
    site.reads(0);
    site.log(1);
    assert!(site.run().text().contains("5 TSS04 within"));
    assert_eq!(site.state("gaps"), 1);
}

/// The reads of a run of the log, by the kernel's account.
fn read_of_log(site: &Refused) -> u64 {
    let date = site.host.sh(&format!("date -u -d @{} +%FT%TZ", site.now));
    let clock = format!("--clock={}", date.text().trim());
    let strace = [
        "-f",
        "-qq",
        "-y",
        "-o",
        "/run/reads",
        "-e",
        "trace=read,pread64,readv,preadv",
    ];
    let traced = site.host.command("strace").args(strace).arg(crate::TOOL);
    traced.args(["react", &clock]).run().ok();
    let trace = String::from_utf8(site.host.read("/run/reads")).unwrap();
    let of_log = trace.lines().filter(|line| line.contains(LOG));
    let bytes = of_log.filter_map(|line| line.rsplit(" = ").next()?.trim().parse::<u64>().ok());
    bytes.sum()
}

/// A log of 30 MB, nearly all of it of before the window.
#[test]
fn a_run_reads_no_more_of_a_big_log_than_is_new() {
    let mut site = Refused::start(host_or_skip!());
    let line = site.line(86_400);
    let size = 30_000_000;
    site.append(&line.repeat(size / line.len()));
    site.now += 3600;
    let first = read_of_log(&site);
    assert!(
        first < size as u64 / 20,
        "{first} bytes were read of {size}"
    );
    let bytes = site.log(3);
    let next = read_of_log(&site);
    // Beside what is new, how it begins and where it was: a few samples.
    assert!(
        (bytes..bytes + 256 * 1024).contains(&next),
        "{next} bytes were read for {bytes} that are new"
    );
    assert_eq!(site.state("gaps"), 0);
    site.reads(0);
}

/// journald may shorten its journal at any time: what was logged since the last run may be gone with it.
#[test]
fn a_journal_that_was_vacuumed_between_two_runs_is_evidence_that_is_missing() {
    let host = host_or_skip!(Host::builder().journald());
    stopped(&host);
    host.write("/etc/relay-tools/react.toml", RULES);
    let react = || relay_limit(&host, &["react", "--resolver=127.0.0.1:9", "--timeout=1s"]);
    host.sh("logger -p mail.info before").ok();
    assert_eq!(react().code(), Some(0));
    let before = react();
    assert_eq!(
        (before.code(), before.errors().as_str()),
        (Some(0), ""),
        "{before}"
    );
    host.sh("journalctl --quiet --rotate && sleep 1.1 && journalctl --quiet --vacuum-time=1s && logger -p mail.info after")
        .ok();
    let gap = react();
    assert_eq!((gap.code(), gap.text().as_str()), (Some(1), ""), "{gap}");
    for part in [
        "entries in between may be lost",
        "refusals may be missing in what the rules count for the next 10m",
    ] {
        assert!(gap.errors().contains(part), "{part}: {gap}");
    }
    // Said once.
    let after = react();
    assert_eq!(
        (after.code(), after.errors().as_str()),
        (Some(0), ""),
        "{after}"
    );
}
