//! The daily report as text. The logs are counted by hand, or by other programs.

mod attention;
mod drawing;
mod sources;
pub(crate) mod unread;

use crate::lists_host::{BLOCKED, Lines, RUSTIN, UNKNOWN, begins, host, rustin, write_log};
use tempfile::TempDir;
use testkit::tools::{Ran, sh, stats, stats_in};

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
    told.lines().map(without_advice).collect()
}

/// A finding without what to do about it: `CODE (PROVIDER: …; wait …): relay-limit …`.
fn without_advice(finding: &str) -> String {
    let cut = |at: usize| {
        let open = finding[..at].rfind(" (")?;
        finding[..open].rfind(' ')
    };
    let end = finding.find("; wait ").and_then(cut);
    finding[..end.unwrap_or(finding.len())].to_owned()
}

/// A day, and one before it.
fn two_days(before: &[Lines<'_>], day: &[Lines<'_>]) -> String {
    let mut log = begins("18T00:00:00");
    log.extend(before.iter().map(Lines::text));
    log.extend(day.iter().map(Lines::text));
    log
}

const DAY: [&str; 2] = ["--date", "2026-09-19"];

/// What waits is named with its age, and needs attention once Postfix should have given it up (after five days).
#[test]
fn an_old_mailq_is_named() {
    let report = |clock: &str| {
        let clock = format!("--clock={clock}");
        let args = ["--root", RUSTIN, clock.as_str(), "--format", "report"];
        let args = [&args[..], &DAY].concat();
        stats_in("America/New_York", args, b"").out
    };
    // The first of the 39 came at 2026-11-24 07:15:02 UTC.
    let text = report("2026-11-28T08:20:00Z");
    let named = "\nIn the mailq 39 messages wait, the oldest for 4d 1h.\n";
    assert!(text.contains(named), "{text}");
    assert!(!text.contains("mail waits for"), "{text}");
    let text = report("2026-11-29T08:20:00Z");
    let finding = "!  postfix-aol-b: mail waits for 5d 1h; 20 messages in the mailq\n";
    assert!(text.contains(finding), "{text}");
}

/// The bundled host: the generator's numbers (crates/testkit/examples/rustin_logs.rs), and counts by grep.
#[test]
fn the_bundled_hosts_day_is_reported() {
    let ran = rustin(&["--format", "report"]);
    // Its spools hold two odd files, which are told.
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    let text = &ran.out;
    assert!(text.is_ascii());
    for line in text.lines() {
        assert!(line.len() <= 78, "{} columns: {line}", line.len());
        assert_eq!(line.trim_end(), line);
    }
    assert!(
        text.starts_with("rustin.mayfirst.example, Saturday 2026-09-19: 6 things need attention\n"),
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
    let subjects: Vec<&str> = told.iter().map(|t| t.split(':').next().unwrap()).collect();
    let [aol_a, aol_b, rest] = ["postfix-aol-a", "postfix-aol-b", "postfix-therest-a"];
    let expected =
        [rest, aol_a, rest, aol_b, "all instances", rest].map(|name| format!("!  {name}"));
    assert_eq!(subjects, expected, "{told:?}");
    // 13 of 290 the day before, at least 2.6 % (Wilson); the limit is 1.5 %.
    assert!(
        told[0].starts_with(&format!(
            "!  postfix-therest-a: {therest} blocked (6.9%), for the 6th day; it was "
        )),
        "{told:?}"
    );
    assert!(told[0].ends_with("; 216.66.23.44"), "{told:?}");
    // fixtures/rustin's generator: core.dump, and two files that are damaged.
    assert!(told[5].ends_with("; and 2 more queue files"), "{told:?}");
    // A quarter is refused there every day.
    assert!(
        told[2].starts_with("!  postfix-therest-a: 25.5% bounced (222), for 8 days or more; "),
        "{told:?}"
    );
    // The Saturday before had 957, the Sunday 268, as their records add up to: the root of 957 * 268 is 506.
    assert!(
        told[4].starts_with(
            "!  all instances: 4.8 times as many deliveries; 2444, compared with a usual 506"
        ),
        "{told:?}"
    );
    assert!(
        told[4].ends_with("; of postfix-therest-a, postfix-aol-a, postfix-msn-a and 1 more"),
        "{told:?}"
    );
    // 6 of 276 the day before; 6 + 7 + 6 + 6 + 5 + 2 + 6 = 38 of 1708 in the seven days before.
    assert!(
        told[3].starts_with(
            "!  postfix-aol-b: 34.4% deferred (118); it was 2.2% the day before and 2.2% on average of 7 days; \
             rate-limited "
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
    let beside = section(text, "COMPARED WITH THE DAYS BEFORE");
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
            "grep -E '^[^ ]+ rustin [^ ]+/smtp[^(]*: to=<[^(]*, status=(sent|bounced|deferred) \\(' {log} | grep -cE \
             '{what}' || true"
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

#[test]
fn a_quiet_day_is_reported_in_one_line() {
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
            "host, Saturday 2026-09-19: all is well\n\n50 deliveries: 100.0% sent, 0.0% bounced, 0.0% deferred.\nThe \
             whole day (UTC).\n"
        ),
        "{}",
        ran.out
    );
    assert_eq!(row(&ran.out, "postfix-a ")[6..], ["+25%", "+25%"]);
    assert!(ran.out.contains("the mean of 1\nday.") || ran.out.contains("mean of 1 day."));
    assert!(!ran.out.contains("WHY MAIL WAS REFUSED"));
    assert_eq!(ran.err, "");
}

#[test]
fn what_has_no_place_in_a_report_is_refused() {
    let root = host(&["postfix-a"], &two_days(&[], &[Lines::default()]));
    let check = |args: &[&str], expected: &str| {
        let ran = report(&root, args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(ran.err.contains(expected), "{args:?}: {}", ran.err);
    };
    check(
        &["--by", "domain"],
        "--by cannot be used with --format report",
    );
    check(
        &["--since", "2h"],
        "--since cannot be used with --format report",
    );
    check(&["--count", "recipients"], "--count cannot be used");
    check(
        &["--merge", "/nowhere"],
        "--format report cannot be used with --merge",
    );
    check(
        &["--date", "2026-08-01"],
        "nothing is known about 2026-08-01",
    );
    check(&["--width", "20"], "72..=250");
    check(&["nobody"], "nobody");
}
