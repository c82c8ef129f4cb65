//! --save-day.

use std::os::unix::fs::MetadataExt;

use super::*;

#[test]
fn a_record_holds_the_day() {
    let root = host("rustin", &[before(), the_day(), after()].concat());
    save_whole(&root);
    let records = records(&file(&root, "rustin"));
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["schema"], "relay-tools/instance-day/1");
    assert_eq!(
        (&record["host"], &record["instance"], &record["day"]),
        (
            &json!("rustin"),
            &json!("postfix-aol-a"),
            &json!("2026-09-19")
        )
    );
    assert_eq!(record["zone"], "UTC");
    assert_eq!(record["since"], "2026-09-19T00:00:00Z");
    assert_eq!(record["until"], "2026-09-20T00:00:00Z");
    assert_eq!(record["complete"], true);
    assert_eq!(record["expired"], 0);
    assert_eq!(record["unparsed"], 0);
    let attempts = &record["attempts"];
    let counts = |figures: &Value| {
        ["total", "sent", "bounced", "deferred"].map(|k| figures[k].as_u64().unwrap())
    };
    assert_eq!(counts(attempts), [5, 2, 1, 2]);
    assert_eq!(counts(&record["recipients"]), [4, 2, 1, 1]);
    assert_eq!(
        attempts["by"]["reason"],
        json!([
            {"key": "-", "code": null, "ip": null, "sent": 2, "bounced": 0, "deferred": 0},
            {"key": "blocked", "code": "S3150", "ip": "203.0.113.25", "sent": 0, "bounced": 1, "deferred": 0},
            {"key": "connection", "code": null, "ip": null, "sent": 0, "bounced": 0, "deferred": 2},
        ])
    );
    assert_eq!(
        attempts["by"]["provider"],
        json!([
            {"key": "aol", "sent": 2, "bounced": 0, "deferred": 1},
            {"key": "msn", "sent": 0, "bounced": 1, "deferred": 0},
            {"key": "therest", "sent": 0, "bounced": 0, "deferred": 1},
        ])
    );
    assert_eq!(
        attempts["by"]["hour"],
        json!([
            {"key": "2026-09-19T00", "sent": 1, "bounced": 0, "deferred": 0},
            {"key": "2026-09-19T10", "sent": 0, "bounced": 1, "deferred": 1},
            {"key": "2026-09-19T11", "sent": 1, "bounced": 0, "deferred": 0},
            {"key": "2026-09-19T23", "sent": 0, "bounced": 0, "deferred": 1},
        ])
    );
    // Of what was sent; the others have an age.
    assert_eq!(attempts["delays"][0]["median_s"], 1.0);
    assert_eq!(attempts["delays"][0]["max_us"], 40_000_000);
    assert_eq!(attempts["oldest_deferred_s"], 5.0);
    let input = &record["inputs"][0];
    assert_eq!(input["path"], "/var/log/mail.log");
    let [from, to] = [0, 1].map(|at| input["bytes"][at].as_u64().unwrap());
    let (first, last) = (before().len() as u64, (before() + &the_day()).len() as u64);
    assert!(from <= first && to >= last, "{input}");
}

#[test]
fn running_it_again_changes_nothing() {
    let root = host("rustin", &[before(), the_day(), after()].concat());
    save_whole(&root);
    let state = || {
        let metadata = fs::metadata(file(&root, "rustin")).unwrap();
        let text = fs::read(file(&root, "rustin")).unwrap();
        (metadata.ino(), metadata.mtime_nsec(), text)
    };
    let first = state();
    save_whole(&root);
    assert_eq!(state(), first);
    // Rotated, the log says the same.
    let log = root.path().join("var/log");
    sh(&format!(
        "cd {} && gzip -n mail.log && mv mail.log.gz mail.log.2.gz && : > mail.log",
        log.display()
    ));
    save_whole(&root);
    assert_eq!(state(), first);
    // What is left of the logs is no reason to forget.
    sh(&format!("rm {}/mail.log.2.gz", log.display()));
    write_log(
        &root,
        &line(
            "2026-09-19T23:59:59Z",
            "A2",
            "d@example.com",
            "5",
            "deferred",
            "x",
        ),
    );
    save_whole(&root);
    assert_eq!(state(), first);
    write_log(&root, &after());
    save_whole(&root);
    assert_eq!(state(), first);
    assert_eq!(fs::read_dir(days(&root)).unwrap().count(), 1);
}

#[test]
fn a_part_of_a_day_is_reported_and_gives_way() {
    // The log begins in the middle of the day.
    let late = line(
        "2026-09-19T10:00:00Z",
        "A1",
        "b@aol.com",
        "2",
        "sent",
        "250 ok",
    );
    let root = host("rustin", &late);
    let ran = save(&root, &["--date", "2026-09-19"]).ended(1);
    assert!(
        ran.err
            .contains("incomplete: the logs begin at 2026-09-19T10:00:00+00:00"),
        "{}",
        ran.err
    );
    let path = file(&root, "rustin");
    assert_eq!(records(&path)[0]["complete"], false);
    let ran = merge(&[&path], &[], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:1\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.err.contains("line 1") && ran.err.contains("is incomplete: the logs begin at"),
        "{}",
        ran.err
    );
    // With the rest of the logs, it is whole.
    write_log(&root, &[before(), the_day()].concat());
    save_whole(&root);
    assert_eq!(records(&path)[0]["complete"], true);
    // Of a day that the logs do not know, nothing is kept.
    let ran = save(&root, &["--date", "2026-01-01"]).ended(1);
    assert!(ran.err.contains("2026-01-01"), "{}", ran.err);
    assert_eq!(fs::read_dir(days(&root)).unwrap().count(), 1);
}

#[test]
fn a_day_that_is_not_over_and_a_damaged_log() {
    let root = host("rustin", &[before(), the_day()].concat());
    let ran = save(&root, &["--date", "today", "--clock=2026-09-19T23:59:59Z"]).ended(1);
    assert!(
        ran.err.contains("incomplete: the day was not over"),
        "{}",
        ran.err
    );
    let log = [before(), the_day().repeat(200), after()].concat();
    let root = host("rustin", &log);
    let directory = root.path().join("var/log");
    sh(&format!(
        "cd {} && gzip -n < mail.log | head -c -20 > mail.log.1.gz && touch -r mail.log mail.log.1.gz && : > mail.log",
        directory.display()
    ));
    let ran = save(&root, &["--date", "2026-09-19"]).ended(1);
    assert!(ran.err.contains("mail.log.1.gz"), "{}", ran.err);
    let record = &records(&file(&root, "rustin"))[0];
    assert_eq!(record["complete"], false);
    assert_eq!(
        record["inputs"][0],
        json!({"path": "/var/log/mail.log.1.gz", "bytes": null})
    );
}

#[test]
fn two_runs_at_once_wait_for_each_other() {
    let root = host("rustin", &[before(), the_day(), after()].concat());
    fs::create_dir_all(days(&root)).unwrap();
    let lock = root.path().join("var/lib/relay-tools/days.lock");
    let held = fs::File::create(&lock).unwrap();
    held.lock().unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| save_whole(&root));
        testkit::wait_for_lock(&lock);
        assert!(!other.is_finished());
        assert!(!file(&root, "rustin").exists());
        held.unlock().unwrap();
    });
    assert_eq!(records(&file(&root, "rustin")).len(), 1);
}
