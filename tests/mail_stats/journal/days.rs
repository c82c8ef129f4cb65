//! Days of a report that only the journal holds.

use super::host::{Host, SECOND, chrono};

/// Without a log file and without records, the days before are those that the journal holds.
#[test]
fn the_report_shows_the_days_of_the_journal() {
    const DAY: u64 = 86_400 * SECOND;
    let mut host = Host::new();
    let now = host.clock + 3600 * SECOND;
    let midnight = now - now % DAY;
    let mut days = Vec::new();
    for (n, ago) in (1..=9).zip((1..=9).rev()) {
        host.clock = midnight - ago * DAY + 12 * 3600 * SECOND;
        host.deliver("aol-a", n, "sent (250 ok)");
        let time = chrono(host.clock);
        days.push(format!("{}: {n}", time.split('T').next().unwrap()));
    }
    host.flush();
    let page = host.run(&["--format", "html"]).out;
    // Yesterday, and seven days before it; of the one that the journal begins in, not all is known.
    let chart = page.split("<h3>postfix-aol-a</h3>").nth(1).unwrap();
    let plain = chart.split("<p class=\"plain\">").nth(1).unwrap();
    let plain = plain.split("</p>").next().unwrap();
    assert_eq!(plain, days[1..].join(", "));
}

/// A host with a delivery every five minutes of six days, but for yesterday from one hour to another; `cron` has an
/// entry every hour.
fn silent(from: u64, to: u64, cron: bool) -> (Host, String) {
    const HOUR: u64 = 3600 * SECOND;
    let mut host = Host::new();
    let now = host.clock + HOUR;
    let yesterday = now - now % (24 * HOUR) - 24 * HOUR;
    let mut at = yesterday - 5 * 24 * HOUR;
    while at < now {
        let is_cut = (yesterday + from * HOUR..yesterday + to * HOUR).contains(&at);
        if cron && at.is_multiple_of(HOUR) {
            let fields =
                "SYSLOG_FACILITY=9\nSYSLOG_IDENTIFIER=CRON\n_UID=0\nMESSAGE=(root) CMD (true)\n";
            host.journal.entry(at, fields);
        }
        host.clock = at;
        if !is_cut {
            host.deliver("aol-a", 1, "sent (250 ok)");
        }
        at += HOUR / 12;
    }
    host.flush();
    let day = chrono(yesterday).split('T').next().unwrap().to_owned();
    (host, day)
}

/// The host was down, or journald: not even cron has an entry.
#[test]
fn hours_without_an_entry() {
    for (from, to, said) in [
        (10, 14, "T09:55:01"),
        (20, 24, "T19:55:01"),
        (0, 4, "T00:00:00"),
    ] {
        let (host, day) = silent(from, to, false);
        let line = host.run(&["aol-a", "--check", "--date", &day]).ended(3).out;
        let why = format!("no log has a line from {day}{said}");
        assert!(
            line.starts_with("UNKNOWN: ") && line.contains(&why),
            "{line}"
        );
        let json = host.json(&["--date", &day]);
        assert_eq!(json["complete"], false, "{json}");
    }
    // There was no mail.
    let (host, day) = silent(10, 14, true);
    host.run(&["aol-a", "--check", "--date", &day]).ended(0);
    let (host, day) = silent(10, 10, false);
    host.run(&["aol-a", "--check", "--date", &day]).ended(0);
}
