//! The daily report as text. The logs are counted by hand, or by other programs.
#![allow(clippy::unwrap_used, reason = "a test has nothing better to do")]

mod common;
mod report_common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::{Ran, sh, stats, stats_in};
use report_common::{BLOCKED, Lines, UNKNOWN, begins, host, write_log};
use tempfile::TempDir;

const RUSTIN: &str = "fixtures/rustin";

fn report(root: &TempDir, args: &[&str]) -> Ran {
    let root = root.path().to_str().unwrap();
    stats([&["--root", root, "--format", "report"], args].concat())
}

/// The words of the line that begins so.
#[track_caller]
fn row<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    let found = text.lines().find(|line| line.starts_with(begin));
    let found = found.unwrap_or_else(|| panic!("no line {begin:?} in\n{text}"));
    found.split_whitespace().collect()
}

/// What stands below a title, up to the next one.
#[track_caller]
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let at = text.find(&format!("\n{title}"));
    let at = at.unwrap_or_else(|| panic!("no section {title:?} in\n{text}"));
    text[at + 1..].split("\n\n").next().unwrap()
}

/// What was told in the first lines, as one.
fn attention(text: &str) -> Vec<String> {
    let told = text.split("\n\n").nth(1).unwrap();
    let told = told.replace("\n   ", " ");
    told.lines().map(str::to_owned).collect()
}

/// The bundled host: the generator's numbers (crates/testkit/examples/rustin_logs.rs), and counts by grep.
#[test]
fn the_bundled_hosts_day_is_reported() {
    let args = [
        "--root",
        RUSTIN,
        "--format",
        "report",
        "--date",
        "2026-09-19",
    ];
    let ran = stats_in("America/New_York", args, b"");
    // Its spools hold two odd files, which are told.
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    let text = &ran.out;
    assert!(text.is_ascii());
    for line in text.lines() {
        assert!(line.len() <= 78, "{} columns: {line}", line.len());
        assert_eq!(line.trim_end(), line);
    }
    assert!(
        text.starts_with("rustin.mayfirst.example, Saturday 2026-09-19: 2 things need attention\n"),
        "{text}"
    );
    let blocked = |of: &str| {
        let log = format!("{RUSTIN}/var/log/mail.log");
        let script = format!(
            "grep 'status=bounced (.*blocked using zen' {log} | grep -c '{of}/smtp' || true"
        );
        sh(&script).trim().parse::<u64>().unwrap()
    };
    let (all, therest) = (blocked(""), blocked("postfix-therest-a"));
    let told = attention(text);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with(&format!(
            "!! postfix-therest-a: {therest} blocked (6.9%); it was "
        )),
        "{told:?}"
    );
    assert!(told[0].ends_with("; 216.66.23.44"), "{told:?}");
    // 6 of 276 the day before; 6 + 7 + 6 + 6 + 5 + 2 + 6 = 38 of 1708 in the seven days before.
    assert!(
        told[1].starts_with(
            "!  postfix-aol-b: 34.4% deferred (118); it was 2.2% the day before and 2.2% on average of 7 days; rate-limited "
        ),
        "{told:?}"
    );
    assert!(text.contains(&format!(
        "\n2444 deliveries: 76.4% sent, 13.4% bounced, 10.1% deferred; {all} blocked.\n"
    )));
    assert!(text.contains("\nThe whole day (America/New_York, UTC-04:00).\n"));
    // 264 the day before; 66 + 234 + 277 + 268 + 260 + 254 + 264 = 1623 in seven days.
    let row_of = |begin| row(text, begin).join(" ");
    assert!(row_of("postfix-aol-a ").starts_with("postfix-aol-a 642 89.3% 9.7% 1.1% "));
    assert!(row_of("postfix-aol-a ").ends_with(" +143% +177%"));
    let beside = section(text, "BESIDE THE DAYS BEFORE");
    assert!(
        row(
            &beside[beside.find("postfix-aol-a").unwrap()..],
            "  day before"
        )
        .join(" ")
        .starts_with("day before 264 90.9% 8.0% 1.1% ")
    );
    assert!(
        row(
            &beside[beside.find("postfix-aol-a").unwrap()..],
            "  mean of 7"
        )
        .join(" ")
        .starts_with("mean of 7 days 232 ")
    );
    // Of each provider, domain and hour, the log's own lines.
    let log = format!("{RUSTIN}/var/log/mail.log");
    // Of what is before the reply, which may say anything.
    let count = |what: &str| {
        let script = format!(
            "grep -E '^[^ ]+ rustin [^ ]+/smtp[^(]*: to=<[^(]*, status=(sent|bounced|deferred) \\(' {log} | grep -cE '{what}' || true"
        );
        sh(&script).trim().to_owned()
    };
    let msn = row(section(text, "PROVIDERS"), "msn ");
    assert_eq!(msn[1], count("postfix-msn-a/"));
    let worst = section(text, "WORST RECIPIENT DOMAINS");
    let domain = row(worst, "verizon.net ");
    assert_eq!(domain[1], count("to=<[^>]*@verizon.net>"));
    assert_eq!(
        domain[3],
        count("to=<[^>]*@verizon.net>[^(]* status=bounced \\(")
    );
    assert_eq!(
        domain[5],
        count("to=<[^>]*@verizon.net>[^(]* status=deferred \\(")
    );
    let reasons = section(text, "WHY MAIL WAS REFUSED");
    let limited = count("^[^(]* status=deferred .*\\[TSS04\\]");
    assert_eq!(
        row(reasons, "rate-limited "),
        [
            "rate-limited",
            "0",
            &limited,
            "TSS04",
            &limited,
            "216.66.23.44",
            &limited
        ]
    );
    let mailq = section(text, "MAILQ at ");
    assert_eq!(row(mailq, "postfix-aol-b ")[1..4], ["20", "18", "2"]);
    assert!(section(text, "COULD NOT BE READ").contains("core.dump"));
}

/// A day, and one before it.
fn two_days(before: &[Lines<'_>], day: &[Lines<'_>]) -> String {
    let mut log = begins("18T00:00:00");
    log.extend(before.iter().map(Lines::text));
    log.extend(day.iter().map(Lines::text));
    log
}

const DAY: [&str; 2] = ["--date", "2026-09-19"];

#[test]
fn a_quiet_day_is_told_in_one_line() {
    let sent = Lines {
        n: 50,
        ..Lines::default()
    };
    let before = Lines {
        time: "18T10:00:00",
        n: 40,
        ..Lines::default()
    };
    let root = host(&["postfix-a"], &two_days(&[before], &[sent]));
    let ran = report(&root, &DAY).ended(0);
    assert!(
        ran.out.starts_with(
            "host, Saturday 2026-09-19: all is well\n\n50 deliveries: 100.0% sent, 0.0% bounced, 0.0% deferred.\nThe whole day (UTC).\n"
        ),
        "{}",
        ran.out
    );
    assert_eq!(row(&ran.out, "postfix-a ")[6..], ["+25%", "+25%"]);
    assert!(ran.out.contains("the mean of 1\nday.") || ran.out.contains("mean of 1 day."));
    assert!(!ran.out.contains("WHY MAIL WAS REFUSED"));
    assert_eq!(ran.err, "");
}

/// What is told, and what is not: at each side of the limits.
#[test]
fn attention_is_called_to_what_is_much_worse() {
    // 100 deliveries each day; of the day before, so many bounced, deferred, blocked.
    let check = |before: [usize; 3], day: [usize; 3], expected: &[&str]| {
        let lines = |time: &'static str, [bounced, deferred, blocked]: [usize; 3]| {
            let of = |status, reply, n| Lines {
                time,
                status,
                reply,
                n,
                ..Lines::default()
            };
            [
                of("sent", "250 ok", 100 - bounced - deferred - blocked),
                of("bounced", UNKNOWN, bounced),
                of(
                    "deferred",
                    "connect to mx[192.0.2.9]:25: Connection timed out",
                    deferred,
                ),
                of("bounced", BLOCKED, blocked),
            ]
        };
        let log = two_days(&lines("18T10:00:00", before), &lines("19T10:00:00", day));
        let root = host(&["postfix-a"], &log);
        let ran = report(&root, &DAY).ended(0);
        let told = attention(&ran.out);
        let told: Vec<&str> = told
            .iter()
            .map(|t| t.as_str())
            .filter(|t| t.starts_with('!'))
            .collect();
        assert_eq!(told, expected, "{before:?} {day:?}");
    };
    // Not twice as many; twice, but by less than 3 points more; both.
    check([10, 0, 0], [19, 0, 0], &[]);
    check([2, 0, 0], [4, 0, 0], &[]);
    check(
        [5, 0, 0],
        [10, 0, 0],
        &["!  postfix-a: 10.0% bounced (10); it was 5.0%; bad-mailbox 10"],
    );
    // Fewer than 10 are chance.
    check([0, 0, 0], [9, 0, 0], &[]);
    check([0, 9, 0], [0, 18, 0], &[]);
    check(
        [0, 10, 0],
        [0, 20, 0],
        &["!  postfix-a: 20.0% deferred (20); it was 10.0%; connection 20"],
    );
    check(
        [0, 10, 0],
        [0, 50, 0],
        &["!! postfix-a: 50.0% deferred (50); it was 10.0%; connection 50"],
    );
    check(
        [0, 0, 2],
        [0, 0, 10],
        &[
            "!! postfix-a: 10 blocked (10.0%); it was 2.0%; S3150, 203.0.113.25",
            "!  postfix-a: 10.0% bounced (10); it was 2.0%; blocked 10 (S3150, 203.0.113.25)",
        ],
    );
    // As many as ever, but more than 20.
    check([0, 0, 21], [0, 0, 20], &[]);
    check(
        [0, 0, 21],
        [0, 0, 21],
        &["!! postfix-a: 21 blocked (21.0%); it was 21.0%; S3150, 203.0.113.25"],
    );
}

#[test]
fn an_instance_without_traffic_and_a_full_queue_are_told() {
    let before = |instance| Lines {
        instance,
        time: "18T10:00:00",
        n: 12,
        ..Lines::default()
    };
    let day = Lines {
        instance: "postfix-b",
        ..Lines::default()
    };
    let log = two_days(&[before("postfix-b"), before("postfix-c")], &[day]);
    // postfix-a is the default instance: with others beside it, it need not have any.
    let root = host(&["postfix-a", "postfix-b", "postfix-c", "postfix-d"], &log);
    let one = sh("ls -d fixtures/rustin/var/spool/postfix-aol-b/deferred/0/* | head -n 1");
    let spool = root.path().join("var/spool/postfix-b/deferred");
    for n in 0..201 {
        let name = format!("{:X}", 0xA0000 + n);
        let hashed = spool.join(&name[..1]);
        fs::create_dir_all(&hashed).unwrap();
        let file = hashed.join(name);
        fs::write(&file, fs::read(one.trim()).unwrap()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let ran = report(&root, &DAY).ended(0);
    let told = attention(&ran.out);
    let told: Vec<&str> = told
        .iter()
        .map(|t| t.split("; the oldest").next().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "!  postfix-c: no deliveries; 12 a day before",
            "!  postfix-d: no deliveries; nor the day before",
            "!  postfix-b: 201 messages in the mailq",
        ]
    );
    assert!(!ran.out.contains("postfix-a"), "{}", ran.out);
    assert_eq!(
        row(section(&ran.out, "MAILQ at "), "postfix-b ")[1..3],
        ["201", "201"]
    );
}

/// Of the domains that mail went to and came from, the worst stand first, whatever their size; text by strangers does nothing.
#[test]
fn the_worst_domains_are_told_and_strangers_text_is_harmless() {
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

/// Without a date it is yesterday, whatever it is today.
#[test]
fn it_is_of_yesterday_and_says_what_is_not_known() {
    let at = |days: &str| {
        sh(&format!("TZ=UTC date -d '{days}' +%Y-%m-%dT12:00:00Z"))
            .trim()
            .to_owned()
    };
    let line = |days: &str, n| {
        let of = Lines {
            n,
            ..Lines::default()
        };
        of.text().replace("2026-09-19T10:00:00Z", &at(days))
    };
    let begun = begins("19T10:00:00").replace("2026-09-19T10:00:00Z", &at("2 days ago"));
    let log = begun + &line("2 days ago", 3) + &line("yesterday", 5) + &line("now", 7);
    let root = host(&["postfix-a"], "");
    fs::write(root.path().join("var/log/mail.log"), log).unwrap();
    let ran = report(&root, &[]).ended(0);
    let day = sh("TZ=UTC date -d yesterday '+%A %Y-%m-%d'");
    assert!(
        ran.out.starts_with(&format!("host, {}: ", day.trim())),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("\n5 deliveries: 100.0% sent"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("\nOf the days before nothing is known: no logs, no day records.\n")
    );
    let ran = report(&root, &["--date", "today"]).ended(0);
    assert!(ran.out.contains("\nThe day so far, up to "), "{}", ran.out);
    // Of the first day, a part.
    let two_days_ago = sh("TZ=UTC date -d '2 days ago' +%Y-%m-%d");
    let ran = report(&root, &["--date", two_days_ago.trim()]).ended(0);
    assert!(
        ran.out
            .contains("\nNOT ALL OF THE DAY (UTC).\nIncomplete: the logs begin at "),
        "{}",
        ran.out
    );
}

/// A day whose log is gone is reported from its record, which knows no domains.
#[test]
fn a_record_does_where_the_log_is_gone() {
    let of = |time, status, n| Lines {
        time,
        status,
        n,
        reply: UNKNOWN,
        ..Lines::default()
    };
    let log = two_days(
        &[of("18T10:00:00", "sent", 30)],
        &[
            of("19T10:00:00", "sent", 45),
            of("19T11:00:00", "bounced", 15),
        ],
    );
    let root = host(&["postfix-a"], &log);
    let path = root.path().to_str().unwrap();
    for day in ["2026-09-18", "2026-09-19"] {
        stats(["--root", path, "--save-day", "--date", day]).ended(0);
    }
    write_log(
        root.path(),
        &(begins("20T00:00:00") + &of("20T10:00:00", "sent", 1).text()),
    );
    let ran = report(&root, &DAY).ended(0);
    assert!(
        ran.out
            .contains("\nFrom the day's record: its logs are gone.\n"),
        "{}",
        ran.out
    );
    assert_eq!(
        row(&ran.out, "postfix-a "),
        [
            "postfix-a",
            "60",
            "75.0%",
            "25.0%",
            "0.0%",
            "0.0%",
            "+100%",
            "+100%"
        ]
    );
    assert_eq!(
        attention(&ran.out),
        ["!  postfix-a: 25.0% bounced (15); it was 0.0%; bad-mailbox 15"]
    );
    assert_eq!(
        row(section(&ran.out, "PROVIDERS"), "aol "),
        ["aol", "60", "75.0%", "15", "25.0%", "0", "0.0%"]
    );
    assert!(!ran.out.contains("WORST"));
    assert!(ran.out.contains("DELAYS") && ran.out.contains("HOURS OF THE DAY"));
}

#[test]
fn logs_that_are_named_are_another_hosts() {
    let day = Lines {
        n: 6,
        ..Lines::default()
    };
    let root = host(&["postfix-other"], &two_days(&[], &[day]));
    let log = root.path().join("var/log/mail.log");
    let ran = stats([
        "--log",
        log.to_str().unwrap(),
        "--format",
        "report",
        "--date",
        "2026-09-19",
    ])
    .ended(0);
    assert!(ran.out.contains("\n6 deliveries: "), "{}", ran.out);
    assert!(!ran.out.contains("MAILQ") && !ran.out.contains("postfix-other"));
}

#[test]
fn what_has_no_place_in_a_report_is_refused() {
    let root = host(&["postfix-a"], &two_days(&[], &[Lines::default()]));
    let check = |args: &[&str], expected: &str| {
        let ran = report(&root, args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
    };
    check(&["--by", "domain"], "--by has no place in a daily report");
    check(&["--since", "2h"], "--since has no place in a daily report");
    check(
        &["--count", "recipients"],
        "--count recipients has no place",
    );
    check(
        &["--merge", "/nowhere"],
        "--merge has no place in a daily report",
    );
    check(&["--date", "2026-08-01"], "nothing is known of 2026-08-01");
    check(&["--width", "20"], "72..=250");
    check(&["nobody"], "nobody");
}

/// The day and the seven before it are one pass: each log is read once, and no more of it than there is, beside the looks that find
/// the place.
#[test]
fn each_log_is_read_once() {
    let args = [
        "--root",
        RUSTIN,
        "--format",
        "report",
        "--date",
        "2026-09-19",
        "-v",
    ];
    let ran = stats_in("America/New_York", args, b"");
    let mut read: Vec<(&str, u64)> = Vec::new();
    for line in ran.err.lines() {
        let Some((path, rest)) = line.split_once(": read ") else {
            continue;
        };
        let bytes = rest.split(' ').next().unwrap().parse().unwrap();
        read.push((path.rsplit('/').next().unwrap(), bytes));
    }
    assert_eq!(read.len(), 3, "{}", ran.err);
    for ((name, bytes), expected) in read.iter().zip(["mail.log.2.gz", "mail.log.1", "mail.log"]) {
        assert_eq!(*name, expected);
        let size = fs::metadata(format!("{RUSTIN}/var/log/{name}"))
            .unwrap()
            .len();
        assert!(*bytes <= size + 32 * 1024, "{name}: {bytes} of {size}");
    }
}
