//! Pauses by rules: what they would have done, what they do, and what they leave to a person.

use std::time::Duration;

use testkit::host_or_skip;

use crate::hosts::{Site, relay_limit};

const RULES: &str = "/etc/relay-tools/react.toml";

const PAUSE: &str = "
mail = 'root'
[[rule]]
code = 'TSS04'
instance = 'aol-*'
at_least = 5
within = '10m'
do = 'pause'
for = '2h'
";

/// How many recipients the provider has put off.
fn refused(log: &str) -> usize {
    let lines = log.lines().filter(|line| line.contains("[TSS04]"));
    let recipients = lines.filter_map(|line| line.split(" to=<").nth(1)?.split('>').next());
    recipients.collect::<std::collections::BTreeSet<_>>().len()
}

/// What TSS04 means.
const MEANS: &str = "TSS04 (Yahoo/AOL: volume or complaints; wait 2-4 h): ";

/// The report, the check and queue-report say what to do, with a command that can be pasted as it is.
fn advised(site: &Site) {
    let stats = env!("CARGO_BIN_EXE_mail-stats-print");
    let today = site.host.sh("date -u +%F").text();
    let day = today.trim();
    let report = env!("CARGO_BIN_EXE_queue-report");
    for (tool, args) in [
        (stats, &["--check", "-v", "--date", day][..]),
        (stats, &["--format", "report", "--date", day]),
        (report, &["aol-b", "--group-by", "reason"]),
    ] {
        let ran = site.host.command(tool).args(args).run();
        let text = ran.text();
        let advice = text.split_once(MEANS.trim_end());
        let (_, rest) = advice.unwrap_or_else(|| panic!("{ran}"));
        let (command, then) = rest.trim_start().split_once(';').unwrap();
        assert_eq!(
            command, "relay-limit pause aol-b --for 4h --reason TSS04",
            "{ran}"
        );
        let then: Vec<&str> = then.split_whitespace().take(4).collect();
        assert_eq!(then, ["then", "resume", "at", "half"], "{ran}");
        let directory = std::path::Path::new(crate::TOOL).parent().unwrap();
        let script = format!("PATH={}:$PATH; {command} --dry-run", directory.display());
        let plan = site.host.command("bash").args(["-c", &script]).run();
        assert_eq!(plan.code(), Some(0), "{plan}");
        assert!(
            plan.text().starts_with("pause postfix-aol-b: all mail"),
            "{plan}"
        );
    }
}

#[test]
fn a_blocked_address_is_paused_by_a_rule_and_not_again_after_a_lift() {
    let site = Site::start(host_or_skip!());
    site.block_b();
    site.send("before", 30);
    // Until as many were refused as the rule asks for.
    site.host
        .wait_until(Duration::from_secs(180), "refusals", || {
            refused(&site.host.mail_log()) >= 5
        });
    advised(&site);
    // Without rules, nothing is done, and nothing said.
    let off = site.limit(&["react"]);
    assert_eq!((off.code(), off.text().as_str()), (Some(0), ""), "{off}");

    site.host.write(RULES, PAUSE.replace("TSS04", "TSS05"));
    assert_eq!(site.limit(&["react"]).text(), "");

    let script = "#!/bin/bash\n{ echo \"$*\"; cat; } >>/run/mailed\n";
    site.host.write("/run/sendmail", script);
    site.host
        .sh("chmod 755 /run/sendmail && mount --bind /run/sendmail /usr/sbin/sendmail");
    let mailed = || String::from_utf8(site.host.read("/run/mailed")).unwrap();

    // A share that leaves no address to be paused: a person has to decide.
    site.host.write(RULES, format!("most = '40%'{PAUSE}"));
    let held_back = site.limit(&["react"]);
    assert_eq!(held_back.code(), Some(1), "{held_back}");
    assert!(
        held_back.errors().contains("0 of 2 instances of aol"),
        "{held_back}"
    );
    assert_eq!(site.limit(&["list"]).text(), "nothing is in force\n");
    // It is so in the minutes after, too, and was said.
    for minute in 1..6 {
        let date = site
            .host
            .sh(&format!("date -u -d '+{minute} minutes' +%FT%TZ"));
        let again = site.limit(&["react", &format!("--clock={}", date.text().trim())]);
        assert_eq!(
            (again.code(), again.text().as_str(), again.errors().as_str()),
            (Some(1), "", ""),
            "{again}"
        );
    }
    assert_eq!(mailed().matches("Subject: ").count(), 1, "{}", mailed());
    let log = site.host.mail_log();
    assert_eq!(log.matches("and did not: 0 of 2 instances").count(), 1);
    // Another reason is news.
    site.host.write(RULES, format!("most = '30%'{PAUSE}"));
    assert_eq!(
        site.limit(&["react"]).errors().matches("did not").count(),
        1
    );
    assert_eq!(site.limit(&["react"]).errors(), "");
    assert_eq!(mailed().matches("Subject: ").count(), 2);
    site.host.sh("rm /run/mailed").ok();

    site.host.write(RULES, PAUSE);
    let replayed = site.limit(&["react", "--dry-run", "--since", "1h"]);
    // The host's logs are minutes old, so not all of that hour was seen.
    assert_eq!(replayed.code(), Some(1), "{replayed}");
    let note = "note: the logs begin at ";
    assert!(replayed.text().contains(note), "{replayed}");
    let would = "would pause postfix-aol-b for aol, 2h (rule 1: 5 TSS04 within 10m)";
    assert!(replayed.text().contains(would), "{replayed}");
    assert_eq!(replayed.text().matches("would").count(), 1, "{replayed}");
    assert_eq!(site.limit(&["list"]).text(), "nothing is in force\n");

    let done = site.limit(&["react"]);
    assert_eq!(done.code(), Some(0), "{done}");
    assert!(done.text().contains("; in force"), "{done}");
    let listed = site.limit(&["list"]).text();
    assert!(
        listed.contains("by relay-limit react; in force since"),
        "{listed}"
    );
    assert!(listed.contains(": 5 TSS04 within 10m"), "{listed}");
    let page = "; https://senders.yahooinc.com/smtp-error-codes/";
    assert!(
        listed.contains(&format!("{MEANS}then resume at half{page}")),
        "{listed}"
    );
    site.host
        .wait_for_log("postfix-aol-b paused, aol (43 domains), until ");
    let mailed = mailed();
    assert!(mailed.starts_with("-oi -- root\nFrom: root@"), "{mailed}");
    assert!(
        mailed.contains("Subject: relay-limit react: postfix-aol-b, aol\r\n"),
        "{mailed}"
    );
    assert!(mailed.contains("; in force\r\n"), "{mailed}");
    // Once is enough.
    assert_eq!(site.limit(&["react"]).text(), "");

    // A person has decided: what was refused before does not bring the pause back.
    site.provider.on_rcpt(|_| testkit::Answer::ok());
    site.limit(&["lift", "aol-b", "--yes"]).ok();
    let after = site.limit(&["react"]);
    assert_eq!(
        (after.code(), after.text().as_str()),
        (Some(0), ""),
        "{after}"
    );
    slowed_down_by_class(&site);
}

/// A rule by class that slows down: real parameters, with their end.
fn slowed_down_by_class(site: &Site) {
    let replies = "
[[rule]]
class = 'rate-limited'
instance = 'aol-*'
at_least = 5
within = '10m'
do = 'rate'
rate = '600/h'
for = '2h'
";
    site.host.write(RULES, replies);
    let b = site.b.address().ip();
    site.provider
        .on_rcpt(move |rcpt| match rcpt.client.ip() == b {
            true => testkit::Answer::text(
                421,
                "4.7.28 Our system has detected an unusual rate of mail",
            ),
            false => testkit::Answer::ok(),
        });
    let delay = || site.b.postconf("smtp_transport_rate_delay");
    assert_eq!(delay(), "0s");
    site.send("class", 30);
    site.host
        .wait_until(Duration::from_secs(180), "refusals", || {
            let log = site.host.mail_log();
            let lines = log
                .lines()
                .filter(|line| line.contains("an unusual rate of mail"));
            let to = lines.filter_map(|line| line.split(" to=<").nth(1)?.split('>').next());
            to.collect::<std::collections::BTreeSet<_>>().len() >= 5
        });
    let done = site.limit(&["react"]);
    assert_eq!(done.code(), Some(0), "{done}");
    // 600 an hour is one every six seconds.
    assert_eq!(delay(), "6s", "{done}");
    let listed = site.limit(&["list"]).text();
    assert!(
        listed.contains("by relay-limit react; in force since"),
        "{listed}"
    );
    assert!(listed.contains("600/h"), "{listed}");
    assert_eq!(site.limit(&["react"]).text(), "");
    let tick = site.limit(&["tick", &crate::hosts::in_hours(&site.host, 3)]);
    assert!(
        tick.text().contains("no longer slowed down to 600/h"),
        "{tick}"
    );
    assert_eq!(delay(), "0s");
}

#[test]
fn rules_with_a_fault_do_nothing_and_say_so() {
    let host = host_or_skip!();
    for (rules, why) in [
        (PAUSE.replace("'2h'", "'ever'"), "is not a time"),
        (PAUSE.replace("'2h'", "'500d'"), "longer than a year"),
        (
            PAUSE.replace("TSS04", "tss04"),
            "no reply yields, \"tss04\"",
        ),
        (
            PAUSE.replace("'TSS04'", "['TSS04', '[TSS04]']"),
            "no reply yields, \"[TSS04]\"",
        ),
        (PAUSE.replace("'root'", "'a b'"), "mail:"),
        (PAUSE.replace("'aol-*'", "'['"), "instance = \"[\""),
        (format!("{PAUSE}provider = 'nobody'\n"), "unknown provider"),
    ] {
        host.write(RULES, &rules);
        let ran = relay_limit(&host, &["react"]);
        assert_eq!(ran.code(), Some(2), "{rules}: {ran}");
        assert!(ran.errors().contains(why), "{rules}: {ran}");
    }
    let missing = relay_limit(&host, &["react", "--dry-run", "--rules", "/none.toml"]);
    assert_eq!(missing.code(), Some(2), "{missing}");
}

/// Any user can log refusals where syslogd writes the log.
#[test]
fn forged_refusals_pause_no_more_than_the_rules_allow() {
    let site = Site::start(host_or_skip!());
    site.host.write(RULES, format!("most = '100%'{PAUSE}"));
    let forge = |tag: &str| {
        let line = "4F9A1: to=<uN@aol.com>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.0, \
            status=deferred (host mx[192.0.2.1] said: 421 4.7.0 [TSS04] Messages temporarily deferred)";
        let script = "for n in $(seq 30); do
            logger -p mail.info -t \"$1/smtp[$n]\" -- \"$(echo \"$0\" | sed s/uN/u$n/)\"; done";
        let logger = site.host.command("sh").args(["-c", script, line, tag]);
        logger.user("nobody").run().ok();
    };
    forge("postfix-aol-a");
    forge("postfix-aol-b");
    forge("made-up");
    site.host
        .wait_until(Duration::from_secs(60), "refusals", || {
            site.host.mail_log().matches("[TSS04]").count() == 90
        });
    // The log is anybody's, and that is said before and after.
    let note = "note: any user can write to /var/log/mail.log: syslogd writes it";
    let replayed = site.limit(&["react", "--dry-run", "--since", "1h"]);
    assert!(replayed.text().contains(note), "{replayed}");
    // As often as it runs, one address stays.
    for _ in 0..3 {
        let ran = site.limit(&["react"]);
        assert!(matches!(ran.code(), Some(0 | 1)), "{ran}");
    }
    let listed = site.limit(&["list"]).text();
    assert_eq!(
        listed.matches("by relay-limit react").count(),
        1,
        "{listed}"
    );
    assert!(site.host.mail_log().contains("by relay-limit react"));

    // In a file of Postfix's own there is no such line.
    for instance in [&site.a, &site.b] {
        site.limit(&["lift", instance.name(), "--yes"]);
        instance.set("maillog_file", "/var/log/postfix.log");
        instance.postfix("reload").ok();
    }
    site.host.sh("rm -rf /var/lib/relay-tools/limits").ok();
    site.host.write("/var/log/postfix.log", "");
    let ran = site.limit(&["react"]);
    assert_eq!(ran.text(), "", "{ran}");
    assert_eq!(site.limit(&["list"]).text(), "nothing is in force\n");
}

/// What could not be read, or was never written, decides nothing, and is not passed over.
#[test]
fn what_the_logs_do_not_show_is_reported() {
    let host = host_or_skip!();
    let log = "/var/log/aol-b.log";
    let aol_b = host.instance("postfix-aol-b").param("maillog_file", log);
    aol_b.create();
    host.write(RULES, PAUSE);
    host.write(log, "");
    let react = || relay_limit(&host, &["react"]);
    // Nobody has ever written there: where are its refusals?
    for _ in 0..2 {
        let unused = react();
        assert_eq!(unused.code(), Some(1), "{unused}");
        let why = "/var/log/aol-b.log: it has no line, though maillog_file names it";
        assert!(unused.errors().contains(why), "{unused}");
    }
    let line = "4F9A1: to=<u@aol.com>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.0, status=oddly (x)";
    let write =
        format!("echo \"$(date +%FT%T.%6N%:z) relay1 postfix-aol-b/smtp[7]: {line}\" >>{log}");
    host.sh(&write).ok();
    let unread = react();
    assert_eq!(unread.code(), Some(1), "{unread}");
    let why = "/var/log/aol-b.log, line 1: status=oddly is not a status";
    assert!(unread.errors().contains(why), "{unread}");
    assert!(!unread.errors().contains("it has no line"), "{unread}");
    let replayed = relay_limit(&host, &["react", "--dry-run", "--since", "2d"]);
    assert_eq!(replayed.code(), Some(1), "{replayed}");
    for part in [
        "nothing would have been done, by what could be read\n",
        "note: the logs begin at ",
        "; of what was before, not all is known\n",
    ] {
        assert!(replayed.text().contains(part), "{part}: {replayed}");
    }
    assert!(replayed.errors().contains(why), "{replayed}");
    // All that is there can be read, and older logs are gone.
    host.sh(&write
        .replace("status=oddly", "status=sent")
        .replace(">>", ">"))
        .ok();
    let replayed = relay_limit(&host, &["react", "--dry-run", "--since", "2d"]);
    assert_eq!(replayed.code(), Some(1), "{replayed}");
    assert!(
        replayed.text().contains("by what could be read\n"),
        "{replayed}"
    );
}
