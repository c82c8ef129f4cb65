//! What a run does: one value, decided here, with the options that it takes.

use std::time::Duration;

use cli::Failure;
use postfix::Span;
use show::distribution::prom;

use crate::args::Args;
use crate::output::Format;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The figures, once.
    Figures(Format),
    /// The figures again and again (`--watch`).
    Watch(Round, Duration),
    /// The answer to a monitoring system (`--check`).
    Check,
}

/// How a round of `--watch` is shown: so that each is distinct from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Round {
    /// Tables.
    Table,
    /// JSON lines.
    Json,
}

impl Mode {
    /// What `args` ask for, and the instances that they name.
    ///
    /// # Errors
    /// A breakdown that metrics do not have; `--watch` with a format whose rounds could not be distinguished, or with
    /// an impossible interval.
    pub(crate) fn of(args: &Args) -> Result<(Self, Vec<String>), Failure> {
        let mut names = args.instances.instances.clone();
        if args.check {
            return Ok((Self::Check, names));
        }
        let Some(watch) = &args.watch else {
            let not_metric = args.by.iter().find(|by| !prom::has(**by));
            if let Some(by) = not_metric.filter(|_| args.format == Format::Prom) {
                let what = format!("--by {by} cannot be used with --format prom");
                let hint =
                    "metrics are by provider and by age; another --format has every breakdown";
                return Err(Failure::new(what).hint(hint));
            }
            return Ok((Self::Figures(args.format), names));
        };
        let round = match args.format {
            Format::Table => Round::Table,
            Format::Json => Round::Json,
            Format::Text | Format::Csv | Format::Prom => {
                return Err(Failure::new("--watch can only show tables or JSON lines")
                    .hint("use --format table or json, or run mailq-distribution from cron"));
            }
        };
        let span = |text: &str| {
            text.parse::<Span>()
                .map(|span| span.duration().as_secs_f64())
        };
        let seconds = match watch.parse::<f64>().or_else(|_| span(watch)) {
            Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => seconds,
            Ok(_) => {
                let what = format!("--watch {watch}: not a span of time that can be waited for");
                return Err(
                    Failure::new(what).hint("from 0.1 to 86400 seconds, or such as 2s, 1m, 1h")
                );
            }
            // `--watch aol-b` names an instance: that is how it is typed, and no span of time.
            Err(_) => {
                names.insert(0, watch.clone());
                5.0
            }
        };
        let interval = Duration::from_secs_f64(seconds);
        Ok((Self::Watch(round, interval), names))
    }

    /// Does it need to know when messages expire? More of each file is read for that.
    pub(crate) fn reads_expiry(self) -> bool {
        matches!(
            self,
            Self::Check | Self::Figures(Format::Json | Format::Prom)
        )
    }

    /// As a user asks for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Figures(_) => "the figures of the mailq",
            Self::Watch(..) => "--watch",
            Self::Check => "--check",
        }
    }

    /// The options that it takes, by the names of their fields. What is not here is refused.
    pub(crate) fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Figures(_) => &["instances", "format", "by", "top", "counts_only", "output"],
            // Rounds do not fit into one file that is replaced: they are redirected.
            Self::Watch(..) => &["instances", "format", "by", "top", "counts_only", "watch"],
            Self::Check => &[
                "instances",
                "counts_only",
                "check",
                "warn_count",
                "crit_count",
                "warn_age",
                "crit_age",
                "warn_expiring",
                "crit_expiring",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn every_option_has_a_place_in_some_mode_and_no_other_is_taken() {
        let mut taken = Vec::new();
        for argv in [&[][..], &["--watch"], &["--check"]] {
            let args = Args::parse_from(["tool"].iter().chain(argv));
            taken.extend(Mode::of(&args).unwrap().0.takes());
        }
        assert_eq!(cli::without_a_mode(&Args::command(), &taken), [""; 0]);
    }
}
