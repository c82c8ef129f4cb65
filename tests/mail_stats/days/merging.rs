//! --merge.

use super::*;

#[test]
fn records_of_hosts_and_days_add_up() {
    let rustin = host("rustin", &[before(), the_day(), after()].concat());
    let cleveland = host("cleveland", &[before(), the_day().repeat(2)].concat());
    save_whole(&rustin);
    save_whole(&cleveland);
    save(&rustin, &["--date", "2026-09-20"]).ended(0);
    let next = days(&rustin).join("2026-09-20.rustin.jsonl");
    let (here, there) = (file(&rustin, "rustin"), file(&cleveland, "cleveland"));
    // 5 + 10 + 1 attempts.
    let expected = "postfix-aol-a:total:16\npostfix-aol-a:bounced:3\npostfix-aol-a:deferred:6\npostfix-aol-a:sent:7\n\n";
    // Of cleveland there is no second day, and that is said.
    let ran = merge(&[&here, &there, &next], &[], 1);
    assert_eq!(ran.out, expected);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(
        ran.err.contains("cleveland: no record of 2026-09-20"),
        "{}",
        ran.err
    );
    // The same record again counts once.
    assert_eq!(
        merge(&[&here, &next, &here, &there, &next], &[], 1).out,
        expected
    );
    // Each recipient once a day: 4 + 4 + 1.
    let ran = merge(&[&here, &there, &next], &["--count", "recipients"], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:9\n"),
        "{}",
        ran.out
    );
    let ran = merge(
        &[&here, &there, &next],
        &["--by", "day,reason", "--format", "json"],
        1,
    );
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["schema"], "relay-tools/mail-stats/1");
    assert_eq!(found["host"], "cleveland,rustin");
    assert_eq!(found["since"], "2026-09-19T00:00:00Z");
    assert_eq!(found["until"], "2026-09-21T00:00:00Z");
    let days = &found["total"]["by"]["day"];
    assert_eq!(days[0]["key"], "2026-09-19");
    assert_eq!(
        (&days[0]["total"], &days[1]["total"]),
        (&json!(15), &json!(1))
    );
    let reasons = found["total"]["by"]["reason"].as_array().unwrap();
    let blocked = reasons.iter().find(|r| r["key"] == "blocked").unwrap();
    assert_eq!(blocked["bounced"], 3);
    // A window chooses among days.
    let ran = merge(&[&here, &next], &["--date", "2026-09-20"], 0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:1\n"),
        "{}",
        ran.out
    );
    let ran = merge(&[&here, &next], &["--since", "2026-09-19T12:00:00Z"], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:1\n"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("only partly in the window"), "{}", ran.err);
}

#[test]
fn days_that_no_record_is_of_are_named() {
    let rustin = host("rustin", &[before(), the_day(), after()].concat());
    let cleveland = host("cleveland", &[before(), the_day()].concat());
    save_whole(&rustin);
    save_whole(&cleveland);
    save(&rustin, &["--date", "2026-09-20"]).ended(0);
    let next = days(&rustin).join("2026-09-20.rustin.jsonl");
    let (here, there) = (file(&rustin, "rustin"), file(&cleveland, "cleveland"));
    let check = |files: &[&Path], args: &[&str], said: &str| {
        let ran = merge(files, args, 1);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
        let ran = merge(files, &[args, &["--format", "json"]].concat(), 1);
        let found: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(found["complete"], false, "{args:?}: {found}");
    };
    // Nothing at all, and nothing of that day.
    check(&[Path::new("/dev/null")], &[], "there is no day record");
    check(
        &[&here],
        &["--date", "2026-09-18"],
        "rustin: no record of 2026-09-18",
    );
    // One of two hosts; a week of which there are two days.
    check(
        &[&here, &next, &there],
        &["--date", "2026-09-20"],
        "cleveland: no record of 2026-09-20",
    );
    let week = ["--since", "2026-09-15", "--until", "2026-09-23"];
    let said = "rustin: no record of 2026-09-15, 2026-09-16, 2026-09-17, 2026-09-18, 2026-09-21 and 1 day more";
    check(&[&here, &next], &week, said);
    // A day between two, without a window.
    let later = fs::read_to_string(&next)
        .unwrap()
        .replace("2026-09-20", "2026-09-22")
        .replace("2026-09-21", "2026-09-23");
    let path = days(&rustin).join("2026-09-22.rustin.jsonl");
    fs::write(&path, later).unwrap();
    check(
        &[&here, &path],
        &[],
        "rustin: no record of 2026-09-20, 2026-09-21",
    );
    // The end of an open window is that of the last record of any host: cleveland has stopped to save.
    merge(&[&here, &next], &["--since", "2026-09-19"], 0);
    let stopped = "cleveland: no record of 2026-09-20";
    check(&[&here, &next, &there], &[], stopped);
    check(&[&here, &next, &there], &["--since", "2026-09-19"], stopped);
    check(&[&here, &next, &there], &["--until", "2026-09-21"], stopped);
    // A host that came later lacks nothing before.
    let ran = merge(&[&here, &next, &there], &[], 1);
    assert!(!ran.err.contains("rustin: no record"), "{}", ran.err);
    check(
        &[&here, &next],
        &["--since", "2026-09-25"],
        "rustin: no record from 2026-09-25 on",
    );
}

/// The records of rustin's instances on a day, of which the first is as it was saved on 2026-09-19.
fn of_day(root: &TempDir, day: u32, instances: &[&str]) -> PathBuf {
    let saved = fs::read_to_string(file(root, "rustin")).unwrap();
    let of = |name: &&str| {
        let text = saved
            .replace("2026-09-20", &format!("2026-09-{}", day + 1))
            .replace("2026-09-19", &format!("2026-09-{day}"));
        text.replace("postfix-aol-a", name)
    };
    let path = root.path().join(format!("{day}.jsonl"));
    fs::write(&path, instances.iter().map(of).collect::<String>()).unwrap();
    path
}

#[test]
fn records_that_one_instance_lacks_are_named_in_every_format() {
    let root = host("rustin", &[before(), the_day()].concat());
    save_whole(&root);
    let both = ["postfix-aol-a", "postfix-aol-b"];
    let [first, second, third] = [11, 12, 13].map(|day| of_day(&root, day, &both));
    let whole = [&*first, &second, &third];
    assert_eq!(merge(&whole, &[], 0).err, "");
    // In the middle, in every format.
    let lacks = of_day(&root, 12, &["postfix-aol-a"]);
    let files = [&*first, &lacks, &third];
    let said = "rustin: no record of postfix-aol-b of 2026-09-12";
    for (format, also) in [
        ("text", ""),
        ("table", ""),
        ("json", "\"complete\":false"),
        ("jsonl", said),
        ("csv", said),
        ("prom", "relay_mail_complete 0"),
    ] {
        let ran = merge(&files, &["--format", format], 1);
        assert!(ran.err.contains(said), "{format}: {}", ran.err);
        assert!(ran.out.contains(also), "{format}: {}", ran.out);
    }
    let check = |files: &[&Path], args: &[&str], said: &str| {
        let status = i32::from(!said.is_empty());
        let ran = merge(files, args, status);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), said.lines().count(), "{}", ran.err);
    };
    check(&files, &["--date", "2026-09-12"], said);
    check(&files, &["--since", "2026-09-12"], said);
    check(&files, &["--date", "2026-09-13"], "");
    check(&files, &["aol-a"], "");
    check(&files, &["aol-b"], "rustin: no record of 2026-09-12");
    let second = of_day(&root, 12, &both);
    // At the end, too. One that came later lacks nothing before, nor does one that was taken away.
    let [fourth, fifth] = [14, 15].map(|day| of_day(&root, day, &["postfix-aol-a"]));
    let files = [&*first, &third, &second, &fourth, &fifth];
    let said = "rustin: no record of postfix-aol-b of 2026-09-14, 2026-09-15";
    check(&files, &[], said);
    check(&files, &["--since", "2026-09-14"], said);
    check(&files, &["--date", "2026-09-15"], "");
    let later = of_day(&root, 10, &["postfix-aol-a"]);
    check(&[&later, &first], &[], "");
    // What strangers write, and other hosts' instances, are not there every day.
    let odd = of_day(
        &root,
        12,
        &["postfix-aol-a", "postfix-aol-b", "(other)", "x@cleveland"],
    );
    let last = of_day(&root, 14, &both);
    check(&[&first, &odd, &third, &last], &[], "");
}

#[test]
fn merged_figures_are_those_of_the_logs() {
    let root = tempfile::tempdir().unwrap();
    sh(&format!(
        "cp -a {}/fixtures/rustin/etc {}; mkdir {2}/var; cp -a {0}/fixtures/rustin/var/log {2}/var/",
        env!("CARGO_MANIFEST_DIR"),
        root.path().display(),
        root.path().display()
    ));
    let path = root.path().to_str().unwrap();
    let ran = save(&root, &["--date", "2026-09-18"]);
    let saved = days(&root).join("2026-09-18.rustin.mayfirst.example.jsonl");
    assert!(saved.exists(), "{}", ran.err);
    for (count, by) in [
        ("attempts", "instance,provider,reason,dsn,hour,day"),
        ("recipients", "hour,reason"),
        ("attempts", "reason"),
    ] {
        let with = [
            "--count", count, "--by", by, "--top", "4", "--format", "json",
        ];
        // The default instance is shown, since there is a record of it that says it had nothing to do.
        let named = ["--root", path, "--date", "2026-09-18", "*"];
        let direct = stats(named.iter().chain(&with)).out;
        let merged = merge(&[&saved], &with, ran.status.unwrap()).out;
        let read = |text: &str| {
            let mut value: Value = serde_json::from_str(text).unwrap();
            // Where the figures are from is not the same.
            value.as_object_mut().unwrap().remove("problems");
            value.as_object_mut().unwrap().remove("sources");
            if count == "recipients" {
                // A record has delays of attempts only.
                let drop = |figures: &mut Value| {
                    let figures = figures.as_object_mut().unwrap();
                    figures.remove("delays");
                    figures.remove("oldest_deferred_seconds");
                };
                drop(&mut value["total"]);
                value["instances"]
                    .as_array_mut()
                    .unwrap()
                    .iter_mut()
                    .for_each(drop);
            }
            value
        };
        let (direct, merged) = (read(&direct), read(&merged));
        assert!(direct["total"]["total"].as_u64().unwrap() > 500, "{direct}");
        assert_eq!(merged, direct, "{count} by {by}");
    }
}

#[test]
fn damaged_lines_are_reported_and_the_others_count() {
    let root = host("rustin", &[before(), the_day()].concat());
    save_whole(&root);
    let path = file(&root, "rustin");
    let good = fs::read_to_string(&path).unwrap();
    let cut = &good[..good.len() / 2];
    let edited = good.replacen("\"sent\":2", "\"sent\":3", 1);
    let newer = good.replace("instance-day/1", "instance-day/2");
    let text = format!("{cut}\n{edited}\n{newer}not JSON \x1b[2J\n{{}}\n\n{good}");
    fs::write(&path, &text).unwrap();
    let ran = merge(&[&path], &[], 1);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:5\n"),
        "{}",
        ran.out
    );
    for (line, what) in [
        (1, "EOF"),
        (2, "do not add up"),
        (4, "instance-day/2"),
        (5, "not a record"),
        (6, "missing field"),
    ] {
        let told = ran
            .err
            .lines()
            .find(|l| l.contains(&format!("line {line}:")));
        assert!(
            told.is_some_and(|t| t.contains(what)),
            "line {line}: {}",
            ran.err
        );
    }
    assert!(!ran.err.contains('\x1b'));
    // Saving leaves them where they are.
    write_log(
        &root,
        &[
            before(),
            the_day(),
            line("2026-09-19T23:59:59Z", "A4", "f@aol.com", "1", "sent", "ok"),
        ]
        .concat(),
    );
    save(&root, &["--date", "2026-09-19"]).ended(1);
    let now = fs::read_to_string(&path).unwrap();
    assert!(now.starts_with(cut) && now.contains("not JSON"), "{now}");
    assert_eq!(
        merge(&[&path], &[], 1).out.lines().next(),
        Some("postfix-aol-a:total:6")
    );
}

#[test]
fn of_two_whole_days_that_differ_the_last_counts_and_is_reported() {
    let one = host("rustin", &[before(), the_day()].concat());
    let other = host("rustin", &[before(), the_day().repeat(2)].concat());
    save_whole(&one);
    save_whole(&other);
    let (one, other) = (file(&one, "rustin"), file(&other, "rustin"));
    for (files, total) in [([&*one, &*other], 10), ([&*other, &*one], 5)] {
        let ran = merge(&files, &[], 1);
        assert!(
            ran.out
                .starts_with(&format!("postfix-aol-a:total:{total}\n")),
            "{}",
            ran.out
        );
        assert!(
            ran.err
                .contains("a second, different record of postfix-aol-a on rustin, 2026-09-19"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn instances_are_chosen_by_any_of_their_names() {
    let root = host("rustin", &[before(), the_day()].concat());
    save_whole(&root);
    let path = file(&root, "rustin");
    for name in ["aol-a", "postfix-aol-a", "/etc/postfix-aol-a/", "aol-*"] {
        let ran = merge(&[&path], &[name], 0);
        assert!(ran.out.starts_with("postfix-aol-a:total:5\n"), "{name}");
    }
    // A glob means the records' instances as well as this host's own, which has nothing to do with them.
    let here = tempfile::tempdir().unwrap();
    fs::create_dir_all(here.path().join("etc/postfix-aol-z")).unwrap();
    let main_cf = here.path().join("etc/postfix-aol-z/main.cf");
    fs::write(main_cf, "syslog_name = postfix-aol-z\n").unwrap();
    let (here, path) = (here.path().to_str().unwrap(), path.to_str().unwrap());
    let ran = stats(["--root", here, "aol-*", "--merge", path]).ended(0);
    assert!(
        ran.out.starts_with("postfix-aol-a:total:5\n"),
        "{}",
        ran.out
    );
}
