//! Undo restores defer logs byte for byte, whatever is in them: the journal has them before they are removed.

use std::fs;
use std::sync::atomic::Ordering::SeqCst;

use crate::common::*;
use transfer::plan::Plan;
use transfer::protocol::Goal;

/// What real Postfix writes and a plan does not keep, what other versions wrote, and what nobody should.
const LOGS: [&[u8]; 4] = [
    b"\nrecipient=one@example.com\ndsn_orig_rcpt=rfc822;first@example.com\noffset=300\nnotify_flags=2\nstatus=4.7.1\n\
      action=delayed\nreason=later\n\n",
    b"<one@example.com>: host mx.example.com said: 451 later\n\n",
    b"\nrecipient=one@example.com\nstatus=4.7.1\naction=delayed\nreason=\xff\xfe \x1b[2J no UTF-8\n\n",
    b"\nrecipient=one@example.com\nstatus=4.7.1",
];

/// The log is not the one that the plan has read: what is there when it is removed counts.
/// The log is not the one that the plan has read: what is there when it is removed counts.
fn with_log(log: &[u8], cross_device: bool) -> (Spools, Plan) {
    let spools = Spools::new(cross_device);
    let plan = spools.plan();
    fs::write(spools.log_path(MAIL[0].0), log).unwrap();
    (spools, plan)
}

#[test]
fn logs_come_back_byte_for_byte() {
    for cross_device in [false, true] {
        for log in LOGS {
            let (spools, plan) = with_log(log, cross_device);
            let count = Cut::new(usize::MAX, false);
            let done = spools.execute(&plan, &count).unwrap();
            assert_eq!(done.totals.moved, MAIL.len(), "{done:?}");
            assert!(!spools.log_path(MAIL[0].0).exists());
            spools.recover(Goal::Back, &NO_HOOK).unwrap();
            check(&spools, log, "undone");
            // And wherever the move is cut off, also when it is finished first.
            let changes = count.count.load(SeqCst);
            for at in (0..changes).step_by(if cross_device { 3 } else { 1 }) {
                for first in [None, Some(Goal::Finish)] {
                    let (spools, plan) = with_log(log, cross_device);
                    drop(until_cut(|| {
                        spools.execute(&plan, &Cut::new(at, at % 2 == 0))
                    }));
                    if let Some(goal) = first {
                        spools.recover(goal, &NO_HOOK).unwrap();
                    }
                    spools.recover(Goal::Back, &NO_HOOK).unwrap();
                    check(&spools, log, &format!("cut at {at}, {first:?}"));
                }
            }
        }
    }
}

/// An undo that is cut off in the middle of a log, and a resume of the move after it, keep the log too.
#[test]
fn a_log_that_was_restored_in_part_is_not_taken_for_the_whole() {
    let log = LOGS[2];
    let (spools, plan) = with_log(log, false);
    spools.execute(&plan, &NO_HOOK).unwrap();
    let count = Cut::new(usize::MAX, false);
    spools.recover(Goal::Back, &count).unwrap();
    for at in 0..count.count.load(SeqCst) {
        let (spools, plan) = with_log(log, false);
        spools.execute(&plan, &NO_HOOK).unwrap();
        drop(until_cut(|| {
            spools.recover(Goal::Back, &Cut::new(at, at % 2 == 0))
        }));
        let path = spools.log_path(MAIL[0].0);
        if path.exists() {
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        }
        spools.recover(Goal::Finish, &NO_HOOK).unwrap();
        spools.recover(Goal::Back, &NO_HOOK).unwrap();
        check(&spools, log, &format!("cut at {at}"));
    }
}

fn check(spools: &Spools, log: &[u8], when: &str) {
    let now = spools.log_path(&spools.now_called(MAIL[0].0));
    let found = fs::read(&now).unwrap_or_else(|e| panic!("{when}: {}: {e}", now.display()));
    assert!(
        found == log,
        "{when}: {:?} became {:?}",
        String::from_utf8_lossy(log),
        String::from_utf8_lossy(&found)
    );
    assert_eq!(spools.deliverable(), expected(), "{when}");
}
