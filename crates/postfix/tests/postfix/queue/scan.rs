//! What a scan comes upon besides sound mail, and what it leaves alone.

use std::fs::{self, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use super::fixtures::fixtures;
use nix::sys::stat::{Mode, SFlag, mknod};
use nix::unistd::{Uid, setfsuid};
use postfix::queue::{
    Detail, Layout, Opened, Queue, QueueId, ScanError, ScanOptions, ShowqOptions, Spool, Tally,
};

/// An empty queue directory.
fn empty() -> (tempfile::TempDir, Spool) {
    let dir = tempfile::tempdir().unwrap();
    for queue in Queue::ALL {
        fs::create_dir(dir.path().join(queue.name())).unwrap();
    }
    let spool = Spool::new(dir.path(), Layout::default());
    (dir, spool)
}

/// A real message, to be put anywhere.
fn message() -> Vec<u8> {
    fs::read(fixtures().join("empty/spool/deferred/0/0A70332")).unwrap()
}

/// Writes a file and the directories above it.
fn put(path: &Path, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, message()).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn id(name: &str) -> QueueId {
    QueueId::new(name).unwrap()
}

fn scan(spool: &Spool, queue: Queue) -> Result<Tally, ScanError> {
    let each = |_| ControlFlow::Continue(());
    spool.scan(queue, Detail::Head, &ScanOptions::default(), each)
}

/// The problems of `queue`, by a scan and by a count, as PATH: TEXT with the queue directory left out.
fn check(spool: &Spool, queue: Queue, expected: &[&str]) {
    for tally in [scan(spool, queue).unwrap(), spool.count(queue).unwrap()] {
        let root = format!("{}/", spool.dir().display());
        let told = tally
            .problems
            .iter()
            .map(|p| p.to_string().replace(&root, ""));
        let mut told: Vec<String> = told.collect();
        told.sort();
        assert_eq!(told, expected);
    }
}

#[test]
fn what_is_no_file_is_reported_and_never_waited_for() {
    let (_dir, spool) = empty();
    let path = |name: &str| spool.path(Queue::Deferred, &id(name));
    put(&path("0A70332"), 0o700);
    let special = |name, kind, device| {
        mknod(
            &spool.dir().join("deferred/0").join(name),
            kind,
            Mode::S_IRWXU,
            device,
        )
        .unwrap();
    };
    special("0F1F0", SFlag::S_IFIFO, 0);
    special("050C4E7", SFlag::S_IFSOCK, 0);
    std::os::unix::fs::symlink("/etc/passwd", path("0114C")).unwrap();
    fs::create_dir(path("0D14EC704")).unwrap();
    // To open the FIFO is to wait for ever.
    testkit::in_time(move || {
        check(
            &spool,
            Queue::Deferred,
            &[
                "deferred/0/0114C: is a symbolic link, not followed",
                "deferred/0/050C4E7: is a socket",
                "deferred/0/0D14EC704: is a directory",
                "deferred/0/0F1F0: is a FIFO",
            ],
        );
        // By name, without the directory's word for what they are.
        for name in ["0F1F0", "050C4E7", "0114C", "0D14EC704"] {
            let opened = spool.open(Queue::Deferred, &id(name));
            assert!(matches!(opened, Opened::Problem(_)), "{name}: {opened:?}");
            let shown = spool.message(Queue::Deferred, &id(name), &ShowqOptions::default());
            assert_eq!((shown.value, shown.problems.len()), (None, 1), "{name}");
        }
        assert_eq!(scan(&spool, Queue::Deferred).unwrap().messages, 1);
    });
}

#[test]
fn a_fifo_for_a_defer_log_is_not_waited_for() {
    let (_dir, spool) = empty();
    put(&spool.path(Queue::Deferred, &id("0A70332")), 0o700);
    let log = spool.log_path(postfix::queue::Log::Defer, &id("0A70332"));
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    mknod(&log, SFlag::S_IFIFO, Mode::S_IRWXU, 0).unwrap();
    assert!(fs::symlink_metadata(&log).unwrap().file_type().is_fifo());
    let shown = spool.message(Queue::Deferred, &id("0A70332"), &ShowqOptions::default());
    assert_eq!(shown.problems.len(), 1);
    assert_eq!(shown.value.unwrap().recipients.len(), 1);
}

#[test]
fn unfinished_files_are_no_mail_yet() {
    let (_dir, spool) = empty();
    put(&spool.dir().join("maildrop/0A70331"), 0o600);
    put(&spool.dir().join("maildrop/0A70332"), 0o744);
    put(&spool.dir().join("maildrop/123456.789"), 0o600);
    put(&spool.dir().join("incoming/0A70333"), 0o600);
    put(&spool.dir().join("incoming/0A70334"), 0o700);
    let numbers = |tally: Tally| (tally.messages, tally.being_written, tally.problems.len());
    assert_eq!(numbers(scan(&spool, Queue::Maildrop).unwrap()), (1, 2, 0));
    assert_eq!(numbers(spool.count(Queue::Maildrop).unwrap()), (1, 2, 0));
    assert_eq!(numbers(scan(&spool, Queue::Incoming).unwrap()), (1, 1, 0));
    assert_eq!(numbers(spool.count(Queue::Incoming).unwrap()), (1, 1, 0));
}

#[test]
fn corrupt_files_are_counted_and_not_read() {
    let (_dir, spool) = empty();
    put(&spool.dir().join("corrupt/0A70332"), 0o400);
    fs::write(spool.dir().join("corrupt/0A70333"), "garbage").unwrap();
    let tally = scan(&spool, Queue::Corrupt).unwrap();
    assert_eq!((tally.messages, tally.problems.len()), (2, 0));
    assert_eq!(spool.count(Queue::Corrupt).unwrap(), tally);
}

#[test]
fn nesting_ends() {
    let (_dir, spool) = empty();
    let deep: PathBuf = std::iter::repeat_n("A", 40).collect();
    put(&spool.dir().join("hold").join(&deep).join("0A70332"), 0o700);
    let at = format!(
        "hold/{}",
        std::iter::repeat_n("A", 33).collect::<PathBuf>().display()
    );
    check(
        &spool,
        Queue::Hold,
        &[&format!("{at}: directories are nested too deep")],
    );
    // pickup does not look into directories at all.
    fs::create_dir(spool.dir().join("maildrop/A")).unwrap();
    check(&spool, Queue::Maildrop, &["maildrop/A: is a directory"]);
}

#[test]
fn queues_that_are_not_there_are_empty_but_a_spool_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let spool = Spool::new(dir.path(), Layout::default());
    assert_eq!(spool.count(Queue::Hold).unwrap(), Tally::default());
    assert_eq!(scan(&spool, Queue::Hold).unwrap(), Tally::default());
    let nowhere = Spool::new(dir.path().join("nowhere"), Layout::default());
    let error = scan(&nowhere, Queue::Hold).unwrap_err();
    assert!(matches!(error, ScanError::Unreadable(..)), "{error}");
    assert!(matches!(
        nowhere.count(Queue::Hold).unwrap_err(),
        ScanError::Unreadable(..)
    ));
}

#[test]
fn a_spool_that_may_not_be_read_says_so() {
    let (dir, spool) = empty();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(dir.path().join("deferred"), Permissions::from_mode(0o000)).unwrap();
    put(&spool.dir().join("hold/0A70332"), 0o000);
    put(&spool.dir().join("hold/0A70333"), 0o744);
    fs::set_permissions(dir.path().join("hold"), Permissions::from_mode(0o755)).unwrap();
    let as_nobody = |work: &(dyn Fn() + Sync)| {
        // The file system's user id is each thread's own. Without root's rights there is nothing to give up.
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setfsuid(Uid::from_raw(65_534));
                work();
            });
            thread.join().unwrap();
        });
    };
    as_nobody(&|| {
        let denied = dir.path().join("deferred");
        for error in [
            spool.count(Queue::Deferred).unwrap_err(),
            scan(&spool, Queue::Deferred).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(
                matches!(error, ScanError::Denied(path) if path == denied),
                "{text}"
            );
        }
        // Another user's file is read without O_NOATIME, or told.
        let tally = scan(&spool, Queue::Hold).unwrap();
        assert_eq!((tally.messages, tally.problems.len()), (1, 1));
        let path = spool.dir().join("hold/0A70332");
        let what = "cannot be opened: Permission denied";
        assert_eq!(
            tally.problems[0].to_string(),
            format!("{}: {what}", path.display())
        );
    });
}

#[test]
fn access_times_stay() {
    let (_dir, spool) = empty();
    let path = spool.path(Queue::Deferred, &id("0A70332"));
    put(&path, 0o700);
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let times = fs::FileTimes::new().set_accessed(old).set_modified(old);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_times(times)
        .unwrap();
    assert_eq!(scan(&spool, Queue::Deferred).unwrap().messages, 1);
    assert_eq!(fs::metadata(&path).unwrap().atime(), 1_000_000_000);
}

#[test]
fn every_message_comes_once_with_any_number_of_threads() {
    let (_dir, spool) = empty();
    for number in 0..3000_u32 {
        let name = format!("{:05X}{number:X}", number * 331 % 1_000_000);
        put(&spool.path(Queue::Deferred, &id(&name)), 0o700);
    }
    for threads in [1, 2, 16, 64] {
        let options = ScanOptions {
            threads: threads.try_into().unwrap(),
        };
        let inodes = std::sync::Mutex::new(std::collections::HashSet::new());
        let tally = spool.scan(Queue::Deferred, Detail::Envelope, &options, |file| {
            assert!(inodes.lock().unwrap().insert(file.info.inode));
            ControlFlow::Continue(())
        });
        assert_eq!(tally.unwrap().messages, 3000);
        assert_eq!(inodes.into_inner().unwrap().len(), 3000);
        assert_eq!(spool.count(Queue::Deferred).unwrap().messages, 3000);

        let seen = AtomicU64::new(0);
        let stopped = spool.scan(Queue::Deferred, Detail::Head, &options, |_| {
            match seen.fetch_add(1, Ordering::Relaxed) {
                0..9 => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        assert!(stopped.unwrap().messages < 3000, "it did not stop");
    }
}
