//! What queue-report writes for people, on terminals and into files, and what it says where something is wrong.

use crate::image::Image;
use testkit::tools::run;

#[test]
fn formats_for_people() {
    let image = Image::rustin();
    let ran = image.run(["aol-b"]).ended(0);
    // Into a pipe all are listed, with nothing cut.
    let table = ran.out;
    assert_eq!(
        table
            .lines()
            .filter(|line| line.contains(" said: 451 4.7.0 [TSS04]"))
            .count(),
        20
    );
    assert!(table.is_ascii(), "{table}");
    assert!(
        table.contains("emma@aim.com +2")
            || table.contains("rosa@aol.com +2")
            || table.contains("lucy@love.com +2"),
        "{table}"
    );
    assert!(table.contains("\nrecipients by provider, domain, reason\n"));
    let short = image.run(["aol-b", "--limit", "5"]).ended(0).out;
    assert!(
        short.ends_with("and 15 more messages (--all lists them)\n"),
        "{short}"
    );
    let none = image.run(["aol-b", "--limit", "0"]).ended(0).out;
    assert!(none.ends_with("\n20 messages, not listed\n"), "{none}");

    let text = image.run(["aol-b", "--format", "text"]).ended(0).out;
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with(
            "postfix-aol-b: 20 messages (18 deferred, 2 hold), 22 recipients, 161 KiB, oldest "
        ),
        "{first}"
    );
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("    to <"))
            .count(),
        22
    );
    let expire = image.run(["yahoo-a", "--format", "text"]).ended(0).out;
    assert_eq!(
        expire.matches("to be returned at the next attempt").count(),
        1
    );

    let csv = image.run(["aol-b", "--format", "csv"]).ended(0).out;
    assert_eq!(csv.lines().count(), 1 + 22);
    let several = image.run(["aol-a", "aol-b", "--limit", "0"]).ended(0).out;
    assert!(
        several.lines().any(|line| line.starts_with("TOTAL ")),
        "{several}"
    );
    let empty = image
        .run(["aol-b", "--domain", "nowhere.example"])
        .ended(0)
        .out;
    assert_eq!(empty.lines().count(), 2, "{empty}");
}

#[test]
fn on_a_terminal_twenty_are_listed_and_every_line_fits() {
    let image = Image::rustin();
    for width in [80, 100, 120, 170] {
        let run = |args: &str| {
            let tool = crate::TOOL;
            let root = image.path("");
            testkit::tools::sh(&format!(
                "script -qec 'stty cols {width} rows 24; exec {tool} --root {} {args}' /dev/null </dev/null",
                root.display()
            ))
        };
        let shown = run("aol-b msn-a --color never");
        assert!(
            shown.contains("and 5 more messages (--all lists them)"),
            "{shown}"
        );
        for line in shown.lines() {
            assert!(line.trim_end().chars().count() <= width, "{width}: {line}");
        }
        let all = run("aol-b msn-a --all --color never");
        assert!(!all.contains("more messages"), "{all}");
    }
}

#[test]
fn what_is_damaged_is_reported_and_the_rest_shown() {
    let image = Image::rustin();
    let ran = image.run(["therest-a"]).ended(1);
    assert_eq!(ran.err.lines().count(), 3, "{}", ran.err);
    for what in [
        "core.dump: its name is not a queue id",
        "is empty",
        "the file ends inside a record",
    ] {
        assert!(ran.err.contains(what), "{what}: {}", ran.err);
    }
    let found = image.json(1, &["therest-a"]);
    assert_eq!(found["problems"].as_array().unwrap().len(), 3);
    assert_eq!(found["messages"].as_array().unwrap().len(), 6);
    // With -q nothing is told, but the exit status stays.
    assert_eq!(image.run(["therest-a", "-q"]).ended(1).err, "");
}

#[test]
fn what_cannot_be_done_is_said_in_a_line() {
    let image = Image::rustin();
    let check = |args: &[&str], says: &[&str]| {
        let ran = image.run(args).ended(2);
        assert_eq!(ran.out, "", "{args:?}");
        assert!(ran.err.lines().count() <= 2, "{args:?}: {}", ran.err);
        for word in says {
            assert!(ran.err.contains(word), "{args:?}: {word}: {}", ran.err);
        }
    };
    check(&["nosuch"], &["nosuch", "postfix-aol-a", "postfix-yahoo-a"]);
    check(&[], &["INSTANCE"]);
    check(&["aol-a", "aol-b", "--ids"], &["--ids", "one instance"]);
    check(&["aol-a", "--sort", "colour"], &["colour", "arrival"]);
    check(
        &["aol-a", "--group-by", "colour"],
        &["colour", "reason-class"],
    );
    check(&["aol-a", "--all", "--limit", "3"], &["--all", "--limit"]);
    check(&["aol-a", "--id", "no id"], &["no id"]);
    check(&["aol-a", "--provider", "nobody"], &["nobody", "aol"]);
    check(&["aol-a", "--reason", "("], &["--reason"]);
    check(&["aol-a", "--reason="], &["--reason", "it is empty"]);
    testkit::tools::sh(&format!(
        "rm -r {}",
        image.path("var/spool/postfix-aol-a").display()
    ));
    check(
        &["aol-a"],
        &["postfix-aol-a", "does not exist", "ever started"],
    );
    let ran = image.run(["aol-a", "aol-b", "--limit", "0"]).ended(1);
    assert!(
        ran.out.contains("postfix-aol-b") && ran.err.contains("ever started"),
        "{}",
        ran.err
    );
}

#[test]
fn output_files_and_closed_pipes() {
    let image = Image::rustin();
    for format in ["jsonl", "json", "csv", "text", "table"] {
        let path = image.path("out");
        let ran = image
            .run([
                "aol-b",
                "--format",
                format,
                "--output",
                path.to_str().unwrap(),
            ])
            .ended(0);
        assert_eq!(ran.out, "");
        let mut written: Vec<String> = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        assert!(!written.is_empty());
        if format == "jsonl" {
            let mut direct: Vec<String> = image
                .run(["aol-b", "--format", format])
                .out
                .lines()
                .map(str::to_owned)
                .collect();
            written.sort();
            direct.sort();
            assert_eq!(written, direct);
        }
        let tool = crate::TOOL;
        let root = image.path("");
        let script = format!(
            "({tool} --root {} aol-b --format {format} | head -1) 2>&1",
            root.display()
        );
        assert_eq!(testkit::tools::sh(&script).lines().count(), 1, "{format}");
    }
    assert!(
        run("queue-report", ["--generate", "bash"])
            .ended(0)
            .out
            .contains("--reason-class")
    );
}

/// Their daemons take each other's mail: that is said of each of them, though only one is asked for.
#[test]
fn a_queue_directory_of_two_instances_is_reported() {
    let image = Image::rustin();
    let main_cf = image.path("etc/postfix-aol-b/main.cf");
    let own = std::fs::read_to_string(&main_cf).unwrap();
    std::fs::write(
        &main_cf,
        own + "\nqueue_directory = /var/spool/postfix-aol-a\n",
    )
    .unwrap();
    let share =
        "postfix-aol-a and postfix-aol-b share the queue directory /var/spool/postfix-aol-a";
    for name in ["aol-a", "aol-b"] {
        let ran = image.run([name, "--format", "json"]).ended(0);
        assert!(ran.err.contains(share), "{}", ran.err);
        let found: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let trouble = &found["instances"][0]["troubles"][0];
        assert_eq!(
            (&trouble["level"], &trouble["text"]),
            (&"critical".into(), &share.into())
        );
    }
    let both = image.run(["aol-a", "aol-b"]).ended(1);
    assert!(
        both.err
            .contains("claims the same queue directory as postfix-aol-a"),
        "{}",
        both.err
    );
}

/// All mail of the image came on 2026-11-24: where the clock stands before that, no age is known, and none is 0.
#[test]
fn mail_that_is_yet_to_come_is_of_no_known_age() {
    let image = Image::rustin();
    let at = |clock: &str, format: &str| {
        let clock = format!("--clock={clock}");
        image
            .run([&clock, "aol-b", "--format", format])
            .ended(0)
            .out
    };
    let age_of = |clock: &str| {
        let found: serde_json::Value = serde_json::from_str(&at(clock, "json")).unwrap();
        found["total"]["oldest_age_seconds"].clone()
    };
    let (before, after) = ("2026-11-20T00:00:00Z", "2026-11-25T00:00:00Z");
    assert!(age_of(before).is_null());
    assert!(age_of(after).as_u64().unwrap() > 0);
    for (clock, is_known) in [(before, false), (after, true)] {
        let csv = at(clock, "csv");
        let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let column = rows[0]
            .iter()
            .position(|name| *name == "age_seconds")
            .unwrap();
        let is_number = |row: &Vec<&str>| row[column].parse::<u64>().is_ok();
        assert!(
            rows.len() > 20 && rows[1..].iter().all(|row| is_number(row) == is_known),
            "{csv}"
        );
    }
    let text = at(before, "text");
    assert!(
        text.contains(", oldest ? (2026-11-24 ") && text.contains(" (?), "),
        "{text}"
    );
    let table = at(before, "table");
    assert!(table.lines().nth(1).unwrap().contains(" ? "), "{table}");
}
