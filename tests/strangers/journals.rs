//! Lines that any user of the host has journald keep: none of them pauses an instance, or moves a warm-up.

use std::fs;

use testkit::journal::{Journal, Sender};

use crate::image::{DAY, Image};

/// 2026-09-19 00:00:00 UTC, which is [`DAY`], in microseconds.
const MIDNIGHT: u64 = 1_789_776_000_000_000;
const SECOND: u64 = 1_000_000;
const DAYS: u64 = 86_400 * SECOND;

/// An entry: when, by whom, under which name, what.
type Entry = (u64, Sender, String, String);

/// A host that logs to its journal.
fn host(entries: impl IntoIterator<Item = Entry>) -> Image {
    let image = Image::new([]);
    fs::remove_file(image.path("var/log/mail.log")).unwrap();
    image.write(
        "etc/passwd",
        &format!(
            "root:x:0:0::/root:/bin/sh\npostfix:x:{}:113::/var/spool/postfix:/bin/false\n",
            Sender::OWNER
        ),
    );
    let main_cf = fs::read_to_string(image.path("etc/postfix-aol-a/main.cf")).unwrap();
    let main_cf = format!("{main_cf}smtp_bind_address = 192.0.2.44\n");
    image.write("etc/postfix-aol-a/main.cf", &main_cf);
    let services = "smtp unix - - y - - smtp\npickup unix n - y 60 1 pickup\n";
    image.write("etc/postfix-aol-a/master.cf", services);
    let directory = image.path("var/log/journal/fedcba9876543210fedcba9876543210");
    let mut journal = Journal::new(&directory);
    let mut entries: Vec<Entry> = entries.into_iter().collect();
    entries.sort_by_key(|(micros, ..)| *micros);
    for (micros, sender, tag, message) in &entries {
        journal.mail(*micros, sender, tag, message);
    }
    journal.write("system.journal");
    image
}

/// `n` attempts of an instance from this second of [`DAY`] on, `ago` days earlier.
fn attempts(name: &str, sender: &Sender, (ago, at, n): (u64, u64, u64), end: &str) -> Vec<Entry> {
    let entry = |k: u64| {
        let message = format!(
            "4F{ago}{k:X}: to=<u{k}@aol.com>, relay=mx.aol.com[203.0.113.5]:25, delay=1, delays=0.1/0/0.4/0.5, {end}"
        );
        let micros = MIDNIGHT - ago * DAYS + (at + k) * SECOND;
        (micros, sender.clone(), format!("{name}/smtp"), message)
    };
    (0..n).map(entry).collect()
}

#[test]
fn refusals_that_others_than_postfix_logged_pause_nothing() {
    let reply = "dsn=4.7.0, status=deferred (host mx.aol.com[203.0.113.5] said: 421 4.7.0 [TSS04] Messages deferred)";
    let says = |sender: &Sender| {
        // The journal is older than the day.
        let mut all = attempts("postfix-aol-a", sender, (1, 36_000, 1), reply);
        all.extend(attempts("postfix-aol-a", sender, (0, 36_000, 9), reply));
        let image = host(all);
        let rules = "most = '100%'\n[[rule]]\ncode = 'TSS04'\nat_least = 5\nwithin = '10m'\ndo = 'pause'\nfor = '2h'\n";
        image.write("rules.toml", rules);
        let rules = image.path("rules.toml").display().to_string();
        let args = ["react", "--dry-run", "--date", DAY, "--rules", &rules];
        image.tool("relay-limit", &args).ended(0).out
    };
    let own = says(&Sender::postfix("postfix-aol-a"));
    assert!(own.contains("would pause postfix-aol-a for aol"), "{own}");
    // No line of it is anybody's.
    assert!(!own.contains("any user"), "{own}");
    let forged = says(&Sender::user());
    assert!(forged.contains("nothing would have been done"), "{forged}");
}

#[test]
fn what_others_than_postfix_logged_moves_no_warm_up() {
    const SENT: &str = "dsn=2.0.0, status=sent (250 ok)";
    const BLOCKED: &str = "dsn=5.7.1, status=bounced (host mx.aol.com[203.0.113.5] said: 554 5.7.1 Unfortunately, \
        messages from 192.0.2.44 weren't sent. Please contact your Internet service provider since part of their \
        network is on our block list (S3150). (in reply to MAIL FROM command))";
    // Three days at 200 a day, and what somebody logs on the last of them.
    let says = |own: u64, (n, by): (u64, &Sender), end: &str| {
        let c = Sender::postfix("postfix-aol-a");
        let other = Sender::postfix("-");
        let mut entries = attempts("postfix-aol-a", by, (0, 7200, n), end);
        for ago in 0..10 {
            entries.extend(attempts("postfix-0", &other, (ago, 82_800, 1), SENT));
        }
        for ago in 0..3 {
            entries.extend(attempts("postfix-aol-a", &c, (ago, 3600, own), SENT));
        }
        let image = host(entries);
        let plan = [
            "plan",
            "aol-a",
            "--volume",
            "1000",
            "--start",
            "2026-09-17",
            "--old",
            "192.0.2.41",
        ];
        image.tool("relay-warmup", &plan).ended(0);
        image
            .tool("relay-warmup", &["apply", "aol-a", "--dry-run"])
            .ended(1)
            .out
    };
    let (own, user) = (Sender::postfix("postfix-aol-a"), Sender::user());
    let good = says(200, (0, &user), SENT);
    assert!(good.contains("level 2, 400 a day, to be applied"), "{good}");
    // Not back by what Postfix did not log,
    assert!(says(200, (2, &own), BLOCKED).contains("level 1, 200 a day"));
    assert_eq!(says(200, (2, &user), BLOCKED), good);
    // nor forward.
    let slow = says(20, (0, &user), SENT);
    assert!(slow.contains("level 1, 200 a day"), "{slow}");
    assert_eq!(says(20, (180, &user), SENT), slow);
}
