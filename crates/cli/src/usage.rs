//! Usage errors in one line and a hint, and what must be known of the arguments before clap parses them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::error::ErrorKind;
use clap::{ColorChoice, Command, Error};

use crate::error::Report;

/// Is `flag` among the arguments, right or wrong as the rest of them may be?
pub(crate) fn has_flag(argv: &[OsString], flag: &str) -> bool {
    options(argv).any(|arg| arg == flag)
}

/// Is `name` the subcommand among the arguments, right or wrong as the rest of them may be?
pub(crate) fn is_subcommand(command: &Command, argv: &[OsString], name: &str) -> bool {
    let lenient = command.clone().ignore_errors(true);
    let matches = lenient.try_get_matches_from(argv);
    matches.is_ok_and(|matches| matches.subcommand_name() == Some(name))
}

/// Whether `--help` is to be coloured.
pub(crate) fn help_color(argv: &[OsString]) -> ColorChoice {
    let mut found = ColorChoice::Auto;
    let mut before = OsStr::new("");
    for arg in options(argv) {
        let value = match arg.as_bytes().strip_prefix(b"--color=") {
            Some(value) => value,
            None if before == "--color" => arg.as_bytes(),
            None => b"",
        };
        found = match value {
            b"always" => ColorChoice::Always,
            b"never" => ColorChoice::Never,
            _ => found,
        };
        before = arg;
    }
    found
}

fn options(argv: &[OsString]) -> impl Iterator<Item = &OsStr> {
    argv.iter()
        .skip(1)
        .map(OsString::as_os_str)
        .take_while(|arg| *arg != "--")
}

/// What to report of clap's error. It quotes the arguments, which may hold anything.
pub(crate) fn report(name: &str, command: &Command, argv: &[OsString], error: &Error) -> Report {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand
    ) {
        // clap would show the whole help, or print its own list.
        let known = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        let known: Vec<&str> = known.map(Command::get_name).collect();
        return Report {
            line: format!("missing subcommand; one of: {}", known.join(", ")),
            hint: Some(format!("see '{name} --help'")),
        };
    }
    // clap's text mixes its own escape sequences with the arguments', and strips both. So it is asked again, about
    // arguments in which everything is visible.
    let visible = argv
        .iter()
        .map(|arg| postfix::escape(arg.as_bytes()).to_string());
    let text = match command.clone().try_get_matches_from(visible) {
        Err(e) if e.kind() == error.kind() => e.to_string(),
        _ => error.to_string(),
    };
    let mut paragraphs = text.split("\n\n");
    let line = in_words(joined(paragraphs.next().unwrap_or_default()));
    let tips: Vec<String> = paragraphs
        .flat_map(str::lines)
        .filter_map(|l| l.trim().strip_prefix("tip: "))
        .map(str::to_owned)
        .collect();
    Report {
        line: line.strip_prefix("error: ").unwrap_or(&line).to_owned(),
        hint: Some(if tips.is_empty() {
            format!("see '{name} --help'")
        } else {
            tips.join("; ")
        }),
    }
}

/// What the standard library says of a number is about its type.
const OF_NUMBERS: [(&str, &str); 5] = [
    ("invalid digit found in string", "not a whole number"),
    (
        "cannot parse integer from empty string",
        "not a whole number",
    ),
    (
        "number too large to fit in target type",
        "too large a number",
    ),
    (
        "number too small to fit in target type",
        "too small a number",
    ),
    ("invalid float literal", "not a number"),
];

fn in_words(line: String) -> String {
    let found = OF_NUMBERS.iter().find_map(|(said, meant)| {
        let before = line.strip_suffix(said)?;
        before.ends_with(": ").then(|| format!("{before}{meant}"))
    });
    found.unwrap_or(line)
}

fn joined(paragraph: &str) -> String {
    paragraph
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, ArgAction};

    fn argv(args: &[&str]) -> Vec<OsString> {
        ["tool"].iter().chain(args).map(OsString::from).collect()
    }

    #[test]
    fn flags_are_seen_before_the_double_hyphen() {
        let check = |args: &[&str], expected: bool| {
            assert_eq!(has_flag(&argv(args), "--check"), expected, "{args:?}");
        };
        check(&["--check"], true);
        check(&["--bogus", "x", "--check"], true);
        check(&["--check-dns"], false);
        check(&["--", "--check"], false);
        check(&[], false);
    }

    #[test]
    fn a_subcommand_is_known_whatever_stands_around_it() {
        let command = Command::new("tool")
            .arg(Arg::new("root").long("root").global(true))
            .subcommand(Command::new("check").arg(Arg::new("count").long("count")))
            .subcommand(Command::new("print").arg(Arg::new("what")));
        let check = |args: &[&str], expected: bool| {
            let found = is_subcommand(&command, &argv(args), "check");
            assert_eq!(found, expected, "{args:?}");
        };
        check(&["check"], true);
        check(&["--root", "/x", "check", "--bogus"], true);
        check(&["check", "--count"], true);
        check(&["print", "check"], false);
        check(&["--root", "check", "print"], false);
        check(&[], false);
    }

    #[test]
    fn help_is_coloured_as_asked() {
        let check = |args: &[&str], expected| assert_eq!(help_color(&argv(args)), expected);
        check(&["--help"], ColorChoice::Auto);
        check(&["--color", "never", "--help"], ColorChoice::Never);
        check(&["--help", "--color=always"], ColorChoice::Always);
        check(&["--color=always", "--color=never"], ColorChoice::Never);
    }

    #[test]
    fn a_missing_subcommand_is_one_line() {
        let command = Command::new("tool")
            .about("Do it")
            .subcommand_required(true)
            .arg_required_else_help(true)
            .subcommands([Command::new("check"), Command::new("print")]);
        let error = command.clone().try_get_matches_from(argv(&[])).unwrap_err();
        let expected = Report {
            line: "missing subcommand; one of: check, print".to_owned(),
            hint: Some("see 'tool --help'".to_owned()),
        };
        assert_eq!(report("tool", &command, &argv(&[]), &error), expected);
    }

    #[test]
    fn usage_errors_are_one_line() {
        let command = Command::new("tool")
            .arg(Arg::new("instance").required(true))
            .arg(
                Arg::new("format")
                    .long("format")
                    .value_parser(["text", "json"]),
            )
            .arg(Arg::new("quiet").long("quiet").action(ArgAction::SetTrue));
        let check = |args: &[&str], line: &str, hint: &str| {
            let argv = argv(args);
            let error = command.clone().try_get_matches_from(&argv).unwrap_err();
            let expected = Report {
                line: line.to_owned(),
                hint: Some(hint.to_owned()),
            };
            assert_eq!(report("tool", &command, &argv, &error), expected);
        };
        let help = "see 'tool --help'";
        check(
            &[],
            "the following required arguments were not provided: <instance>",
            help,
        );
        check(
            &["a", "--format", "xml"],
            "invalid value 'xml' for '--format <format>' [possible values: text, json]",
            help,
        );
        check(
            &["a", "--quit"],
            "unexpected argument '--quit' found",
            "a similar argument exists: '--quiet'",
        );
        check(
            &["a", "b\x1b[2J\x07\u{202e}"],
            r"unexpected argument 'b\x1b[2J\x07\u{202e}' found",
            help,
        );
    }
}
