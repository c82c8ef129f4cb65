//! What a run does: one value, decided here, with the options that it takes.

use crate::args::Args;
use crate::output::Format;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The instances, and what is wrong with them.
    Listing(Format),
    /// The answer to a monitoring system (`--check`).
    Check,
}

impl Mode {
    /// What both take, by the names of their fields.
    pub(crate) const EITHER: &[&str] = &[
        "instances",
        "accept",
        "check_dns",
        "resolver",
        "domain",
        "timeout",
    ];

    /// What `args` ask for.
    pub(crate) fn of(args: &Args) -> Self {
        match args.check {
            true => Self::Check,
            false => Self::Listing(args.format),
        }
    }

    /// As a user asks for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Listing(_) => "the list of instances",
            Self::Check => "--check",
        }
    }

    /// The options that it alone takes. What is in neither list is refused.
    pub(crate) fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Listing(_) => &["format", "wide", "output"],
            Self::Check => &["check"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn every_option_has_a_place_in_some_mode_and_no_other_is_taken() {
        let mut taken = Mode::EITHER.to_vec();
        for argv in [&[][..], &["--check"]] {
            let args = Args::parse_from(["tool"].iter().chain(argv));
            taken.extend(Mode::of(&args).takes());
        }
        assert_eq!(cli::without_a_mode(&Args::command(), &taken), [""; 0]);
    }
}
