//! The journal: written, read back, torn, and short of disk.

use super::*;
use crate::limit::{Hold, Pause, Scope};
use transfer::{Hook, NoHook};

fn limit(id: &str) -> Limit {
    Limit {
        id: id.to_owned(),
        instance: "postfix-aol-b".to_owned(),
        config_directory: "/etc/postfix-aol-b".into(),
        begun: Time::from_seconds(1000),
        until: Some(Time::from_seconds(2000)),
        by: "ada".to_owned(),
        command: "relay-limit pause aol-b --for 4h".to_owned(),
        reason: Some("TSS04\n\u{202e}".to_owned()),
        hold: Hold::Pause(Pause {
            scope: Scope::Domains(vec!["aol.com".to_owned()]),
            provider: Some("aol".to_owned()),
            text: "paused by relay-limit".to_owned(),
            flush: false,
        }),
    }
}

#[test]
fn a_journal_on_a_disk_that_is_not_mounted_is_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("limits");
    assert!(Journal::read(&directory).is_ok());
    std::os::unix::fs::symlink("/nonexistent/disk", &directory).unwrap();
    assert!(Journal::read(&directory).is_err());
}

fn record(at: i64, entry: JournalEntry) -> Record {
    let at = Time::from_seconds(at);
    Record { at, entry }
}

fn begin(id: &str) -> Record {
    record(1000, JournalEntry::Begin(Box::new(limit(id))))
}

fn end(at: i64, id: &str, how: Ending) -> Record {
    let (id, by) = (id.to_owned(), "cron".to_owned());
    record(at, JournalEntry::End { id, how, by })
}

fn read(directory: &Path) -> Journal {
    let Parsed { value, problems } = Journal::read(directory).unwrap();
    assert_eq!(problems, []);
    value
}

#[test]
fn what_was_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("limits");
    let mut journal = read(&place);
    assert_eq!(journal, Journal::default());
    let fs = Fs::new(&NoHook);
    journal
        .append(fs, &place, &[begin("a"), begin("b")])
        .unwrap();
    let in_force = record(1010, JournalEntry::InForce { id: "a".to_owned() });
    journal
        .append(fs, &place, &[in_force, end(1500, "a", Ending::Lifted)])
        .unwrap();
    journal
        .append(fs, &place, &[end(2000, "a", Ending::Due)])
        .unwrap();
    let again = read(&place);
    assert_eq!(again, journal);
    let a = again.limit("a").unwrap();
    assert_eq!(a.limit, limit("a"));
    assert_eq!(a.in_force, Some(Time::from_seconds(1010)));
    assert_eq!(
        a.ended,
        Some((Time::from_seconds(1500), Ending::Lifted, "cron".to_owned())),
        "the first end counts"
    );
    assert!(!a.holds(Time::from_seconds(1500)) && a.is_open());
    let b = again.limit("b").unwrap();
    assert!(b.holds(Time::from_seconds(1999)) && !b.holds(Time::from_seconds(2000)));
    assert_eq!(again.new_id("postfix-a b", "20261124"), "a_b-20261124");
}

#[test]
fn names_are_unique() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::default();
    for expected in ["aol-b-1", "aol-b-1-2", "aol-b-1-3"] {
        let id = journal.new_id("postfix-aol-b", "1");
        assert_eq!(id, expected);
        journal
            .append(Fs::new(&NoHook), dir.path(), &[begin(&id)])
            .unwrap();
    }
}

#[test]
fn damage_costs_no_more_than_what_it_hit() {
    let path = Path::new("/j");
    let check = |text: &[u8], ids: &[&str], lines: &[u64]| {
        let Parsed { value, problems } = Journal::parse(path, text);
        let found: Vec<&str> = value.limits.iter().map(|l| l.limit.id.as_str()).collect();
        assert_eq!(found, ids);
        let at: Vec<Option<Position>> = problems.iter().map(|p| p.at).collect();
        let expected: Vec<_> = lines
            .iter()
            .map(|&line| Some(Position::Line(line)))
            .collect();
        assert_eq!(at, expected);
    };
    let line = |record: &Record| serde_json::to_string(record).unwrap() + "\n";
    let [a, b] = ["a", "b"].map(|id| line(&begin(id)));
    check(b"", &[], &[]);
    check(format!("{a}{b}").as_bytes(), &["a", "b"], &[]);
    // A crash in the middle of a write.
    check(format!("{a}{}", &b[..40]).as_bytes(), &["a"], &[]);
    check(
        &format!("{a}{b}").as_bytes()[..a.len() + b.len() - 1],
        &["a"],
        &[],
    );
    // A power failure: what stood there may have been on disk.
    check(format!("{a}\0\0\0\0").as_bytes(), &["a"], &[2]);
    check(&[0; 300], &[], &[1]);
    check(b"junk", &[], &[1]);
    check(format!("{a}\0\0\0\n{b}").as_bytes(), &["a", "b"], &[2]);
    check(format!("junk\n\n{a}{a}").as_bytes(), &["a"], &[1, 2, 4]);
    check(line(&end(5, "gone", Ending::Due)).as_bytes(), &[], &[1]);
    check(b"{\"at\":1,\"what_is_this\":{}}\n\xff\xfe\n", &[], &[1, 2]);
}

/// Damage at the end stays, and what is written next is a line of its own.
#[test]
fn what_is_written_behind_damage_counts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(Journal::path(dir.path()), [0; 300]).unwrap();
    let mut journal = Journal::read(dir.path()).unwrap().value;
    for fails in [true, false] {
        let failing = Failing(1.into(), true);
        let fs = match fails {
            true => Fs::new(&failing),
            false => Fs::new(&NoHook),
        };
        let written = journal.append(fs, dir.path(), &[begin("a")]);
        assert_eq!(written.is_err(), fails);
        let Parsed { value, problems } = Journal::read(dir.path()).unwrap();
        let ids = value.limits.iter().map(|one| one.limit.id.as_str());
        let expected: &[&str] = if fails { &[] } else { &["a"] };
        assert_eq!(ids.collect::<Vec<_>>(), expected);
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert_eq!(problem.at, Some(Position::Line(1)));
        assert!(
            problem.what.contains("300 bytes of it are zero"),
            "{problem}"
        );
    }
}

/// Fails at the n-th change.
struct Failing(std::sync::atomic::AtomicUsize, bool);

impl Hook for Failing {
    fn before(&self, op: Op, path: &Path) -> io::Result<()> {
        use std::sync::atomic::Ordering::Relaxed;
        match self
            .0
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
        {
            Ok(_) => return Ok(()),
            Err(_) if self.1 && op == Op::Write => {
                // Half of it was written before the disk was full.
                let mut file = std::fs::OpenOptions::new().append(true).open(path)?;
                file.write_all(b"{\"at\":10")?;
            }
            Err(_) => {}
        }
        Err(io::ErrorKind::StorageFull.into())
    }
    fn after(&self, _: Op, _: &Path) {}
}

#[test]
fn what_could_not_be_written_does_not_count() {
    for (after, partly) in (0..4).flat_map(|after| [(after, false), (after, true)]) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::default();
        journal
            .append(Fs::new(&NoHook), dir.path(), &[begin("a")])
            .unwrap();
        let failing = Failing(after.into(), partly);
        let written = journal.append(Fs::new(&failing), dir.path(), &[begin("b"), begin("c")]);
        let ids = |journal: &Journal| -> Vec<String> {
            journal
                .limits
                .iter()
                .map(|one| one.limit.id.clone())
                .collect()
        };
        if written.is_ok() {
            assert_eq!(ids(&read(dir.path())), ["a", "b", "c"]);
            continue;
        }
        assert_eq!(ids(&journal), ["a"], "{after}");
        assert_eq!(ids(&read(dir.path())), ["a"], "{after}");
        journal
            .append(Fs::new(&NoHook), dir.path(), &[begin("d")])
            .unwrap();
        assert_eq!(ids(&read(dir.path())), ["a", "d"], "{after}");
    }
}

#[test]
fn no_journal_is_written_through_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("passwd");
    std::fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, Journal::path(dir.path())).unwrap();
    let written = Journal::default().append(Fs::new(&NoHook), dir.path(), &[begin("a")]);
    assert!(written.is_err());
    assert_eq!(std::fs::read(&target).unwrap(), b"");
}

#[test]
fn what_is_removed_from_the_zone_is_held_as_long_as_was_said_first() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("limits");
    let mut journal = read(&place);
    let removal = |at: i64| Removal {
        lines: vec!["aol.smtp.example.org. 600 IN A 192.0.2.42".to_owned()],
        ttl: 600,
        at: Time::from_seconds(at),
    };
    let zone = |at| {
        let id = "a".to_owned();
        let removal = removal(at);
        record(at, JournalEntry::Zone { id, removal })
    };
    let records = [begin("a"), zone(1000), zone(1300)];
    journal.append(Fs::new(&NoHook), &place, &records).unwrap();
    let again = read(&place);
    let known = again.limits[0].removal.as_ref().unwrap();
    assert_eq!(*known, removal(1000));
    assert_eq!(known.held_until(), Time::from_seconds(1600));
}
