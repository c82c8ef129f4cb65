//! The defer log that a move takes away: the journal must have all of it, byte for byte, before it goes.

use std::io::Read as _;

use postfix::queue::Log;

use crate::job::Job;
use crate::journal::Raw;
use crate::mover::{Mover, Stop, fail};
use crate::tree::QueueDir;

/// More than this is no defer log: entries for 200,000 recipients.
const LONGEST: u64 = 1 << 26;

/// What the journal does not know yet of the defer log of a message on hold, which nobody writes now. `None`: nothing.
pub(crate) fn to_keep(mover: &Mover<'_>, job: &Job) -> Result<Option<Raw>, Stop> {
    let dir = mover.from.spool().dir();
    let at = mover
        .from
        .at(QueueDir::Log(Log::Defer), &job.track.from_name);
    let Some(at) = at.map_err(|e| fail("cannot open the directory", dir, &e))? else {
        return Ok(None);
    };
    let failed = |e| fail("cannot read the defer log", &at.path, &e);
    let Some(log) = at.open().map_err(failed)? else {
        return Ok(None);
    };
    // Nearly always the plan has read all of it: room for that is room enough.
    let known = job.track.defer_log();
    let mut bytes = Vec::with_capacity(known.len() + 64);
    let read = log.take(LONGEST + 1).read_to_end(&mut bytes);
    if read.map_err(failed)? as u64 > LONGEST {
        let what = format!(
            "its defer log is too long to be kept: {}",
            at.path.display()
        );
        return Err(Stop::Fail(what));
    }
    // What an interrupted undo has written of it is known, too.
    Ok((!known.starts_with(&bytes)).then(|| Raw::from(bytes)))
}
