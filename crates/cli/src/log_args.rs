//! The flags by which a user names logs.

use std::path::PathBuf;

use clap::Args;
use host::logs::LogSource;

/// `--log`, `--journal`, `--journal-dir`, to be flattened into a tool's arguments: none of them means the host's own logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// Read these logs instead of the host's own; "-" is standard input
    ///
    /// Plain, gzip, xz, zstd or bzip2, told by content; or lines of JSON as journalctl -o json or Docker's json-file write
    /// them.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = clap::ValueHint::FilePath)]
    pub log: Vec<PathBuf>,

    /// Read the systemd journal instead of log files
    #[arg(long, conflicts_with = "log")]
    pub journal: bool,

    /// Read the systemd journal in DIR
    #[arg(long, value_name = "DIR", conflicts_with_all = ["log", "journal"], value_hint = clap::ValueHint::DirPath)]
    pub journal_dir: Option<PathBuf>,
}

impl LogArgs {
    /// Which logs they name.
    pub fn source(&self) -> LogSource {
        match (&self.journal_dir, self.journal, self.log.is_empty()) {
            (Some(directory), ..) => LogSource::JournalDir(directory.clone()),
            (None, true, _) => LogSource::Journal,
            (None, false, false) => LogSource::Files(self.log.clone()),
            (None, false, true) => LogSource::Host,
        }
    }
}
