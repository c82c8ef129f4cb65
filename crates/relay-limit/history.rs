//! Everything that was ever ordered on this host.

use cli::{Context, Outcome};

use crate::args::{Format, History as Args};
use crate::desk;
use crate::list::{self, document};

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let read = desk::look(cx)?;
    let limits = &read.value.limits;
    match args.format {
        Format::Text => {
            let lines: Vec<String> = limits.iter().flat_map(|one| list::lines(cx, one)).collect();
            cx.print_lines(&lines)?;
        }
        Format::Json => {
            let shown: Vec<_> = limits.iter().map(|one| (one, None)).collect();
            cx.print_with(|out| {
                document(
                    out,
                    cx,
                    "relay-tools/relay-limit-history/1",
                    &shown,
                    (&read.problems, &[]),
                )
            })?;
        }
    }
    cx.problems(&read.problems);
    Ok(Outcome::Done)
}
