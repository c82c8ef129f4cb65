//! How the report is laid out: names, lines, hours.

use std::fs;

use super::*;

/// Of the domains that mail went to and came from, the worst stand first, whatever their size; text by strangers does
/// nothing.
#[test]
fn the_worst_domains_are_reported_and_strangers_text_is_harmless() {
    let of = |to, from, status, n| Lines {
        to,
        from,
        status,
        n,
        reply: UNKNOWN,
        ..Lines::default()
    };
    let evil = "x@\u{1b}[31m\u{202e}caf\u{e9}.example";
    let day = [
        of("a@big.example", "s@good.example", "sent", 90),
        of("a@big.example", "s@good.example", "deferred", 1),
        of("a@small.example", "s@bad.example", "bounced", 3),
        of("a@fine.example", "s@good.example", "sent", 5),
        of(evil, evil, "bounced", 2),
    ];
    let root = host(&["postfix-a"], &two_days(&[], &day));
    let ran = report(&root, &[&DAY[..], &["--width", "100"]].concat()).ended(0);
    let names = |title: &str| -> Vec<String> {
        let lines = section(&ran.out, title).lines().skip(2);
        lines
            .map(|line| line.split("  ").next().unwrap().to_owned())
            .collect()
    };
    let harmless = "\\x1b[31m\\u{202e}caf\\u{e9}.example";
    assert_eq!(
        names("WORST RECIPIENT"),
        ["small.example", harmless, "big.example"]
    );
    assert_eq!(
        names("WORST SENDER"),
        ["bad.example", harmless, "good.example"]
    );
    assert!(ran.out.is_ascii());
    // Blocks, and names as they are, but nothing that a terminal would act on.
    let ran = report(&root, &[&DAY[..], &["--utf8"]].concat()).ended(0);
    assert!(
        ran.out.contains("\\x1b[31m\\u{202e}caf\u{e9}.example"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains('\u{2588}'));
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn lines_are_as_wide_as_is_asked() {
    let day = Lines {
        to: "u@a-very-long-domain-name-that-goes-on-and-on.some-subdomain.example.org",
        status: "bounced",
        reply: UNKNOWN,
        n: 30,
        ..Lines::default()
    };
    let root = host(&["postfix-a"], &two_days(&[], &[day]));
    for width in ["72", "78", "100"] {
        let ran = report(&root, &[&DAY[..], &["--width", width]].concat()).ended(0);
        let widest = ran.out.lines().map(str::len).max().unwrap();
        assert!(
            widest <= width.parse().unwrap() && widest > 50,
            "{width}: {widest}\n{}",
            ran.out
        );
    }
}

/// The hours stand below their numbers, two characters each.
#[test]
fn hours_are_drawn_below_each_other() {
    let at = |time, n| Lines {
        time,
        n,
        ..Lines::default()
    };
    let day = [
        at("19T00:30:00", 8),
        at("19T03:30:00", 1),
        at("19T23:30:00", 4),
    ];
    let root = host(&["postfix-a"], &two_days(&[], &day));
    let ran = report(&root, &DAY).ended(0);
    let hours = section(&ran.out, "HOURS OF THE DAY");
    let line = |begin: &str| hours.lines().find(|l| l.starts_with(begin)).unwrap();
    let ticks = hours
        .lines()
        .find(|line| line.contains("00    03"))
        .unwrap();
    let (first, fourth) = (ticks.find("00").unwrap(), ticks.find("03").unwrap());
    let sent = line("sent ");
    assert_eq!(&sent[first..first + 2], "@@");
    assert_eq!(&sent[fourth..fourth + 2], "..");
    assert_eq!(&sent[first + 46..first + 48], "==");
    assert_eq!(sent.split_whitespace().last(), Some("8"));
    assert_eq!(&sent[first + 2..fourth], "    ");
}

/// Who can write to the log can write any name.
#[test]
fn a_name_that_is_none_is_shown_as_an_instance() {
    let of = |instance| Lines {
        instance,
        status: "bounced",
        reply: UNKNOWN,
        n: 30,
        ..Lines::default()
    };
    let long = "A".repeat(1500);
    let log = two_days(&[], &[of("postXXfix"), of(&long)]);
    // No UTF-8.
    let parts: Vec<&[u8]> = log.split("XX").map(str::as_bytes).collect();
    let log = parts.join(&b"\xff\xfe"[..]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail.log");
    fs::write(&path, log).unwrap();
    for width in ["72", "100"] {
        let args = ["--format", "report", "--width", width, "--log"];
        let ran = stats(DAY.iter().chain(&args).chain([&path.to_str().unwrap()])).ended(0);
        let widest = ran.out.lines().map(str::len).max().unwrap();
        assert!(widest <= width.parse().unwrap(), "{widest}\n{}", ran.out);
        // Not a letter is lost.
        let told: String = attention(&ran.out).concat();
        assert!(
            told.replace(' ', "").contains(&format!("!!{long}:100.0%")),
            "{told}"
        );
        assert!(
            told.contains("!! post\\u{fffd}\\u{fffd}fix: 100.0% bounced (30)"),
            "{told}"
        );
        let shown = row(&ran.out, "post");
        assert_eq!(shown[1..4], ["30", "0.0%", "100.0%"], "{}", ran.out);
    }
}
