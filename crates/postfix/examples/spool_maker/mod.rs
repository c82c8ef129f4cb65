//! Deferred mail for benchmarks.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use postfix::queue::{IdParts, Log, Queue, QueueId, Spool};

/// Mail that real Postfix deferred: with one recipient, and with many.
const FIXTURE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/spools/real-default/spool"
);

/// The recipients' domain in the fixture. Each message gets one of a thousand others, as long as this one.
const DOMAIN: &[u8] = b"example.com";

/// Copies of real messages and their logs, under names as Postfix would give them.
pub(crate) fn fill(spool: &Spool, count: u32) {
    let mails = originals();
    fs::create_dir_all(spool.dir()).unwrap();
    let incoming = spool.dir().join("new");
    for (number, (message, log)) in (0..count).zip(mails.iter().cycle()) {
        fs::write(&incoming, with_domain(message, number)).unwrap();
        fs::set_permissions(&incoming, fs::Permissions::from_mode(0o700)).unwrap();
        let id = QueueId::from_parts(IdParts::Short {
            microseconds: number.wrapping_mul(7919) % 1_000_000,
            inode: fs::metadata(&incoming).unwrap().ino(),
        });
        let path = spool.path(Queue::Deferred, &id);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[allow(clippy::disallowed_methods, reason = "a spool of our own")]
        fs::rename(&incoming, path).unwrap();
        let path = spool.log_path(Log::Defer, &id);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, with_domain(log, number)).unwrap();
    }
}

/// The fixture's deferred messages, each with its log.
fn originals() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut files = Vec::new();
    for directory in listed(&Path::new(FIXTURE).join("deferred")) {
        files.extend(listed(&directory));
    }
    let read = |file: &PathBuf| {
        let log = file.strip_prefix(Path::new(FIXTURE).join("deferred"));
        let log = Path::new(FIXTURE).join("defer").join(log.unwrap());
        (fs::read(file).unwrap(), fs::read(log).unwrap())
    };
    files.iter().map(read).collect()
}

fn listed(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Many domains, and the same lengths, so that no record need be changed.
fn with_domain(file: &[u8], number: u32) -> Vec<u8> {
    let domain = format!("ex{:05}.com", number % 1000);
    let mut file = file.to_vec();
    let mut at = 0;
    while let Some(found) = file
        .get(at..)
        .and_then(|rest| memchr::memmem::find(rest, DOMAIN))
    {
        at += found;
        file[at..at + DOMAIN.len()].copy_from_slice(domain.as_bytes());
    }
    file
}
