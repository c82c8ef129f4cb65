//! Programs that say too much, too little, nothing, or do not end.

use std::io::{ErrorKind, Read as _};
use std::time::Duration;

use guarded::{Program, Said};

use crate::{as_nobody, ground, is_root};

const AN_HOUR: Duration = Duration::from_secs(3600);
const BRIEFLY: Duration = Duration::from_millis(200);

fn sh(script: &str, patience: Duration) -> Program {
    Program::new("/bin/sh", patience).args(["-c", script])
}

fn said(script: &str) -> Said {
    sh(script, AN_HOUR).run(1 << 20).unwrap()
}

#[test]
fn what_it_says_and_how_it_ends() {
    let ran = said("echo out; echo 'first\nlast' >&2; exit 3");
    assert_eq!(ran.out, b"out\n");
    assert_eq!(
        (ran.ended.status.code(), ran.ended.is_cut),
        (Some(3), false)
    );
    assert_eq!(ran.ended.reason(), "last");
    assert_eq!(said("exit 4").ended.reason(), "exit status: 4");
    let fed = sh("cat", AN_HOUR)
        .input(vec![b'x'; 300_000])
        .run(1 << 20)
        .unwrap();
    assert_eq!(fed.out.len(), 300_000);
    assert_eq!(said("cat").out, b"");
}

#[test]
fn the_callers_environment_is_not_its_own() {
    let ran = said("env | grep -v ^_= | sort; pwd");
    let text = String::from_utf8(ran.out).unwrap();
    assert_eq!(
        text,
        "LC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n/\n"
    );
    let error = Program::new("sh", AN_HOUR).run(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = Program::new("/nowhere/sh", AN_HOUR).run(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_flood_ends_it() {
    let error = sh("exec cat /dev/zero", AN_HOUR).run(1 << 20).unwrap_err();
    assert!(
        error.to_string().contains("wrote more than 1048576 bytes"),
        "{error}"
    );
    // Of standard error, the end is kept, whatever comes before.
    let ran = said("head -c 9000000 /dev/zero >&2; echo reason >&2; exit 1");
    assert!(ran.ended.errors.len() < 9 << 10);
    assert_eq!(ran.ended.reason().trim_start_matches('\0'), "reason");
}

#[test]
fn one_that_does_not_end_is_killed_with_what_it_started() {
    let mark = format!("{}.25", 100_000 + std::process::id());
    for script in [
        format!("sleep {mark}"),
        format!("sleep {mark} & wait"),
        format!("exec >&-; sleep {mark}"),
        format!("while :; do echo x; sleep 0.01; done; sleep {mark}"),
    ] {
        let error = sh(&script, BRIEFLY).run(1 << 20).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{script}: {error}");
    }
    let left = || {
        let ran = said(&format!("grep -lsz '^{mark}$' /proc/[0-9]*/cmdline"));
        String::from_utf8(ran.out).unwrap()
    };
    // As long as the kernel takes: what is not killed sleeps for more than a day, and this test with it.
    while !left().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_it_leaves_behind_is_not_waited_for() {
    // Standard error is held by a child that goes on: as a daemon that it starts.
    let ran = sh(
        "echo reason >&2; setsid sleep 5 >/dev/null & exit 7",
        AN_HOUR,
    )
    .run(10)
    .unwrap();
    assert_eq!(ran.ended.status.code(), Some(7));
    assert_eq!(ran.ended.reason(), "reason");
}

#[test]
fn a_stream_may_take_as_long_as_it_says_something() {
    let program = sh(
        "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done",
        BRIEFLY + BRIEFLY,
    );
    let (text, ended) = program
        .stream(|output| {
            let mut text = String::new();
            output.read_to_string(&mut text).map(|_| text)
        })
        .unwrap();
    assert_eq!(text.unwrap(), "1\n2\n3\n4\n5\n");
    assert!(ended.status.success() && !ended.is_cut);
    // One that is not read to its end is ended.
    let program = sh("while :; do echo x; done", AN_HOUR);
    let (first, ended) = program
        .stream(|output| output.read(&mut [0; 2]).unwrap())
        .unwrap();
    assert!(first > 0 && ended.is_cut);
}

/// What is another's, or lies where another can exchange it, is not run as root; nor Postfix's programs with a main.cf
/// of his.
#[test]
fn what_another_could_have_put_there_is_not_run() {
    if !is_root() {
        return;
    }
    let ground = ground();
    let path = |below: &str| ground.path().join(below);
    let tool =
        "printf '#!/bin/sh\\necho ran\\n' >tool; chmod 755 tool; mkdir etc; touch etc/main.cf";
    as_nobody(&path("theirs"), tool);
    std::fs::copy(path("theirs/tool"), path("tool")).unwrap();
    std::fs::copy(path("tool"), path("theirs/roots")).unwrap();
    std::fs::create_dir(path("etc")).unwrap();
    std::os::unix::fs::symlink(path("tool"), path("link")).unwrap();
    as_nobody(&path("theirs"), "ln -s ../tool link");
    let run = |name: &str, config: &str| {
        let program = Program::new(path(name), AN_HOUR).configured(&path(config));
        program.run(100)
    };
    // Another could make it, once it was looked for.
    let error = run("tool", "etc").unwrap_err().to_string();
    assert!(
        error.contains("there is no") && error.contains("main.cf"),
        "{error}"
    );
    std::fs::write(path("etc/main.cf"), "").unwrap();
    for name in ["tool", "link"] {
        assert_eq!(run(name, "etc").unwrap().out, b"ran\n", "{name}");
    }
    for (name, config, why) in [
        ("theirs/tool", "etc", "belongs to nobody"),
        (
            "theirs/roots",
            "etc",
            "a directory that others than root can change",
        ),
        ("theirs/link", "etc", "is a link owned by nobody"),
        ("etc", "etc", "is not a regular file"),
        ("tool", "theirs/etc", "main.cf belongs to nobody"),
    ] {
        let error = run(name, config).unwrap_err();
        assert!(guarded::is_refused(&error), "{name} {config}: {error}");
        assert!(error.to_string().contains(why), "{name} {config}: {error}");
    }
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o757);
    std::fs::set_permissions(path("tool"), writable).unwrap();
    let error = run("tool", "etc").unwrap_err();
    assert!(
        error.to_string().contains("can be changed by others"),
        "{error}"
    );
    // A tool of this package, beside the one that runs, is as much root's as that is.
    let own = Program::own(path("theirs/tool"), AN_HOUR).run(100);
    assert_eq!(own.unwrap().out, b"ran\n");
}
