//! delete, its undo, and the end of what is kept.

use std::collections::BTreeMap;

use crate::hosts::{blocked_and_healthy, json, queue_move, served};
use crate::restarts::killed_at;
use testkit::{Answer, Host, Instance, Mail, host_or_skip};

/// What showq says of each message, and its file's content.
fn seen(from: &Instance) -> BTreeMap<String, (String, String)> {
    let each = from.postqueue();
    let of = |m: &serde_json::Value| {
        let id = m["queue_id"].as_str().unwrap().to_owned();
        let said = format!("{} {} {}", m["queue_name"], m["sender"], m["recipients"]);
        (id.clone(), (said, from.postcat(&id)))
    };
    each.iter().map(of).collect()
}

/// The name of the last deletion.
fn last(host: &Host) -> String {
    let history = json(&queue_move(host, &["history", "--format", "json"]).ok());
    let all = history["deletions"].as_array().unwrap().clone();
    all.last().unwrap()["move"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_deleted_can_be_put_back_until_its_time_is_over() {
    let host = host_or_skip!();
    let (from, _, blocking, _) = blocked_and_healthy(&host);
    from.submit([
        Mail::new("spam@example.org", "one@aol.com"),
        Mail::new("spam@example.org", "two@aol.com").to("other@aim.com"),
        Mail::new("ann@example.org", "kept@aol.com"),
    ]);
    from.wait_for("deferred", 3);
    from.wait_idle();
    let before = seen(&from);
    let all = ["delete", "aol-a", "--sender", "spam@example.org"];
    let plan = queue_move(&host, &[&all[..], &["--dry-run"]].concat()).ok();
    assert!(plan.text().contains("2 selected"), "{plan}");
    assert!(plan.errors().contains("queue-move undo "), "{plan}");
    let of_others = ["delete", "aol-a", "--domain", "aol.com", "--dry-run"];
    let plan = queue_move(&host, &of_others).ok();
    assert!(
        plan.errors().contains("aim.com (1); --whole leaves"),
        "{plan}"
    );
    queue_move(&host, &all).exit(2);
    assert_eq!(seen(&from), before);

    let done = queue_move(&host, &[&all[..], &["--yes"]].concat()).ok();
    assert!(done.text().contains("2 selected, 2 done"), "{done}");
    assert_eq!(seen(&from).len(), 1, "{done}");
    assert_eq!((from.count("defer"), from.postqueue().len()), (1, 1));
    // Postfix's own postsuper, when an instance starts, leaves it alone; so does the queue manager.
    from.stop();
    from.start();
    from.flush();
    from.wait_for("deferred", 1);
    from.wait_idle();
    assert_eq!(from.postqueue().len(), 1);
    let check = host.sh("postfix -c /etc/postfix-aol-a check 2>&1");
    assert_eq!(check.text(), "");
    let log = host.mail_log();
    assert!(
        !log.contains("bogus") && !log.contains("unexpected"),
        "{log}"
    );
    let counted = host.command(env!("CARGO_BIN_EXE_mailq-distribution"));
    let counted = counted.args(["--format", "text", "aol-a"]).run().ok();
    assert!(counted.text().contains("postfix-aol-a:hold:0"), "{counted}");
    let name = last(&host);
    let listed = queue_move(&host, &["history"]).ok();
    assert!(listed.text().contains("2 messages, 2 deleted"), "{listed}");
    let prune = ["prune", "--older-than", "0s", "--yes"];
    let nothing = queue_move(&host, &prune).ok();
    assert!(!nothing.text().contains("for good"), "{nothing}");
    let refused = queue_move(&host, &["resume", &name, "--yes"]).exit(2);
    assert!(refused.errors().contains("queue-move undo"), "{refused}");

    let undone = queue_move(&host, &["undo", &name, "--yes"]).ok();
    assert!(undone.text().contains("2 put back"), "{undone}");
    let mut again = seen(&from);
    let kept = |all: &mut BTreeMap<String, (String, String)>| {
        all.retain(|_, (said, _)| !said.contains("ann@example.org"));
    };
    let mut expected = before;
    kept(&mut again);
    kept(&mut expected);
    assert_eq!(again, expected);
    assert_eq!(from.count("defer"), 3);

    // Without a time to be kept, it is gone with the next prune, and that is said.
    let short = [&all[..], &["--keep", "0s", "--yes"]].concat();
    queue_move(&host, &short).ok();
    let name = last(&host);
    let pruned = queue_move(&host, &["prune", "--older-than", "90d", "--yes"]).ok();
    assert!(
        pruned.text().contains("2 deleted messages, for good"),
        "{pruned}"
    );
    let late = queue_move(&host, &["undo", &name, "--yes"]).exit(2);
    assert!(late.errors().contains("no longer kept"), "{late}");
    let left = host
        .sh("find /var/spool/postfix-aol-a/hold /var/spool/postfix-aol-a/deleted -type f | wc -l");
    assert_eq!(left.text().trim(), "0");
    // Nothing of it is delivered any more.
    blocking.on_rcpt(|_| Answer::ok());
    from.flush();
    from.wait_for("deferred", 0);
    from.wait_idle();
    assert_eq!(
        served(&[&blocking]).into_keys().collect::<Vec<_>>(),
        ["kept@aol.com"]
    );
}

#[test]
fn a_deletion_that_is_killed_is_reported_and_undone() {
    let host = host_or_skip!();
    let (from, _, blocking, _) = blocked_and_healthy(&host);
    from.submit((0..6).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", 6);
    from.wait_idle();
    let before = seen(&from);
    // Each message is renamed twice: into the hold queue, and there to the name under which it is kept.
    for at in [("renameat2", 2), ("renameat2", 8), ("unlinkat", 3)] {
        killed_at(&host, at, &["delete", "aol-a", "--yes"]);
        let name = last(&host);
        let told = queue_move(&host, &["history"]).ok();
        assert!(
            told.errors().contains(&format!("queue-move undo {name}")),
            "{at:?}: {told}"
        );
        // What it has in hand is its own, wherever it is: another deletion takes none of it.
        for queue in ["hold", "deferred"] {
            let waiting = from.count(queue);
            let other = queue_move(&host, &["delete", "aol-a", "--queue", queue, "--yes"]);
            assert!(
                waiting == 0
                    || other
                        .text()
                        .contains(&format!("the interrupted deletion {name}")),
                "{at:?}: {other}"
            );
            assert_eq!(from.count(queue), waiting, "{at:?}: {other}");
        }
        let undone = queue_move(&host, &["undo", &name, "--yes"]).ok();
        assert!(undone.text().contains("6 put back"), "{at:?}: {undone}");
        assert_eq!(seen(&from), before, "{at:?}");
        assert_eq!(from.count("defer"), 6, "{at:?}");
        let quiet = queue_move(&host, &["history"]).ok();
        assert!(!quiet.errors().contains(&name), "{at:?}: {quiet}");
    }
    blocking.on_rcpt(|_| Answer::ok());
    from.flush();
    blocking.wait_accepted(6);
    from.wait_idle();
    assert!(served(&[&blocking]).values().all(|times| *times == 1));
}

/// Two in one second have names of their own; what is no longer kept is not said to be anywhere else; an undo without a
/// name is not taken for another's.
#[test]
fn each_deletion_has_its_own_name_and_its_own_end() {
    let host = host_or_skip!();
    let (from, ..) = blocked_and_healthy(&host);
    let ids = from
        .submit(["one", "two"].map(|to| Mail::new("spam@example.org", &format!("{to}@aol.com"))));
    from.wait_for("deferred", 2);
    from.wait_idle();
    let before = seen(&from);
    // Both within one second, as a loop over ids makes them.
    let clock = "--clock=2026-11-28T21:00:00Z";
    let names: Vec<String> = ids
        .iter()
        .map(|id| {
            let words = ["delete", "aol-a", "--id", id, "--yes", clock];
            let said = queue_move(&host, &words).ok().errors().replace('\n', " ");
            let name = said.split("queue-move undo ").nth(1).unwrap();
            name.split_whitespace().next().unwrap().to_owned()
        })
        .collect();
    assert_ne!(names[0], names[1]);
    let unnamed = queue_move(&host, &["undo", "--yes"]).exit(2);
    assert!(unnamed.errors().contains(&names[1]), "{unnamed}");
    // What was said leads to the second one's message, and to no other.
    let undone = queue_move(&host, &["undo", &names[1], "--yes"]).ok();
    assert!(undone.text().contains("1 put back"), "{undone}");
    let mut expected = before;
    expected.retain(|id, _| *id == ids[1]);
    assert_eq!(seen(&from), expected);
    let closed = queue_move(&host, &["close", &names[0], "--why", "no", "--yes"]).exit(2);
    assert!(closed.errors().contains("hint: "), "{closed}");
    // Somebody needed the space.
    host.sh("find /var/spool/postfix-aol-a/deleted -type f -delete");
    let lost = queue_move(&host, &["undo", &names[0], "--yes"]).exit(1);
    let said = format!("{}{}", lost.text(), lost.errors());
    assert!(
        said.contains("no longer kept") && !said.contains("already has it"),
        "{said}"
    );
}
