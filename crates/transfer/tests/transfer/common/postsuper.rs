//! What postsuper(1) does to queue files when an instance starts (postsuper.c, super and fix_queue_id): a name that
//! does not fit its inode is changed, with those of its logs. A test in the root package holds this against the real
//! one.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use postfix::queue::{IdParts, Log, Queue, QueueId};
use transfer::Side;

use super::walk;

/// The name that postsuper would give the file.
fn wanted(id: &QueueId, inode: u64, long: bool) -> Option<QueueId> {
    let short = |microseconds| {
        QueueId::from_parts(IdParts::Short {
            microseconds,
            inode,
        })
    };
    match id.parts()? {
        // A long queue id never repeats: it is left alone.
        IdParts::Long { .. } if long => None,
        IdParts::Long { microseconds, .. } => Some(short(microseconds)),
        IdParts::Short { inode: named, .. } if named == inode => None,
        IdParts::Short { microseconds, .. } => Some(short(microseconds)),
    }
}

/// How many it has renamed. Files that are closed and a week old are gone afterwards.
pub(crate) fn postsuper(side: &Side, now: i64) -> usize {
    const WEEK: i64 = 7 * 86400;
    let spool = side.spool();
    let mut renamed = 0;
    for queue in [
        Queue::Maildrop,
        Queue::Incoming,
        Queue::Active,
        Queue::Deferred,
        Queue::Hold,
    ] {
        let mut files = Vec::new();
        walk(&spool.queue_dir(queue), &mut files);
        for path in files {
            let meta = fs::metadata(&path).unwrap();
            if meta.mode() & 0o700 != 0o700 && now > meta.mtime() + WEEK {
                fs::remove_file(path).unwrap();
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(id) = QueueId::new(name) else {
                continue;
            };
            let Some(wanted) = wanted(&id, meta.ino(), side.long_queue_ids) else {
                continue;
            };
            for log in Log::ALL {
                rename(&spool.log_path(log, &id), &spool.log_path(log, &wanted));
            }
            rename(&path, &spool.path(queue, &wanted));
            renamed += 1;
        }
    }
    renamed
}

fn rename(from: &Path, to: &Path) {
    if from.exists() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(from, to).unwrap();
    }
}
