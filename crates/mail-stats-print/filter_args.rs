//! The flags of what filters did, and what the manual page says of it.

use std::path::PathBuf;

use clap::Args;
use cli::{Block, Section};

/// `--filtered`, `--spamd-log`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterArgs {
    /// Show, beside the deliveries, what filters stopped on the way in and how spamd scored what it saw
    ///
    /// Per instance: messages accepted; what milters, smtpd's restrictions, postscreen, header and body checks and a proxy filter
    /// rejected, discarded or put on hold, at which stage and why; "deliveries" that were discarded; the distribution of
    /// SpamAssassin's scores, and what became of the messages. See FILTERS.
    #[arg(long)]
    pub(crate) filtered: bool,

    /// With --filtered: look for spamd's lines in these logs, and not in Postfix's; "-" is standard input
    ///
    /// As --log takes them: plain, compressed, JSON, and what spamd -s FILE writes. Name the rotated ones too.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "filtered", value_hint = clap::ValueHint::FilePath)]
    pub(crate) spamd_log: Vec<PathBuf>,
}

/// A section of the manual page.
pub(crate) const FILTERS: Section = Section {
    title: "FILTERS",
    body: &[
        Block::Text(
            "--filtered adds a part to every format that is in none of the other figures: what it shows are no deliveries. Accepted are the \
             messages that entered the queue, each time one did: bounces, and what a content filter puts back, among them. Stopped are \
             connections, recipients or messages, a line of the log each (a client that was refused may say more, and be refused again); a refusal counts as temporary if the client was told to \
             try again (4xx).",
        ),
        Block::Item(
            "milter-reject, milter-discard, milter-hold",
            "A milter did it.",
        ),
        Block::Item(
            "reject, discard, hold",
            "smtpd did: a restriction, an access(5) table. What warn_if_reject would have rejected is not counted.",
        ),
        Block::Item(
            "content-reject, content-discard, content-hold",
            "cleanup did: header_checks, body_checks, milter_header_checks, broken MIME. WARN and the like stop nothing.",
        ),
        Block::Item("proxy-reject", "The filter behind smtpd_proxy_filter did."),
        Block::Item(
            "postscreen-reject",
            "postscreen did: recipients it refused, and connections it had no room for. What it only hung up on (the action drop) \
             is not counted.",
        ),
        Block::Text(
            "Of reasons, the ten most frequent are shown (--top N), without what differs from message to message. A delivery with \
             status=sent went nowhere if it was discard(8)'s, or if the reply says \"discarded\", as that of a content filter \
             does; the sent of the other figures has both.",
        ),
        Block::Text(
            "spamd's lines are looked for in the same logs, or in those of --spamd-log. A score is joined with Postfix's message by \
             Message-Id, and by time where several have the same or none. What became of it: delivered (to one recipient at \
             least), held, discarded, rejected, temporary (rejected, to be tried again), bounced, waiting (in the queue), or unknown. \
             Just below the threshold is clean and within one point of it, just above is spam and within one point. Scores that belong to \
             no message of the logs are shown as unmatched, unless INSTANCEs are named.",
        ),
    ],
};
