//! The parameters of main.cf that hold a rate: set, and put back.

use std::path::{Path, PathBuf};

use anyhow::Result;
use cli::{Context, Failure};
use host::programs::Program;
use limits::{Change, Rate, Step, must_be_safe};
use postfix::config::Instance;

use crate::place;
use crate::upkeep;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The rate begins.
    Set,
    /// It is over.
    PutBack,
}

impl Way {
    fn step(self, change: &Change, now: Option<&str>) -> Step {
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

/// The path of main.cf, which root alone can change.
pub(crate) fn main_cf(cx: &Context, directory: &Path) -> Result<PathBuf> {
    let main_cf = cx.root().under(&directory.join("main.cf"));
    must_be_safe(&main_cf).map_err(|why| {
        Failure::new("cannot change main.cf")
            .because(why)
            .hint("root alone should be able to write to a configuration directory: ls -ld")
    })?;
    Ok(main_cf)
}

/// Sets them, or puts them back, in the instance of this directory, and reloads Postfix. To be called under the lock.
/// What somebody has changed meanwhile is left alone: it comes back, in words.
pub(crate) fn change(cx: &Context, directory: &Path, rate: &Rate, way: Way) -> Result<Vec<String>> {
    // As it is now, and not as it was before the lock.
    let host = host::instances::discover(cx.site());
    let Some(instance) = place::of_directory(&host.value, directory) else {
        anyhow::bail!("its configuration cannot be read now");
    };
    let main_cf = main_cf(cx, directory)?;
    let (mut set, mut removed, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for change in &rate.changes {
        let now = value(instance, &change.name);
        match way.step(change, now.as_deref()) {
            Step::Nothing => {}
            Step::Set(value) => set.push(format!("{} = {value}", change.name)),
            Step::Remove => removed.push(change.name.as_str()),
            Step::LeaveAlone => left.push(format!(
                "{} is {} in main.cf, which somebody has changed: it is left alone",
                change.name,
                now.as_deref().unwrap_or("not set any more")
            )),
        }
    }
    let postconf = Program::new(cx.root(), instance, "postconf");
    let run = |option: &str, words: &[&str]| -> Result<()> {
        let args: Vec<&str> = [&[option], words].concat();
        postconf.run(&args).map(drop).map_err(|why| {
            let what = format!("cannot change {}: {why}", main_cf.display());
            Failure::new(what)
                .hint("relay-limit tick tries again")
                .into()
        })
    };
    if !set.is_empty() {
        run("-e", &set.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    if !removed.is_empty() {
        run("-X", &removed)?;
    }
    // Also where nothing was changed: killed before it, the last run did not.
    upkeep::reload(cx, instance)?;
    Ok(left)
}

/// What of a rate is not as it was set.
pub(crate) fn changed(instance: &Instance, rate: &Rate) -> Vec<String> {
    let of = |change: &Change| {
        let now = value(instance, &change.name);
        let is = now.as_deref().unwrap_or("not set");
        (now.as_ref() != Some(&change.new)).then(|| format!("{} is {is}", change.name))
    };
    rate.changes.iter().filter_map(of).collect()
}
