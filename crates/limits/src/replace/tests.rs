//! A map replaced: at each step that can fail, and beside others who change it.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use transfer::{Hook, NoHook};

fn map(dir: &Path) -> MapFile {
    MapFile {
        kind: MapKind::named("hash").unwrap(),
        path: dir.join("relay-limit"),
    }
}

/// Plays postmap: an index is the text in capitals.
fn index(_: &str, path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    std::fs::write(with_ending(path, ".db"), text.to_uppercase()).map_err(|e| e.to_string())
}

fn state(dir: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort();
    entries
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|&(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

#[test]
fn owner_and_mode_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let map = map(dir.path());
    let fs = Fs::new(&NoHook);
    assert!(map.read().unwrap().is_none());
    map.replace(fs, None, b"one", &index).unwrap();
    assert_eq!(
        state(dir.path()),
        pairs(&[("relay-limit", "one"), ("relay-limit.db", "ONE")])
    );
    let mode = |name: &str| dir.path().join(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!(
        [mode("relay-limit"), mode("relay-limit.db")],
        [0o644, 0o644]
    );
    std::fs::set_permissions(&map.path, Permissions::from_mode(0o640)).unwrap();
    std::fs::set_permissions(map.index().unwrap(), Permissions::from_mode(0o600)).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&map.path, Some(1), Some(2)).unwrap();
    }
    let seen = map.read().unwrap().unwrap();
    map.replace(fs, Some(&seen), b"two", &index).unwrap();
    assert_eq!(
        state(dir.path()),
        pairs(&[("relay-limit", "two"), ("relay-limit.db", "TWO")])
    );
    assert_eq!(
        [mode("relay-limit"), mode("relay-limit.db")],
        [0o640, 0o600]
    );
    if is_root {
        let owner = map.path.metadata().unwrap();
        assert_eq!((owner.uid(), owner.gid()), (1, 2));
    }
}

#[test]
fn what_somebody_else_has_changed_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let map = map(dir.path());
    let fs = Fs::new(&NoHook);
    map.replace(fs, None, b"one", &index).unwrap();
    let check = |seen: Option<&MapSnapshot>, expected: &str| {
        let refused = map.replace(fs, seen, b"ours", &index).unwrap_err();
        assert!(refused.to_string().contains("changed"), "{refused}");
        assert_eq!(
            state(dir.path()),
            pairs(&[("relay-limit", expected), ("relay-limit.db", "ONE")])
        );
    };
    check(None, "one");
    let seen = map.read().unwrap().unwrap();
    std::fs::write(&map.path, "by hand").unwrap();
    check(Some(&seen), "by hand");
}

#[test]
fn neither_links_nor_directories_of_others_are_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let map = map(dir.path());
    std::os::unix::fs::symlink("/etc/passwd", &map.path).unwrap();
    assert!(map.read().is_err());
    std::fs::remove_file(&map.path).unwrap();
    std::fs::set_permissions(dir.path(), Permissions::from_mode(0o777)).unwrap();
    let refused = map
        .replace(Fs::new(&NoHook), None, b"one", &index)
        .unwrap_err();
    assert!(
        refused.to_string().contains("others than root"),
        "{refused}"
    );
    assert_eq!(state(dir.path()), []);
}

/// Crashes (by a panic), or fails, at the n-th step.
struct Stop {
    after: AtomicUsize,
    crash: bool,
}

impl Hook for Stop {
    fn before(&self, op: Op, _: &Path) -> io::Result<()> {
        if self.after.load(Ordering::Relaxed) > 0 {
            self.after.fetch_sub(1, Ordering::Relaxed);
            return Ok(());
        }
        assert!(!self.crash, "crash before {op:?}");
        self.after.store(usize::MAX, Ordering::Relaxed);
        Err(io::ErrorKind::StorageFull.into())
    }
    fn after(&self, _: Op, _: &Path) {}
}

#[test]
fn at_any_point_postfix_finds_the_old_or_the_new() {
    let mut steps = 0;
    for crash in [false, true] {
        for after in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let map = map(dir.path());
            map.replace(Fs::new(&NoHook), None, b"one", &index).unwrap();
            let seen = map.read().unwrap();
            let stop = Stop {
                after: after.into(),
                crash,
            };
            let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                map.replace(Fs::new(&stop), seen.as_ref(), b"two", &index)
            }));
            let text = std::fs::read_to_string(&map.path).unwrap();
            let found = std::fs::read_to_string(map.index().unwrap()).unwrap();
            // The index may be ahead of the text, never behind it.
            assert!(
                ["one ONE", "one TWO", "two TWO"].contains(&format!("{text} {found}").as_str())
            );
            match tried {
                Ok(Ok(())) => break,
                Ok(Err(_)) => assert_eq!(state(dir.path()).len(), 2, "left over: {after}"),
                Err(_) => steps += 1,
            }
            // Done again, it is as if nothing had been.
            let seen = map.read().unwrap();
            map.replace(Fs::new(&NoHook), seen.as_ref(), b"two", &index)
                .unwrap();
            assert_eq!(
                state(dir.path()),
                pairs(&[("relay-limit", "two"), ("relay-limit.db", "TWO")])
            );
        }
    }
    assert!(steps >= 8, "{steps}");
}

#[test]
fn what_a_postmap_that_was_killed_has_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let map = map(dir.path());
    for left in [
        ".relay-limit.new",
        ".relay-limit.new.db",
        "__db..relay-limit.new.db",
    ] {
        std::fs::write(dir.path().join(left), "half").unwrap();
    }
    map.replace(Fs::new(&NoHook), None, b"one", &index).unwrap();
    assert_eq!(
        state(dir.path()),
        pairs(&[("relay-limit", "one"), ("relay-limit.db", "ONE")])
    );
}
