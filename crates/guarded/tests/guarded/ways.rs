//! Where a path leads, and what is written there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use guarded::{Kind, Links, Place, is_refused};

use crate::{NOBODY, as_nobody, ground, is_root, theirs};

/// Writes as a tool does.
fn write(path: &Path, links: Links) -> std::io::Result<()> {
    Place::find(path, links)?.replace(b"written\n")
}

/// What a stranger has laid in the way, below his directory: root refuses it, and `victim`, which is root's, stays.
fn check_refused(script: &str, path: &str, says: &str) {
    let ground = ground();
    let victim = ground.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("file"), "root's\n").unwrap();
    as_nobody(&ground.path().join("theirs"), script);
    for links in [Links::Ours, Links::Never] {
        let error = write(&ground.path().join(path), links).unwrap_err();
        assert!(is_refused(&error), "{script}: {error}");
        if links == Links::Ours {
            assert!(error.to_string().contains(says), "{script}: {error}");
        }
    }
    assert_eq!(fs::read(victim.join("file")).unwrap(), b"root's\n");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 1, "{script}");
}

#[test]
fn a_strangers_link_leads_nowhere() {
    if !is_root() {
        return;
    }
    let of_nobody = "is a link owned by nobody (uid 65534), which is not followed";
    // Dangling, of a file, of a directory, relative, on the way, through another.
    check_refused("ln -s ../victim/new out", "theirs/out", of_nobody);
    check_refused("ln -s ../victim/file out", "theirs/out", of_nobody);
    check_refused("ln -s ../victim dir", "theirs/dir/file", of_nobody);
    check_refused("ln -s $PWD/../victim dir", "theirs/dir/new", of_nobody);
    check_refused(
        "mkdir a; ln -s a b; ln -s ../../victim a/c",
        "theirs/b/c/file",
        of_nobody,
    );
    check_refused("mkfifo out", "theirs/out", "not a regular file");
    // Even a link of root's own is another's choice there: he has it renamed.
    let ground = ground();
    symlink("../victim", ground.path().join("theirs/mine")).unwrap();
    fs::create_dir(ground.path().join("victim")).unwrap();
    let error = write(&ground.path().join("theirs/mine/new"), Links::Ours).unwrap_err();
    let says = "is a link in a directory that others can change, and is not followed";
    assert!(
        is_refused(&error) && error.to_string().ends_with(says),
        "{error}"
    );
}

#[test]
fn roots_own_links_are_followed_but_by_jobs() {
    if !is_root() {
        return;
    }
    let ground = ground();
    let at = |name: &str| ground.path().join(name);
    fs::create_dir(at("real")).unwrap();
    symlink("real", at("dir")).unwrap();
    symlink(at("dir").join("file"), at("link")).unwrap();
    symlink("../../..", at("real/up")).unwrap();
    write(&at("link"), Links::Ours).unwrap();
    assert_eq!(fs::read(at("real/file")).unwrap(), b"written\n");
    let far = at("real/up").join(ground.path().strip_prefix("/var/").unwrap());
    write(&far.join("dir/../real/./other"), Links::Ours).unwrap();
    assert!(at("real/other").is_file());
    for path in ["link", "dir/file"] {
        let error = write(&at(path), Links::Never).unwrap_err();
        assert!(is_refused(&error), "{error}");
    }
    // One of root's in /tmp, as it were; and one that leads to itself.
    fs::set_permissions(ground.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    write(&at("link"), Links::Ours).unwrap();
    fs::set_permissions(ground.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(is_refused(&write(&at("link"), Links::Ours).unwrap_err()));
    fs::set_permissions(ground.path(), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("loop", at("loop")).unwrap();
    let error = write(&at("loop"), Links::Ours).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::errno::Errno::ELOOP as i32));
}

#[test]
fn what_is_written_in_a_strangers_directory_stays_there_whatever_he_does() {
    if !is_root() {
        return;
    }
    let ground = ground();
    let directory = ground.path().join("theirs");
    as_nobody(
        &directory,
        "mkdir dir; echo old >dir/out; chmod 640 dir/out",
    );
    let victim = ground.path().join("victim");
    fs::create_dir(&victim).unwrap();
    let place = Place::find(&directory.join("dir/out"), Links::Never).unwrap();
    let mut draft = place.draft().unwrap();
    draft.write_all(b"new\n").unwrap();
    // Between the look and the write: the directory is another now, and the file's name leads elsewhere.
    as_nobody(
        &directory,
        "mv dir old; ln -s ../victim dir; rm old/out; ln -s ../../victim/new old/out",
    );
    draft.put().unwrap();
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
    let out = directory.join("old/out");
    assert_eq!(fs::read(&out).unwrap(), b"new\n");
    let stat = out.symlink_metadata().unwrap();
    assert!(stat.is_file());
    // Owner and mode are those of the file that was opened.
    assert_eq!(
        (stat.uid(), stat.gid(), stat.mode() & 0o7777),
        (NOBODY, NOBODY, 0o640)
    );
}

#[test]
fn an_exchange_in_a_loop_is_never_won() {
    if !is_root() {
        return;
    }
    let ground = ground();
    let directory = ground.path().join("theirs");
    let victim = ground.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("out"), "root's\n").unwrap();
    let script = "mkdir real; ln -s ../victim link; echo ready; \
        while :; do mv -T real dir; mv -T dir real; mv -T link dir; mv -T dir link; done 2>/dev/null";
    let mut attack = theirs(&directory, script);
    attack
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut [0; 5])
        .unwrap();
    let mut written = 0;
    for _ in 0..20_000 {
        written += u32::from(write(&directory.join("dir/out"), Links::Ours).is_ok());
    }
    attack.kill().unwrap();
    attack.wait().unwrap();
    assert!(written > 0, "the attack left no time to write at all");
    assert_eq!(fs::read(victim.join("out")).unwrap(), b"root's\n");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
}

#[test]
fn nothing_leads_out_of_an_image() {
    let ground = tempfile::tempdir().unwrap();
    let image = ground.path().join("image");
    fs::create_dir_all(image.join("srv/days")).unwrap();
    fs::create_dir_all(image.join("var/lib")).unwrap();
    let outside = ground.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink("/srv", image.join("var/lib/absolute")).unwrap();
    symlink("../../../../../../../../srv", image.join("var/lib/up")).unwrap();
    symlink(&outside, image.join("var/lib/out")).unwrap();
    let write = |path: &str| {
        let place = Place::make(&image, &image.join(path), Links::Ours)?;
        place.replace(b"written\n")
    };
    write("var/lib/absolute/days/a").unwrap();
    write("var/lib/up/days/b").unwrap();
    write("var/lib/out/c").unwrap();
    write("var/lib/relay-tools/days/d").unwrap();
    let names = |path: &Path| fs::read_dir(path).unwrap().count();
    assert_eq!(names(&image.join("srv/days")), 2);
    assert_eq!(names(&outside), 0);
    assert!(image.join("var/lib/relay-tools/days/d").is_file());
    // What the link names is made where the image itself would have it.
    let inside = outside.strip_prefix("/").unwrap();
    assert!(image.join(inside).join("c").is_file());
}

#[test]
fn what_is_no_file_is_never_read() {
    let ground = tempfile::tempdir().unwrap();
    let fifo = ground.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
    fs::write(ground.path().join("file"), "1234").unwrap();
    symlink("file", ground.path().join("link")).unwrap();
    let at = |name: &str| Place::find(&ground.path().join(name), Links::Never);
    assert!(is_refused(&at("fifo").unwrap().read(10).unwrap_err()));
    assert!(is_refused(&guarded::read(&fifo, 10).unwrap_err()));
    assert!(is_refused(&at("link").unwrap_err()));
    assert_eq!(at("fifo").unwrap().kind().unwrap(), Some(Kind::Other));
    assert_eq!(at("file").unwrap().read(4).unwrap(), b"1234");
    assert!(at("file").unwrap().read(3).is_err());
    assert_eq!(
        guarded::read(&ground.path().join("link"), 4).unwrap(),
        b"1234"
    );
    assert!(guarded::read(ground.path(), 4).is_err());
    assert!(guarded::read(Path::new("/dev/zero"), 4).is_err());
}

/// What root reads, it shows: not the file that a link of another's names.
#[test]
fn a_link_of_another_shows_no_file_of_roots() {
    if !is_root() {
        return;
    }
    let ground = ground();
    let (theirs, secret) = (ground.path().join("theirs"), ground.path().join("secret"));
    fs::write(&secret, "root's\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    as_nobody(&theirs, "ln -s ../secret main.cf; ln -s .. up");
    for path in ["main.cf", "up/secret"] {
        let error = guarded::read_text(&theirs.join(path), 100).unwrap_err();
        assert!(is_refused(&error), "{path}: {error}");
    }
    // As root's own: /etc/localtime, a log on another disk.
    symlink(&secret, theirs.join("log")).unwrap();
    assert_eq!(
        guarded::read_text(&theirs.join("log"), 100).unwrap(),
        "root's\n"
    );
}

#[test]
fn a_draft_that_is_given_up_leaves_nothing() {
    let ground = tempfile::tempdir().unwrap();
    let place = Place::find(&ground.path().join("out"), Links::Never).unwrap();
    let leftover = place.draft().unwrap().leftover().unwrap();
    leftover.remove();
    assert_eq!(fs::read_dir(ground.path()).unwrap().count(), 0);
    place.draft().unwrap().put_new().unwrap();
    let error = place.draft().unwrap().put_new().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_dir(ground.path()).unwrap().count(), 1);
}

/// A job that is killed each minute, for want of memory say, must not fill the disk.
#[test]
fn what_a_killed_tool_has_left_is_removed_an_hour_later() {
    let ground = ground();
    let age = |name: &str, minutes: u64| {
        let file = fs::File::create(ground.path().join(name)).unwrap();
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(60 * minutes);
        file.set_modified(then).unwrap();
    };
    age(".relay-tools-0123456789abcdef", 90);
    // Another may be at work on it; what is not a tool's; and what is no file.
    age(".relay-tools-fedcba9876543210", 10);
    age("relay-tools-0123", 90);
    fs::create_dir(ground.path().join(".relay-tools-dir")).unwrap();
    write(&ground.path().join("out"), Links::Never).unwrap();
    let there = |name: &str| ground.path().join(name).exists();
    assert!(!there(".relay-tools-0123456789abcdef"));
    for name in [
        ".relay-tools-fedcba9876543210",
        "relay-tools-0123",
        ".relay-tools-dir",
        "out",
    ] {
        assert!(there(name), "{name}");
    }
}

#[test]
fn a_link_to_nowhere_is_not_nothing() {
    let ground = ground();
    let at = |path: &str| ground.path().join(path);
    fs::create_dir(at("disk")).unwrap();
    symlink("disk", at("mounted")).unwrap();
    symlink("gone", at("unmounted")).unwrap();
    symlink("mounted/later/../../gone", at("through")).unwrap();
    let is_absent = |path: &str| {
        let error = guarded::read(&at(path), 100).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{path}");
        guarded::is_absent(&error)
    };
    for nothing in ["file", "disk/file", "mounted/file", "mounted/dir/file"] {
        assert!(is_absent(nothing), "{nothing}");
    }
    for nowhere in ["unmounted", "unmounted/file", "through"] {
        assert!(!is_absent(nowhere), "{nowhere}");
        let error = guarded::list(&at(nowhere)).unwrap_err().to_string();
        assert!(error.contains("a link leads to "), "{error}");
    }
    assert!(guarded::list(&at("dir")).unwrap().is_none());
    assert!(guarded::list(&at("mounted")).unwrap().is_some());
}
