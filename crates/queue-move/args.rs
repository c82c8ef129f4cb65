//! The flags, and what the manual page says beside them.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use cli::selectors::SelectorArgs;
use cli::{Block, Common, Manual, Section, Tool};

/// Move deferred mail to another Postfix instance on this host, losing nothing
///
/// FROM's deferred mail, or what the selectors name of it, is put on hold, handed to TO's maildrop, and its defer logs are
/// removed; TO's pickup then takes it as mail of its own. The plan is shown first, and then it asks. No message is
/// lost or sent twice, whatever comes between: a journal holds what is meant before anything is changed; resume
/// finishes an interrupted move, undo puts back what TO has not taken yet.
///
/// Mail that was on hold before is not touched, unless --queue hold names it. What the queue manager has in hand is skipped.
#[derive(Debug, Parser)]
#[command(
    name = "queue-move",
    version,
    subcommand_negates_reqs = true,
    override_usage = "queue-move [OPTIONS] <FROM> <TO>\n       queue-move [OPTIONS] hold|release|clean <INSTANCE> [SELECTORS]\n       queue-move [OPTIONS] resume|undo [MOVE]\n       queue-move [OPTIONS] history"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// The instance whose mail is moved
    ///
    /// Its name with or without "postfix-" (aol-b, postfix-aol-b), its configuration directory (/etc/postfix-aol-b), or
    /// "-" or "postfix" for the default instance.
    #[arg(value_name = "FROM", required = true)]
    pub(crate) from: Option<String>,

    /// The instance that gets it
    #[arg(value_name = "TO", required = true)]
    pub(crate) to: Option<String>,

    #[command(flatten)]
    pub(crate) selectors: SelectorArgs,

    /// Move between instances of two providers too
    ///
    /// Mail that one provider has blocked would harm the address of the other instance.
    #[arg(long, help_heading = "Move options")]
    pub(crate) cross_provider: bool,

    #[command(flatten)]
    pub(crate) pace: Pace,

    #[command(flatten)]
    pub(crate) manner: Manner,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// How fast, and until when.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Move options")]
pub(crate) struct Pace {
    /// Hand over so many messages a minute, to spare a healthy address a flood
    #[arg(long, value_name = "N/min", value_parser = rate)]
    pub(crate) rate: Option<u32>,

    /// Do not wait until TO's pickup has taken the mail
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// How it is asked and told.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Move options")]
pub(crate) struct Manner {
    /// Show what would be done, and change nothing at all
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// How to show what was done
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
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
    Release(One),
    /// Remove defer logs whose message is in none of incoming, active, deferred and hold
    Clean(One),
    /// Finish a move that was interrupted
    Resume(Again),
    /// Put back what TO has not taken yet
    ///
    /// Messages go back to where they were, with their defer logs, and are tried again when they would have been.
    Undo(Again),
    /// List the moves of this host
    History(Listing),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct One {
    /// The instance
    #[arg(value_name = "INSTANCE")]
    pub(crate) instance: String,

    #[command(flatten)]
    pub(crate) selectors: SelectorArgs,

    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Again {
    /// Which move, as history names it; the last one if none is named
    #[arg(value_name = "MOVE")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) pace: Pace,

    #[command(flatten)]
    pub(crate) manner: Manner,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Listing {
    /// How to show them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// `60`, `60/min`.
fn rate(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix("/min").unwrap_or(text);
    let number = number.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| "not a number of messages a minute such as 60/min".to_owned())
}

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "WHAT IT CHANGES FOR THE MAIL",
                body: &[Block::Text(
                    "Mail that is requeued through maildrop, by this tool as by postsuper -r, gets a new queue id; TO's pickup logs the old one as orig_id. Recipients who have been served stay so, and are not in the new queue file. Arrival time, DSN options and VERP are kept; that SMTPUTF8 was asked for is not (with Postfix 3.7; newer versions keep it). The expiry clock (maximal_queue_lifetime) starts anew. Addresses are rewritten again by TO's maps, and its bcc maps and header checks see the mail again. FILTER and REDIRECT actions that access rules or header checks have recorded are dropped, and content_filter is TO's own. A Received: header is added, which counts towards hopcount_limit.",
                )],
            },
            Section {
                title: "WHAT IS SKIPPED",
                body: &[Block::Text(
                    "Mail that the queue manager takes first, or has tried again since the plan was made; that an admin has expired (postsuper -e, -f); with a bounce or success notice pending; with nothing left to deliver; damaged; or too big for TO. The plan and the result tell the reason for each.",
                )],
            },
            Section {
                title: "INTERRUPTIONS",
                body: &[Block::Text(
                    "^C finishes the messages in hand, and says how to go on; the exit status is 1. After a crash, a power cut or a full disk, queue-move resume goes on, and queue-move undo goes back; either can be repeated. undo first closes what lies in TO's maildrop to pickup, waits until pickup has none of it in hand, and then takes it back; what TO has taken stays with TO.",
                )],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/var/lib/relay-tools/moves/",
                        "A journal of each move (JSON Lines): what was meant, with senders, recipients and reasons, and what became of it.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/locks/",
                        "Locks: one queue-move takes mail out of an instance at a time.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/providers.toml",
                        "Providers, over those that are built in.",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("What would move from a blocked instance to a healthy one?"),
                    Block::Code("queue-move --dry-run aol-b aol-c"),
                    Block::Text(
                        "Move what AOL has deferred for the address's reputation, one message a second:",
                    ),
                    Block::Code("queue-move aol-b aol-c --reason-class blocked --rate 60/min"),
                    Block::Text("From a script, the oldest hundred, with the result as JSON:"),
                    Block::Code("queue-move aol-b aol-c --limit 100 --yes --format json"),
                    Block::Text("After an interruption:"),
                    Block::Code("queue-move history\nqueue-move resume"),
                ],
            },
        ],
        see_also: &[
            "queue-report(8)",
            "postsuper(1)",
            "postqueue(1)",
            "pickup(8)",
        ],
        checks: false,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
