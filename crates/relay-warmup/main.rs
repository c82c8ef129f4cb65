//! relay-warmup: is a new address ready, how much may it send today, is it going well?
//!
//! Glue: `args` what is asked for, `check` the steps of getting ready, `planning` a new plan, `addresses` whom its
//! relay name lists, `saved` the plans that are kept, `standing` how warm-ups go, `applying` what follows put in force.
//! What is judged and how it is shown is in crate warmup. Only `applying` changes Postfix, by `postconf`; nothing
//! changes the DNS.

mod addresses;
mod applying;
mod args;
mod check;
mod manual;
mod planning;
mod postconf;
mod saved;
mod standing;

use std::process::ExitCode;

use cli::{Context, Outcome};

use args::{Args, Command};

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Check(check) => check::run(check, cx),
        Command::Plan(plan) => planning::run(plan, cx),
        Command::Show(show) => saved::show(show, cx),
        Command::List(list) => saved::list(list, cx),
        Command::Status(status) => standing::run(status, cx),
        Command::Apply(apply) => applying::run(apply, cx),
    }
}
