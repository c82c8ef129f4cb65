//! Which files are logs, in which order, and which a window needs.

use super::*;
use crate::Time;
use crate::log::needed;
use crate::zone::Zone;

/// The files of a directory, in the order of the log.
fn check(current: &str, files: &[&str], expected: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        fs::write(dir.path().join(file), "").unwrap();
    }
    let found = siblings(&dir.path().join(current)).unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(found, expected);
    // Each is followed by those that were begun when it was rotated, and after; but not dated ones by numbered ones.
    let is_numbered = |name: &str| name.contains(".1.log") || name.contains(".0.bz2");
    for (at, name) in expected.iter().enumerate() {
        let newer = newer(&dir.path().join(name));
        let next = expected.iter().skip(at + 1);
        let next = next.take_while(|next| is_numbered(name) || !is_numbered(next));
        let next: Vec<_> = next.map(|next| dir.path().join(next)).collect();
        assert_eq!(newer, next, "{name}");
    }
}

#[test]
fn rotated_logs_come_oldest_first() {
    check(
        "mail.log",
        &[
            "mail.log",
            "mail.log.1",
            "mail.log.10.gz",
            "mail.log.2.gz",
            "mail.log.3.xz",
        ],
        &[
            "mail.log.10.gz",
            "mail.log.3.xz",
            "mail.log.2.gz",
            "mail.log.1",
            "mail.log",
        ],
    );
    check(
        "mail.log",
        &[
            "mail.log-20260919",
            "mail.log-20260918.gz",
            "mail.log",
            "mail.log-20260101.zst",
        ],
        &[
            "mail.log-20260101.zst",
            "mail.log-20260918.gz",
            "mail.log-20260919",
            "mail.log",
        ],
    );
    check(
        "mail.log",
        &[
            "mail-20260919.log",
            "mail-20260918.log.gz",
            "mail.log",
            "mail.1.log",
        ],
        &[
            "mail-20260918.log.gz",
            "mail-20260919.log",
            "mail.1.log",
            "mail.log",
        ],
    );
    check(
        "maillog",
        &[
            "maillog.20260919-122257",
            "maillog.20260918-000000.gz",
            "maillog",
            "maillog.0.bz2",
        ],
        &[
            "maillog.20260918-000000.gz",
            "maillog.20260919-122257",
            "maillog.0.bz2",
            "maillog",
        ],
    );
}

#[test]
fn other_files_are_not_taken_for_logs() {
    check(
        "mail.log",
        &[
            "mail.log",
            "mail.log.offset",
            "mail.log~",
            "mail.log.1.tmp",
            "mail.err",
            "mail.log.gz.part",
            "xmail.log.1",
            "mail-192.0.2.41.log",
        ],
        &["mail.log"],
    );
    check(
        "mail.log",
        &["mail.log.1", "mail.log.1.gz", "mail.log.2.gz"],
        &["mail.log.2.gz", "mail.log.1"],
    );
}

#[test]
fn a_window_needs_few_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for day in 1..=9 {
        let path = dir.path().join(format!("mail.log-2026090{day}"));
        fs::write(
            &path,
            format!("2026-09-0{day}T06:25:00Z rustin postfix/master[1]: reload\n"),
        )
        .unwrap();
        files.push(path);
    }
    let time = |text: &str| text.parse::<Time>().unwrap();
    let window = time("2026-09-04T00:00:00Z")..time("2026-09-05T00:00:00Z");
    assert_eq!(
        needed(&files, &window, Zone::named("UTC").unwrap()),
        files[2..4]
    );
}
