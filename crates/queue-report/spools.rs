//! The queue directories that are to be read.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use cli::Context;
use postfix::Problem;
use postfix::config::{Instance, resolve};
use postfix::queue::{Layout, ShowqOptions, Spool};

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
    let mut known = HashMap::new();
    let find_one = |instance: &&Instance| {
        let told = instance.queue_directory();
        // A link in another host's image leads to a place in that image.
        let path = resolve(cx.root(), told).unwrap_or_else(|_| told.to_owned());
        let path = cx.root().under(&path);
        let problem = problem(&path, instance.name(), &mut known);
        let layout = Layout::new(
            &instance.get("hash_queue_names"),
            instance.hash_queue_depth(),
        );
        InstanceSpool {
            instance: instance.name().to_owned(),
            spool: Spool::new(path, layout),
            showq: showq(instance),
            problem,
        }
    };
    instances.iter().map(find_one).collect()
}

/// What speaks against reading the queue directory `path`. `known` are those seen, by device and inode.
fn problem(
    path: &PathBuf,
    instance: &str,
    known: &mut HashMap<(u64, u64), String>,
) -> Option<Problem> {
    let what = match std::fs::metadata(path) {
        Ok(metadata) => {
            let id = (metadata.dev(), metadata.ino());
            let Some(first) = known.get(&id) else {
                known.insert(id, instance.to_owned());
                return None;
            };
            format!("{instance} claims the queue directory of {first}, and is not shown")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            format!("the queue directory is not there: was {instance} ever started?")
        }
        Err(error) => format!("cannot look at the queue directory: {error}"),
    };
    Some(Problem::new(Path::new(path), what))
}

/// What main.cf says about showing mail. What cannot be read is as Postfix has it by default.
fn showq(instance: &Instance) -> ShowqOptions {
    let parameters = instance.parameters();
    let usual = ShowqOptions::default();
    let limit = parameters.int("duplicate_filter_limit");
    ShowqOptions {
        smtputf8_enable: parameters
            .bool("smtputf8_enable")
            .unwrap_or(usual.smtputf8_enable),
        empty_address_recipient: parameters.get("empty_address_recipient"),
        duplicate_filter_limit: limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usual.duplicate_filter_limit),
    }
}
