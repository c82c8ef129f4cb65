//! What Gmail leaves of the mail: the first 102 KB of the page, without drawings.

use std::fmt::Write as _;

use testkit::tools::stats;

/// Gmail shows as much of a message, and a link to the rest.
const CLIPPED: usize = 102 * 1024;

const INSTANCES: usize = 30;

/// How many deliveries of the day are sent and bounced.
fn counts(instance: usize) -> (usize, usize) {
    (100 + instance, 1 + instance % 3)
}

/// Eight days of each instance; on the last one, the first instance is blocked.
fn log() -> String {
    let mut log = String::new();
    for day in 12..=19 {
        for instance in 0..INSTANCES {
            let (sent, bounced) = counts(instance);
            let blocked = usize::from(day == 19 && instance == 0) * 50;
            for n in 0..sent + bounced + blocked {
                let ended = match n {
                    n if n < sent => "dsn=2.0.0, status=sent (250 ok)",
                    n if n < sent + bounced => "dsn=5.1.1, status=bounced (550 5.1.1 User unknown)",
                    _ => {
                        "dsn=5.7.1, status=bounced (550 5.7.1 [TSS04] 192.0.2.1 is on our block list)"
                    }
                };
                let domain = ["aol.com", "hotmail.com", "gmail.com"][instance % 3];
                let (minute, second) = (n / 60, n % 60);
                writeln!(
                    log,
                    "2026-09-{day}T12:{minute:02}:{second:02}+00:00 rustin postfix-i{instance:02}/smtp[1]: 4F9A1: \
                     to=<u@{domain}>, relay=mx.{domain}[198.51.100.7]:25, delay=1, delays=0/0/0/1, {ended}"
                )
                .unwrap();
            }
        }
    }
    log
}

/// Without `<svg>` and what is in it.
fn without_drawings(page: &str) -> String {
    let mut parts = page.split("<svg");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once("</svg>").map_or("", |(_, rest)| rest)
    })
}

/// Text alone, with `|` for each cell.
fn words(page: &str) -> String {
    let page = page.replace("</td>", "|").replace("</th>", "|");
    let mut parts = page.split('<');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('>').map_or("", |(_, rest)| rest)
    })
}

#[test]
fn what_gmail_shows_of_thirty_instances_has_the_verdict_and_each_ones_figures() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    std::fs::write(&path, log()).unwrap();
    let args = ["--date", "2026-09-19", "--format", "html", "--log"];
    let page = stats(args.into_iter().chain([path.to_str().unwrap()]))
        .ended(0)
        .out;
    assert!(page.len() > CLIPPED, "{}: nothing is clipped", page.len());
    let shown = words(&without_drawings(
        &page[..page.floor_char_boundary(CLIPPED)],
    ));
    // The verdict comes first, and what it is of.
    let first = &shown[..shown.find("Instances").unwrap()];
    for word in [
        "ATTENTION",
        "postfix-i00: 33.8% bounced (51)",
        "rate-limited 50 (TSS04, 192.0.2.1)",
    ] {
        assert!(first.contains(word), "{word} is not in {first}");
    }
    for instance in 0..INSTANCES {
        let (sent, bounced) = counts(instance);
        let bounced = bounced + usize::from(instance == 0) * 50;
        let total = sent + bounced;
        let share = |n: usize| format!("{:.1}%", 100.0 * n as f64 / total as f64);
        let (sent, bounced) = (share(sent), share(bounced));
        let row = format!("postfix-i{instance:02}|{total}|{sent}|{bounced}|0.0%|");
        assert!(shown.contains(&row), "{row} is not in {shown}");
    }
    for title in ["Providers", "Why mail was refused"] {
        assert!(shown.contains(title), "{title} is not in {shown}");
    }
    // What is drawn is in words, too: the first instance's eight days.
    let plain = words(&without_drawings(&page));
    let (sent, bounced) = counts(0);
    let day = sent + bounced;
    assert!(
        plain.contains(&format!("2026-09-18: {day}, 2026-09-19: {}", day + 50)),
        "{plain}"
    );
}
