//! `--generate`: the manual page and the shells' completions, without the arguments that the tool needs otherwise.

use std::ffi::OsString;

use clap::{ArgMatches, Command};
use clap_complete::Shell;

use crate::args::Generate;
use crate::error::{Told, told};
use crate::exit::Outcome;
use crate::manual;
use crate::output::Target;
use crate::run::Tool;
use crate::usage;

/// What is to be generated, and where to.
#[derive(Debug)]
pub(crate) struct Request {
    what: Generate,
    target: Target,
}

/// The request, if the arguments hold `--generate`; wrong arguments come back as what is to be told of them.
pub(crate) fn requested(command: &Command, argv: &[OsString]) -> Option<Result<Request, Told>> {
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
        Err(e) => return Some(Err(usage::told(command.get_name(), &lenient, argv, &e))),
    };
    request(&matches).map(Ok)
}

fn request(matches: &ArgMatches) -> Option<Request> {
    let what = *matches.try_get_one::<Generate>("generate").ok()??;
    let output = matches
        .try_get_one::<std::path::PathBuf>("output")
        .ok()
        .flatten();
    Some(Request {
        what,
        target: Target::of(output.map(std::path::PathBuf::as_path)),
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
pub(crate) fn answer<T: Tool>(name: &str, request: Request) -> Result<Outcome, Told> {
    let shell = match request.what {
        Generate::Man => None,
        Generate::Bash => Some(Shell::Bash),
        Generate::Zsh => Some(Shell::Zsh),
        Generate::Fish => Some(Shell::Fish),
    };
    let text = match shell {
        Some(shell) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut T::command(), name, &mut text);
            Ok(text)
        }
        None => manual::page(T::command(), &T::MANUAL).map_err(Into::into),
    };
    let written = text.and_then(|text| request.target.write(&text));
    match written {
        Ok(()) => Ok(Outcome::Done),
        Err(e) => Err(told(&e)),
    }
}
