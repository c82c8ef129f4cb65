//! Several moves between the same spools, one after another, each interrupted: none takes another's files for its own.

use std::fs;

use crate::common::*;
use transfer::Fate;
use transfer::protocol::Goal;

/// The line of a journal that begins so.
fn line(journal: &str, key: &str) -> String {
    let start = format!("{{\"{key}\":");
    let found = journal.lines().rev().find(|line| line.starts_with(&start));
    found
        .unwrap_or_else(|| panic!("no {key} in {journal}"))
        .to_owned()
}

/// Inode numbers are given again at once (ext4): the decoys of an undo that is half-way have those of an earlier
/// move's. When
/// that one is undone once more, it must not take them for its own: what is withdrawn would then be taken for
/// delivered.
#[test]
fn decoys_of_another_undo_are_left_alone() {
    for cross_device in [false, true] {
        let mut spools = Spools::new(cross_device);
        let (now, first) = (spools.moves.join("test.jsonl"), spools.moves.join("first"));
        spools.execute(&spools.plan(), &NO_HOOK).unwrap();
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        fs::rename(&now, &first).unwrap();
        // The mark of a move comes from its name.
        let begun = spools
            .execute_as("second", &spools.plan(), &NO_HOOK)
            .unwrap();
        assert_eq!(begun.totals.moved, MAIL.len());
        fs::rename(spools.moves.join("second.jsonl"), &now).unwrap();
        spools.pickup = Some(Box::new(|| false));
        let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
        assert!(ends.iter().all(|end| end.fate == Fate::Failed), "{ends:?}");
        let (older, newer) = (
            fs::read_to_string(&first).unwrap(),
            fs::read_to_string(&now).unwrap(),
        );
        let older = older.replace(&line(&older, "decoys"), &line(&newer, "decoys"));
        fs::write(&first, older).unwrap();
        spools.pickup = Some(Box::new(|| true));
        let second = spools.moves.join("second");
        fs::rename(&now, &second).unwrap();
        fs::rename(&first, &now).unwrap();
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        spools.recover(Goal::Finish, &NO_HOOK).unwrap();
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        fs::rename(&second, &now).unwrap();
        let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
        assert_eq!(spools.complete(), expected(), "lost: {ends:?}");
        assert_eq!(spools.deliverable(), expected(), "{cross_device}: {ends:?}");
        // What the first move has put back may have another inode than this one knows: then it is said to be in doubt.
        let is_said = |fate| matches!(fate, Fate::Restored | Fate::Doubt);
        assert!(ends.iter().all(|end| is_said(end.fate)), "{ends:?}");
    }
}

/// A decoy whose time somebody has changed is still there: pickup has not taken the message.
#[test]
fn a_decoy_that_was_touched_is_not_a_decoy_that_is_gone() {
    for cross_device in [false, true] {
        let mut spools = Spools::new(cross_device);
        spools.execute(&spools.plan(), &NO_HOOK).unwrap();
        spools.pickup = Some(Box::new(|| false));
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        let mut decoys = Vec::new();
        walk(&spools.to.queue_directory.join("maildrop"), &mut decoys);
        assert_eq!(decoys.len(), MAIL.len(), "{decoys:?}");
        for decoy in &decoys {
            set_mtime(decoy, NOW);
        }
        spools.pickup = Some(Box::new(|| true));
        for (goal, fate) in [(Goal::Back, Fate::Restored), (Goal::Finish, Fate::Moved)] {
            let ends = spools.recover(goal, &NO_HOOK).unwrap();
            assert_eq!(spools.deliverable(), expected(), "lost: {ends:?}");
            assert!(ends.iter().all(|end| end.fate == fate), "{ends:?}");
        }
        decoys.retain(|decoy| fs::metadata(decoy).is_ok_and(|meta| meta.len() == 0));
        assert_eq!(decoys, Vec::<std::path::PathBuf>::new());
    }
}

/// An incomplete copy that one move has begun is not another's, whose copy's inode it was given.
#[test]
fn copies_that_another_move_has_begun_are_left_alone() {
    let spools = Spools::new(true);
    let plan = spools.plan();
    let text = || fs::read_to_string(spools.moves.join("test.jsonl")).unwrap_or_default();
    let begun = (0..80).find(|&at| {
        drop(fs::remove_file(spools.moves.join("test.jsonl")));
        drop(until_cut(|| spools.execute(&plan, &Cut::new(at, true))));
        text().contains("{\"copying\":") || spools.recover(Goal::Back, &NO_HOOK).is_err()
    });
    assert!(begun.is_some(), "{}", text());
    let theirs = spools.to.queue_directory.join("hold/3F2A51C04B.7e57");
    let mut files = Vec::new();
    walk(&spools.to.queue_directory.join("maildrop"), &mut files);
    // Another move's file, under its own mark, with the inode that this one's journal names.
    fs::rename(&files[0], &theirs).unwrap();
    fs::write(&theirs, "somebody else's, covered").unwrap();
    let ends = spools.recover(Goal::Back, &NO_HOOK).unwrap();
    assert_eq!(
        fs::read(&theirs).unwrap(),
        b"somebody else's, covered",
        "{ends:?}"
    );
    assert_eq!(spools.deliverable(), expected(), "{ends:?}");
}
