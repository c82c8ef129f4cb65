//! The flags.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use cli::Common;
use cli::manner::Manner;
use cli::selectors::SelectorArgs;
use postfix::Span;

/// Move deferred mail to another Postfix instance on this host, losing nothing
///
/// FROM's deferred mail, or the part of it that is selected, is put on hold, moved to TO's maildrop, and its defer logs
/// are removed; TO's pickup then takes it as its own. The plan is shown first, and confirmation is asked for. No
/// message is lost or sent twice, whatever happens: a journal records what will be done before anything is changed;
/// resume finishes an interrupted move, undo puts back what TO has not taken yet.
///
/// Mail that was already on hold is not touched, unless selected with --queue hold. Mail that the queue manager is
/// working on is skipped.
#[derive(Debug, Parser)]
#[command(
    name = "queue-move",
    version,
    subcommand_negates_reqs = true,
    override_usage = "queue-move [OPTIONS] <FROM> <TO>\n       \
        queue-move hold|release|flush|bounce|delete|clean <INSTANCE> [OPTIONS]\n       \
        queue-move resume|undo [MOVE] [OPTIONS]\n       \
        queue-move close <MOVE> --why <TEXT>\n       \
        queue-move history [MOVE] [OPTIONS]\n       \
        queue-move prune --older-than <SPAN>"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The instance to move mail from
    ///
    /// Its name with or without "postfix-" (aol-b, postfix-aol-b), its configuration directory (/etc/postfix-aol-b), or
    /// "-" or "postfix" for the default instance.
    #[arg(value_name = "FROM", required = true)]
    pub(crate) from: Option<String>,

    /// The instance to move it to
    #[arg(value_name = "TO", required = true)]
    pub(crate) to: Option<String>,

    #[command(flatten)]
    pub(crate) manner: Manner,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) selectors: SelectorArgs,

    #[command(flatten)]
    pub(crate) part: Part,

    /// Allow a move to another provider's instance
    ///
    /// Mail that one provider has blocked would harm the address of the other instance.
    #[arg(long, help_heading = "Move options")]
    pub(crate) cross_provider: bool,

    #[command(flatten)]
    pub(crate) canary: CanaryArgs,

    /// Call the move NAME, instead of after the time and the two instances; refused if there is a move of that name
    #[arg(long = "name", value_name = "NAME", value_parser = plain_name, help_heading = "Move options")]
    pub(crate) move_name: Option<String>,

    #[command(flatten)]
    pub(crate) pace: Pace,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// The name of a move is the name of its journal.
fn plain_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match text.chars().all(plain)
        && !text.starts_with(['.', '-'])
        && (1..=200).contains(&text.len())
    {
        true => Ok(text.to_owned()),
        false => Err("letters, digits, and -_. between them".to_owned()),
    }
}

/// Which messages with several recipients.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
#[command(next_help_heading = "Selectors (options combine with AND, values of one option with OR)")]
pub(crate) struct Part {
    /// Only messages all of whose recipients match
    ///
    /// Without it, one that matches is enough, and the other recipients go with the message; the plan says how many.
    #[arg(long)]
    pub(crate) whole: bool,
}

/// What goes first.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Move options")]
pub(crate) struct CanaryArgs {
    /// Move N messages first, and go on only when TO has tried them: 5 where more than 20 are to be moved and TO's log
    /// can be read; 0 for none
    ///
    /// They are of the biggest domains, and are followed in TO's log. If one is returned, deferred for the reason that
    /// it was deferred for before or for the address's sake, or not tried within --canary-wait, or if none is
    /// delivered, nothing else is moved. resume sends one again, unless the move's last one was delivered within
    /// the last hour and TO's configuration has not changed since.
    #[arg(long, value_name = "N")]
    pub(crate) canary: Option<usize>,

    /// How long the canary is waited for
    #[arg(long, value_name = "SPAN", default_value = "2m")]
    pub(crate) canary_wait: Span,
}

/// How fast, and until when.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Move options")]
pub(crate) struct Pace {
    /// Move at most N messages per minute, to spare a healthy address a flood
    ///
    /// What is sent is followed in TO's log. When TO begins to refuse mail for a domain, or does not try it within
    /// --canary-wait, the rest stays on hold in FROM.
    #[arg(long, value_name = "N/min", value_parser = rate)]
    pub(crate) rate: Option<u32>,

    /// Do not wait until TO's pickup has taken the mail
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// The values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[value(help = None)]
    Text,
    /// For programs.
    #[value(help = None)]
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put deferred mail on hold
    Hold(One),
    /// Release mail that is on hold
    ///
    /// Mail that is older than its queue lifetime is returned to its sender at the next refusal: the plan says how many
    /// messages that is.
    Release(Release),
    /// Try deferred mail now
    ///
    /// As postqueue -i does it, one message after another at --rate. The first ones are watched: if all of them are
    /// deferred again, the others are left alone.
    Flush(Flush),
    /// Return mail to its senders
    ///
    /// As postsuper -e does it: the messages are marked as expired and tried at once, at --rate, which makes the queue
    /// manager return them. It cannot be undone.
    Bounce(Tries),
    /// Delete mail, and keep it for a while, so that undo can put it back
    ///
    /// The messages are kept in the directory "deleted" of the instance's queue directory, until prune finds that their
    /// time is over. The senders get no notice.
    Delete(Delete),
    /// Remove defer logs without a message in incoming, active, deferred or hold
    Clean(One),
    /// Finish what was interrupted: a move or its undo
    ///
    /// A move continues to TO, at the rate it had; an undo continues to FROM. The plan is shown first, and confirmation
    /// is asked for.
    Resume(Again),
    /// Put back what TO has not taken yet
    ///
    /// Messages go back to where they were, with their defer logs, and are tried again when they would have been.
    Undo(Again),
    /// Close a move that cannot be finished, and say why
    ///
    /// Its messages stay where they are. The move is no longer reported, and resume and undo no longer choose it.
    Close(Close),
    /// List the moves of this host, or show one
    History(Listing),
    /// Remove old journals, and deleted mail that was kept long enough
    Prune(Prune),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct One {
    /// The instance
    ///
    /// Its name with or without "postfix-" (aol-b, postfix-aol-b), its configuration directory (/etc/postfix-aol-b), or
    /// "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    #[command(flatten)]
    pub(crate) manner: Manner,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,

    #[command(flatten)]
    pub(crate) selectors: SelectorArgs,

    #[command(flatten)]
    pub(crate) part: Part,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Release {
    #[command(flatten)]
    pub(crate) one: One,

    /// Requeue the mail, as postsuper -r does: its queue lifetime starts again
    ///
    /// Each message gets a new queue id, and passes the instance's maps and header checks again.
    #[arg(long, help_heading = "Move options")]
    pub(crate) fresh: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) one: One,

    /// How long the mail is kept for an undo: 7d, 12h
    #[arg(
        long,
        value_name = "SPAN",
        default_value = "7d",
        help_heading = "Move options"
    )]
    pub(crate) keep: Span,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Flush {
    #[command(flatten)]
    pub(crate) tries: Tries,

    /// Try N messages first, and stop if all of them are deferred again; 0 for none
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5,
        help_heading = "Move options"
    )]
    pub(crate) canary: usize,
}

/// Messages that are tried now: by flush, and by bounce, which returns them.
#[derive(Debug, ClapArgs)]
pub(crate) struct Tries {
    #[command(flatten)]
    pub(crate) one: One,

    /// Try, or return, at most N messages per minute
    #[arg(
        id = "tries",
        long = "rate",
        value_name = "N/min",
        value_parser = rate,
        default_value = "600/min",
        help_heading = "Move options"
    )]
    pub(crate) rate: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Again {
    /// The move, as named by history; can be omitted if there is only one
    #[arg(value_name = "MOVE")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) manner: Manner,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,

    /// Send to TO what an interrupted undo would have put back
    #[arg(long, help_heading = "Move options")]
    pub(crate) forward: bool,

    /// Also continue with messages that TO took before this machine was restarted, according to TO's log
    #[arg(long, help_heading = "Move options")]
    pub(crate) despite_log: bool,

    #[command(flatten)]
    pub(crate) canary: CanaryArgs,

    #[command(flatten)]
    pub(crate) pace: Pace,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Close {
    /// The move, as named by history
    #[arg(value_name = "MOVE")]
    pub(crate) name: String,

    /// Why it cannot be finished, for the journal
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: String,

    #[command(flatten)]
    pub(crate) manner: Manner,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Listing {
    /// Show the messages of this move
    #[arg(value_name = "MOVE")]
    pub(crate) name: Option<String>,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Prune {
    /// Moves that began at least this long ago: 90d, 12w
    #[arg(long, value_name = "SPAN")]
    pub(crate) older_than: Span,

    #[command(flatten)]
    pub(crate) manner: Manner,

    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// `60`, `60/min`.
fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/min").unwrap_or(text);
    let number = number.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| "not a number of messages per minute such as 60/min".to_owned())
}
