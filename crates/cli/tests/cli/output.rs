//! Where the result goes: closed pipes, full disks, and the file of `--output`.

use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::specimen::{check, command, run, specimen};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The names in a directory, hidden ones too.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs the specimen in a shell, as `$0`.
fn shell(script: &str, directory: &Path) -> crate::specimen::Ran {
    let mut bash = Command::new("bash");
    bash.args(["-c", script])
        .arg(specimen())
        .current_dir(directory);
    run(&mut bash)
}

#[test]
fn a_closed_pipe_ends_the_tool_quietly() {
    let closed = |args: &[&str], status: i32| {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut String::new()).unwrap();
        drop(reader);
        let ran: crate::specimen::Ran = child.wait_with_output().unwrap().into();
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (Some(status), ""),
            "{args:?}"
        );
    };
    closed(&["stream", "10000000"], 0);
    closed(&["--help"], 0);
    closed(&["print", &"x\n".repeat(60_000)], 0);
    let dir = tempfile::tempdir().unwrap();
    let ran = shell(
        r#""$0" problems 1 2>err | exec 0<&-; echo ${PIPESTATUS[0]}; cat err"#,
        dir.path(),
    );
    assert!(ran.stdout.starts_with("1\n"), "{ran:?}");
    assert!(!ran.stdout.contains("pipe"), "{ran:?}");
}

#[test]
fn a_full_disk_is_an_error() {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for deed in [&["print", "x"][..], &["stream", "100000"], &["--help"]] {
        let ran = run(command(deed).stdout(full()));
        assert_eq!(ran.status, Some(2));
        assert_eq!(
            ran.stderr,
            "specimen: cannot write: standard output: No space left on device\n"
        );
    }
    check(
        &["print", "x", "--output", "/dev/full"],
        2,
        "",
        "specimen: cannot write: /dev/full: No space left on device\n",
    );
}

#[test]
fn a_new_file_has_the_mode_of_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let ran = shell(
        r#"umask 022; "$0" print hello --output new; umask 077; "$0" print hello --output private"#,
        dir.path(),
    );
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    let check = |name: &str, mode: u32| {
        let path = dir.path().join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello\n");
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, mode);
    };
    check("new", 0o644);
    check("private", 0o600);
    assert_eq!(names(dir.path()), ["new", "private"]);
}

#[test]
fn an_old_file_is_replaced_and_keeps_its_mode_and_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old");
    fs::write(&path, "old\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let owned = std::os::unix::fs::chown(&path, Some(1), Some(1)).is_ok();
    let before = path.metadata().unwrap();
    let mut reader = File::open(&path).unwrap();
    check(
        &["print", "new", "--output", path.to_str().unwrap()],
        0,
        "",
        "",
    );
    let after = path.metadata().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
    assert_eq!(after.mode() & 0o7777, 0o640);
    assert_ne!(after.ino(), before.ino());
    if owned {
        assert_eq!((after.uid(), after.gid()), (1, 1));
    }
    // Who has the old file open reads the old file.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "old\n");
}

#[test]
fn an_error_leaves_the_old_file_and_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old");
    fs::write(&path, "old\n").unwrap();
    let output = path.to_str().unwrap();
    for deed in ["stream-then-fail", "panic", "nothing"] {
        let ran = run(&mut command(&[deed, "x", "--output", output]));
        assert_eq!(ran.status, Some(2), "{ran:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
        assert_eq!(names(dir.path()), ["old"]);
    }
}

/// Starts the specimen, and sends it a signal when it says that it waits. Whoever started the tests may have signals
/// ignored (nohup, a background job of a script), and a tool keeps to that: env(1) has it begin with none ignored.
fn interrupted(args: &[&str], signal: Signal) -> std::process::Output {
    let mut child = Command::new("env")
        .arg("--default-signal=INT,TERM,HUP")
        .arg(specimen())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "specimen: warning: waiting\n");
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    let patience = Instant::now() + Duration::from_secs(180);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "{signal} did not end `specimen {}` in three minutes",
                args.join(" ")
            );
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_signal_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("new");
    let args = ["stream-and-wait", "--output", output.to_str().unwrap()];
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let ended = interrupted(&args, signal);
        assert_eq!(ended.status.signal(), Some(signal as i32));
        assert!(names(dir.path()).is_empty(), "{:?}", names(dir.path()));
    }
}

#[test]
fn a_tool_may_finish_what_is_in_hand() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let ended = interrupted(&["wait-for-interrupt"], signal);
        assert_eq!(ended.status.code(), Some(1));
        assert_eq!(ended.stdout, b"finished what was in hand\n");
    }
}

#[test]
fn a_link_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    fs::write(dir.path().join("real/file"), "old").unwrap();
    let check_link = |link: &str, target: &str| {
        let link = dir.path().join(link);
        symlink(target, &link).unwrap();
        let output = link.to_str().unwrap();
        check(&["print", "new", "--output", output], 0, "", "");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&link).unwrap(), "new\n");
    };
    check_link("link", "real/file");
    check_link("dangling", "real/to-be");
    assert_eq!(names(&dir.path().join("real")), ["file", "to-be"]);
}

#[test]
fn what_is_no_file_is_written_to_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let check = |script: &str, stdout: &str| {
        let ran = shell(script, dir.path());
        assert_eq!(
            (ran.status, ran.stdout.as_str(), ran.stderr.as_str()),
            (Some(0), stdout, ""),
            "{script}"
        );
    };
    check(
        r#""$0" print hello --output /dev/null; test -c /dev/null"#,
        "",
    );
    check(r#""$0" print hello --output -"#, "hello\n");
    check(r#""$0" print hello --output /dev/stdout"#, "hello\n");
    check(
        r#"(echo before; "$0" print hello --output /dev/stdout) >file; cat file"#,
        "before\nhello\n",
    );
    check(
        r#"(echo before; "$0" print hello --output /dev/fd/1) | cat"#,
        "before\nhello\n",
    );
    check(r#""$0" print hello --output >(cat) | cat"#, "hello\n");
    check(
        r#"mkfifo fifo; cat fifo & "$0" print hello --output fifo; wait; test -p fifo"#,
        "hello\n",
    );
    assert_eq!(names(dir.path()), ["fifo", "file"]);
}

#[test]
fn a_tools_own_files_are_replaced_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("-");
    check(&["replace", path.to_str().unwrap()], 0, "", "");
    assert_eq!(fs::read_to_string(&path).unwrap(), "replaced\n");
    assert_eq!(names(dir.path()), ["-"]);
}

#[test]
fn places_that_cannot_be_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let check = |output: &str, reason: &str| {
        let ran = run(command(&["print", "x", "--output", output]).current_dir(&dir));
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
        let line = format!("specimen: cannot write: {output}: {reason}\n");
        assert!(ran.stderr.starts_with(&line), "{ran:?}");
    };
    check(".", "is a directory");
    check("no/such/place", "No such file or directory");
    check("/proc/self/nothing", "No such file or directory");
    let beside = run(command(&["print", "x", "--output", "beside"]).current_dir(&dir));
    assert_eq!(beside.status, Some(0));
    assert_eq!(names(dir.path()), ["beside"]);
}
