//! Flags of commands that change something.

/// `--dry-run` and `--yes`, to be flattened into the arguments of a command that asks before it changes anything.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Manner {
    /// Show what would be done, without changing anything
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Do not ask for confirmation
    #[arg(short, long)]
    pub yes: bool,
}
