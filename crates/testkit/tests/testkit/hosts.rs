//! Hosts: that they are apart from the machine and from each other, and leave nothing behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use testkit::{Host, Mail, host_or_skip, wait_until};

/// Length, mode and time of change of everything in a directory of the machine, or of a file.
fn state(path: &str) -> BTreeMap<PathBuf, (u64, u32, i64, i64)> {
    let mut state = BTreeMap::new();
    let mut paths = vec![PathBuf::from(path)];
    while let Some(path) = paths.pop() {
        // What is not there, or goes away meanwhile, is not the kit's doing.
        if let Ok(meta) = path.symlink_metadata() {
            let below = fs::read_dir(&path).into_iter().flatten().flatten();
            paths.extend(below.map(|entry| entry.path()));
            let seen = (meta.len(), meta.mode(), meta.ctime(), meta.ctime_nsec());
            state.insert(path, seen);
        }
    }
    state
}

#[test]
fn nothing_of_a_host_remains_and_the_machine_is_untouched() {
    let machine = [
        "/etc",
        "/var/spool",
        "/var/lib/postfix",
        "/var/log/mail.log",
    ];
    let before: Vec<_> = machine.iter().map(|dir| state(dir)).collect();
    let host = host_or_skip!();
    let aol = host.instance("postfix-aol-a").start();
    aol.sendmail(&Mail::new("a@example.org", "b@example.com"));
    host.run(["touch", "/etc/made-by-a-test"]).ok();
    let init = PathBuf::from(format!("/proc/{}", host.init_pid()));
    let inside = host.sh("ps -e -o comm=").text();
    for process in ["master", "qmgr", "rsyslogd"] {
        assert!(
            inside.lines().any(|line| line == process),
            "no {process} among {inside}"
        );
    }
    let namespace = fs::read_link(init.join("ns/pid")).unwrap();
    let all = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .map(|proc| proc.path());
    let is_inside =
        |proc: &PathBuf| fs::read_link(proc.join("ns/pid")).is_ok_and(|ns| ns == namespace);
    let inside: Vec<PathBuf> = all.filter(is_inside).collect();
    assert!(inside.len() > 4 && inside.contains(&init), "{inside:?}");
    drop((aol, host));
    for process in inside {
        assert!(!process.exists(), "{} is still there", process.display());
    }
    let after: Vec<_> = machine.iter().map(|dir| state(dir)).collect();
    assert!(before == after, "the machine was changed");
    assert!(!Path::new("/etc/made-by-a-test").exists());
}

#[test]
fn two_hosts_at_once_do_not_see_each_other() {
    let one = host_or_skip!(Host::builder().name("rustin"));
    let two = host_or_skip!(Host::builder().name("cleveland").traditional_log());
    // The same names, addresses and ports on both.
    let (sink_one, sink_two) = (one.sink(), two.sink());
    assert_eq!(sink_one.address(), sink_two.address());
    let aol_one = one.instance("postfix-aol-a").relay_to(&sink_one).start();
    let aol_two = two.instance("postfix-aol-a").relay_to(&sink_two).start();
    aol_one.submit([Mail::new("a@example.org", "b@one.example")]);
    aol_two.submit([Mail::new("a@example.org", "b@two.example")]);
    sink_one.wait_accepted(1);
    sink_two.wait_accepted(1);
    assert_eq!(sink_one.deliveries()[0].recipient, "b@one.example");
    assert_eq!(sink_two.deliveries()[0].recipient, "b@two.example");
    one.wait_for_log("to=<b@one.example>");
    two.wait_for_log("to=<b@two.example>");
    assert!(!one.mail_log().contains("two.example"));
    assert!(!two.mail_log().contains("one.example"));
    assert_eq!(one.run(["hostname"]).ok().text(), "rustin\n");
    assert_eq!(two.run(["hostname"]).ok().text(), "cleveland\n");
    // RFC 3339 with microseconds on one, `Nov 24 06:02:59 cleveland` on the other.
    let (first_one, first_two) = (one.mail_log(), two.mail_log());
    let stamp = first_one.split(' ').next().unwrap();
    assert_eq!(
        (stamp.len(), &stamp[10..11], &stamp[19..20]),
        (32, "T", "."),
        "{stamp}"
    );
    assert_eq!(&first_two[15..26], " cleveland ", "{first_two}");
    drop(aol_one);
    drop(sink_one);
    drop(one);
    assert!(
        aol_two.is_running(),
        "the end of one host ended another's Postfix"
    );
}

#[test]
fn programs_run_inside() {
    let host = host_or_skip!();
    let ran = host
        .command("sh")
        .args(["-c", "cat; echo oops >&2; exit 3"])
        .stdin("in")
        .run();
    assert_eq!(
        (ran.text().as_str(), ran.errors().as_str(), ran.code()),
        ("in", "oops\n", Some(3))
    );
    let ran = host
        .command("sh")
        .args(["-c", "echo $A; id -un; pwd"])
        .env("A", "b")
        .user("nobody");
    assert_eq!(ran.run().ok().text(), "b\nnobody\n/\n");
    // The network is loopback, up, and nothing else.
    let links = host.sh("ip -o link show up").text();
    assert!(
        links.starts_with("1: lo:") && links.lines().count() == 1,
        "{links}"
    );
    host.write("/var/lib/relay-tools/x/y", "z");
    assert_eq!(
        host.run(["cat", "/var/lib/relay-tools/x/y"]).ok().text(),
        "z"
    );
    assert_eq!(host.read("/var/lib/relay-tools/x/y"), b"z");
    assert!(!Path::new("/var/lib/relay-tools/x/y").exists());
    assert_eq!(
        host.enter(|| fs::read_to_string("/etc/hostname").unwrap()),
        "rustin\n"
    );
    // Threads started by library code are inside too.
    let by_thread = host.enter(|| {
        std::thread::scope(|scope| {
            scope
                .spawn(|| fs::read("/var/lib/relay-tools/x/y").unwrap())
                .join()
                .unwrap()
        })
    });
    assert_eq!(by_thread, b"z");
}

#[test]
fn programs_can_be_killed_half_way() {
    let host = host_or_skip!();
    let mut sleeper = host
        .command("sh")
        .args(["-c", "echo started; exec sleep 600"])
        .spawn();
    let pid = sleeper.pid();
    let comm = format!("/proc/{pid}/comm");
    wait_until(testkit::PATIENCE, "sleep to run", || {
        fs::read_to_string(&comm).is_ok_and(|comm| comm == "sleep\n")
    });
    assert!(sleeper.is_running());
    let ran = sleeper.kill();
    assert_eq!(
        (ran.killed_by(), ran.text().as_str()),
        (Some(9), "started\n")
    );
    let mut polite = host
        .command("sh")
        .args([
            "-c",
            "trap 'echo bye; exit 1' INT; : >/run/trapped; while :; do sleep 0.01; done",
        ])
        .spawn();
    wait_until(testkit::PATIENCE, "the trap to be set", || {
        host.enter(|| fs::exists("/run/trapped").unwrap())
    });
    assert!(polite.signal(Signal::SIGINT));
    assert_eq!(polite.wait(testkit::PATIENCE).exit(1).text(), "bye\n");
    // A program left running does not keep its host from ending.
    let left = host.command("sleep").arg("600").spawn();
    let pid = PathBuf::from(format!("/proc/{}", left.pid()));
    drop((left, host));
    assert!(!pid.exists());
}

/// What other tests here run as a process of its own; with HOLD set it says its host's process 1 and stays.
#[test]
fn needs_a_host() {
    let host = host_or_skip!();
    if std::env::var_os("HOLD").is_some() {
        println!("init={}", host.init_pid());
        std::thread::sleep(Duration::from_secs(600));
    }
}

#[test]
fn a_host_ends_with_a_killed_test() {
    drop(host_or_skip!());
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hosts::needs_a_host", "--nocapture"])
        .env("HOLD", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(test.stdout.take().unwrap()).lines();
    let init = lines
        .find_map(|line| {
            line.unwrap()
                .split_once("init=")
                .map(|(_, pid)| pid.to_owned())
        })
        .unwrap();
    let init = Path::new("/proc").join(init);
    let was_there = init.exists();
    test.kill().unwrap();
    test.wait().unwrap();
    assert!(was_there);
    wait_until(testkit::PATIENCE, "the host to end", || !init.exists());
}

#[test]
fn without_root_a_test_is_skipped_loudly() {
    let host = host_or_skip!();
    // The build directory may be closed to others, so the program goes where nobody can read it.
    host.write(
        "/run/hosts",
        fs::read(std::env::current_exe().unwrap()).unwrap(),
    );
    host.run(["chmod", "755", "/run/hosts"]).ok();
    let test = |require: &str| {
        let test = host
            .command("/run/hosts")
            .args(["--exact", "hosts::needs_a_host"])
            .user("nobody");
        test.env(testkit::REQUIRE, require).run()
    };
    let skipped = test("0").ok();
    assert!(
        skipped
            .errors()
            .starts_with("SKIPPED: testkit::hosts (crates/testkit/tests/testkit/hosts.rs:"),
        "{skipped}"
    );
    assert!(
        skipped
            .errors()
            .contains("namespaces and Postfix need root"),
        "{skipped}"
    );
    let failed = test("1").exit(101);
    assert!(
        failed.text().contains("namespaces and Postfix need root"),
        "{failed}"
    );
}

#[test]
fn a_host_says_why_it_cannot_start() {
    drop(host_or_skip!());
    let why = Host::builder()
        .spool_on("/no/such/directory")
        .start()
        .unwrap_err()
        .to_string();
    assert!(why.contains("/no/such/directory"), "{why}");
}
