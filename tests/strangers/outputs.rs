//! The user who owns the directory that a job writes to, at work: he gains nothing, and nothing waits for him.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::tools;

use crate::image::{CLOCK, Image, delivery};
use crate::{MAIL, METRICS, NOBODY, as_user, give, ids, is_root, theirs};

/// Who owns the directory, and what the scheduled jobs and a runbook write there; the file is `theirs/FILE`.
const WRITES: [(&str, &[&str]); 11] = [
    (
        METRICS,
        &["mail-stats-print", "--format", "prom", "--output"],
    ),
    (
        METRICS,
        &[
            "mail-stats-print",
            "--follow-state",
            "STATE",
            "--format",
            "prom",
            "--output",
        ],
    ),
    (
        METRICS,
        &["mailq-distribution", "--format", "prom", "--output"],
    ),
    (
        METRICS,
        &["relay-limit", "list", "--format", "prom", "--output"],
    ),
    (
        NOBODY,
        &["mail-stats-print", "--format", "json", "--output"],
    ),
    (
        NOBODY,
        &["mailq-distribution", "--format", "csv", "--output"],
    ),
    (NOBODY, &["relay-instances", "--format", "json", "--output"]),
    (NOBODY, &["relay-warmup", "list", "--output"]),
    (
        MAIL,
        &["queue-report", "aol-a", "--format", "jsonl", "--output"],
    ),
    (MAIL, &["queue-move", "history", "--output"]),
    (
        MAIL,
        &["relay-transport", "print", "--relays", "all", "--output"],
    ),
];

fn ground(owner: &str) -> Image {
    let image = Image::new([delivery("postfix-aol-a", "x.example", "sent", "250 ok")]);
    for below in ["var/spool/aol-a/deferred", "var/spool/postfix/deferred"] {
        fs::create_dir_all(image.path(below)).unwrap();
    }
    image.write("victim/file", "as it was\n");
    let theirs = image.path("theirs");
    fs::create_dir(&theirs).unwrap();
    give(&theirs, owner);
    image
}

/// Runs one of [`WRITES`], which must end by itself; its exit status.
fn write(image: &Image, of: &[&str], file: &Path) -> Option<i32> {
    let (tool, args) = of.split_first().unwrap();
    let state = image.path("state.json").display().to_string();
    let args = args.iter().map(|arg| match *arg {
        "STATE" => state.clone(),
        arg => arg.to_owned(),
    });
    // timeout(1), since a test that hangs shows nothing: 124 is its status then.
    let ran = Command::new("timeout")
        .args(["--kill-after=1", "60"])
        .arg(tools::path(tool))
        .args([format!("--clock={CLOCK}"), "-q".to_owned()])
        .args(["--root".as_ref(), image.root()])
        .args(args)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    ran.status.code()
}

#[test]
fn what_he_lays_in_the_files_place_is_not_written_through() {
    if !is_root() {
        return;
    }
    let traps = [
        ("ln -s ../victim/new out", "a dangling link"),
        ("ln -s ../victim/file out", "a link to a file"),
        ("mkfifo out", "a FIFO that nobody reads"),
        (
            "mkfifo -m 666 out; (timeout 20 cat out >/dev/null 2>&1 &) ",
            "a FIFO that he reads",
        ),
        ("mkdir out", "a directory"),
    ];
    for (user, of) in WRITES {
        for (script, what) in traps {
            let image = ground(user);
            let theirs = image.path("theirs");
            assert!(as_user(user, &theirs, script));
            let status = write(&image, of, &theirs.join("out"));
            assert_eq!(status, Some(2), "{of:?}: {what}");
            assert_eq!(
                fs::read_to_string(image.path("victim/file")).unwrap(),
                "as it was\n",
                "{of:?}: {what}"
            );
            assert!(!image.path("victim/new").exists(), "{of:?}: {what}");
            // A job that could not show its counters has not gone on.
            assert!(!image.path("state.json").exists(), "{of:?}: {what}");
            // Ends the reader.
            drop(fs::remove_file(theirs.join("out")));
        }
    }
}

#[test]
fn a_directory_that_is_a_link_is_not_gone_through() {
    if !is_root() {
        return;
    }
    for (user, of) in WRITES {
        let image = ground(user);
        assert!(as_user(
            user,
            &image.path("theirs"),
            "ln -s ../victim metrics"
        ));
        let status = write(&image, of, &image.path("theirs/metrics/new"));
        assert_eq!(status, Some(2), "{of:?}");
        assert!(!image.path("victim/new").exists(), "{of:?}");
    }
}

#[test]
fn what_is_written_keeps_his_owner_and_mode_and_he_can_read_it() {
    if !is_root() {
        return;
    }
    for (user, of) in WRITES {
        let image = ground(user);
        let theirs = image.path("theirs");
        assert!(as_user(user, &theirs, "umask 077; echo old > out"));
        let out = theirs.join("out");
        let status = write(&image, of, &out);
        assert!(matches!(status, Some(0 | 1)), "{of:?}: {status:?}");
        let now = fs::metadata(&out).unwrap();
        let (uid, gid) = ids(user);
        assert_eq!(
            (now.uid(), now.gid(), now.mode() & 0o7777),
            (uid, gid, 0o600),
            "{of:?}"
        );
        assert_ne!(fs::read_to_string(&out).unwrap(), "old\n", "{of:?}");
    }
    // Metrics are another user's to read, whatever the umask of the job.
    let image = ground(METRICS);
    let script = format!(
        "umask 0077; exec {} -q --root {root} --format prom --output {root}/theirs/new.prom",
        tools::path("mailq-distribution").display(),
        root = image.root().display()
    );
    let ran = Command::new("sh").args(["-c", &script]).status().unwrap();
    assert!(ran.code().is_some_and(|code| code < 2));
    let mode = fs::metadata(image.path("theirs/new.prom")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o644);
    assert!(as_user(
        METRICS,
        &image.path("theirs"),
        "grep -q relay_mailq new.prom"
    ));
}

#[test]
fn a_link_that_is_exchanged_in_a_loop_is_never_won() {
    if !is_root() {
        return;
    }
    for of in [WRITES[0], WRITES[4], WRITES[8]] {
        let (user, of) = of;
        let image = ground(user);
        let directory = image.path("theirs");
        let exchange =
            "while :; do ln -sf ../victim/file out; rm -f out; echo x > out; done 2>/dev/null";
        let mut exchanger = theirs(user, &directory, exchange).spawn().unwrap();
        for _ in 0..20 {
            write(&image, of, &directory.join("out"));
        }
        exchanger.kill().unwrap();
        exchanger.wait().unwrap();
        let victim = image.path("victim/file");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "as it was\n");
        assert_eq!(fs::metadata(&victim).unwrap().uid(), 0);
    }
}

#[test]
fn a_reader_of_the_days_cannot_hold_them() {
    if !is_root() {
        return;
    }
    let image = ground(NOBODY);
    image.stats(&["--save-day", "-q"]);
    let days = image.path("var/lib/relay-tools/days");
    assert!(days.exists());
    // All that he can open, he locks, and keeps.
    let script = "for f in $(find ../var/lib/relay-tools -readable); do flock --exclusive --timeout 30 $f sleep 60 & \
        done; wait";
    let mut holder = theirs(NOBODY, &image.path("theirs"), script)
        .stderr(Stdio::null())
        .process_group()
        .spawn()
        .unwrap();
    // He has one by then.
    let held = || {
        let mut tried = Command::new("flock");
        tried.arg("--nonblock").arg(&days).arg("true");
        !tried.status().unwrap().success()
    };
    while !held() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = Command::new("timeout")
        .arg("60")
        .arg(tools::path("mail-stats-print"))
        .args([
            format!("--clock={CLOCK}"),
            "-q".to_owned(),
            "--save-day".to_owned(),
        ])
        .args(["--root".as_ref(), image.root()])
        .output()
        .unwrap();
    assert!(ran.status.code().is_some_and(|code| code < 2), "{ran:?}");
    let group = nix::unistd::Pid::from_raw(i32::try_from(holder.id()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    holder.wait().unwrap();
}

/// A process group of its own, to be ended whole.
trait OwnGroup {
    fn process_group(&mut self) -> &mut Self;
}

impl OwnGroup for Command {
    fn process_group(&mut self) -> &mut Self {
        std::os::unix::process::CommandExt::process_group(self, 0)
    }
}

/// The calls that change a file, as strace(1) shows them of the tools at work: none of them goes by a path, all by a
/// directory that is held open.
#[test]
fn nothing_below_a_foreign_directory_is_changed_by_its_path() {
    if !is_root() {
        return;
    }
    for (user, of) in WRITES {
        let image = ground(user);
        let out = image.path("theirs/out");
        assert!(as_user(user, &image.path("theirs"), "echo old > out"));
        let trace = image.path("trace");
        let (tool, args) = of.split_first().unwrap();
        let state = image.path("theirs/state.json").display().to_string();
        let args = args.iter().map(|arg| match *arg {
            "STATE" => state.as_str(),
            arg => arg,
        });
        let ran = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=%file,fchown,fchmod", "-o"])
            .arg(&trace)
            .arg(tools::path(tool))
            .args(["--root".as_ref(), image.root()])
            .args(args)
            .arg(&out)
            .stdin(Stdio::null())
            .output();
        if ran.is_err() {
            eprintln!("SKIPPED: there is no strace");
            return;
        }
        let trace = fs::read_to_string(&trace).unwrap();
        let changes = |line: &&str| {
            let open = ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"];
            let calls = [
                "rename", "mkdir", "chown", "chmod", "link", "rmdir", "mknod", "utime", "truncate",
            ];
            let (call, _) = line.split_once('(').unwrap_or((line, ""));
            (call.contains("open") && open.iter().any(|flag| line.contains(flag)))
                || calls.iter().any(|one| call.contains(one)) && !call.contains("readlink")
        };
        let mut changed = 0;
        for line in trace.lines().filter(changes) {
            // Of a call by a directory, the name has no directory in it.
            let names = line.split('"').skip(1).step_by(2);
            let is_by_path = names.clone().any(|name| name.contains("theirs"));
            assert!(!is_by_path, "{of:?}: {line}");
            changed += usize::from(line.contains("rename"));
        }
        assert!(changed > 0, "{of:?}: {trace}");
    }
}
