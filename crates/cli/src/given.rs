//! Which options a user has given, so that a mode can refuse those that it does not take.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use host::Failure;

/// Options that mean the same in every mode of every tool.
const EVERYWHERE: [&str; 5] = ["root", "color", "quiet", "verbose", "generate"];

/// An option or operand that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// clap's name of it: that of the field.
    id: String,
    /// As the user writes it.
    shown: String,
}

impl Given {
    /// Is it the option or operand of this field?
    pub(crate) fn is(&self, id: &str) -> bool {
        self.id == id
    }
}

/// All that was given on the command line, behind a subcommand too.
pub(crate) fn given(command: &Command, matches: &ArgMatches) -> Vec<Given> {
    let mut found = Vec::new();
    let (mut command, mut matches) = (Some(command), Some(matches));
    while let (Some(of), Some(with)) = (command, matches) {
        for arg in of.get_arguments() {
            let id = arg.get_id().as_str();
            // clap panics when asked for what it does not know, a global option in front of the subcommand, say.
            let is_known = with.try_contains_id(id).unwrap_or(false);
            if is_known && with.value_source(id) == Some(ValueSource::CommandLine) {
                let (id, shown) = (id.to_owned(), shown(arg));
                found.push(Given { id, shown });
            }
        }
        let below = with.subcommand();
        command = below.and_then(|(name, _)| of.find_subcommand(name));
        matches = below.map(|(_, matches)| matches);
    }
    found
}

/// What stands in front of a subcommand and is none of its options, so that it would be passed over: how it is written,
/// and the subcommand.
pub(crate) fn passed_over(command: &Command, matches: &ArgMatches) -> Option<(String, String)> {
    let (verb, _) = matches.subcommand()?;
    let mut before = command.get_arguments().filter(|arg| {
        let id = arg.get_id().as_str();
        !arg.is_global_set()
            && matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    });
    before.next().map(|arg| (shown(arg), verb.to_owned()))
}

/// An option or operand as the user writes it.
fn shown(arg: &Arg) -> String {
    match arg.get_long() {
        Some(long) => format!("--{long}"),
        None => arg.get_id().as_str().to_ascii_uppercase(),
    }
}

/// Refuses what was given and is not among `takes` (clap's names), for `mode`, as the user asks for it.
///
/// # Errors
/// The first option that has no place there.
pub(crate) fn refuse_others(given: &[Given], mode: &str, takes: &[&[&str]]) -> Result<(), Failure> {
    let has_place = |id: &str| EVERYWHERE.contains(&id) || takes.iter().any(|of| of.contains(&id));
    match given.iter().find(|given| !has_place(&given.id)) {
        Some(other) => {
            let what = format!("{} cannot be used with {mode}", other.shown);
            let hint = match mode.starts_with("--") {
                true => format!("leave out {} or {mode}", other.shown),
                false => format!("see --help for what takes {}", other.shown),
            };
            Err(Failure::new(what).hint(hint))
        }
        None => Ok(()),
    }
}

/// The options of `command` that no mode takes, and the names in `taken` that are no option of it: a tool's test holds
/// both to none. `taken`: what all its modes take together.
pub fn without_a_mode(command: &Command, taken: &[&str]) -> Vec<String> {
    let ids = || command.get_arguments().map(|arg| arg.get_id().as_str());
    let own = ["help", "version"];
    let has_place = |id: &str| own.contains(&id) || EVERYWHERE.contains(&id) || taken.contains(&id);
    let lost = ids().filter(|id| !has_place(id));
    let unknown = taken
        .iter()
        .copied()
        .filter(|id| !ids().any(|there| there == *id));
    lost.chain(unknown).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ArgAction;

    fn command() -> Command {
        Command::new("tool")
            .arg(
                Arg::new("quiet")
                    .short('q')
                    .long("quiet")
                    .global(true)
                    .action(ArgAction::SetTrue),
            )
            .arg(
                Arg::new("with_age")
                    .long("with-age")
                    .action(ArgAction::SetTrue),
            )
            .arg(Arg::new("top").long("top").default_value("3"))
            .arg(Arg::new("names").num_args(0..))
            .subcommand(Command::new("list").arg(Arg::new("day").long("day")))
    }

    fn check(argv: &[&str], takes: &[&str], expected: Option<&str>) {
        let argv = ["tool"].iter().chain(argv);
        let command = command();
        let matches = command.clone().try_get_matches_from(argv).unwrap();
        let refused = refuse_others(&given(&command, &matches), "--check", &[takes]);
        assert_eq!(refused.err().map(|e| e.to_string()).as_deref(), expected);
    }

    #[test]
    fn what_stands_in_front_of_a_subcommand_is_not_passed_over() {
        let of = |argv: &[&str]| {
            let command = command();
            let argv = ["tool"].iter().chain(argv);
            let matches = command.clone().try_get_matches_from(argv).unwrap();
            passed_over(&command, &matches).map(|(option, _)| option)
        };
        assert_eq!(of(&["-q", "list", "--day", "1"]), None);
        assert_eq!(of(&["--top", "3"]), None);
        assert_eq!(
            of(&["--top", "3", "list"]).as_deref(),
            Some("--top"),
            "its own value too"
        );
        assert_eq!(
            of(&["-q", "--with-age", "list"]).as_deref(),
            Some("--with-age")
        );
    }

    #[test]
    fn what_a_mode_does_not_take_is_refused() {
        check(&[], &[], None);
        check(&["-q"], &[], None);
        check(&["--with-age"], &["with_age"], None);
        check(
            &["--with-age"],
            &[],
            Some("--with-age cannot be used with --check"),
        );
        check(
            &["--top", "3"],
            &[],
            Some("--top cannot be used with --check"),
        );
        check(&["aol-b"], &[], Some("NAMES cannot be used with --check"));
        check(&["list", "--day", "2"], &["day"], None);
        check(
            &["list", "--day", "2"],
            &["top"],
            Some("--day cannot be used with --check"),
        );
    }
}
