//! `--generate`: the manual page and the shells' completions, without the arguments that the tool needs otherwise.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use clap_complete::Shell;
use guarded::Links;
use postfix::Root;
use postfix::config::Host;

use crate::args::Generate;
use crate::completions::script;
use crate::error::{Report, report};
use crate::exit::Outcome;
use crate::manual;
use crate::output::Target;
use crate::tool::Tool;
use crate::usage;

/// What is to be generated, and where to.
#[derive(Debug)]
pub(crate) struct Request {
    what: Generate,
    target: Target,
    root: PathBuf,
}

/// The request, if the arguments hold `--generate`; wrong arguments come back as the message to print.
pub(crate) fn requested(command: &Command, argv: &[OsString]) -> Option<Result<Request, Report>> {
    let given = argv
        .iter()
        .skip(1)
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--generate" || arg.to_string_lossy().starts_with("--generate="));
    if !given {
        return None;
    }
    let lenient = without_requirements(command.clone());
    let matches = match lenient.clone().try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(e) if !e.use_stderr() => return None,
        // A requirement with a condition cannot be taken away.
        Err(e) if e.kind() == ErrorKind::MissingRequiredArgument => lenient
            .ignore_errors(true)
            .try_get_matches_from(argv)
            .ok()?,
        Err(e) => return Some(Err(usage::report(command.get_name(), &lenient, argv, &e))),
    };
    request(&matches).map(Ok)
}

fn request(matches: &ArgMatches) -> Option<Request> {
    let what = *matches.try_get_one::<Generate>("generate").ok()??;
    let output = matches.try_get_one::<PathBuf>("output").ok().flatten();
    let root = matches.try_get_one::<PathBuf>("root").ok().flatten();
    Some(Request {
        root: root.cloned().unwrap_or_else(|| PathBuf::from("/")),
        what,
        target: Target::of(output.map(PathBuf::as_path)),
    })
}

/// The same command, with nothing in it that must be given.
fn without_requirements(command: Command) -> Command {
    let groups: Vec<String> = command
        .get_groups()
        .map(|g| g.get_id().as_str().to_owned())
        .collect();
    let command = groups
        .into_iter()
        .fold(command, |c, id| c.mut_group(id, |g| g.required(false)));
    command
        .mut_args(|arg| arg.required(false))
        .subcommand_required(false)
        .arg_required_else_help(false)
        .mut_subcommands(without_requirements)
}

/// Writes what was asked for.
pub(crate) fn answer<T: Tool>(name: &str, request: Request) -> Result<Outcome, Report> {
    let completions = |shell| Ok(script(shell, T::command(), name));
    let text = match request.what {
        Generate::Man => {
            manual::page(T::command(), &T::MANUAL, T::CHECK_COMMAND).map_err(Into::into)
        }
        Generate::Bash => completions(Shell::Bash),
        Generate::Zsh => completions(Shell::Zsh),
        Generate::Fish => completions(Shell::Fish),
        Generate::Instances => Ok(instances(&request.root)),
    };
    let written = text.and_then(|text| {
        let stream = request.target.open(Links::Ours)?;
        request.target.write(stream, &text)
    });
    match written {
        Ok(()) => Ok(Outcome::Done),
        Err(e) => Err(report(&e)),
    }
}

/// The names of a host's instances as they are typed, a line each. What cannot be read is not offered; nor is a name
/// that a shell would take for more than a word: bash runs what stands in `$()` among what it is to offer, and a
/// main.cf may be another user's.
fn instances(root: &std::path::Path) -> Vec<u8> {
    let host = Host::discover(&Root::new(root), "localhost").value;
    let names = host.instances().iter().map(|instance| {
        let name = instance.name();
        name.strip_prefix("postfix-").unwrap_or(name)
    });
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+@:".contains(c);
    names
        .filter(|name| name.chars().all(is_plain) && !name.starts_with('-'))
        .flat_map(|name| format!("{name}\n").into_bytes())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Common;
    use clap::{Arg, ArgGroup, Args};

    #[test]
    fn nothing_else_is_needed() {
        let check = |command: Command, args: &[&str], expected: Option<Generate>| {
            let command = Common::augment_args(command);
            let argv: Vec<OsString> = ["tool"].iter().chain(args).map(OsString::from).collect();
            let found = requested(&command, &argv).map(|r| r.unwrap().what);
            assert_eq!(found, expected, "{args:?}");
        };
        let plain = || Command::new("tool").arg(Arg::new("x").required(true));
        let man = ["--generate", "man"];
        check(plain(), &man, Some(Generate::Man));
        check(plain(), &["--generate=zsh"], Some(Generate::Zsh));
        check(plain(), &["a", "--generate", "fish"], Some(Generate::Fish));
        check(plain(), &["a"], None);
        check(plain(), &["--", "--generate"], None);
        check(plain(), &["--generate", "man", "--help"], None);
        let option = |name: &'static str| Arg::new(name).long(name);
        let unless = option("id").required_unless_present("all");
        let conditional = plain().arg(option("all")).arg(unless);
        check(conditional, &man, Some(Generate::Man));
        let group = ArgGroup::new("one").args(["a", "b"]).required(true);
        let grouped = Command::new("tool")
            .args(["a", "b"].map(option))
            .group(group);
        check(grouped, &man, Some(Generate::Man));
        let subcommands = || {
            Command::new("tool")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(Command::new("hold").arg(Arg::new("x").required(true)))
        };
        check(subcommands(), &man, Some(Generate::Man));
        check(
            subcommands(),
            &["hold", "--generate", "bash"],
            Some(Generate::Bash),
        );
    }
}
