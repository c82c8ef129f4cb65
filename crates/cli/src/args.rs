//! The flags that every tool has.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The flags that every tool has, to be flattened into its arguments. They are taken behind a subcommand as well.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Look at the host image below DIR
    ///
    /// For a backup or a mounted disk. /etc, /var/spool and /var/log are looked for below DIR, and so are absolute
    /// paths found in its main.cf.
    #[arg(long, global = true, value_name = "DIR", default_value = "/", value_hint = clap::ValueHint::DirPath)]
    pub root: PathBuf,

    /// Write the result to FILE instead of standard output
    ///
    /// It is written under a temporary name and then renamed, so that FILE is always complete, old or new. "-" is
    /// standard output.
    #[arg(long, global = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub output: Option<PathBuf>,

    /// When to use colours
    ///
    /// "auto" uses colours on a terminal unless NO_COLOR is set in the environment; CLICOLOR_FORCE turns them on for
    /// pipes too.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = false
    )]
    pub color: ColorWhen,

    /// Print only errors on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print more on standard error: every problem, and what is read
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Print the manual page or shell completions, and exit
    #[arg(long, global = true, value_name = "WHAT")]
    pub generate: Option<Generate>,
}

/// The values of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// As the environment and the terminal say.
    #[value(help = None)]
    Auto,
    /// Also into a pipe or a file.
    #[value(help = None)]
    Always,
    /// Nowhere.
    #[value(help = None)]
    Never,
}

/// The values of `--generate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Generate {
    /// The manual page (section 8), as roff.
    #[value(help = None)]
    Man,
    /// Completions for bash.
    #[value(help = None)]
    Bash,
    /// Completions for zsh.
    #[value(help = None)]
    Zsh,
    /// Completions for fish.
    #[value(help = None)]
    Fish,
    /// The names of the host's instances, which completions ask for.
    #[value(hide = true)]
    Instances,
}
