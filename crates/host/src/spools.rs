//! The queue directories of instances, as they are found on the host that is looked at.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use postfix::Problem;
use postfix::config::{Instance, resolve};
use postfix::queue::{Layout, Spool};

use crate::site::Site;

/// An instance's queue directory.
#[derive(Debug)]
pub struct FoundSpool {
    /// The directory, and how it is laid out (`hash_queue_names`, `hash_queue_depth`).
    pub spool: Spool,
    /// The directory, as this machine names it.
    pub path: PathBuf,
    /// The result of looking at it.
    pub state: State,
}

/// The result of looking at a queue directory.
#[derive(Debug)]
pub enum State {
    /// It is there.
    There,
    /// It is that of the instance at this place of the list, too.
    Shared(usize),
    /// It does not exist: the instance was never started, perhaps.
    Missing(Problem),
    /// It cannot be looked at.
    Barred(Problem),
}

/// Finds the queue directories of `instances`, in their order.
pub fn find(site: &Site, instances: &[&Instance]) -> Vec<FoundSpool> {
    let mut known: HashMap<(u64, u64), usize> = HashMap::new();
    let find_one = |(at, instance): (usize, &&Instance)| {
        let configured = instance.queue_directory();
        // A link in another host's image leads to a place in that image.
        let path = resolve(site.root(), configured).unwrap_or_else(|_| configured.to_owned());
        let path = site.root().under(&path);
        let layout = Layout::new(
            &instance.get("hash_queue_names"),
            instance.hash_queue_depth(),
        );
        let state = match std::fs::metadata(&path) {
            Ok(metadata) => match *known.entry((metadata.dev(), metadata.ino())).or_insert(at) {
                first if first < at => State::Shared(first),
                _ if is_bare(&path) => {
                    let what = format!(
                        "it has none of Postfix's queues: is its file system mounted, was {} ever started?",
                        instance.name()
                    );
                    State::Missing(Problem::new(&path, what))
                }
                _ => State::There,
            },
            Err(error) => absent(&path, instance.name(), &error),
        };
        FoundSpool {
            spool: Spool::new(path.clone(), layout),
            path,
            state,
        }
    };
    instances.iter().enumerate().map(find_one).collect()
}

/// Is it none of a queue directory, as an empty mount point is?
fn is_bare(path: &Path) -> bool {
    let queues = ["maildrop", "incoming", "active", "deferred", "hold"];
    let is_gone = |queue: &str| {
        let found = std::fs::symlink_metadata(path.join(queue));
        found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    queues.into_iter().all(is_gone)
}

fn absent(path: &Path, instance: &str, error: &std::io::Error) -> State {
    if error.kind() == ErrorKind::NotFound {
        let what = format!("the queue directory does not exist: was {instance} ever started?");
        return State::Missing(Problem::new(path, what));
    }
    State::Barred(Problem::new(
        path,
        format!("cannot read the queue directory: {error}"),
    ))
}
