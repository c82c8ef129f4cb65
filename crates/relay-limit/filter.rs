//! The table by which final refusals that are blocks are deferred, printed for an instance.

use cli::{Context, Outcome};

use crate::args::Filter as Args;

pub(crate) fn run(args: &Args, cx: &Context) -> anyhow::Result<Outcome> {
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    let reasons = host::tables::reasons(cx.site())?;
    cx.print(limits::filter::table(instance, &reasons).as_bytes())?;
    Ok(Outcome::Done)
}
