//! relay-transport: which domains go to which relay; is the map complete and in use?
//!
//! Glue: `args` what is asked for, `site` the domain and the table that all of it needs, `print` the map that the table
//! asks for; `check` the map in use, with `gather` (main.cf, files, `postmap`), `rewrite` (Postfix itself),
//! `relay_hosts` (DNS), `ports` and `networks`. `discover` what the map
//! lacks, with `mx`. What is judged and how it is shown is in crate transport.

mod args;
mod check;
mod deliveries;
mod discover;
mod existing;
mod gather;
mod manual;
mod mx;
mod networks;
mod ports;
mod print;
mod relay_hosts;
mod rewrite;
mod site;

use std::process::ExitCode;

use cli::{Context, Outcome};

use args::{Args, Command};

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Print(print) => print::run(print, cx),
        Command::Check(check) => check::run(check, cx),
        Command::Discover(discover) => discover::run(discover, cx),
    }
}
