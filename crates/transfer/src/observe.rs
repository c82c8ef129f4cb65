//! What recovery sees of a message: where it is, and in which state.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use postfix::queue::Queue;

use crate::fsops::Stat;
use crate::journal::{Journal, Track};
use crate::mover::{Mover, Stop, fail};
use crate::protocol::{Copy, Held, Seen, Waiting};
use crate::tree::Place;

/// A copy that has come all the way back is the message's own file from then on.
pub(crate) fn adopt(mover: &Mover<'_>, track: &mut Track) -> Result<(), Stop> {
    let Some((device, inode, true)) = track.back else {
        return Ok(());
    };
    let id = track.intent.id().map_err(|e| Stop::Fail(e.to_string()))?;
    for queue in [Queue::Hold, Queue::Deferred] {
        let at = mover.from.at(Place::Queue(queue), &id);
        let at = at.map_err(|e| fail("cannot examine", mover.from.spool().dir(), &e))?;
        let stat = at.map(|at| at.stat().map_err(|e| fail("cannot examine", &at.path, &e)));
        if let Some(found) = stat.transpose()?.flatten()
            && (found.device, found.inode) == (device, inode)
            && found.is_ready()
        {
            track.intent.file.device = device;
            track.intent.file.inode = inode;
            track.back = None;
            return Ok(());
        }
    }
    Ok(())
}

/// Where a message is.
pub(crate) fn observe(mover: &Mover<'_>, track: &Track) -> Result<Seen, Stop> {
    let intent = &track.intent;
    let id = intent.id().map_err(|e| Stop::Fail(e.to_string()))?;
    let stat = |queue| -> Result<Option<Stat>, Stop> {
        let at = mover.from.at(Place::Queue(queue), &id);
        let at = at.map_err(|e| fail("cannot examine", mover.from.spool().dir(), &e))?;
        let stat = at.map(|at| at.stat().map_err(|e| fail("cannot examine", &at.path, &e)));
        Ok(stat.transpose()?.flatten())
    };
    let mut seen = Seen {
        deferred: Waiting::No,
        hold: Held::No,
        target: Copy::No,
        back: Copy::No,
        cross_device: mover.cross_device,
    };
    let planned = |found: &Stat| {
        found.size == intent.file.size && found.mtime.seconds == intent.file.mtime.seconds
    };
    let is = |found: &Stat, made: Option<(u64, u64, bool)>| {
        made.is_some_and(|(device, inode, _)| (found.device, found.inode) == (device, inode))
    };
    if let Some(found) = stat(Queue::Deferred)?
        && (found.is_same_file(&intent.file) || is(&found, track.back))
    {
        seen.deferred = if planned(&found) && found.is_same_file(&intent.file) {
            Waiting::AsPlanned
        } else {
            Waiting::Retried
        };
    }
    if let Some(found) = stat(Queue::Hold)? {
        // Inode numbers are used again: a copy that was complete once must also have the size.
        let whole = found.size == intent.file.size;
        let complete = whole && track.back.is_some_and(|(.., complete)| complete);
        if mover.cross_device && is_stub(&found, mover.from.owner()) {
            seen.back = Copy::Partial;
        } else if is(&found, track.back) {
            match (found.is_ready(), complete) {
                (true, _) => seen.hold = Held::ByUs,
                (false, true) => seen.back = Copy::Closed,
                (false, false) => seen.back = Copy::Partial,
            }
        } else if found.is_same_file(&intent.file) {
            if mover.is_marked(&found) {
                seen.hold = Held::ByUs;
            } else if intent.was_on_hold() && planned(&found) {
                seen.deferred = Waiting::AsPlanned;
            } else {
                seen.hold = Held::ByOthers;
            }
        }
    }
    let target = mover.target(&track.name)?;
    let found = target
        .stat()
        .map_err(|e| fail("cannot examine", &target.path, &e))?;
    if let Some(found) = found {
        let ours = if mover.cross_device {
            is(&found, track.copy)
        } else {
            found.is_same_file(&intent.file)
        };
        let whole = found.size == intent.file.size;
        let copied = track.copy.is_some_and(|(.., complete)| complete);
        let complete = !mover.cross_device || (copied && whole);
        if mover.cross_device && is_stub(&found, mover.to.owner()) {
            seen.target = Copy::Partial;
        } else if ours {
            seen.target = match (found.is_ready(), complete) {
                (true, _) => Copy::Open,
                (false, true) => Copy::Closed,
                (false, false) => Copy::Partial,
            };
        }
    }
    Ok(seen)
}

/// An empty, closed file under a message's name: made by this move just before the journal would have told of it.
fn is_stub(found: &Stat, owner: (u32, u32)) -> bool {
    found.size == 0 && found.mode == 0o600 && (found.uid == 0 || found.uid == owner.0)
}

/// A reboot may number devices anew: what was on FROM's or TO's then is on FROM's or TO's now.
pub(crate) fn rebase(journal: &mut Journal, mover: &Mover<'_>) -> io::Result<()> {
    let device = |dir: &Path| std::fs::metadata(dir).map(|meta| meta.dev());
    let from = device(&mover.from.spool().queue_dir(Queue::Hold))?;
    let to = device(&mover.to.spool().queue_dir(Queue::Maildrop))?;
    for track in &mut journal.tracks {
        track.intent.file.device = from;
        if let Some(copy) = &mut track.copy {
            copy.0 = to;
        }
        if let Some(back) = &mut track.back {
            back.0 = from;
        }
    }
    Ok(())
}

/// Which of the files a process called pickup has open.
pub(crate) fn in_pickups_hand(files: &HashSet<(u64, u64)>) -> HashSet<(u64, u64)> {
    let mut busy = HashMap::new();
    let list = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten();
    for process in list(Path::new("/proc")) {
        let path = process.path();
        let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
        if name.trim() != "pickup" {
            continue;
        }
        for open in list(&path.join("fd")) {
            if let Ok(meta) = std::fs::metadata(open.path()) {
                busy.insert((meta.dev(), meta.ino()), ());
            }
        }
    }
    files
        .iter()
        .copied()
        .filter(|file| busy.contains_key(file))
        .collect()
}
