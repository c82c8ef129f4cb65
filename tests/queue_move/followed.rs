//! TO's log is a systemd journal: what it tells of the mail that was moved.

use postfix::log::{self, LogPlace, MAIL, Trust};
use postfix::{Time, Zone};
use testkit::journal::{Journal, Sender};
use transfer::Side;
use transfer::verify::{Follower, Log};

/// 2026-09-19 12:00:00 UTC, in microseconds.
const START: u64 = 1_789_819_200_000_000;
const SECOND: u64 = 1_000_000;

fn side() -> Side {
    Side {
        instance: "postfix-aol-b".to_owned(),
        config_directory: "/etc/postfix-aol-b".into(),
        syslog_name: "postfix-aol-b".to_owned(),
        queue_directory: "/var/spool/postfix-aol-b".into(),
        hash_queue_names: String::new(),
        hash_queue_depth: 1,
        long_queue_ids: false,
        owner: (0, 0),
        identity: (0, 0),
    }
}

/// A follower from [`START`] on, of the journal that it is in.
fn follower(journal: &Journal) -> Follower {
    let place = LogPlace::Journal(log::Journal {
        directory: Some(journal.directory().to_owned()),
        facilities: [MAIL].into(),
        trust: Trust {
            owners: Some(vec![Sender::OWNER]),
            daemon_directories: vec!["/usr/lib/postfix/sbin".into()],
        },
    });
    let start = Time::from_micros(i64::try_from(START).unwrap());
    Follower::new(
        Log::at(place, start, Zone::named("UTC").unwrap()).unwrap(),
        &side(),
        [],
    )
}

fn picked(journal: &mut Journal, micros: u64, sender: &Sender, new: &str, old: &str) {
    let message = format!("{new}: uid=1 from=<a@b> orig_id={old}");
    journal.mail(micros, sender, "postfix-aol-b/pickup", &message);
}

#[test]
fn new_ids_are_found_in_a_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::new(dir.path());
    let own = Sender::postfix("postfix-aol-b");
    picked(&mut journal, START - 60 * SECOND, &own, "BEF0", "AAA1");
    picked(&mut journal, START + SECOND, &own, "NEW1", "AAA2");
    // Anyone may say that the mail has arrived: what is still to be saved would be given up for it.
    picked(
        &mut journal,
        START + SECOND,
        &Sender::user(),
        "BAD3",
        "AAA3",
    );
    let queued = "BAD3: from=<a@b>, size=1, nrcpt=1 (queue active)";
    journal.mail(
        START + SECOND,
        &Sender::user(),
        "postfix-aol-b/qmgr",
        queued,
    );
    journal.write("system.journal");
    let mut follower = follower(&journal);
    follower.read().unwrap();
    assert_eq!(follower.new_id("AAA1"), None);
    assert_eq!(follower.new_id("AAA2"), Some("NEW1"));
    assert_eq!(follower.accepted("AAA2"), None);
    assert_eq!(follower.new_id("AAA3"), None);

    // On from there: in another file, in another boot.
    let queued = "NEW1: from=<a@b>, size=1, nrcpt=1 (queue active)";
    journal.mail(START + 2 * SECOND, &own, "postfix-aol-b/qmgr", queued);
    journal.write("system.journal");
    follower.read().unwrap();
    assert_eq!(follower.accepted("AAA2"), Some("NEW1"));
    let archived = dir.path().join("system@1.journal");
    std::fs::rename(dir.path().join("system.journal"), archived).unwrap();
    journal.boot();
    picked(&mut journal, START + 3 * SECOND, &own, "NEW4", "AAA4");
    journal.mail(
        START + 3 * SECOND,
        &own,
        "postfix-aol-b/qmgr",
        "NEW4: removed",
    );
    journal.write("system.journal");
    follower.read().unwrap();
    assert_eq!(follower.accepted("AAA4"), Some("NEW4"));
    assert_eq!(follower.new_id("AAA2"), Some("NEW1"));
    follower.read().unwrap();
    assert_eq!(follower.new_id("AAA4"), Some("NEW4"));
}

#[test]
fn a_journal_that_is_not_there_is_no_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::new(&dir.path().join("none"));
    std::fs::remove_dir(journal.directory()).unwrap();
    assert!(follower(&journal).read().is_err());
}
