//! `postfix reload`, and whether it may be done unasked: it puts in force all that main.cf and master.cf say, and that
//! may be half of what somebody is about to change.

use anyhow::Result;
use cli::{Context, Failure};
use host::machine;
use host::programs::Program;
use postfix::config::Instance;

use crate::unapplied;

/// Reloads Postfix; does nothing where the instance does not run.
pub(crate) fn now(cx: &Context, instance: &Instance) -> Result<()> {
    if !matches!(machine::master(cx.root(), instance), Ok(Some(_))) {
        return Ok(());
    }
    let postfix = Program::new(cx.root(), instance, "postfix");
    let reloaded = postfix.changing().run(&["reload"]);
    reloaded.map_err(|why| {
        let directory = instance.config_directory().display();
        Failure::new(format!("{}: cannot reload Postfix: {why}", instance.name())).hint(format!(
            "postfix -c {directory} reload; the mail log says more"
        ))
    })?;
    Ok(())
}

/// The same, where it puts nobody's change in force; or why not, and what to do.
pub(crate) fn safely(cx: &Context, instance: &Instance) -> Result<(), String> {
    match unapplied::change(cx, instance) {
        Some(why) => Err(format!(
            "{}: Postfix was not reloaded: {why}",
            instance.name()
        )),
        None => now(cx, instance).map_err(|why| format!("{why:#}")),
    }
}
