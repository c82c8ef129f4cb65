//! --follow-state over a journal.

use std::fs;

use postfix::log::{Bookmark, Event, Journal, LogPlace, MAIL, Options, Sink, Trust, Wanted};
use postfix::{Time, Zone};
use testkit::prometheus::value;

use super::host::{Host, SECOND};

/// The counter of what an instance sent.
fn sent(prom: &str, instance: &str) -> f64 {
    value(
        prom,
        &format!(
            "relay_mail_deliveries_total{{postfix_instance=\"postfix-{instance}\",status=\"sent\"}}"
        ),
    )
}

impl Host {
    /// The counters, after a run that ends with `status`.
    #[track_caller]
    fn counters(&self, status: i32) -> String {
        let state = self.path("follow.json");
        let args = [
            "--format",
            "prom",
            "--follow-state",
            state.to_str().unwrap(),
        ];
        self.run(&args).ended(status).out
    }
}

fn gaps(prom: &str) -> f64 {
    value(prom, "relay_mail_log_gaps_total")
}

#[test]
fn counters_rise_by_what_is_new() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    host.flush();
    assert_eq!(sent(&host.counters(0), "aol-a"), 3.0);
    assert_eq!(sent(&host.counters(0), "aol-a"), 3.0);
    host.deliver("aol-a", 2, "sent (250 ok)");
    host.flush();
    assert_eq!(sent(&host.counters(0), "aol-a"), 5.0);
    // journald goes on in another file, and the host is booted.
    fs::rename(
        host.journal.directory().join("system.journal"),
        host.journal.directory().join("system@1.journal"),
    )
    .unwrap();
    host.journal.boot();
    host.deliver("aol-a", 4, "sent (250 ok)");
    host.flush();
    let prom = host.counters(0);
    assert_eq!((sent(&prom, "aol-a"), gaps(&prom)), (9.0, 0.0));
    // A clock that was set back makes no line old.
    host.clock -= 1800 * SECOND;
    host.journal.boot();
    host.deliver("aol-a", 1, "sent (250 ok)");
    host.flush();
    assert_eq!(sent(&host.counters(0), "aol-a"), 10.0);
}

/// journald makes room by removing its oldest files.
#[test]
fn what_was_removed_unread_is_a_gap() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    let old = host.journal.write("system@1.journal");
    assert_eq!(sent(&host.counters(0), "aol-a"), 3.0);
    // What was read is no loss, even if the last entry of mail is among it.
    let other = "SYSLOG_FACILITY=9\nSYSLOG_IDENTIFIER=CRON\n_UID=0\nMESSAGE=x\n";
    let clock = host.clock;
    host.journal.entry(clock, other);
    let kept = host.journal.write("system@2.journal");
    fs::remove_file(old).unwrap();
    let prom = host.counters(0);
    assert_eq!((sent(&prom, "aol-a"), gaps(&prom)), (3.0, 0.0));
    // Nor is anything counted twice after that.
    assert_eq!(sent(&host.counters(0), "aol-a"), 3.0);
    // The journal now begins after the last run.
    fs::remove_file(kept).unwrap();
    host.clock += 7200 * SECOND;
    host.deliver("aol-a", 2, "sent (250 ok)");
    host.flush();
    let prom = host.counters(1);
    assert_eq!((sent(&prom, "aol-a"), gaps(&prom)), (5.0, 1.0));
    let prom = host.counters(0);
    assert_eq!((sent(&prom, "aol-a"), gaps(&prom)), (5.0, 1.0));
}

#[test]
fn dropped_messages_are_a_gap() {
    let mut host = Host::new();
    host.deliver("aol-a", 1, "sent (250 ok)");
    let clock = host.clock;
    host.journal
        .dropped(clock, 225, "postfix@postfix-aol-a.service");
    host.flush();
    assert_eq!(gaps(&host.counters(1)), 1.0);
    assert_eq!(gaps(&host.counters(0)), 1.0);
}

/// rsyslog is removed, and installed again.
#[test]
fn a_host_that_changes_where_it_logs_counts_each_line_once() {
    let mut host = Host::new();
    host.clock += 3500 * SECOND;
    let mut log = String::new();
    for _ in 0..4 {
        log += &host.line("aol-a", "sent (250 ok)");
    }
    host.deliver("aol-a", 4, "sent (250 ok)");
    host.flush();
    host.write("var/log/mail.log", &log);
    assert_eq!(sent(&host.counters(0), "aol-a"), 4.0);
    // What the journal has of before was counted from the file.
    fs::rename(host.path("var/log/mail.log"), host.path("var/log/gone")).unwrap();
    assert_eq!(sent(&host.counters(0), "aol-a"), 4.0);
    host.clock += 200 * SECOND;
    host.deliver("aol-a", 3, "sent (250 ok)");
    host.flush();
    assert_eq!(sent(&host.counters(0), "aol-a"), 7.0);
    // And the other way round.
    host.clock += 60 * SECOND;
    log += &host.line("aol-a", "sent (250 ok)");
    host.write("var/log/mail.log", &log);
    let prom = host.counters(0);
    assert_eq!((sent(&prom, "aol-a"), gaps(&prom)), (8.0, 0.0));
    assert_eq!(sent(&host.counters(0), "aol-a"), 8.0);
}

/// Counts deliveries.
struct Count(u64);

impl Sink for Count {
    fn event(&mut self, event: &Event<'_>) {
        self.0 += u64::from(matches!(event, Event::Delivery(_)));
    }
}

/// A journal that was never read, in a window: from its begin on, as a file. Once it was read, all that is new.
#[test]
fn a_window_is_of_the_first_run() {
    let mut host = Host::new();
    host.deliver("aol-a", 3, "sent (250 ok)");
    let begin = Time::from_micros((host.clock + SECOND / 2) as i64);
    host.deliver("aol-a", 4, "sent (250 ok)");
    host.flush();
    let journal = |host: &Host| {
        LogPlace::Journal(Journal {
            directory: Some(host.journal.directory().to_owned()),
            facilities: [MAIL].into(),
            trust: Trust {
                owners: None,
                daemon_directories: vec!["/usr/lib/postfix/sbin".into()],
            },
        })
    };
    let follow = |host: &Host, known: &Bookmark, window| {
        let options = Options {
            zone: Zone::named("UTC").unwrap(),
            now: Time::from_micros((host.clock + SECOND) as i64),
            window,
            wanted: Wanted::default(),
            threads: 1,
            progress: &|_| {},
        };
        let read = journal(host).follow(known, &options, || Count(0));
        let (followed, count) = read.unwrap();
        (followed.known, count.0)
    };
    let none = Bookmark::default();
    assert_eq!(follow(&host, &none, None).1, 7);
    let (known, count) = follow(&host, &none, Some(begin..Time::MAX));
    assert_eq!(count, 4);
    // A clock that was set back.
    host.clock -= 1800 * SECOND;
    host.journal.boot();
    host.deliver("aol-a", 2, "sent (250 ok)");
    host.flush();
    assert_eq!(follow(&host, &known, Some(begin..Time::MAX)).1, 2);
}
