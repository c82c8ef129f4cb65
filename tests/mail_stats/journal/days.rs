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
