//! The queue directories that are to be read.

use postfix::Problem;
use postfix::config::Instance;
use postfix::queue::{Lifetimes, Spool};

use crate::site::Site;
use crate::spools::State;

/// An instance's queue directory.
#[derive(Debug)]
pub struct InstanceSpool {
    /// The instance's name; with its configuration directory, where another one before it has the same name: rows and
    /// series of metrics are known by it.
    pub instance: String,
    /// Its queue directory.
    pub spool: Spool,
    /// How long it keeps mail.
    pub lifetimes: Lifetimes,
    /// Can it be looked at?
    pub is_there: bool,
    /// What is wrong with it, if it is missing.
    pub problem: Option<Problem>,
    /// The place, in the list that this is in, of an instance that claims the same directory.
    pub same_as: Option<usize>,
}

/// Finds the queue directories of `instances`.
pub fn find(site: &Site, instances: &[&Instance]) -> Vec<InstanceSpool> {
    let found = crate::spools::find(site, instances);
    let one = |(at, found): (usize, crate::spools::FoundSpool)| {
        let instance = instances[at];
        let mut name = instance.name().to_owned();
        if instances[..at].iter().any(|before| before.name() == name) {
            name = format!("{name} ({})", instance.config_directory().display());
        }
        let lifetimes = Lifetimes::of(instance.parameters());
        let (problem, same_as) = match found.state {
            State::There => (None, None),
            State::Shared(first) => (None, Some(first)),
            // A host's default instance need not run where there are others.
            State::Missing(_) if instance.is_default() && !instance.is_enabled() => {
                return InstanceSpool {
                    instance: name,
                    spool: found.spool,
                    lifetimes,
                    is_there: false,
                    problem: None,
                    same_as: None,
                };
            }
            State::Missing(problem) | State::Barred(problem) => (Some(problem), None),
        };
        InstanceSpool {
            instance: name,
            spool: found.spool,
            lifetimes,
            is_there: problem.is_none(),
            problem,
            same_as,
        }
    };
    found.into_iter().enumerate().map(one).collect()
}
