//! The flag of `--follow-state`, and what the manual page says of it.

use std::path::PathBuf;

use clap::Args;
use cli::{Block, Section};

/// `--follow-state`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Following")]
pub(crate) struct FollowArgs {
    /// Read only what is new in the logs since the last run with this FILE, which keeps the place and the counters
    ///
    /// Shows the figures of what is new; with --format prom, counters of all that was read with FILE so far. See
    /// FOLLOWING THE LOGS.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) follow_state: Option<PathBuf>,
}

/// A section of the manual page.
pub(crate) const FOLLOWING: Section = Section {
    title: "FOLLOWING THE LOGS",
    body: &[
        Block::Text(
            "--follow-state FILE costs what was logged since the last run. The first run reads the current log from its beginning, as \
             without it; older logs are not read. A log is known by what is in it, so that no line is lost or counted twice when it is \
             rotated between two runs: renamed and created anew, compressed at once or later, dated, or copied and truncated; of an archive, \
             only what is new is counted. A last line that is not complete waits for the next run. A log that was truncated or removed \
             without a copy is told as a problem, and counted as a gap; so is one whose rotated files lie in another directory (olddir of \
             logrotate.conf(5)).",
        ),
        Block::Text(
            "In a journal the place is its last entry of mail, over rotation and over a boot. Where journald has removed entries that no \
             run has read, or keeps them in /run alone and the host was booted, or reports that its rate limit dropped messages, that is a \
             problem and a gap. A host whose logs change from files to the journal, or back, is counted on from the time of the last run.",
        ),
        Block::Text(
            "With --format prom the output is counters, by instance and status, provider, and class of reasons: they only rise, and are \
             all that was read with FILE since it was made. The other formats show the figures of what is new; --by adds breakdowns to \
             them (not sender-domain: who sent a message may have been logged before), and INSTANCEs choose what is shown. FILE \
             always keeps the counters of all instances.",
        ),
        Block::Text(
            "FILE is JSON, schema relay-tools/follow/1, with fingerprints instead of text from the logs. It is replaced as a whole, counters and places \
             together, before anything is printed: a run that is killed has happened, or has not. FILE.lock is locked meanwhile; \
             a second run at the same time is refused. A FILE that is damaged or of another version is refused, too, with exit status \
             2, and never replaced. Moved away, the counting starts again as at first; Prometheus takes that for the restart of a counter.",
        ),
    ],
};
