//! The flag of `--follow-state`, and what the manual page says of it.

use std::path::PathBuf;

use clap::Args;
use cli::{Block, Section};

/// `--follow-state`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Following")]
pub(crate) struct FollowArgs {
    /// Read only what is new in the logs since the last run; FILE keeps the positions and the counters
    ///
    /// Shows the figures of what is new; with --format prom, counters of everything read with FILE so far. See
    /// FOLLOWING THE LOGS.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) follow_state: Option<PathBuf>,
}

/// A section of the manual page.
pub(crate) const FOLLOWING: Section = Section {
    title: "FOLLOWING THE LOGS",
    body: &[
        Block::Text(
            "--follow-state FILE reads only what was logged since the last run. The first run reads the current log \
             from its beginning; older logs are not read. A log is recognized by its content, so that no line is lost \
             or counted twice when it is rotated between two runs, however that is done: renamed and created again, \
             compressed at once or later, dated, or copied and truncated; only the new part of an archive is counted. \
             An incomplete last line is left for the next run. A log that was truncated or removed without a copy is \
             reported as a problem and counted as a gap; so is one whose rotated files are in another directory \
             (olddir in logrotate.conf(5)).",
        ),
        Block::Text(
            "In a journal, the position is the last mail entry; it survives rotation and reboots. If journald has \
             removed entries that no run has read, or keeps them only in /run and the host was rebooted, or reports \
             that its rate limit dropped messages, that is a problem and a gap. If a host's logs move from files to \
             the journal, or back, counting continues from the time of the last run.",
        ),
        Block::Text(
            "With --format prom the output is counters, by instance and status, provider, and reason class; they only \
             rise, and cover everything read with FILE since it was created. The other formats show the figures of \
             what is new; --by adds breakdowns to them (except sender-domain: the line that names the sender may have \
             been read by an earlier run), and INSTANCEs select what is shown. FILE always keeps the counters of all \
             instances.",
        ),
        Block::Text(
            "FILE is JSON, schema relay-tools/follow/1, with fingerprints instead of text from the logs. It is \
             replaced as a whole, counters and positions together, before anything is printed: a run that is killed \
             either counts completely or not at all. FILE.lock is locked meanwhile, and a second run at the same time \
             is refused. A FILE that is damaged or of another version is also refused, with exit status 2, and never \
             replaced. If you move it away, counting starts afresh; Prometheus sees that as a counter reset.",
        ),
    ],
};
