//! queue-move is killed, and an instance is started again: its postsuper(1) renames queue files, its pickup(8) is slow.

use std::time::Duration;

use crate::TOOL;
use crate::hosts::{json, queue_move, served};
use crate::image::{Image, Original, with_old_ext4};
use testkit::traced::{calls, killed, plain};
use testkit::{Answer, Host, Instance, Mail, Ran, host_or_skip};

/// Runs queue-move until it makes the system call `call` for the `nth` time, and kills it there.
pub(crate) fn killed_at(host: &Host, (call, nth): (&str, usize), args: &[&str]) -> Ran {
    let inject = format!("--inject={call}:signal=KILL:when={nth}");
    let strace = ["-f", "-qq", "-o", "/dev/null", &inject, TOOL];
    let ran = host.command("strace").args(strace).args(args).run();
    assert_eq!(ran.killed_by(), Some(9), "{ran}");
    ran
}

fn signal(instance: &Instance, name: &str) {
    let pids = instance.processes();
    let pids: Vec<String> = pids.iter().map(|(pid, _)| pid.to_string()).collect();
    instance
        .host()
        .sh(&format!("kill -{name} {}", pids.join(" ")));
}

/// FROM defers everything; TO's queue is on another file system.
fn two_file_systems(host: &Host, count: usize) -> (Instance, Instance, testkit::Sink) {
    let (blocking, accepting) = (host.sink(), host.sink());
    blocking.on_rcpt(|_| Answer::text(421, "4.7.0 [TSS04] temporarily deferred"));
    let from = host.instance("postfix-aol-a").relay_to(&blocking).start();
    let to = host.instance("postfix-aol-b").relay_to(&accepting);
    let to = to.queue_on_tmpfs("128m").start();
    from.submit((0..count).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", count);
    from.wait_idle();
    (from, to, accepting)
}

#[test]
fn closed_copies_survive_a_restart_of_the_target() {
    const COUNT: usize = 54;
    let host = host_or_skip!();
    let (from, to, accepting) = two_file_systems(&host, COUNT);
    // The sources are gone, the copies are not open yet.
    killed_at(
        &host,
        ("fchmod", 1),
        &["aol-a", "aol-b", "--yes", "--no-wait"],
    );
    assert_eq!((from.count("deferred"), from.count("hold")), (0, 0));
    let names = |instance: &Instance| {
        let mut names = instance.files("maildrop");
        names.sort();
        names
    };
    let before = names(&to);
    assert_eq!(before.len(), COUNT);
    to.stop();
    to.start();
    assert_eq!(names(&to), before, "postsuper has renamed them");
    let resumed = queue_move(&host, &["resume", "--yes"]).ok();
    assert!(
        resumed.text().contains(&format!("{COUNT} moved")),
        "{resumed}"
    );
    accepting.wait_accepted(COUNT);
    to.wait_idle();
    let served = served(&[&accepting]);
    assert_eq!(served.len(), COUNT);
    assert!(served.values().all(|times| *times == 1), "{served:?}");
}

#[test]
fn copies_on_their_way_back_survive_a_restart_of_the_source() {
    const COUNT: usize = 20;
    let host = host_or_skip!();
    let (from, to, accepting) = two_file_systems(&host, COUNT);
    signal(&to, "STOP");
    queue_move(&host, &["aol-a", "aol-b", "--yes", "--no-wait"]).ok();
    // TO's files are gone, those on their way back have no name yet.
    killed_at(&host, ("fchmod", 1), &["undo", "--yes"]);
    assert_eq!((from.count("deferred"), to.count("maildrop")), (0, 0));
    from.stop();
    from.start();
    let undone = queue_move(&host, &["undo", "--yes"]).ok();
    assert!(
        undone.text().contains(&format!("{COUNT} put back")),
        "{undone}"
    );
    assert_eq!(from.count("deferred"), COUNT);
    let ids = from.ids("deferred");
    assert_eq!(from.ids("defer"), ids);
    from.stop();
    from.start();
    assert_eq!(from.ids("deferred"), ids, "their names did not fit");
    signal(&to, "CONT");
    queue_move(&host, &["aol-a", "aol-b", "--yes"]).ok();
    accepting.wait_accepted(COUNT);
    to.wait_idle();
    assert!(served(&[&accepting]).values().all(|times| *times == 1));
}

/// `undo` while pickup is held up before each of these system calls of its own: it has looked at a file, or has opened
/// it, or is about to remove it. It begins once pickup has the directory `open`, or a file in it. Where pickup is slow
/// with a file open, the other files come back. Where it is slow between two files, which of them it is at cannot be
/// seen: undo has to wait, and pickup may have taken them all by then.
fn slow_pickup(call: &str, delay: &str, open: &str) {
    const COUNT: usize = 6;
    let host = host_or_skip!();
    let (blocking, accepting) = (host.sink(), host.sink());
    blocking.on_rcpt(|_| Answer::text(421, "4.7.0 [TSS04] temporarily deferred"));
    let from = host.instance("postfix-aol-a").relay_to(&blocking).start();
    let to = host.instance("postfix-aol-b").relay_to(&accepting).start();
    from.submit((0..COUNT).map(|n| Mail::new("a@example.org", &format!("n{n}@aol.com"))));
    from.wait_for("deferred", COUNT);
    from.wait_idle();
    let pickup = to
        .processes()
        .into_iter()
        .find(|(_, name)| name == "pickup");
    let pid = pickup.unwrap().0.to_string();
    // Long enough for an undo to begin on a busy machine.
    let delay = format!("--inject={call}:{delay}=2000000");
    let strace = host
        .command("strace")
        .args(["-qq", "-o", "/dev/null", &delay, "-p", &pid]);
    let strace = strace.spawn();
    let traced = || {
        let status = host.sh(&format!("cat /proc/{pid}/status")).text();
        !status.contains("TracerPid:\t0")
    };
    host.wait_until(Duration::from_secs(20), "pickup to be traced", traced);
    queue_move(&host, &["aol-a", "aol-b", "--yes", "--no-wait"]).ok();
    // It may close some while ls looks.
    let is_at_it = || {
        host.sh(&format!("ls -l /proc/{pid}/fd 2>/dev/null || true"))
            .text()
            .lines()
            .any(|line| line.split("-> ").any(|path| path.contains(open)))
    };
    host.wait_until(Duration::from_secs(20), "pickup to be at work", is_at_it);
    let undone = queue_move(&host, &["undo", "--yes", "--format", "json"]);
    let result = json(&undone);
    let back = usize::try_from(result["restored"].as_u64().unwrap()).unwrap();
    assert_eq!(from.count("deferred"), back, "{undone}");
    drop(strace.kill());
    to.wait_idle();
    accepting.wait_accepted(COUNT - back);
    let is_between_files = open == "/maildrop";
    assert!(back > 0 || is_between_files, "{undone}");
    assert_eq!(
        from.count("hold") + to.count("hold") + to.count("maildrop"),
        0,
        "{undone}"
    );
    queue_move(&host, &["aol-a", "aol-b", "--yes"]).ok();
    accepting.wait_accepted(COUNT);
    to.wait_idle();
    let served = served(&[&accepting]);
    assert_eq!(served.len(), COUNT, "{undone}");
    assert!(
        served.values().all(|times| *times == 1),
        "{undone}: {served:?}"
    );
}

#[test]
fn undo_while_pickup_is_about_to_open_a_file() {
    slow_pickup("openat", "delay_enter", "/maildrop");
}

/// safe_open(3) looks at the name again: what is another file there by then pickup removes without having taken it.
#[test]
fn undo_while_pickup_has_only_just_opened_a_file() {
    slow_pickup("openat", "delay_exit", "/maildrop/");
}

#[test]
fn undo_while_pickup_looks_at_a_name() {
    slow_pickup("newfstatat", "delay_enter", "/maildrop/");
}

#[test]
fn undo_while_pickup_is_about_to_call_cleanup() {
    slow_pickup("connect", "delay_enter", "/maildrop/");
}

#[test]
fn undo_while_pickup_is_about_to_remove_a_file() {
    slow_pickup("unlink", "delay_enter", "/maildrop");
}

/// Old file systems keep times in whole seconds.
#[test]
fn what_is_held_is_known_without_nanoseconds_too() {
    let original =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = original else { return };
    with_old_ext4(|dir| {
        for verb in ["resume", "undo"] {
            let args = ["aol-a", "aol-b", "--yes"];
            let image = Image::within(&original, dir);
            let found = calls(TOOL, image.root(), &args);
            // Both are held, and the first is about to be sent.
            let third = found.iter().filter(|call| call.name == "renameat2").nth(2);
            let image = Image::within(&original, dir);
            killed(TOOL, image.root(), &args, third.unwrap());
            let name = image.planned().unwrap();
            let ran = plain(TOOL, image.root(), &[verb, &name, "--yes"]);
            assert_eq!(ran.status.code(), Some(0), "{ran:?}");
            image.is_moved(verb == "resume", verb);
        }
    });
}

/// The only copy is closed: whoever closes the move sees where it is, and the journal that leads to it is kept.
#[test]
fn a_move_that_is_closed_does_not_hide_the_only_copy() {
    let host = host_or_skip!();
    let (from, to, accepting) = two_file_systems(&host, 1);
    killed_at(
        &host,
        ("fchmod", 1),
        &["aol-a", "aol-b", "--yes", "--no-wait"],
    );
    assert_eq!(from.count("deferred") + from.count("hold"), 0);
    let file = to.files("maildrop").remove(0);
    let history = json(&queue_move(&host, &["history", "--format", "json"]).ok());
    let name = history["moves"][0]["move"].as_str().unwrap().to_owned();
    let closed = queue_move(&host, &["close", &name, "--why", "B is gone", "--yes"]).ok();
    let (path, again) = (
        format!("/maildrop/{}", file.file_name().unwrap().display()),
        format!("queue-move resume {name}"),
    );
    for said in [&path, &again] {
        assert!(closed.text().contains(said.as_str()), "{said}: {closed}");
    }
    let later = "--clock=2030-01-01T00:00:00Z";
    let prune = || queue_move(&host, &["prune", "--older-than", "0s", "--yes", later]);
    let pruned = prune().exit(1);
    assert!(pruned.errors().contains(&path), "{pruned}");
    assert!(!pruned.text().contains(&name), "{pruned}");
    // What was said leads to it.
    queue_move(&host, &["resume", &name, "--yes"]).ok();
    accepting.wait_accepted(1);
    to.wait_idle();
    let pruned = prune().ok();
    assert!(pruned.text().contains(&name), "{pruned}");
}

/// A bigger disk, say: what was half-way has other inodes there, and no program shows it.
#[test]
fn what_a_copy_of_the_spool_has_under_other_inodes_is_named() {
    const COUNT: usize = 5;
    let host = host_or_skip!();
    let (from, to, _) = two_file_systems(&host, COUNT);
    killed_at(
        &host,
        ("fchmod", 1),
        &["aol-a", "aol-b", "--yes", "--no-wait"],
    );
    assert_eq!(from.count("deferred") + from.count("hold"), 0);
    to.stop();
    host.sh(
        "cd /var/spool; mkdir new; mount -t tmpfs tmpfs new; touch new/{1..500}; cp -a postfix-aol-b/. new
         rm new/{1..500}; umount postfix-aol-b; mount --move new postfix-aol-b",
    )
    .ok();
    to.start();
    let files = to.files("maildrop");
    assert_eq!(files.len(), COUNT);
    let resumed = queue_move(&host, &["resume", "--yes"]).exit(1);
    assert!(resumed.text().contains("5 in doubt"), "{resumed}");
    let history = json(&queue_move(&host, &["history", "--format", "json"]).ok());
    let name = history["moves"][0]["move"].as_str().unwrap().to_owned();
    let closed = queue_move(&host, &["close", &name, "--why", "new disk", "--yes"]).ok();
    for file in &files {
        let path = format!("/maildrop/{}", file.file_name().unwrap().display());
        assert!(closed.text().contains(&path), "{path}: {closed}");
    }
    let later = "--clock=2030-01-01T00:00:00Z";
    let pruned = queue_move(&host, &["prune", "--older-than", "0s", "--yes", later]).exit(1);
    assert!(pruned.errors().contains("is kept: 5 files of"), "{pruned}");
}
