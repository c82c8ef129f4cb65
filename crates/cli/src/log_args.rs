//! The flags by which a user names logs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use host::logs::{LogSource, Preference};

/// `--log`, `--log-source`, `--journal`, `--journal-dir`, to be flattened into a tool's arguments: none of them means
/// the host's own logs, as its settings say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// Read these logs instead of the host's; "-" is standard input
    ///
    /// Plain text, gzip, xz, zstd or bzip2, recognized by content; also JSON lines as written by journalctl -o json -a
    /// or Docker's json-file driver.
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = clap::ValueHint::FilePath, conflicts_with_all = [
        "log_source", "journal",
    ])]
    pub log: Vec<PathBuf>,

    /// Where the host's own logs are
    #[command(flatten)]
    pub own: LogSourceArgs,

    /// Read the systemd journal in DIR, for example another host's
    #[arg(long, value_name = "DIR", conflicts_with_all = ["log", "log_source", "journal"], value_hint = clap::ValueHint::DirPath)]
    pub journal_dir: Option<PathBuf>,
}

/// `--log-source` and `--journal`, for tools that read only the host's own logs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Logs")]
pub struct LogSourceArgs {
    /// Where to look for the host's logs [default: LOG_SOURCE in /etc/default/relay-tools, or else auto]
    ///
    /// files: the syslog daemon's, /var/log/mail.log or /var/log/maillog. journal: the systemd journal, as on Debian 12
    /// and later, which install no syslog daemon. auto: the file if a syslog daemon writes it, else the journal; never
    /// both. An instance with maillog_file set is always read from there.
    #[arg(long, value_name = "WHERE", value_enum)]
    pub log_source: Option<Where>,

    /// Same as --log-source journal
    #[arg(long, conflicts_with = "log_source")]
    pub journal: bool,
}

/// The values of `--log-source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// The file if a syslog daemon writes it, else the journal
    Auto,
    /// The syslog daemon's
    Files,
    /// The systemd journal
    Journal,
}

impl LogSourceArgs {
    /// What the user prefers; nothing, if nothing is said.
    pub fn preference(&self) -> Option<Preference> {
        match (self.log_source, self.journal) {
            (None, false) => None,
            (Some(Where::Auto), _) => Some(Preference::Auto),
            (Some(Where::Files), _) => Some(Preference::Files),
            (Some(Where::Journal), _) | (None, true) => Some(Preference::Journal),
        }
    }
}

impl LogArgs {
    /// Which logs they name.
    pub fn source(&self) -> LogSource {
        match (&self.journal_dir, self.log.is_empty()) {
            (Some(directory), _) => LogSource::JournalDir(directory.clone()),
            (None, false) => LogSource::Files(self.log.clone()),
            (None, true) => LogSource::Host(self.own.preference()),
        }
    }
}
