//! From the command line to the exit status.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::console::{error_lines, to_stderr};
use crate::context::Context;
use crate::error::{self, Report};
use crate::examples::with_examples;
use crate::exit::{Ending, Outcome, status};
use crate::given::{self, Given};
use crate::tool::Tool;
use crate::{clock, generate, panic, usage};
use figures::verdict::{Level, Verdict};
use host::Failure;
use postfix::Time;

/// Runs a tool: reads its arguments, calls `work`, reports errors, and turns the outcome into the exit status.
///
/// `work` is to write its result through [`Context::print`] or [`Context::stream`], and to hand on every error: what
/// came of a closed pipe ends the tool quietly.
pub fn run<T: Tool>(work: impl FnOnce(&T, &Context) -> anyhow::Result<Outcome>) -> ExitCode {
    let mut argv: Vec<OsString> = std::env::args_os().collect();
    let now = clock::start(&mut argv);
    let in_one_line = usage::has_flag(&argv, "--check");
    let command = T::command();
    let checking = in_one_line
        || T::CHECK_COMMAND.is_some_and(|check| usage::is_subcommand(&command, &argv, check));
    let name = command.get_name().to_owned();
    let ended = panic::caught(|| match generate::requested(&command, &argv) {
        Some(request) => generate::answer::<T>(&name, request?),
        None => work_on(&name, command, &argv, now, in_one_line, work),
    });
    let ended = ended.unwrap_or_else(|line| {
        Err(Report {
            line: format!("internal error: {line}"),
            hint: Some("this is a bug in the tool; please report that line".to_owned()),
        })
    });
    let ending = match ended {
        Ok(outcome) => Ending::Finished(outcome),
        Err(report) => {
            print(&name, &report, in_one_line);
            Ending::Failed
        }
    };
    ExitCode::from(status(ending, checking))
}

/// Parses the arguments and does the work. An error comes back as the message to print.
fn work_on<T: Tool>(
    name: &str,
    command: clap::Command,
    argv: &[OsString],
    now: anyhow::Result<Time>,
    in_one_line: bool,
    work: impl FnOnce(&T, &Context) -> anyhow::Result<Outcome>,
) -> Result<Outcome, Report> {
    let command = with_examples(command, &T::MANUAL).color(usage::help_color(argv));
    let (args, given) = match parse::<T>(&command, argv) {
        Ok(parsed) => parsed,
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            return match e.print().and_then(|()| std::io::stdout().flush()) {
                // Who closes the pipe of --help has read enough.
                Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(error::report(
                    &Failure::new("cannot write: standard output")
                        .because(e)
                        .into(),
                )),
                _ => Ok(Outcome::Done),
            };
        }
        Err(e) => return Err(usage::report(name, &command, argv, &e)),
    };
    if in_one_line {
        refuse_output(&given).map_err(|e| error::report(&e.into()))?;
    }
    let cx = now.and_then(|now| Context::new(name, args.common(), now, given));
    let cx = cx.map_err(|e| error::report(&e))?;
    let outcome = match work(&args, &cx) {
        Ok(outcome) => outcome,
        Err(e) if cx.is_closed_stdout(&e) => Outcome::Done,
        Err(e) => return Err(error::report(&e)),
    };
    Ok(match outcome {
        Outcome::Done if cx.console().left_out() => Outcome::Partial,
        other => other,
    })
}

/// A check answers on standard output, and writes nothing else: a monitoring system may be let run it as root.
fn refuse_output(given: &[Given]) -> Result<(), Failure> {
    match given.iter().any(|given| given.is("output")) {
        true => Err(Failure::new("--output cannot be used with --check")
            .hint("a check answers on standard output; leave out --output")),
        false => Ok(()),
    }
}

fn parse<T: Tool>(
    command: &clap::Command,
    argv: &[OsString],
) -> Result<(T, Vec<Given>), clap::Error> {
    let mut matches = command.clone().try_get_matches_from(argv)?;
    if let Some((option, verb)) = given::passed_over(command, &matches) {
        let what = format!("{option} has no effect in front of {verb}: write it behind {verb}");
        return Err(clap::Error::raw(ErrorKind::ArgumentConflict, what));
    }
    let given = given::given(command, &matches);
    let args = T::from_arg_matches_mut(&mut matches).map_err(|e| e.format(&mut command.clone()))?;
    Ok((args, given))
}

/// Reports an error: on standard error, or to a monitoring system, which reads one line of standard output.
fn print(name: &str, report: &Report, in_one_line: bool) {
    if in_one_line {
        let line = Verdict::new(Level::Unknown, &report.line);
        drop(writeln!(std::io::stdout(), "{line}"));
    } else {
        to_stderr(&error_lines(name, report));
    }
}
