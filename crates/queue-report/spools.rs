//! The queue directories that are to be read.

use cli::Context;
use host::spools::{FoundSpool, State};
use postfix::Problem;
use postfix::config::Instance;
use postfix::queue::{ShowqOptions, Spool};

/// An instance's queue directory.
pub(crate) struct InstanceSpool {
    pub(crate) instance: String,
    pub(crate) spool: Spool,
    pub(crate) showq: ShowqOptions,
    /// Why it is not to be read.
    pub(crate) problem: Option<Problem>,
}

/// Finds the queue directories of `instances`.
pub(crate) fn find(cx: &Context, instances: &[&Instance]) -> Vec<InstanceSpool> {
    let one = |(instance, found): (&&Instance, FoundSpool)| InstanceSpool {
        instance: instance.name().to_owned(),
        problem: match found.state {
            State::There => None,
            State::Shared(first) => {
                let first = instances.get(first).map_or("", |i| i.name());
                let name = instance.name();
                let what =
                    format!("{name} claims the same queue directory as {first} and is not shown");
                Some(Problem::new(found.path, what))
            }
            State::Missing(problem) | State::Barred(problem) => Some(problem),
        },
        spool: found.spool,
        showq: ShowqOptions::of(instance.parameters()),
    };
    instances
        .iter()
        .zip(host::spools::find(cx.site(), instances))
        .map(one)
        .collect()
}
