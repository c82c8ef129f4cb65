//! What attention is called to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

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
    // Of 100, beyond chance (Wilson): 15 are at least 9.3 %, 13 7.8 %, 29 21.0 %, 60 50.2 %, 10 5.5 %, 20 13.3 %; 0 are
    // at most 3.7 %, 2 7.0 %, 5 11.2 %; a jump passes half as much again. Not twice as many; twice, but perhaps by
    // chance; both.
    check([8, 0, 0], [15, 0, 0], &[]);
    check([5, 0, 0], [10, 0, 0], &[]);
    check([2, 0, 0], [13, 0, 0], &[]);
    check(
        [0, 0, 0],
        [13, 0, 0],
        &["!  postfix-a: 13.0% bounced (13); it was 0.0%; bad-mailbox 13"],
    );
    check([0, 0, 0], [9, 0, 0], &[]);
    check([0, 9, 0], [0, 18, 0], &[]);
    check(
        [0, 15, 0],
        [0, 29, 0],
        &["!  postfix-a: 29.0% deferred (29); it was 15.0%; connection 29"],
    );
    check(
        [0, 10, 0],
        [0, 60, 0],
        &["!! postfix-a: 60.0% deferred (60); it was 10.0%; connection 60"],
    );
    check(
        [0, 0, 2],
        [0, 0, 10],
        &["!  postfix-a: 10 blocked (10.0%); it was 2.0%; S3150, 203.0.113.25"],
    );
    // What is as bad as on the day before is not well for that.
    check(
        [0, 0, 21],
        [0, 0, 20],
        &[
            "!! postfix-a: 20 blocked (20.0%), for 2 days or more; S3150, 203.0.113.25",
            "!  postfix-a: 20.0% bounced (20), for 2 days or more; blocked 20 (S3150, 203.0.113.25)",
        ],
    );
}

/// relay-limit takes the instance's name, and of two that log under one name it is not known whose the refusals are.
#[test]
fn commands_name_the_instance_and_not_its_syslog_name() {
    let lines = |time| {
        [Lines {
            instance: "mx",
            time,
            n: 50,
            status: "bounced",
            reply: BLOCKED,
            ..Lines::default()
        }]
    };
    let log = two_days(&lines("18T10:00:00"), &lines("19T10:00:00"));
    let check = |instances: &[&str], expected: Option<&str>| {
        let root = host(&[&["postfix"], instances].concat(), &log);
        for n in 1..=instances.len() {
            let main = root.path().join(format!("etc/postfix-{n}/main.cf"));
            let text = fs::read_to_string(&main).unwrap() + "syslog_name = mx\n";
            fs::write(main, text).unwrap();
        }
        let out = report(&root, &DAY).out.replace("\n   ", " ");
        let at = out.find("relay-limit pause ");
        let command = at.map(|at| out[at..].split_whitespace().take(3).collect::<Vec<_>>());
        let command = command.map(|words| words.join(" "));
        assert_eq!(command.as_deref(), expected, "{out}");
    };
    check(&["postfix-aol-a"], Some("relay-limit pause aol-a"));
    check(&["postfix-aol-a", "postfix-aol-b"], None);
}

/// What an instance that is paused puts off, no provider has refused.
#[test]
fn a_pause_is_blamed_on_nobody() {
    let check = |reply: &str, expected: &[&str]| {
        let of = |instance, to, time, n| Lines {
            instance,
            to,
            time,
            n,
            ..Lines::default()
        };
        let (aol, rest) = ("u@aol.com", "u@rest.example");
        let before = [
            of("postfix-a", aol, "18T10:00:00", 40),
            of("postfix-b", rest, "18T10:00:00", 400),
        ];
        let waits = Lines {
            status: "deferred",
            reply,
            ..of("postfix-a", aol, "19T11:00:00", 40)
        };
        let day = [
            of("postfix-a", aol, "19T10:00:00", 30),
            of("postfix-b", rest, "19T10:00:00", 400),
            waits,
        ];
        let ran = report(
            &host(&["postfix-a", "postfix-b"], &two_days(&before, &day)),
            &DAY,
        )
        .ended(0);
        let told = attention(&ran.out);
        let told: Vec<&str> = told
            .iter()
            .map(String::as_str)
            .filter(|t| t.starts_with('!'))
            .collect();
        assert_eq!(told, expected, "{reply}");
    };
    check("paused by relay-limit until 2026-09-19 14:00 +0000", &[]);
    let refused = "!  postfix-a: 57.1% deferred (40); it was 0.0%; greylisted 40";
    check(
        "host mx[192.0.2.9] said: 450 4.2.0 Greylisted, try again later",
        &[refused],
    );
}

#[test]
fn an_instance_without_traffic_and_a_full_queue_are_reported() {
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
    // The bundled host's mail came later, and its age is not known then.
    let ran = report(&root, &["--clock=2026-09-20T12:00:00Z", DAY[0], DAY[1]]).ended(0);
    let told = attention(&ran.out);
    let told: Vec<&str> = told
        .iter()
        .map(|t| t.split("; the oldest").next().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "!  postfix-b: 201 messages are of no known age: the time when mail arrived is yet to come, or none; is the \
             clock right?",
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

/// A queue that is not there was not seen to be empty.
#[test]
fn a_queue_that_could_not_be_read_is_not_well() {
    let log = two_days(
        &[Lines {
            time: "18T10:00:00",
            ..Lines::default()
        }],
        &[Lines::default()],
    );
    let root = host(&["postfix-a"], &log);
    let well = report(&root, &DAY).ended(0);
    assert!(well.out.contains(": all is well\n"), "{}", well.out);
    let before = report(
        &root,
        &["--date", "2026-09-19", "--clock=2026-09-18T12:00:00Z"],
    );
    let first = before.out.lines().next().unwrap();
    let says = "UNKNOWN, the day has not begun by this host's clock";
    assert!(first.ends_with(says), "{first}");
    let file = root
        .path()
        .join("var/spool/postfix-a/deferred/3/3F2A51C04B");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    let ran = report(&root, &DAY).ended(1);
    assert!(
        attention(&ran.out)[0].ends_with(": is empty"),
        "{}",
        ran.out
    );
    fs::remove_dir_all(root.path().join("var/spool/postfix-a")).unwrap();
    let ran = report(&root, &DAY).ended(1);
    let first = ran.out.lines().next().unwrap();
    assert!(
        first.ends_with("nothing found, but not all queues could be read"),
        "{first}"
    );
    assert!(
        ran.out.contains("NOT READ: the mailq of postfix-a;"),
        "{}",
        ran.out
    );
    let mail = report(&root, &[&DAY[..], &["--print-mail"]].concat());
    assert!(
        mail.out
            .contains("nothing found, but not all queues could be"),
        "{}",
        mail.out
    );
}

/// Once the log is gone, the record says what Postfix complained about.
#[test]
fn cries_outlive_the_log() {
    let mut log = two_days(
        &[Lines {
            time: "18T10:00:00",
            ..Lines::default()
        }],
        &[Lines::default()],
    );
    log.push_str("2026-09-19T11:00:00Z host postfix-a/qmgr[9]: fatal: no space\n");
    log.push_str("2026-09-20T00:10:00Z host postfix-a/qmgr[9]: A1234567: removed\n");
    let root = host(&["postfix-a"], &log);
    let path = root.path().to_str().unwrap();
    stats(["--root", path, "--save-day", "--date", "2026-09-19"]).ended(0);
    fs::write(
        root.path().join("var/log/mail.log"),
        "2026-09-20T00:10:00Z host postfix-a/qmgr[9]: A1234567: removed\n",
    )
    .unwrap();
    let ran = report(&root, &DAY);
    assert!(ran.out.contains("From the day's record"), "{}", ran.out);
    assert!(
        attention(&ran.out)
            .iter()
            .any(|t| t == "!! postfix-a: qmgr fatal: no space"),
        "{}",
        ran.out
    );
}

/// Strangers can make Postfix warn of ever new things; that pushes nothing out of the record that is a finding.
#[test]
fn what_strangers_cause_pushes_no_finding_out_of_a_record() {
    let mut log = two_days(
        &[Lines {
            time: "18T10:00:00",
            ..Lines::default()
        }],
        &[Lines::default()],
    );
    for n in 0..400_u16 {
        let who = char::from(b'a' + (n % 26) as u8)
            .to_string()
            .repeat(usize::from(n / 26) + 1);
        let line = format!(
            "2026-09-19T11:00:00Z host postfix-a/smtpd[9]: warning: odd command {who} of a client\n"
        );
        log.push_str(&line.repeat(30));
    }
    let cry = "2026-09-19T11:00:00Z host postfix-a/smtpd[9]: warning: problem talking to service rewrite: Success\n";
    log.push_str(&cry.repeat(20));
    log.push_str("2026-09-20T00:10:00Z host postfix-a/qmgr[9]: A1234567: removed\n");
    let root = host(&["postfix-a"], &log);
    let path = root.path().to_str().unwrap();
    let before = attention(&report(&root, &DAY).out);
    let is_it = |text: &&String| text.contains("problem talking to service rewrite");
    assert!(before.iter().any(|text| is_it(&text)), "{before:?}");
    stats(["--root", path, "--save-day", "--date", "2026-09-19"]).ended(0);
    let log = root.path().join("var/log/mail.log");
    fs::write(
        log,
        "2026-09-20T00:10:00Z host postfix-a/qmgr[9]: A1234567: removed\n",
    )
    .unwrap();
    let ran = report(&root, &DAY);
    assert!(ran.out.contains("From the day's record"), "{}", ran.out);
    let after = attention(&ran.out);
    assert!(after.iter().any(|text| is_it(&text)), "{after:?}");
}
