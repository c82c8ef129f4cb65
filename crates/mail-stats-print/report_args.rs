//! The flags of the daily report, and what the manual page says of it.

use clap::Args;
use cli::{Block, Section};
use show::daily::text::Style;

/// `--width`, `--utf8`, `--mail-to`, `--print-mail`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Daily report")]
pub(crate) struct ReportArgs {
    /// With --format report: the most columns of a line
    #[arg(long, value_name = "COLUMNS", default_value_t = Style::default().width, value_parser = clap::value_parser!(u16).range(72..=250))]
    pub(crate) width: u16,

    /// With --format report: names in UTF-8 as they are, and blocks to draw with; else all is ASCII
    #[arg(long)]
    pub(crate) utf8: bool,

    /// Mail the report to this address instead of printing it; several times, or several by commas
    ///
    /// With --format report or html, which are the same here: one mail holds both. It is handed to Postfix's sendmail.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', value_parser = cli::mail::address)]
    pub(crate) mail_to: Vec<String>,

    /// Print the mail instead of sending it
    #[arg(long)]
    pub(crate) print_mail: bool,
}

impl ReportArgs {
    /// Is a mail asked for?
    pub(crate) fn is_mail(&self) -> bool {
        self.print_mail || !self.mail_to.is_empty()
    }

    /// How the text is written.
    pub(crate) fn style(&self) -> Style {
        Style {
            width: self.width,
            utf8: self.utf8,
        }
    }
}

/// A section of the manual page.
pub(crate) const REPORT: Section = Section {
    title: "DAILY REPORT",
    body: &[
        Block::Text(
            "--format report is what cron is to mail: one day of the host, yesterday unless --date names another, the verdict first. The day is \
             set beside the day before and the mean of the seven days before it, so far as they are known: from the logs that still hold the \
             whole of a day, else from the record that --save-day has kept of it. The report says which day it is, and whether all of it is there. A record of when the host's clock had another time zone is of other hours: \
             it is shown as not all of the day, and nothing is compared with it. \
             It counts attempts. --format html is the same as a page that needs nothing else: no script, no other file.",
        ),
        Block::Text(
            "Attention is called to an instance of which more than 20 deliveries are blocked in the day; whose rate of blocked, bounced or \
             deferred deliveries is at least twice the mean, and 0.5, 3 or 10 points above it (2, 10 or 30 percent, where no day before is known; \
             fewer than 10 deliveries are passed over); that is enabled and has no deliveries; or in whose queues more than 200 messages are now (two \
             exclamation marks: more than 500, at least half of the deliveries refused, or blocked).",
        ),
        Block::Text(
            "--mail-to hands one mail with both, text and page, to the sendmail that Postfix's main.cf names (sendmail_path; \
             /usr/sbin/sendmail), each address as an argument, and prints nothing; --print-mail prints that mail instead. An address without a \
             domain is Postfix's to complete. Where sendmail fails, so does the tool, with exit status 2, and nothing is sent.",
        ),
        Block::Text(
            "The mailq is the one at the time of the report; of logs that --log or --journal-dir names, none is shown, and no records are read.",
        ),
    ],
};
