//! What a run does: one value, decided here, with the options that it takes.

use std::path::Path;

use cli::Failure;
use show::mail_stats::prom;

use crate::args::{Args, Format, Page, Shape};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode<'a> {
    /// Figures of logs, in a format.
    Counts(Format),
    /// One JSON object a delivery attempt (`--events`).
    Events,
    /// The answer to a monitoring system (`--check`).
    Check,
    /// A day beside the days before it (`--format report|html`).
    Report(Page),
    /// Keeps the figures of a day (`--save-day`).
    SaveDay,
    /// Figures of day records (`--merge`).
    Merge(Format),
    /// What a reply is taken for, and by which rule (`--explain`).
    Explain(&'a str),
    /// What is new since the last run with this file (`--follow-state`).
    Follow(&'a Path, Format),
}

/// Logs of any kind, and a window.
const LOGS: &[&str] = &[
    "log",
    "log_source",
    "journal",
    "journal_dir",
    "date",
    "since",
    "until",
];

/// The tables that replies and domains are looked up in.
const TABLES: &[&str] = &["reasons", "providers"];

/// The limits of `--check`.
const LIMITS: &[&str] = &[
    "warn_blocked",
    "crit_blocked",
    "warn_bounced",
    "crit_bounced",
    "warn_deferred",
    "crit_deferred",
    "min_volume",
    "warn_idle",
];

impl<'a> Mode<'a> {
    /// What `args` ask for.
    ///
    /// # Errors
    /// `--format report` or `html` beside a mode of another name.
    pub(crate) fn of(args: &'a Args) -> Result<Self, Failure> {
        let figures = |mode: &str| match args.format {
            Shape::Figures(format) => Ok(format),
            Shape::Report(page) => {
                let what = format!("--format {} cannot be used with {mode}", page.as_str());
                let hint =
                    "a report covers one day and all attempts; see DAILY REPORT in the manual page";
                Err(Failure::new(what).hint(hint))
            }
        };
        if let Some(reply) = &args.explain {
            figures("--explain")?;
            return Ok(Self::Explain(reply));
        }
        if let Some(state) = &args.follow.follow_state {
            return Ok(Self::Follow(state, figures("--follow-state")?));
        }
        if !args.days.merge.is_empty() {
            return Ok(Self::Merge(figures("--merge")?));
        }
        if args.days.save_day {
            return Ok(Self::SaveDay);
        }
        if args.check.check {
            return Ok(Self::Check);
        }
        if args.events {
            return Ok(Self::Events);
        }
        Ok(match args.format {
            Shape::Figures(format) => Self::Counts(format),
            Shape::Report(page) => Self::Report(page),
        })
    }

    /// Metrics have few breakdowns: the keys of the others are without number.
    ///
    /// # Errors
    /// One that they do not have. `--follow-state` has its own ones.
    pub(crate) fn has_breakdowns(self, args: &Args) -> Result<(), Failure> {
        let (Self::Counts(Format::Prom) | Self::Merge(Format::Prom)) = self else {
            return Ok(());
        };
        match args.by.iter().find(|by| !prom::has(**by)) {
            Some(by) => Err(
                Failure::new(format!("--by {by} cannot be used with --format prom")).hint(
                    "metrics are by provider and by reason; another --format has every breakdown",
                ),
            ),
            None => Ok(()),
        }
    }

    /// As a user asks for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Counts(_) => "the figures of logs",
            Self::Events => "--events",
            Self::Explain(_) => "--explain",
            Self::Check => "--check",
            Self::Report(Page::Text) => "--format report",
            Self::Report(Page::Html) => "--format html",
            Self::SaveDay => "--save-day",
            Self::Merge(_) => "--merge",
            Self::Follow(..) => "--follow-state",
        }
    }

    /// The options that it takes, by the names of their fields. What is not here is refused.
    pub(crate) fn takes(self, args: &Args) -> Vec<&'static [&'static str]> {
        let own: &[&str] = match self {
            Self::Counts(_) => &[
                "format",
                "by",
                "top",
                "count",
                "skip_handed",
                "filtered",
                "spamd_log",
                "output",
            ],
            Self::Events => &["events", "with_recipients", "output"],
            Self::Explain(_) => &["explain", "reasons", "output"],
            Self::Check => &["check", "count", "skip_handed"],
            Self::Report(_) => &[
                "format",
                "date",
                "log",
                "log_source",
                "journal",
                "journal_dir",
            ],
            Self::SaveDay => &["save_day", "date", "log_source", "journal"],
            Self::Merge(_) => &[
                "merge", "format", "by", "top", "count", "date", "since", "until", "output",
            ],
            Self::Follow(..) => &[
                "follow_state",
                "format",
                "by",
                "top",
                "log",
                "log_source",
                "journal",
                "journal_dir",
                "output",
            ],
        };
        let is_sent = !args.report.mail_to.is_empty() && !args.report.print_mail;
        let more: &[&[&str]] = match self {
            Self::Counts(_) | Self::Events => &[LOGS, TABLES],
            Self::Check => &[LOGS, TABLES, LIMITS],
            // A mail that is sent leaves nothing for --output; a page by itself has no lines.
            Self::Report(_) if is_sent => &[TABLES, &["mail_to", "width", "utf8"]],
            Self::Report(Page::Html) if !args.report.is_mail() => &[TABLES, &["output"]],
            Self::Report(_) => &[
                TABLES,
                &["mail_to", "print_mail", "width", "utf8", "output"],
            ],
            Self::SaveDay | Self::Follow(..) => &[TABLES],
            Self::Explain(_) => return vec![own],
            Self::Merge(_) => &[&["providers"]],
        };
        [&["instances"], own]
            .into_iter()
            .chain(more.iter().copied())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    /// Every mode, as a user asks for it.
    const MODES: [&[&str]; 11] = [
        &[],
        &["--events"],
        &["--check"],
        &["--explain"],
        &["--format", "report"],
        &["--format", "html"],
        &["--format", "report", "--mail-to", "a@example.org"],
        &["--format", "report", "--print-mail"],
        &["--save-day"],
        &["--merge", "x"],
        &["--follow-state", "x"],
    ];

    #[test]
    fn every_option_has_a_place_in_some_mode_and_no_other_is_taken() {
        let mut taken = Vec::new();
        for argv in MODES {
            let args = Args::parse_from(["tool"].iter().chain(argv));
            taken.extend(Mode::of(&args).unwrap().takes(&args).concat());
        }
        assert_eq!(cli::without_a_mode(&Args::command(), &taken), [""; 0]);
    }
}
