//! The parameters of main.cf that hold a rate: set, and put back.

use std::path::Path;

use anyhow::Result;
use cli::Context;
use limits::{Change, ParameterEdit, Rate};
use postfix::config::Instance;

use crate::main_cf::{self, Edit};
use crate::mapped;
use crate::reload;
use crate::unapplied;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The rate begins.
    Set,
    /// It is over.
    PutBack,
}

impl Way {
    fn step(self, change: &Change, now: Option<&str>) -> ParameterEdit {
        match self {
            Self::Set => change.begin(now),
            Self::PutBack => change.end(now),
        }
    }
}

/// What main.cf says of a parameter, as it is written there; `None`: nothing.
pub(crate) fn value(instance: &Instance, name: &str) -> Option<String> {
    let value = instance.parameters().main_cf().value(name.as_bytes());
    value.map(|value| String::from_utf8_lossy(value).into_owned())
}

/// Sets them, or puts them back, in the instance of this directory, and reloads Postfix. To be called under the lock.
/// What somebody has changed meanwhile is left alone: it comes back, in words.
///
/// # Errors
/// It could not be done, or Postfix not be reloaded, as where that would put in force what somebody else has changed.
/// Then nothing is set either; what is over is put back in main.cf all the same, and ends with the next reload.
pub(crate) fn change(cx: &Context, directory: &Path, rate: &Rate, way: Way) -> Result<Vec<String>> {
    // As it is now, and not as it was before the lock.
    let host = host::instances::discover(cx.site());
    let Some(instance) = mapped::of_directory(&host.value, directory) else {
        anyhow::bail!("its configuration cannot be read now");
    };
    if way == Way::Set
        && let Some(why) = unapplied::change(cx, instance)
    {
        anyhow::bail!("the rate needs a reload: {why}");
    }
    let (mut edit, mut left) = (Edit::default(), Vec::new());
    for change in &rate.changes {
        let now = value(instance, &change.name);
        match way.step(change, now.as_deref()) {
            ParameterEdit::Nothing => {}
            ParameterEdit::Set(value) => edit.set.push((change.name.clone(), value)),
            ParameterEdit::Remove => edit.removed.push(change.name.clone()),
            ParameterEdit::LeaveAlone => left.push(format!(
                "{} is {} in main.cf, which somebody has changed: it is left alone",
                change.name,
                now.as_deref().unwrap_or("not set any more")
            )),
        }
    }
    if !edit.is_empty() {
        main_cf::change(cx, instance, &edit)?;
    }
    // Also where nothing was changed: killed before it, the last run did not.
    reload::safely(cx, instance).map_err(anyhow::Error::msg)?;
    Ok(left)
}

/// What of a rate is not as it was set.
pub(crate) fn changed(cx: &Context, instance: &Instance, rate: &Rate) -> Vec<String> {
    let of = |change: &Change| {
        let now = value(instance, &change.name);
        let is = now.as_deref().unwrap_or("not set");
        (now.as_ref() != Some(&change.new)).then(|| format!("{} is {is}", change.name))
    };
    let names: Vec<&str> = rate.changes.iter().map(|one| one.name.as_str()).collect();
    let own = mapped::of_queue_manager(cx, instance, &names).into_iter();
    let own = own.map(|own| format!("qmgr in master.cf has its own {own}"));
    rate.changes.iter().filter_map(of).chain(own).collect()
}
