//! Whose a host's mail is, and what a plan in a host's image does without: a copy, or git, leaves out what is empty,
//! and many an image has no list of users.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use postfix::Root;
use postfix::queue::Queue;

use super::{Objection, PASSWD, QUEUES, warn};
use crate::journal::Side;

/// Is this a host's image without a list of users?
pub(super) fn lacks_users(root: &Root) -> bool {
    let passwd = std::fs::symlink_metadata(root.under(PASSWD.as_ref()));
    !root.is_this_host() && passwd.is_err_and(|e| e.kind() == io::ErrorKind::NotFound)
}

/// Whose the mail in this queue directory is, by number.
pub(super) fn owner_of(dir: &Path, meta: &std::fs::Metadata) -> (u32, u32) {
    let queue = std::fs::metadata(dir.join(Queue::Deferred.name()));
    queue.map_or((meta.uid(), meta.gid()), |queue| (queue.uid(), queue.gid()))
}

/// What an image lacks, that a plan does without.
pub(super) fn lacks(root: &Root, side: &Side) -> Vec<Objection> {
    let mut found = Vec::new();
    if lacks_users(root) {
        let what = format!(
            "{}: {} is not there; its mail_owner is taken to be user {}, whose its queues are",
            side.instance,
            root.under(PASSWD.as_ref()).display(),
            side.owner.0,
        );
        found.push(warn(what, "copy the host's /etc/passwd into the image"));
    }
    let dirs = QUEUES.map(|queue| side.queue_directory.join(queue.name()));
    for dir in dirs.iter().filter(|dir| !dir.is_dir()) {
        let what = format!("{}: no directory {}", side.instance, dir.display());
        let way = "the plan takes it for empty; on the host, postfix check creates it";
        found.push(warn(what, way));
    }
    found
}

/// User and group ids, from the host's /etc/passwd, or from whatever this machine asks.
pub(super) fn owner(root: &Root, user: &str) -> Option<(u32, u32)> {
    if root.is_this_host() {
        let user = nix::unistd::User::from_name(user).ok().flatten()?;
        return Some((user.uid.as_raw(), user.gid.as_raw()));
    }
    let passwd = guarded::read_text(&root.under(PASSWD.as_ref()), 64 << 20).ok()?;
    let line = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = line.filter(|fields| fields.first() == Some(&user));
    let fields = found.next()?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}
