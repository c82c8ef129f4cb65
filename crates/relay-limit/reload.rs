//! `postfix reload`, and whether it may be done unasked: it puts in force all that main.cf and master.cf say, and that
//! may be half of what somebody is about to change.

use std::os::unix::fs::MetadataExt as _;

use anyhow::Result;
use cli::{Context, Failure};
use host::machine;
use host::programs::Program;
use legible::shell::quoted;
use postfix::config::Instance;

use crate::main_cf;
use crate::waiting;

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
    match unapplied(cx, instance) {
        Some(why) => Err(format!(
            "{}: Postfix was not reloaded: {why}",
            instance.name()
        )),
        None => now(cx, instance).map_err(|why| format!("{why:#}")),
    }
}

/// The change of main.cf or master.cf that a reload would put in force, if it is somebody else's, who may not be done
/// with it; with the command for when that is complete.
pub(crate) fn unapplied(cx: &Context, instance: &Instance) -> Option<String> {
    let directory = instance.config_directory().to_string_lossy();
    let command = format!("postfix -c {} reload", quoted(&directory));
    match machine::master(cx.root(), instance) {
        Ok(Some(_)) => {}
        // It reads both when it is started.
        Ok(None) => return None,
        Err(e) => return Some(format!("cannot find out whether it is running: {e}")),
    }
    let managers = waiting::processes_of(cx, instance, "qmgr");
    // It ends at each reload, and else lives as long as Postfix does.
    let loaded = managers.iter().filter_map(machine::started).max();
    let Some(loaded) = loaded else {
        return Some(format!(
            "no qmgr runs by which to see whether main.cf or master.cf was changed since it was last reloaded; when \
             they are complete: {command}"
        ));
    };
    let directory = cx.root().under(instance.config_directory());
    let is_new = |file: &&str| {
        let changed = directory.join(file).metadata().map(|found| found.ctime());
        // Both are known to the second, and one may be a second off.
        changed.map_or(true, |at| at > loaded.seconds() + 1)
    };
    let is_own = |file: &str| file == "main.cf" && main_cf::is_own(cx, instance);
    let mut files = ["main.cf", "master.cf"].into_iter();
    let file = files.find(|file| is_new(file) && !is_own(file))?;
    Some(format!(
        "{} was changed since it was last reloaded; when that change is complete: {command}",
        directory.join(file).display()
    ))
}
