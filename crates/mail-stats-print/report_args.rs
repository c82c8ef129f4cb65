//! The flags of the daily report, and what the manual page says of it.

use clap::Args;
use cli::{Block, Section};
use show::daily::text::Style;

/// `--width`, `--utf8`, `--mail-to`, `--print-mail`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Daily report")]
pub(crate) struct ReportArgs {
    /// With --format report: the maximum width of a line
    #[arg(long, value_name = "COLUMNS", default_value_t = Style::default().width, value_parser = clap::value_parser!(u16).range(72..=250))]
    pub(crate) width: u16,

    /// With --format report: use UTF-8 for names and block graphics; otherwise everything is ASCII
    #[arg(long)]
    pub(crate) utf8: bool,

    /// Mail the report to this address instead of printing it; repeat it or separate several with commas
    ///
    /// For --format report or html, which make no difference here: one mail has both. It is sent with Postfix's
    /// sendmail.
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
            "--format report is made for cron to mail: one day of the host, yesterday unless --date names another, \
             with the verdict first. The day is compared with the day before and the mean of the seven days before \
             it, as far as they are known: from logs that still cover the whole day, else from the record that \
             --save-day kept of it. The report says which day it covers, and whether it covers all of it: of logs \
             that are named, when they end. Logs of the days before that could not be read are named. A record \
             made when the host's clock had a different time zone covers different hours: it is shown as not all of \
             the day, and nothing is compared with it. The report counts attempts. --format html is the same as a \
             self-contained HTML page, without scripts or other files.",
        ),
        Block::Text(
            "A recipient that was put off counts once a day in what is judged, however often it was tried, if all \
             records that are compared with say how many there are. Attention is drawn to an instance whose share \
             of blocked, bounced or deferred deliveries is above the \
             limits of --check (see MONITORING; two exclamation marks: above the critical one), or at least 2 times \
             that of the days before and 0.5, 3 or 10 points above it, each beyond chance; of which so much expired, \
             was discarded or was late as --check would report; that usually has deliveries and has none; that \
             has two hours in a row in which next to nothing got through, or in which nothing was tried though \
             something usually is, for longer than on the days before; that has 2.1 times as many as usual, or \
             one in 3; or that now has more than 200 messages in its queues or one that is older than 121 hours \
             (two exclamation marks: 500, or 240 hours). These numbers are those of judge.toml, which \
             /etc/relay-tools/judge.toml overrides. A day is also compared with the older half of the days \
             before, so that what rises slowly does not pass for usual. A share that is above the limit for a \
             warning, but as on the days before, is not reported up to twice that limit, nor is one of fewer than \
             10; of blocks only the latter holds. As many or few as days usually differ by are not, either. \
             An instance with a few deliveries a day is judged by a week. A provider that takes less than it did, or gets nothing any more, is named \
             where no instance shows it; so is a domain of no known provider that takes nothing of what it is \
             offered (35 deliveries at least, and 1% of all), where more fails at such domains \
             than on the days before.",
        ),
        Block::Text(
            "--mail-to sends one mail with both text and HTML through the sendmail named in Postfix's main.cf \
             (sendmail_path; default /usr/sbin/sendmail), with each address as an argument, and prints nothing; \
             --print-mail prints that mail instead. Postfix completes an address without a domain. If sendmail fails, \
             so does the tool, with exit status 2, and nothing is sent.",
        ),
        Block::Text(
            "The mailq is that at the time of the report. With --log or --journal-dir no mailq is shown and no \
             records are read.",
        ),
    ],
};
