//! Whose a thing is, and whose its directory, decides whether it is trusted: for root, and for a user who is not root,
//! who trusts root and himself.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use guarded::{Links, Place, Program, is_refused};

use crate::{NOBODY, ground, is_root};

/// Where the things are, for the process that asks.
const ASKED: &str = "GUARDED_ASKED";
/// Neither root nor who asks.
const OTHER: u32 = 12_345;
/// Directories, their owners, groups and modes.
const DIRECTORIES: [(&str, u32, u32, u32); 6] = [
    ("of-root", 0, 0, 0o755),
    ("of-nobody", NOBODY, NOBODY, 0o755),
    ("of-other", OTHER, OTHER, 0o755),
    ("sticky", 0, 0, 0o1777),
    ("open", 0, 0, 0o777),
    ("open-to-a-group", 0, OTHER, 0o775),
];
/// Who owns a link, a program and a file in each of them.
const OWNERS: [(&str, u32); 3] = [("root", 0), ("nobody", NOBODY), ("other", OTHER)];

/// Copies what is to be run, by a process of its own: a file that is open for writing cannot be run, and what another
/// test starts meanwhile inherits what is open here.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").args([from, to]).status();
    assert!(copied.unwrap().success());
}

fn lay(ground: &Path) {
    fs::write(ground.join("target"), "").unwrap();
    fs::write(ground.join("program"), "#!/bin/sh\necho ran\n").unwrap();
    for (directory, uid, gid, mode) in DIRECTORIES {
        let directory = ground.join(directory);
        fs::create_dir(&directory).unwrap();
        for (name, owner) in OWNERS {
            let at = |kind: &str| directory.join(format!("{kind}-{name}"));
            symlink("../target", at("link")).unwrap();
            copy(&ground.join("program"), &at("program"));
            fs::write(at("file"), "").unwrap();
            for kind in ["link", "program", "file"] {
                lchown(at(kind), Some(owner), Some(owner)).unwrap();
            }
            let mode = fs::Permissions::from_mode;
            fs::set_permissions(at("program"), mode(0o755)).unwrap();
            // Whoever asks may write to it: it is not the kernel that refuses.
            fs::set_permissions(at("file"), mode(0o666)).unwrap();
        }
        chown(&directory, Some(uid), Some(gid)).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// What is trusted, a line each.
fn ask(ground: &Path) -> Vec<String> {
    let mut trusted = Vec::new();
    let mut add = |what: String, done: std::io::Result<()>| match done {
        Ok(()) => trusted.push(what),
        Err(e) => assert!(is_refused(&e), "{what}: {e}"),
    };
    for (directory, ..) in DIRECTORIES {
        for (owner, _) in OWNERS {
            let at = |kind: &str| ground.join(directory).join(format!("{kind}-{owner}"));
            for links in [Links::Ours, Links::Owned, Links::Never] {
                let what = format!("{links:?}: {directory}/{owner}");
                add(what, Place::find(&at("link"), links).map(drop));
            }
            let program = Program::new(at("program"), Duration::from_secs(60));
            add(
                format!("program: {directory}/{owner}"),
                program.run(10).map(drop),
            );
            let file = Place::find(&at("file"), Links::Never).unwrap();
            add(
                format!("append: {directory}/{owner}"),
                file.reopen().map(drop),
            );
        }
    }
    trusted
}

/// What should be, from who is trusted and in which directories nobody else can exchange a thing.
fn expected(owners: &[&str], safe: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for (directory, ..) in DIRECTORIES {
        for owner in owners {
            let is_safe = safe.contains(&directory);
            let what = [
                ("Ours", is_safe),
                ("Owned", true),
                ("program", is_safe),
                ("append", true),
            ];
            let of_it = what.iter().filter(|(_, holds)| *holds);
            all.extend(of_it.map(|(what, _)| format!("{what}: {directory}/{owner}")));
        }
    }
    all
}

#[test]
fn whose_a_thing_is_and_its_directory_decides() {
    if let Some(ground) = std::env::var_os(ASKED) {
        let trusted = ask(Path::new(&ground));
        return fs::write(Path::new(&ground).join("said/trusted"), trusted.join("\n")).unwrap();
    }
    if !is_root() {
        return;
    }
    let ground = ground();
    lay(ground.path());
    assert_eq!(
        ask(ground.path()),
        expected(&["root"], &["of-root", "sticky"])
    );
    // The same asked by nobody: this very test, in a process of his.
    let said = ground.path().join("said");
    fs::create_dir(&said).unwrap();
    chown(&said, Some(NOBODY), None).unwrap();
    let own = ground.path().join("own");
    copy(&std::env::current_exe().unwrap(), &own);
    fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
    let mut again = Command::new(&own);
    again.args(["whose_a_thing_is_and_its_directory_decides"]);
    again.uid(NOBODY).gid(NOBODY).env(ASKED, ground.path());
    let ran = again.current_dir(&said).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stdout)
    );
    let trusted = fs::read_to_string(said.join("trusted")).unwrap();
    let trusted: Vec<&str> = trusted.lines().collect();
    let safe = ["of-root", "of-nobody", "sticky"];
    assert_eq!(trusted, expected(&["root", "nobody"], &safe));
}
