//! What a run does: one value, decided here, with the options that it takes.

use crate::args::{Args, Format};

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A summary, groups, senders and messages, for people or as one object.
    Figures(Whole),
    /// The messages alone, each as soon as it is found if no order is asked for.
    Messages(Listing),
}

/// A format with figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    /// Tables.
    Table,
    /// Lines, nothing cut.
    Text,
    /// One JSON object.
    Json,
}

/// A format of messages only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    /// One JSON object each.
    Jsonl,
    /// A row for each recipient.
    Csv,
    /// Queue ids (`--ids`).
    Ids,
}

/// What selects messages, and puts them in order.
const SELECTION: &[&str] = &[
    "instances",
    "queue",
    "id",
    "sender",
    "recipient",
    "domain",
    "provider",
    "reason",
    "reason_class",
    "dsn",
    "older_than",
    "younger_than",
    "expires_within",
    "larger_than",
    "smaller_than",
    "limit",
    "all",
    "sort",
    "reverse",
    "output",
];

/// Messages listed on a terminal.
const ON_A_TERMINAL: usize = 20;

/// Groups and senders shown to people.
const TOP: usize = 10;

impl Mode {
    /// How many messages are listed at most.
    pub(crate) fn limit(self, args: &Args, to_terminal: bool) -> usize {
        match args.selectors.limit {
            Some(limit) => limit,
            None if self.is_for_people() && to_terminal && !args.all => ON_A_TERMINAL,
            None => usize::MAX,
        }
    }

    /// How many groups and senders are shown at most.
    pub(crate) fn top(self, args: &Args) -> Option<usize> {
        let usual = (self.is_for_people() && !args.all).then_some(TOP);
        args.top.or(usual)
    }

    /// What `args` ask for.
    pub(crate) fn of(args: &Args) -> Self {
        match args.format {
            _ if args.ids => Self::Messages(Listing::Ids),
            Format::Table => Self::Figures(Whole::Table),
            Format::Text => Self::Figures(Whole::Text),
            Format::Json => Self::Figures(Whole::Json),
            Format::Jsonl => Self::Messages(Listing::Jsonl),
            Format::Csv => Self::Messages(Listing::Csv),
        }
    }

    /// As a user asks for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Figures(Whole::Table) => "--format table",
            Self::Figures(Whole::Text) => "--format text",
            Self::Figures(Whole::Json) => "--format json",
            Self::Messages(Listing::Jsonl) => "--format jsonl",
            Self::Messages(Listing::Csv) => "--format csv",
            Self::Messages(Listing::Ids) => "--ids",
        }
    }

    /// The options that it takes, by the names of their fields. What is not here is refused.
    pub(crate) fn takes(self) -> [&'static [&'static str]; 2] {
        let own: &[&str] = match self {
            Self::Figures(_) => &["format", "group_by", "top"],
            Self::Messages(Listing::Jsonl | Listing::Csv) => &["format"],
            Self::Messages(Listing::Ids) => &["ids"],
        };
        [SELECTION, own]
    }

    /// Are the figures shown to people, as opposed to programs?
    pub(crate) fn is_for_people(self) -> bool {
        matches!(self, Self::Figures(Whole::Table | Whole::Text))
    }

    /// Are there figures beside the messages?
    pub(crate) fn has_figures(self) -> bool {
        matches!(self, Self::Figures(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn every_option_has_a_place_in_some_mode_and_no_other_is_taken() {
        let modes: [&[&str]; 6] = [
            &[],
            &["--format", "text"],
            &["--format", "json"],
            &["--format", "jsonl"],
            &["--format", "csv"],
            &["--ids"],
        ];
        let mut taken = Vec::new();
        for argv in modes {
            let args = Args::parse_from(["tool", "aol-b"].iter().chain(argv));
            taken.extend(Mode::of(&args).takes().concat());
        }
        assert_eq!(cli::without_a_mode(&Args::command(), &taken), [""; 0]);
    }
}
