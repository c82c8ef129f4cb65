//! Every line is read once, whatever becomes of the log.

mod host;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;
use host::{Reader, Rotation, Writer, compress, rename};

#[derive(Debug, Clone)]
enum Action {
    Append(u8, bool),
    Run,
    Rotate(Rotation),
}

/// What may happen to a log, all of it with one naming: those of a directory do not change every second.
fn actions() -> impl Strategy<Value = Vec<Action>> {
    let rotation = |dated| {
        any::<[bool; 4]>().prop_map(move |[copy, compressed, late, keep_time]| {
            Action::Rotate(Rotation {
                copy,
                compressed,
                dated,
                late,
                keep_time,
            })
        })
    };
    any::<bool>().prop_flat_map(move |dated| {
        let one = prop_oneof![
            4 => (0..20_u8, any::<bool>()).prop_map(|(n, half)| Action::Append(n, half)),
            3 => Just(Action::Run),
            2 => rotation(dated),
        ];
        prop::collection::vec(one, 1..40)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_line_is_read_once_whatever_becomes_of_the_log(actions in actions()) {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, mut reader) = (Writer::new(dir.path()), Reader::new(dir.path()));
        // What is rotated before the first run is not asked for.
        reader.run();
        for action in actions {
            match action {
                Action::Append(lines, half) => writer.append(lines, half),
                Action::Run => reader.run(),
                Action::Rotate(rotation) => writer.rotate(rotation, || reader.run()),
            }
        }
        reader.check(&mut writer);
    }
}

/// A log in a directory of its own, and who follows it.
fn host() -> (tempfile::TempDir, Writer, Reader) {
    let dir = tempfile::tempdir().unwrap();
    let (writer, reader) = (Writer::new(dir.path()), Reader::new(dir.path()));
    (dir, writer, reader)
}

const RENAMED: Rotation = Rotation {
    copy: false,
    compressed: false,
    dated: false,
    late: false,
    keep_time: true,
};

/// Makes a file as old as one that was not written to for `seconds`.
fn age(path: &Path, seconds: u64) {
    let file = fs::File::options().append(true).open(path).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written - std::time::Duration::from_secs(seconds))
        .unwrap();
}

#[test]
fn the_log_is_rotated_while_it_is_read() {
    let (_dir, mut writer, mut reader) = host();
    reader.run();
    let done = AtomicBool::new(false);
    let tries = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let writer = &mut writer;
        let done = &done;
        let tries = &tries;
        scope.spawn(move || {
            for n in 0..400_u32 {
                writer.append(u8::try_from(n % 7).unwrap(), n % 3 == 0);
                // Twice in a row, too, and each way to rotate.
                if n % 4 < 2 {
                    let rotation = Rotation {
                        copy: n % 8 < 4,
                        compressed: n % 16 < 8,
                        ..RENAMED
                    };
                    writer.rotate(rotation, || ());
                    // The next lines and rotations come while it reads.
                    let before = tries.load(Ordering::Relaxed);
                    while tries.load(Ordering::Relaxed) == before {
                        std::thread::yield_now();
                    }
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut runs = 0;
        while !done.load(Ordering::Relaxed) {
            // It may say that the log does not hold still, and reads it in the next run.
            runs += u32::from(reader.try_run().is_ok());
            tries.fetch_add(1, Ordering::Relaxed);
        }
        assert!(runs > 2, "{runs}");
    });
    reader.check(&mut writer);
}

#[test]
fn the_first_run_begins_with_the_current_file() {
    let (_dir, mut writer, mut reader) = host();
    writer.append(5, false);
    writer.rotate(RENAMED, || ());
    writer.written.clear();
    writer.append(3, true);
    reader.run();
    assert_eq!(reader.seen.0.len(), 3);
    writer.rotate(RENAMED, || ());
    reader.check(&mut writer);
}

#[test]
fn a_log_that_is_emptied_is_told_and_read_from_its_beginning() {
    let (dir, mut writer, mut reader) = host();
    writer.append(5, false);
    reader.run();
    fs::write(dir.path().join("mail.log"), "").unwrap();
    writer.append(2, false);
    reader.run();
    assert_eq!(reader.seen.0, writer.written);
    let [gap] = reader.gaps.as_slice() else {
        panic!("{:?}", reader.gaps)
    };
    assert!(gap.contains("truncated or removed"), "{gap}");
    // Once.
    reader.gaps.clear();
    writer.append(1, false);
    reader.check(&mut writer);
}

#[test]
fn between_rename_and_creation_there_is_no_current_file() {
    let (dir, mut writer, mut reader) = host();
    writer.append(5, false);
    reader.run();
    rename(&dir.path().join("mail.log"), &dir.path().join("mail.log.1"));
    writer.append(2, false);
    reader.check(&mut writer);
    // The same file is written to when it is opened anew.
    let (path, text) = (dir.path().join("mail.log"), "");
    fs::write(&path, text).unwrap();
    reader.check(&mut writer);
}

#[test]
fn an_edited_log_is_told_and_not_counted_again() {
    let (dir, mut writer, mut reader) = host();
    writer.append(40, false);
    reader.run();
    let path = dir.path().join("mail.log");
    let text = fs::read_to_string(&path).unwrap();
    let without: String = text
        .split_inclusive('\n')
        .enumerate()
        .filter(|(n, _)| *n != 30)
        .map(|(_, line)| line)
        .collect();
    fs::write(&path, without).unwrap();
    writer.append(2, false);
    reader.run();
    assert!(reader.gaps.concat().contains("it was changed before byte"));
    reader.gaps.clear();
    // What was written since the edit is not told from what was before.
    assert_eq!(reader.seen.0.len(), 40);
    for lost in ["A0029", "A002A"] {
        writer.written.remove(lost).unwrap();
    }
    writer.append(3, false);
    reader.check(&mut writer);
}

#[test]
fn logs_with_numbers_are_old_where_names_have_dates_now() {
    let (dir, mut writer, mut reader) = host();
    writer.append(5, false);
    for n in 1..4 {
        writer.rotate(RENAMED, || ());
        writer.append(n, false);
    }
    for file in fs::read_dir(dir.path()).unwrap() {
        age(&file.unwrap().path(), 60);
    }
    let since = ["A0009", "A000A", "A000B"];
    writer.written.retain(|id, _| since.contains(&id.as_str()));
    assert_eq!(writer.written.len(), 3);
    reader.run();
    for _ in 0..5 {
        writer.rotate(
            Rotation {
                dated: true,
                ..RENAMED
            },
            || (),
        );
        writer.append(2, false);
        reader.run();
    }
    reader.check(&mut writer);
}

#[test]
fn a_line_without_an_end_is_read_when_none_can_come() {
    let (dir, mut writer, mut reader) = host();
    writer.append(2, false);
    reader.run();
    writer.append(1, false);
    let path = dir.path().join("mail.log");
    let text = fs::read(&path).unwrap();
    fs::write(&path, text.trim_ascii_end()).unwrap();
    reader.run();
    assert_eq!(reader.seen.0.len(), 2);
    writer.rotate(RENAMED, || ());
    reader.run();
    assert_eq!(reader.seen.0.len(), 2);
    age(&dir.path().join("mail.log.1"), 601);
    reader.check(&mut writer);
    // And in an archive at once.
    writer.append(1, false);
    let text = fs::read(&path).unwrap();
    fs::write(&path, text.trim_ascii_end()).unwrap();
    writer.rotate(
        Rotation {
            compressed: true,
            ..RENAMED
        },
        || (),
    );
    reader.check(&mut writer);
}

#[test]
fn what_cannot_be_read_is_an_error_and_changes_nothing() {
    let (dir, _writer, mut reader) = host();
    let path = dir.path().join("mail.log");
    rename(&path, &dir.path().join("elsewhere"));
    let problem = reader.try_run().unwrap_err();
    assert_eq!(problem.path, path);
    assert!(problem.what.contains("No such file"), "{problem}");
    assert_eq!(reader.known, Bookmark::default());
}

#[test]
fn a_damaged_archive_is_told_and_read_as_far_as_it_goes() {
    let (dir, mut writer, mut reader) = host();
    writer.append(20, false);
    reader.run();
    writer.append(200, false);
    writer.rotate(RENAMED, || ());
    let path = dir.path().join("mail.log.1");
    compress(&path, true, "gz");
    let path = dir.path().join("mail.log.1.gz");
    let packed = fs::read(&path).unwrap();
    fs::write(&path, packed.split_at(packed.len() / 2).0).unwrap();
    let options = host::options();
    let log = dir.path().join("mail.log");
    let (followed, seen) = follow(&log, &reader.known, &options, host::Seen::default).unwrap();
    reader.seen.join(seen);
    let problems: Vec<_> = followed.readings.iter().flat_map(|r| &r.problems).collect();
    assert!(
        matches!(problems.as_slice(), [one] if one.what.starts_with("damaged")),
        "{problems:?}"
    );
    let seen = reader.seen.0.len();
    assert!((21..220).contains(&seen), "{seen}");
    reader.known = followed.known;
    writer.append(1, false);
    reader.run();
    assert_eq!(reader.seen.0.len(), seen + 1);
}

/// When each delivery was.
#[derive(Default)]
struct Times(Vec<Time>);

impl Sink for Times {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Delivery(delivery) = event {
            self.0.extend(delivery.time);
        }
    }

    fn fork(&self) -> Option<Self> {
        Some(Self::default())
    }

    fn join(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

#[test]
fn an_hour_that_comes_twice_is_told_from_run_to_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mail.log");
    let mut options = host::options();
    options.wanted.times = true;
    options.zone = crate::zone::Zone::named("America/New_York").unwrap();
    let (mut known, mut times, mut log) = (Bookmark::default(), Times::default(), String::new());
    // The clock is put back at 06:00 UTC.
    let lines = [
        ("Nov  1 01:10:00", "2026-11-01T05:10:00Z"),
        ("Nov  1 01:50:00", "2026-11-01T05:50:00Z"),
        ("Nov  1 01:20:00", "2026-11-01T06:20:00Z"),
        ("Nov  1 01:55:00", "2026-11-01T06:55:00Z"),
        ("Nov  1 02:00:00", "2026-11-01T07:00:00Z"),
    ];
    for (id, (stamp, utc)) in lines.into_iter().enumerate() {
        log.push_str(&format!(
            "{stamp} rustin postfix/smtp[9]: A{id}: to=<u@x.y>, relay=none, delay=1, dsn=2.0.0, status=sent (ok)\n"
        ));
        fs::write(&path, &log).unwrap();
        let utc = chrono::DateTime::parse_from_rfc3339(utc).unwrap();
        let file = fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(utc.into()).unwrap();
        let (followed, new) = follow(&path, &known, &options, Times::default).unwrap();
        known = followed.known;
        times.join(new);
        assert_eq!(times.0.last(), Some(&utc.into()), "{stamp}");
        assert_eq!(times.0.len(), id + 1);
    }
}
