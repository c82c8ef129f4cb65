//! The queue directories that are to be read.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use cli::Context;
use postfix::Problem;
use postfix::config::{Instance, resolve};
use postfix::queue::{Layout, Spool};

/// An instance's queue directory.
pub(crate) struct InstanceSpool {
    pub(crate) instance: String,
    pub(crate) spool: Spool,
    pub(crate) is_there: bool,
    /// What is wrong with it, if it is not there.
    pub(crate) problem: Option<Problem>,
    /// The place, in the list that this is in, of an instance that claims the same directory.
    pub(crate) same_as: Option<usize>,
}

/// Finds the queue directories of `instances`. Those that are claimed twice are warned of.
pub(crate) fn find(cx: &Context, instances: &[&Instance]) -> Vec<InstanceSpool> {
    let mut known: HashMap<(u64, u64), usize> = HashMap::new();
    let mut spools: Vec<InstanceSpool> = Vec::new();
    for instance in instances {
        let told = instance.queue_directory();
        // A link in another host's image leads to a place in that image.
        let path = resolve(cx.root(), told).unwrap_or_else(|_| told.to_owned());
        let path = cx.root().under(&path);
        let layout = Layout::new(
            &instance.get("hash_queue_names"),
            instance.hash_queue_depth(),
        );
        let found = std::fs::metadata(&path);
        let is_there = found.is_ok();
        let (problem, same_as) = match found {
            Ok(metadata) => {
                let id = (metadata.dev(), metadata.ino());
                let first = *known.entry(id).or_insert(spools.len());
                (None, (first < spools.len()).then_some(first))
            }
            // A host's default instance need not run where there are others.
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    && instance.is_default()
                    && !instance.is_enabled() =>
            {
                (None, None)
            }
            Err(error) => (Some(problem(&path, &error)), None),
        };
        if let Some(first) = same_as.and_then(|at| spools.get(at)) {
            cx.warn(format!(
                "{} and {} claim the same queue directory, {}: the total counts it once",
                first.instance,
                instance.name(),
                path.display()
            ));
        }
        spools.push(InstanceSpool {
            instance: instance.name().to_owned(),
            spool: Spool::new(path, layout),
            is_there,
            problem,
            same_as,
        });
    }
    spools
}

fn problem(path: &Path, error: &std::io::Error) -> Problem {
    let what = match error.kind() {
        ErrorKind::NotFound => {
            "the queue directory is not there: was the instance ever started?".to_owned()
        }
        _ => format!("cannot look at the queue directory: {error}"),
    };
    Problem::new(path, what)
}
