//! The processes that an instance runs, and whether they are newer than its maps.

use std::os::unix::fs::MetadataExt as _;

use cli::Context;
use host::machine::{self, Process};
use postfix::config::Instance;
use postfix::{Span, Time};

use crate::mapped::MappedInstance;

/// The processes of the instance now, if it runs.
pub(crate) fn all(cx: &Context, instance: &Instance) -> Result<Option<Vec<Process>>, String> {
    match machine::master(cx.root(), instance) {
        Ok(None) => Ok(None),
        Ok(Some(machine::Master { pid: Some(pid), .. })) => machine::children(pid)
            .map(Some)
            .map_err(|e| format!("/proc: {e}")),
        Ok(Some(_)) => Err("its master.pid does not name its process".to_owned()),
        Err(e) => Err(format!("cannot find out whether it is running: {e}")),
    }
}

/// The instance's processes of this program now; none where it does not run.
pub(crate) fn of_program(cx: &Context, instance: &Instance, program: &str) -> Vec<Process> {
    let mut all = all(cx, instance).ok().flatten().unwrap_or_default();
    all.retain(|process| process.name == program);
    all
}

/// When the maps were last replaced.
pub(crate) fn changed(mapped: &MappedInstance<'_>) -> Result<Time, String> {
    let mut changed = 0;
    for map in mapped.maps() {
        let seen = map.path.metadata();
        let seen = seen.map_err(|e| format!("{}: {e}", map.path.display()))?;
        changed = changed.max(seen.ctime());
    }
    Ok(Time::from_seconds(changed))
}

/// Is this so many seconds after a change? What is not known is not. Times are known to the second, and one may be a
/// second off: one is the least.
pub(crate) fn is_after(at: Option<Time>, changed: Time, seconds: u64) -> bool {
    at.is_some_and(|at| at > changed.plus(Span::from_seconds(seconds)))
}
