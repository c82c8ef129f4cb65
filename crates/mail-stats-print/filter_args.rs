//! The flags of what filters did, and what the manual page says of it.

use std::path::PathBuf;

use clap::Args;
use cli::{Block, Section};

/// `--filtered`, `--spamd-log`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct FilterArgs {
    /// Also show what filters stopped on the way in, and spamd's scores
    ///
    /// For each instance: messages accepted; what milters, smtpd's restrictions, postscreen, header and body checks and
    /// a proxy filter rejected, discarded or put on hold, at which stage and why; "deliveries" that were discarded; the
    /// distribution of SpamAssassin's scores, and what happened to the messages. See FILTERS.
    #[arg(long)]
    pub(crate) filtered: bool,

    /// With --filtered: look for spamd's lines in these logs instead of Postfix's; "-" is standard input
    ///
    /// Takes what --log takes (plain, compressed, JSON), and what spamd -s FILE writes. Name the rotated ones too.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "filtered", value_hint = clap::ValueHint::FilePath)]
    pub(crate) spamd_log: Vec<PathBuf>,
}

/// A section of the manual page.
pub(crate) const FILTERS: Section = Section {
    title: "FILTERS",
    body: &[
        Block::Text(
            "--filtered adds a section to every format. It does not change the other figures, because what it shows \
             are not deliveries. Accepted counts messages each time they entered the queue, including bounces and \
             what a content filter puts back. Stopped counts connections, recipients or messages, one for each log \
             line (a client that was refused may try more, and be refused again); a refusal is temporary if the \
             client was asked to try again (4xx).",
        ),
        Block::Item(
            "milter-reject, milter-discard, milter-hold",
            "Stopped by a milter.",
        ),
        Block::Item(
            "reject, discard, hold",
            "Stopped by smtpd: a restriction or an access(5) table. What warn_if_reject would have rejected is not \
             counted.",
        ),
        Block::Item(
            "content-reject, content-discard, content-hold",
            "Stopped by cleanup: header_checks, body_checks, milter_header_checks, broken MIME. WARN and similar \
             actions stop nothing.",
        ),
        Block::Item(
            "proxy-reject",
            "Stopped by the filter behind smtpd_proxy_filter.",
        ),
        Block::Item(
            "postscreen-reject",
            "Stopped by postscreen: recipients it refused, and connections it had no room for. Connections that it \
             only closed (the drop action) are not counted.",
        ),
        Block::Text(
            "The ten most frequent reasons are shown (--top N), without the parts that differ from message to \
             message. A delivery with status=sent went nowhere if discard(8) made it, or if the reply says \
             \"discarded\", as a content filter's does; the other figures count both as sent.",
        ),
        Block::Text(
            "spamd's lines are looked for in the same logs, or in those of --spamd-log. A score is matched to \
             Postfix's message by Message-Id, and by time where several messages have the same one or none. The \
             outcomes are: delivered (to at least one recipient), held, discarded, rejected, temporary (rejected with \
             a request to try again), bounced, waiting (in the queue), or unknown. \"Just below the threshold\" is \
             clean but within one point of it, \"just above\" is spam within one point. Scores that match no message \
             in the logs are shown as unmatched, unless INSTANCEs are named.",
        ),
    ],
};
