//! A tool that does whatever its tests ask of it, to show how `cli::run` behaves as a process.
#![allow(clippy::disallowed_methods, reason = "on files of its own")]

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use cli::{Block, Common, Context, Failure, Manual, Outcome, Section, Tool, WindowArgs};
use figures::verdict::{Level, Perf, Verdict};
use guarded::{Links, Place};
use host::history;
use host::logs::Selection;
use host::tables::Tables;
use knowledge::reasons::Class;

/// Do what the test asks for
///
/// A specimen, not a tool: it ends in every way that a tool can end.
#[derive(Debug, Parser)]
#[command(name = "specimen", version)]
struct Args {
    /// What to do
    #[arg(required = true)]
    deed: Vec<String>,

    /// Answer as a monitoring plugin
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    window: WindowArgs,

    #[command(flatten)]
    common: Common,
}

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "FILES",
                body: &[Block::Item(
                    "/etc/specimen's.toml",
                    ".leading dot, a \\ and a -hyphen",
                )],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Does nothing:"),
                    Block::Code(
                        "# specimen nothing\n.not a request\n'nor this  (two blanks)\n\n\\fBnot bold",
                    ),
                ],
            },
        ],
        see_also: &["postqueue(1)", "postsuper(1)"],
        checks: true,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}

fn main() -> ExitCode {
    cli::run(work)
}

fn work(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let deed: Vec<&str> = args.deed.iter().map(String::as_str).collect();
    match deed.as_slice() {
        ["print", text] => cx.print_with(|out| writeln!(out, "{text}"))?,
        ["stream", lines] => {
            let mut out = cx.stream()?;
            for n in 0..lines.parse()? {
                writeln!(out, "line {n}")?;
            }
            out.finish()?;
        }
        ["stream-then-fail"] => {
            let mut out = cx.stream()?;
            writeln!(out, "half a result")?;
            return Err(Failure::new("the second half is missing").into());
        }
        ["facts"] => {
            let facts = format!(
                "host={} terminal={} color={} width={:?} boxes={} now={}\n",
                cx.host(),
                cx.to_terminal(),
                cx.color(),
                cx.width(),
                cx.table_style().boxes,
                cx.now().micros(),
            );
            cx.print(facts.as_bytes())?;
        }
        ["window"] => {
            let window = args.window.window(cx.now(), cx.zone())?;
            cx.print(
                format!(
                    "{:?} {:?}\n",
                    window.since.map(postfix::Time::micros),
                    window.until.map(postfix::Time::micros)
                )
                .as_bytes(),
            )?;
        }
        ["problems", count] => {
            let problems: Vec<postfix::Problem> = (0..count.parse()?)
                .map(|n| postfix::Problem::new(format!("/spool/{n}"), "cut short"))
                .collect();
            cx.problems(&problems);
            cx.warn("a warning");
            cx.note("a note");
            cx.print(b"the rest\n")?;
        }
        ["fail", what] => return Err(Failure::new(*what).hint("do\x1b[2Jbetter").into()),
        ["read", path] => {
            let path = std::path::Path::new(path);
            std::fs::read(path).map_err(|e| Failure::io("cannot read", path, e))?;
        }
        ["panic", text] => std::panic::panic_any((*text).to_owned()),
        ["panic-in-thread"] => {
            let ended = std::thread::spawn(|| std::panic::panic_any("in a thread")).join();
            cx.note(format!("the thread ended: {}", ended.is_ok()));
        }
        ["slow", seconds] => {
            let items = cx.progress_items("counting\x07", Some(100));
            let seconds: u64 = seconds.parse()?;
            for _ in 0..100 {
                std::thread::sleep(std::time::Duration::from_millis(seconds * 10));
                items.advance(1);
            }
            cx.warn("nearly there");
        }
        ["instances", names @ ..] => {
            let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
            let host = host::instances::discover(cx.site());
            let chosen = host::instances::select_some(cx.site(), &host, &names)?;
            let names: Vec<&str> = chosen.iter().map(|i| i.name()).collect();
            cx.problems(&host.problems);
            cx.print(format!("{}\n", names.join(" ")).as_bytes())?;
        }
        ["history", first, last, names @ ..] => history(cx, first, last, names)?,
        ["wait-for-interrupt"] => {
            let interrupts = cx.catch_interrupts()?;
            cx.warn("waiting");
            let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
            while !interrupts.came() {
                if std::time::Instant::now() > patience {
                    return Err(Failure::new("no signal came in a minute").into());
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            cx.print(b"finished what was in hand\n")?;
            return Ok(Outcome::Partial);
        }
        ["stream-and-wait"] => {
            let mut out = cx.stream()?;
            writeln!(out, "half a result")?;
            cx.warn("waiting");
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        ["replace", path] => {
            let place = Place::find(std::path::Path::new(path), Links::Ours)?;
            cli::replace_file(&place, b"replaced\n")?;
        }
        ["ask"] => {
            let answer = cx.confirm("go\x07on?", "--yes")?;
            cx.print(format!("{answer}\n").as_bytes())?;
        }
        ["critical"] => {
            let mut verdict = Verdict::new(Level::Critical, "too much");
            verdict.perf.push(Perf::count("mail", 600.0));
            return cx.verdict(&verdict);
        }
        ["ok"] => return cx.verdict(&Verdict::new(Level::Ok, "all well")),
        other => anyhow::bail!("no such deed: {other:?}"),
    }
    Ok(Outcome::Done)
}

/// Prints a line for each day and each instance of which something is known.
fn history(cx: &Context, first: &str, last: &str, names: &[&str]) -> anyhow::Result<()> {
    let names: Vec<String> = names.iter().map(|&n| n.to_owned()).collect();
    let host = host::instances::discover(cx.site());
    let selection = Selection::new(cx.site(), &host, &names, false)?;
    let tables = Tables {
        providers: Arc::new(host::tables::providers(cx.site())?),
        reasons: Some(Arc::new(host::tables::reasons(cx.site())?)),
    };
    let days = history::days(cx.site(), first.parse()?, last.parse()?);
    let found = history::read(cx.site(), &host, &selection, None, &days, &tables)?;
    cx.print_with(|out| {
        for day in &found.days {
            writeln!(out, "{}", day.day.day())?;
            for of in &day.instances {
                let c = of.figures.counts;
                let blocked = of.figures.reason(Class::Blocked);
                let blocked = blocked.map_or(0, |row| row.counts.total());
                write!(
                    out,
                    "  {} {:?}: {} sent, {} bounced, {} deferred",
                    of.instance, of.source, c.sent, c.bounced, c.deferred
                )?;
                writeln!(
                    out,
                    ", {blocked} blocked, {} expired, {} unparsed; {:?}",
                    of.figures.expired, of.figures.unparsed, of.incomplete
                )?;
            }
        }
        Ok(())
    })?;
    cx.problems(&found.problems);
    Ok(())
}
