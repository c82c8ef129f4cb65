//! Rotated logs whose years, and whether they are one, their names and times say.

use std::fs;

use testkit::tools::{seconds, set_mtime, sh, stats};

use crate::time::{host, line, total};

/// Just after a rotation the times of the files are near each other, and both have lines of its second.
#[test]
fn a_busy_log_that_was_rotated_just_now_is_of_this_year() {
    let root = host(&[]);
    let logs = root.path().join("var/log");
    fs::create_dir_all(&logs).unwrap();
    let at_once = line("Nov 28 00:00:05", "sent").repeat(400);
    let before = line("Nov 27 00:00:05", "sent");
    fs::write(logs.join("mail.log.1"), before + &at_once).unwrap();
    fs::write(logs.join("mail.log"), &at_once).unwrap();
    set_mtime(&logs.join("mail.log.1"), seconds("2026-11-28T00:00:05Z"));
    set_mtime(&logs.join("mail.log"), seconds("2026-11-28T00:15:00Z"));
    for (day, n) in [("2026-11-27", 1), ("2026-11-28", 800)] {
        assert_eq!(total("UTC", root.path(), &["--date", day]), n, "{day}");
    }
}

/// A host that has changed to dates keeps the logs that have numbers, and these are older.
#[test]
fn old_logs_with_numbers_say_nothing_of_those_with_dates() {
    let root = host(&[]);
    let logs = root.path().join("var/log");
    fs::create_dir_all(&logs).unwrap();
    for (name, day, until) in [
        ("mail.log.1", "Jun  1", "2026-06-07"),
        ("mail.log-20261127", "Nov 26", "2026-11-26"),
        ("mail.log-20261128", "Nov 27", "2026-11-27"),
        ("mail.log", "Nov 28", "2026-11-28"),
    ] {
        fs::write(logs.join(name), line(&format!("{day} 10:00:00"), "sent")).unwrap();
        set_mtime(&logs.join(name), seconds(&format!("{until}T23:59:00Z")));
    }
    let ran = stats([
        "--root",
        root.path().to_str().unwrap(),
        "--since",
        "2020-01-01",
        "--by",
        "day",
    ]);
    for day in ["2026-06-01", "2026-11-26", "2026-11-27", "2026-11-28"] {
        let row = format!(":by:day:{day}:total:1\n");
        assert!(ran.out.contains(&row), "{day}: {}", ran.out);
    }
    assert!(!ran.err.contains("order of the names"), "{}", ran.err);
}

/// Copied without their times, logs without years are of the years that the order of their names says.
#[test]
fn logs_that_have_lost_their_times_go_by_their_names() {
    let text = |n: usize| {
        let day = line("Sep 19 10:00:00", "sent").repeat(n);
        line("Sep  4 10:00:00", "sent") + &day + &line("Sep 30 10:00:00", "sent")
    };
    for names in [
        ["mail.log.2.gz", "mail.log.1", "mail.log"],
        ["mail.log-20241231", "mail.log-20251231.gz", "mail.log"],
    ] {
        let root = host(&[]);
        let logs = root.path().join("var/log");
        fs::create_dir_all(&logs).unwrap();
        // Three of a day in the oldest year, two in the next, one in the last.
        for (name, n) in names.iter().zip([3, 2, 1]) {
            let path = logs.join(name.trim_end_matches(".gz"));
            fs::write(&path, text(n)).unwrap();
            if name.ends_with(".gz") {
                sh(&format!("gzip {}", path.display()));
            }
            set_mtime(&logs.join(name), seconds("2026-11-28T12:00:00Z"));
        }
        for (year, n) in [("2026", 1), ("2025", 2), ("2024", 3)] {
            assert_eq!(
                total("UTC", root.path(), &["--date", &format!("{year}-09-19")]),
                n,
                "{names:?}"
            );
        }
        let root = root.path().to_str().unwrap();
        let ran = stats(["--root", root, "--since", "2020-01-01", "--by", "day"]);
        for (year, n) in [("2026", 1), ("2025", 2), ("2024", 3)] {
            let row = format!(":by:day:{year}-09-19:total:{n}\n");
            assert!(ran.out.contains(&row), "{names:?}: {}", ran.out);
        }
        let said = "is taken from the order of the names";
        assert_eq!(ran.err.matches(said).count(), 2, "{}", ran.err);
        // As they are named, in any order.
        let named = names.map(|name| format!("{root}/var/log/{name}"));
        let ran = stats([&named[1], &named[2], &named[0]].iter().fold(
            vec!["--by", "day", "--log"],
            |mut all, one| {
                all.push(one);
                all
            },
        ));
        assert!(
            ran.out.contains(":by:day:2024-09-19:total:3\n"),
            "{}",
            ran.out
        );
    }
}

/// logrotate compresses a log beside it. What is in both counts once; what only looks so counts.
#[test]
fn a_log_and_the_same_compressed_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("mail.log.1");
    let packed = dir.path().join("mail.log.1.gz");
    let check = |text: &str, in_gz: &str, total: u64| {
        fs::write(&plain, in_gz).unwrap();
        sh(&format!("gzip -kf {}", plain.display()));
        fs::write(&plain, text).unwrap();
        for files in [[&plain, &packed], [&packed, &plain]] {
            let files = files.map(|path| path.to_str().unwrap());
            let ran = stats(["--log", files[0], files[1]]).ended(0);
            assert!(
                ran.out
                    .starts_with(&format!("postfix-aol-a:total:{total}\n")),
                "{}",
                ran.out
            );
            let is_one = ran.err.contains("holds the same lines as");
            assert_eq!(is_one, total == 2, "{}", ran.err);
        }
    };
    let (one, two) = (
        line("Sep 19 10:00:00", "sent"),
        line("Sep 19 11:00:00", "sent"),
    );
    let both = one.clone() + &two;
    check(&both, &both, 2);
    // It is being written.
    check(&both, &one, 2);
    // Others, and more than there is.
    check(&one, &two.repeat(2), 3);
    check(&one, &both, 3);
}

/// The compressor has not ended yet: what it has written breaks off anywhere.
#[test]
fn a_log_that_is_being_compressed_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("mail.log.1");
    // Long enough for several blocks, and not too alike to be cut.
    let text = (0..9000_u32).map(|n| {
        let at = format!("Sep 19 {:02}:{:02}:{:02}", n / 3600, n / 60 % 60, n % 60);
        line(&at, "sent").replace(
            "delay=1",
            &format!("delay={}", n.wrapping_mul(2_654_435_761) % 9973),
        )
    });
    let text: String = text.collect();
    for (command, ending) in [
        ("gzip", "gz"),
        ("xz", "xz"),
        ("bzip2", "bz2"),
        ("zstd -q", "zst"),
    ] {
        fs::write(&plain, &text).unwrap();
        let packed = dir.path().join(format!("mail.log.1.{ending}"));
        sh(&format!("{command} -kf {}", plain.display()));
        let whole = fs::read(&packed).unwrap();
        fs::write(&packed, &whole[..whole.len() * 9 / 10]).unwrap();
        let files = [&plain, &packed].map(|path| path.to_str().unwrap());
        let ran = stats(["--log", files[0], files[1]]).ended(0);
        assert!(
            ran.out.starts_with("postfix-aol-a:total:9000\n")
                && ran.err.contains("holds the same lines as"),
            "{command}: {}{}",
            ran.out,
            ran.err
        );
        // One of other lines that breaks off is damaged.
        fs::write(&plain, text.replace("sent", "deferred")).unwrap();
        let ran = stats(["--log", files[0], files[1]]).ended(1);
        assert!(ran.err.contains("damaged"), "{command}: {}", ran.err);
        fs::remove_file(&packed).unwrap();
    }
}
