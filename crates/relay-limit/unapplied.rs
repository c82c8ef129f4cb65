//! What a reload would put in force: the changes of main.cf and master.cf since the last one, but for our own.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use cli::Context;
use host::machine;
use legible::shell::quoted;
use postfix::config::Instance;

use crate::desk;
use crate::processes;

/// More than this no main.cf is.
pub(crate) const MOST: u64 = 16 << 20;

/// The change of main.cf or master.cf that a reload would put in force, if it is somebody else's, who may not be done
/// with it; with the command for when that is complete.
pub(crate) fn change(cx: &Context, instance: &Instance) -> Option<String> {
    let directory = instance.config_directory().to_string_lossy();
    let command = format!("postfix -c {} reload", quoted(&directory));
    match machine::master(cx.root(), instance) {
        Ok(Some(_)) => {}
        // It reads both when it is started.
        Ok(None) => return None,
        Err(e) => return Some(format!("cannot find out whether it is running: {e}")),
    }
    let managers = processes::of_program(cx, instance, "qmgr");
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
    let is_own = |file: &str| file == "main.cf" && is_own(cx, instance);
    let mut files = ["main.cf", "master.cf"].into_iter();
    let file = files.find(|file| is_new(file) && !is_own(file))?;
    Some(format!(
        "{} was changed since it was last reloaded; when that change is complete: {command}",
        directory.join(file).display()
    ))
}

/// Is main.cf, to the byte, what we made of one that was in force?
fn is_own(cx: &Context, instance: &Instance) -> bool {
    let path = cx
        .root()
        .under(&instance.config_directory().join("main.cf"));
    let own = guarded::read(&own(cx, instance), MOST).ok();
    own.is_some() && own == guarded::read(&path, MOST).ok()
}

/// What we made of main.cf last.
pub(crate) fn own(cx: &Context, instance: &Instance) -> PathBuf {
    directory(cx).join("own").join(file_name(instance))
}

pub(crate) fn file_name(instance: &Instance) -> String {
    instance.name().replace(['/', '.'], "_")
}

/// Where copies of main.cf are: for root alone, as passwords may stand in one.
pub(crate) fn directory(cx: &Context) -> PathBuf {
    desk::directory(cx).join("main.cf")
}
