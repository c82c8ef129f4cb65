//! A host image with two instances, made by real Postfix and then left alone: what is in it, and what could be sent.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use nix::sched::{CloneFlags, unshare};
use tempfile::TempDir;
use testkit::{Answer, Host, Mail};

use crate::spool::{FROM, Pairs, State, TO, files, pairs, ready, same, state, walk};

/// The host before a move.
pub(crate) struct Original {
    dir: TempDir,
    pairs: Pairs,
}

impl Original {
    /// The one that other tests of this process use now, or a new one.
    pub(crate) fn shared(host: impl FnOnce() -> Result<Host, ()>) -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Original>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(original) = shared.upgrade() {
            return Some(original);
        }
        let original = Arc::new(Self::made(&host().ok()?));
        *shared = Arc::downgrade(&original);
        Some(original)
    }

    /// Deferred: to one recipient, to three of whom one is served already. On hold by an admin: one. In TO's maildrop:
    /// one, under the name of a deferred one.
    fn made(host: &Host) -> Self {
        let sink = host.sink();
        sink.on_rcpt(|rcpt| match rcpt.recipient.starts_with("served") {
            true => Answer::ok(),
            false => Answer::text(451, "4.7.1 come back later"),
        });
        let from = host.instance("postfix-aol-a").relay_to(&sink).start();
        let to = host.instance("postfix-aol-b").relay_to(&sink).create();
        from.submit([
            Mail::new("one@example.org", "a@aol.com"),
            Mail::new("partly@example.org", "b@aol.com")
                .to("c@aol.com")
                .to("served@aol.com"),
            Mail::new("held@example.org", "e@aol.com"),
        ]);
        from.wait_for("deferred", 3);
        from.wait_idle();
        from.stop();
        let held = from
            .ids("deferred")
            .into_iter()
            .find(|id| from.postcat(id).contains("held@example.org"));
        from.postsuper(["-h", &held.unwrap()]);
        let deferred = from.ids("deferred");
        to.sendmail(&Mail::new("other@example.org", "f@aol.com"));
        let other = to.files("maildrop").pop().unwrap();
        host.sh(&format!(
            "mv {} {}",
            other.display(),
            other.with_file_name(&deferred[1]).display()
        ));
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let tar = "tar -c -C / --exclude=*/pid/* --exclude=*/private/* --exclude=*/public/* \
                   etc/passwd etc/group etc/postfix etc/postfix-aol-a etc/postfix-aol-b \
                   var/spool/postfix-aol-a var/spool/postfix-aol-b var/lib/postfix-aol-a var/lib/postfix-aol-b";
        let archive = tempfile::NamedTempFile::new().unwrap();
        fs::write(archive.path(), host.sh(tar).stdout).unwrap();
        let mut unpack = Command::new("tar");
        unpack
            .args(["-x", "--warning=no-timestamp", "-C"])
            .arg(dir.path());
        let unpacked = unpack.arg("-f").arg(archive.path()).status();
        assert!(unpacked.unwrap().success());
        let pairs = pairs(&ready(dir.path()));
        let expected = [
            ("one", "a"),
            ("partly", "b"),
            ("partly", "c"),
            ("held", "e"),
            ("other", "f"),
        ];
        let expected = expected.map(|(sender, rcpt)| {
            (
                (format!("{sender}@example.org"), format!("{rcpt}@aol.com")),
                1,
            )
        });
        assert_eq!(pairs, Pairs::from(expected));
        assert_eq!(deferred.len(), 2);
        Self { dir, pairs }
    }
}

/// Does work with another file system, a tmpfs that nobody else sees.
pub(crate) fn with_another_file_system<T: Send>(work: impl FnOnce(&Path) -> T + Send) -> T {
    with_mounted(&["-t", "tmpfs", "tmpfs"], work)
}

/// Does work with another mount of the file system that the images are on: the device number is the same, and yet
/// no file can be renamed from one to the other.
pub(crate) fn with_a_bind_mount<T: Send>(work: impl FnOnce(&Path) -> T + Send) -> T {
    with_mounted(&["--bind", "/dev/shm"], |dir| {
        let device = |path: &Path| fs::metadata(path).unwrap().dev();
        assert_eq!(device(dir), device(Path::new("/dev/shm")));
        work(dir)
    })
}

/// The same with an ext4 whose inodes have 128 bytes: it keeps no nanoseconds. Nothing is done where none can be
/// mounted.
pub(crate) fn with_old_ext4(work: impl FnOnce(&Path) + Send) {
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(32 << 20).unwrap();
    let path = image.path().to_str().unwrap();
    let made = Command::new("mkfs.ext4")
        .args(["-q", "-I", "128", path])
        .output();
    let has_loop = Path::new("/dev/loop-control").exists();
    if !has_loop || !made.is_ok_and(|made| made.status.success()) {
        let line = "SKIPPED: no loop devices, or no mkfs.ext4\n";
        drop(std::io::Write::write_all(
            &mut std::io::stderr(),
            line.as_bytes(),
        ));
        return;
    }
    with_mounted(&["-o", "loop", path], work);
}

/// The mounts of a thread of its own, and of the threads and processes that it starts.
fn with_mounted<T: Send>(what: &[&str], work: impl FnOnce(&Path) -> T + Send) -> T {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let apart = || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let mount = |args: &[&OsStr]| {
            let status = Command::new("mount").args(args).status().unwrap();
            assert!(status.success(), "mount {args:?}");
        };
        mount(&["--make-rprivate".as_ref(), "/".as_ref()]);
        let mut args: Vec<&OsStr> = what.iter().map(OsStr::new).collect();
        args.push(dir.path().as_ref());
        mount(&args);
        work(dir.path())
    };
    let done = std::thread::scope(|scope| scope.spawn(apart).join());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A copy of it, to be worked on.
pub(crate) struct Image<'o> {
    original: &'o Original,
    dir: TempDir,
    /// Holds TO's spool, where that is on another file system.
    _elsewhere: Option<TempDir>,
}

impl<'o> Image<'o> {
    /// Below this directory.
    pub(crate) fn within(original: &'o Original, dir: &Path) -> Self {
        let dir = tempfile::tempdir_in(dir).unwrap();
        copy(original.dir.path(), dir.path());
        Self {
            original,
            dir,
            _elsewhere: None,
        }
    }

    /// With TO's spool below `other`, a file system of its own, if one is given.
    pub(crate) fn of(original: &'o Original, other: Option<&Path>) -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        copy(original.dir.path(), dir.path());
        let elsewhere = other.map(|other| {
            let elsewhere = tempfile::tempdir_in(other).unwrap();
            let to = dir.path().join(TO);
            copy(&to, elsewhere.path());
            fs::remove_dir_all(&to).unwrap();
            symlink(elsewhere.path(), &to).unwrap();
            let (probe, there) = (dir.path().join("probe"), to.join("probe"));
            fs::write(&probe, "").unwrap();
            let error = fs::rename(&probe, &there).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::CrossesDevices);
            fs::remove_file(&probe).unwrap();
            elsewhere
        });
        Self {
            original,
            dir,
            _elsewhere: elsewhere,
        }
    }

    /// Puts more mail into FROM's deferred queue, each like one that is there, with its log.
    pub(crate) fn crowd(&self, count: usize) {
        let from = self.root().join(FROM);
        for queue in ["deferred", "defer"] {
            let mut there = Vec::new();
            walk(&from.join(queue), &mut there);
            let meta = fs::metadata(&there[0]).unwrap();
            let content = fs::read(&there[0]).unwrap();
            for n in 0..count {
                // Microseconds and inode, as a short queue id has them.
                let id = format!("{:05X}{:X}", n * 997, 0xABC00 + n);
                let path = from.join(queue).join(&id[..1]).join(&id);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &content).unwrap();
                fs::set_permissions(&path, meta.permissions()).unwrap();
                chown(&path, Some(meta.uid()), Some(meta.gid())).unwrap();
                let file = fs::File::open(&path).unwrap();
                file.set_modified(meta.modified().unwrap()).unwrap();
            }
        }
    }

    /// What could be sent now, and how many queue files there are in all.
    pub(crate) fn census(&self) -> (Pairs, usize) {
        (pairs(&ready(self.root())), files(self.root()).len())
    }

    /// How many messages are in a queue of FROM, and in TO's maildrop.
    pub(crate) fn counts(&self, queue: &str) -> (usize, usize) {
        let count = |dir: PathBuf| {
            let mut paths = Vec::new();
            walk(&dir, &mut paths);
            paths.len()
        };
        let (from, to) = (self.root().join(FROM), self.root().join(TO));
        (count(from.join(queue)), count(to.join("maildrop")))
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The name of the move whose plan is written down whole: only then can something have been done.
    pub(crate) fn planned(&self) -> Option<String> {
        self.planned_for(2)
    }

    /// The same for so many messages.
    pub(crate) fn planned_for(&self, count: usize) -> Option<String> {
        let moves = fs::read_dir(self.root().join("var/lib/relay-tools/moves")).ok()?;
        let journals: Vec<PathBuf> = moves.map(|entry| entry.unwrap().path()).collect();
        assert!(journals.len() <= 1, "{journals:?}");
        let journal = journals.first()?;
        let planned = fs::read_to_string(journal)
            .unwrap()
            .contains(&format!("\n{{\"planned\":{count}}}\n"));
        planned.then(|| journal.file_stem().unwrap().to_string_lossy().into_owned())
    }

    /// Nothing can be sent twice, and everything is there whole: open, or closed for the time being.
    pub(crate) fn sound(&self, when: &str) {
        for (pair, times) in pairs(&ready(self.root())) {
            assert_eq!(times, 1, "{when}: {pair:?} would be sent {times} times");
        }
        let contents = |root: &Path| -> Vec<Vec<u8>> {
            files(root)
                .iter()
                .map(|path| fs::read(path).unwrap())
                .collect()
        };
        let here = contents(self.root());
        for content in contents(self.original.dir.path()) {
            let text = String::from_utf8_lossy(&content);
            assert!(here.contains(&content), "{when}: lost: {text}");
        }
    }

    /// What could be sent is what could be sent before, and all of it is TO's, or all is as it was.
    pub(crate) fn is_moved(&self, moved: bool, when: &str) {
        assert_eq!(pairs(&ready(self.root())), self.original.pairs, "{when}");
        assert_eq!(
            files(self.root()).len(),
            4,
            "{when}: {:?}",
            files(self.root())
        );
        let (from, to) = (self.state(FROM), self.state(TO));
        if !moved {
            same(&from, &state(&self.original.dir.path().join(FROM)), when);
            same(&to, &state(&self.original.dir.path().join(TO)), when);
            return;
        }
        let below =
            |state: &State, dir: &str| state.keys().filter(|path| path.starts_with(dir)).count();
        // What an admin had put on hold is still there, and has its log.
        let left = (
            below(&from, "hold"),
            below(&from, "deferred"),
            below(&from, "defer"),
        );
        assert_eq!(left, (1, 0, 1), "{when}: {:?}", from.keys());
        assert_eq!(below(&to, "maildrop"), 3, "{when}");
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        for (path, (mode, _, (mtime, _), _)) in &to {
            let is_due = mtime.unsigned_abs() <= now;
            assert!(
                *mode & 0o700 == 0o700 && is_due,
                "{when}: {}: {mode:o} {mtime}",
                path.display()
            );
        }
    }

    /// All of both spools.
    pub(crate) fn both(&self) -> [State; 2] {
        [self.state(FROM), self.state(TO)]
    }

    fn state(&self, spool: &str) -> State {
        state(&self.root().join(spool))
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-aT").args([from, to]).status();
    assert!(status.unwrap().success());
}
