//! Flags of commands that change something.

use crate::{Context, Failure};

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

impl Manner {
    /// Asks before anything is changed, unless `--yes` was given.
    ///
    /// # Errors
    /// The answer is no, or nobody can be asked.
    pub fn confirm(&self, cx: &Context, question: &str) -> anyhow::Result<()> {
        if self.yes || cx.confirm(question, "--yes")? {
            return Ok(());
        }
        Err(Failure::new("nothing was changed: not confirmed").into())
    }
}
