//! relay-limit: when a provider blocks an address: pause it, with an end, and bring it back.
//!
//! Glue: `args` what is asked for; `order` what it makes of it; `desk` the journal and the lock, `place` an instance
//! with its map, `upkeep` the map made to say what the journal says, `probe`, `waiting` and `ending` what Postfix does
//! of it, `reload` when Postfix may be reloaded unasked; and a file a subcommand. What is judged, and how maps and the
//! journal are written, is in crate limits.

mod args;
mod back;
mod connects;
mod desk;
mod ending;
mod facts;
mod filter;
mod held;
mod history;
mod idle;
mod lift;
mod list;
mod mailed;
mod main_cf;
mod manual;
mod mapped;
mod metrics;
mod moving;
mod order;
mod out;
mod parameters;
mod pause;
mod probe;
mod processes;
mod rate;
mod react;
mod recent;
mod recipients;
mod refused;
mod reload;
mod reported;
mod rounds;
mod settle;
mod setup;
mod siblings;
mod stale;
mod tick;
mod unapplied;
mod upkeep;
mod waiting;
mod zone;

use std::process::ExitCode;

use cli::{Context, Outcome};

use args::{Args, Command};

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    match &args.command {
        Command::Setup(setup) => setup::run(setup, cx),
        Command::Pause(args) => {
            order::run(cx, args.manner.dry_run, || pause::ordered(args, cx, None))
        }
        Command::Rate(args) => {
            order::run(cx, args.manner.dry_run, || rate::ordered(args, cx, None))
        }
        Command::List(list) => list::run(list, cx),
        Command::Lift(lift) => lift::run(lift, cx),
        Command::History(history) => history::run(history, cx),
        Command::Out(out) => out::out(out, cx),
        Command::Filter(filter) => filter::run(filter, cx),
        Command::In(back) => back::back(back, cx),
        Command::React(react) => react::run(react, cx),
        Command::Tick(tick) => tick::run(tick, cx),
    }
}
