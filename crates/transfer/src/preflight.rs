//! What must be so before mail is moved, and what an admin should know. Each refusal names the way out.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use postfix::Root;
use postfix::config::{Host, Instance, resolve};
use postfix::queue::Queue;

use crate::journal::Side;
use crate::plan::Plan;

mod image;

use image::{lacks, lacks_users, owner, owner_of};

/// The users of a host.
const PASSWD: &str = "/etc/passwd";
/// The queues that a move works in.
const QUEUES: [Queue; 3] = [Queue::Maildrop, Queue::Deferred, Queue::Hold];

/// Something that stands against a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Must the move not be done? If not, it is to be known only.
    pub refuses: bool,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub way_out: String,
}

/// What a move must not be done for.
pub fn refuse(what: impl Into<String>, way_out: impl Into<String>) -> Objection {
    Objection {
        refuses: true,
        what: what.into(),
        way_out: way_out.into(),
    }
}

/// What is to be known.
pub fn warn(what: impl Into<String>, way_out: impl Into<String>) -> Objection {
    Objection {
        refuses: false,
        ..refuse(what, way_out)
    }
}

/// What the checks need to know beside the two instances.
pub struct Circumstances<'a> {
    /// Where the host's files are.
    pub root: &'a Root,
    /// All instances.
    pub host: &'a Host,
    /// The provider that an instance is named for.
    pub provider: &'a dyn Fn(&str) -> Option<String>,
    /// Does TO run?
    pub to_runs: bool,
    /// Is a move between providers wanted?
    pub cross_provider: bool,
    /// Is nothing to be changed?
    pub is_plan: bool,
}

impl std::fmt::Debug for Circumstances<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").finish_non_exhaustive()
    }
}

/// What is to be known of an instance's spool, or why it cannot be worked on. A plan (`is_plan`) in a host's image does
/// without the host's users, and without directories that a copy or git left out because they were empty.
///
/// # Errors
/// Its configuration has problems, its mail_owner is unknown, its queue directory is missing.
pub fn side(root: &Root, instance: &Instance, is_plan: bool) -> Result<Side, Objection> {
    let name = instance.name();
    if let Some(problem) = instance.problems().first() {
        let what = format!("{name}: its configuration is not reliable: {problem}");
        return Err(refuse(what, "fix its main.cf: postfix check"));
    }
    let dir = queue_directory(root, instance);
    let meta = std::fs::metadata(&dir).map_err(|e| {
        let what = format!("{name}: no queue directory: {}: {e}", dir.display());
        refuse(
            what,
            "start the instance once, or run postfix check, to create it",
        )
    })?;
    let user = instance.mail_owner();
    let is_plan = is_plan && !root.is_this_host();
    let owner = match owner(root, &user) {
        None if is_plan && lacks_users(root) => Some(owner_of(&dir, &meta)),
        owner => owner,
    };
    let owner = owner.ok_or_else(|| no_owner(root, name, &user))?;
    for queue in QUEUES.iter().filter(|_| !is_plan) {
        let queue = dir.join(queue.name());
        if !queue.is_dir() {
            let what = format!("{name}: no directory {}", queue.display());
            return Err(refuse(what, "run postfix check to create it"));
        }
    }
    Ok(Side {
        instance: name.to_owned(),
        config_directory: instance.config_directory().to_owned(),
        syslog_name: instance.syslog_name().to_owned(),
        queue_directory: dir,
        hash_queue_names: instance.hash_queue_names().join(" "),
        hash_queue_depth: instance.hash_queue_depth(),
        long_queue_ids: instance
            .parameters()
            .bool("enable_long_queue_ids")
            .unwrap_or(false),
        owner,
        identity: (meta.dev(), meta.ino()),
    })
}

/// An instance whose mail_owner is not known.
fn no_owner(root: &Root, name: &str, user: &str) -> Objection {
    let passwd = root.under(PASSWD.as_ref());
    let passwd = passwd.display();
    let what = format!("{name}: its mail_owner \"{user}\" is not in {passwd}");
    let way = match lacks_users(root) {
        true => "copy the host's /etc/passwd into the image; --dry-run does without",
        false => "fix mail_owner in its main.cf, or add the user: getent passwd",
    };
    refuse(what, way)
}

/// An instance's queue directory, as this machine names it: a link in a host's image leads to a place in that image.
fn queue_directory(root: &Root, instance: &Instance) -> PathBuf {
    let configured = instance.queue_directory();
    root.under(&resolve(root, configured).unwrap_or_else(|_| configured.to_owned()))
}

/// Is the instance's queue directory another's too?
pub fn shared_queue(asked: &Circumstances<'_>, side: &Side) -> Option<Objection> {
    let others = asked.host.instances().iter().filter(|other| {
        let dir = queue_directory(asked.root, other);
        let same = std::fs::metadata(dir).map(|meta| (meta.dev(), meta.ino()));
        other.name() != side.instance && same.is_ok_and(|same| same == side.identity)
    });
    let names: Vec<&str> = others.map(Instance::name).collect();
    (!names.is_empty()).then(|| {
        let names = names.join(", ");
        let what = format!(
            "{} has the same queue directory as {names}: {}",
            side.instance,
            side.queue_directory.display()
        );
        refuse(what, "give each instance a queue_directory of its own")
    })
}

/// What stands against a move between two instances, whatever the mail.
pub fn check(
    asked: &Circumstances<'_>,
    (from, from_side): (&Instance, &Side),
    (to, to_side): (&Instance, &Side),
) -> Vec<Objection> {
    if from_side.identity == to_side.identity {
        let what = if from.name() == to.name() {
            format!("{} cannot be moved to itself", from.name())
        } else {
            format!(
                "{} and {} have the same queue directory: {} and {}",
                from.name(),
                to.name(),
                from_side.queue_directory.display(),
                to_side.queue_directory.display()
            )
        };
        return vec![refuse(what, "name another instance to move to")];
    }
    let mut findings = Vec::new();
    findings.extend(lacks(asked.root, from_side));
    findings.extend(lacks(asked.root, to_side));
    findings.extend(shared_queue(asked, from_side));
    findings.extend(shared_queue(asked, to_side));
    findings.extend(providers(asked, from.name(), to.name()));
    findings.extend(running(asked, to));
    findings.extend(pickup(asked, to));
    if from_side.owner.0 != to_side.owner.0 {
        let what = format!(
            "the mail of {} belongs to {}, that of {} to {} (mail_owner)",
            from.name(),
            from.mail_owner(),
            to.name(),
            to.mail_owner()
        );
        let way = "TO's pickup would not recognize it as requeued mail; move it to an instance with the same \
        mail_owner";
        findings.push(refuse(what, way));
    }
    findings.extend(line_length(from, to));
    let filter = to.get("content_filter");
    if !filter.is_empty() {
        let what = format!(
            "{} sends the mail through its content_filter: {filter}",
            to.name()
        );
        findings.push(warn(what, "check that the filter accepts it"));
    }
    findings
}

fn providers(asked: &Circumstances<'_>, from: &str, to: &str) -> Option<Objection> {
    let of_from = (asked.provider)(from)?;
    let Some(of_to) = (asked.provider)(to) else {
        let what = format!(
            "{to} is named for no provider: whether it is meant for {of_from}'s mail is not known"
        );
        return Some(warn(
            what,
            "see that it is, before the mail harms its address",
        ));
    };
    if of_from == of_to {
        return None;
    }
    let what = format!(
        "{from} sends to {of_from}, {to} to {of_to}: mail that {of_from} has blocked would harm the address of {to} too"
    );
    Some(if asked.cross_provider {
        warn(what, "--cross-provider was given")
    } else {
        let way = format!("name an instance for {of_from}, or use --cross-provider if you mean it");
        refuse(what, way)
    })
}

fn running(asked: &Circumstances<'_>, to: &Instance) -> Option<Objection> {
    if asked.to_runs {
        return None;
    }
    let config = to.config_directory().display();
    Some(if asked.root.is_this_host() {
        let what = format!(
            "{} is not running: it would swallow the mail silently",
            to.name()
        );
        refuse(what, format!("start it first: postfix -c {config} start"))
    } else {
        let what = format!("{} is not running", to.name());
        warn(what, "its pickup will take the mail when it starts")
    })
}

fn pickup(asked: &Circumstances<'_>, to: &Instance) -> Option<Objection> {
    let services = to.services(asked.root);
    if let Some(problem) = services.problems.first() {
        let what = format!("{}: its master.cf is not reliable: {problem}", to.name());
        let is_image = !asked.root.is_this_host();
        if asked.is_plan && is_image && services.value.services().is_empty() {
            let way = "whether TO's services would take the mail is not known; copy the host's master.cf into the image";
            return Some(warn(what, way));
        }
        return Some(refuse(what, "fix it: postfix check"));
    }
    if services.value.running("pickup").next().is_some() {
        return None;
    }
    let what = format!(
        "{} has no pickup service (master.cf, master_service_disable): nothing would take the mail from its maildrop",
        to.name()
    );
    let way = format!(
        "postconf -c {} -M 'pickup/unix=pickup unix n - y 60 1 pickup', then postfix reload",
        to.config_directory().display()
    );
    Some(refuse(what, way))
}

/// pickup(8) deletes a file that has a longer record than its line_length_limit (pickup.c, copy_segment).
fn line_length(from: &Instance, to: &Instance) -> Option<Objection> {
    let limit = |instance: &Instance| {
        instance
            .parameters()
            .int("line_length_limit")
            .unwrap_or(2048)
    };
    (limit(from) > limit(to)).then(|| {
        let what = format!(
            "line_length_limit is {} in {} but {} in {}: TO's pickup deletes mail with longer lines",
            limit(from),
            from.name(),
            limit(to),
            to.name()
        );
        refuse(what, format!("raise line_length_limit of {}", to.name()))
    })
}

/// Bytes that must stay free beside the copies: for what else happens on that disk meanwhile,
const SPARE: u64 = 64 << 20;
/// and for each message: a block for its defer log, if TO defers it too, and its lines in logs and journal.
const SPARE_EACH: u64 = 4 << 10;

/// What stands against this plan.
pub fn check_plan(plan: &Plan) -> Vec<Objection> {
    let maildrop = plan.to.queue_directory.join(Queue::Maildrop.name());
    let free = match free_space(&maildrop) {
        // Of a plan in an image.
        Err(e) if e.kind() == io::ErrorKind::NotFound => free_space(&plan.to.queue_directory),
        free => free,
    };
    let finding = match free {
        Ok(free) => room(plan, free, &maildrop),
        Err(e) => {
            let what = format!(
                "{}: cannot find out how much space is free: {e}",
                maildrop.display()
            );
            Some(refuse(what, "check that file system"))
        }
    };
    finding.into_iter().collect()
}

/// Is there room for the plan where so many bytes are `free`?
fn room(plan: &Plan, free: u64, maildrop: &Path) -> Option<Objection> {
    let sizes = || plan.moves().map(|item| item.message.file.size);
    let (count, all) = (sizes().count() as u64, sizes().sum::<u64>());
    let spare = SPARE.saturating_add(count.saturating_mul(SPARE_EACH));
    // TO's cleanup makes a second copy of a message before pickup removes the first.
    let (copies, what) = match plan.cross_device {
        true => (
            all.saturating_mul(2),
            format!("twice the {all} bytes that are copied"),
        ),
        false => {
            let largest = sizes().max().unwrap_or(0);
            (largest, format!("{largest} bytes for the largest message"))
        }
    };
    let needed = copies.saturating_add(spare);
    if count == 0 || free >= needed {
        return None;
    }
    let what = format!(
        "{}: {free} bytes are free, but {needed} are needed: {what}, and {spare} to spare (64 MiB, and 4 KiB for each \
         of {})",
        maildrop.display(),
        postfix::count(count, "message")
    );
    Some(match plan.cross_device {
        true => refuse(what, "free some space, or move less at a time: --limit N"),
        // Nothing is copied: what TO cannot take waits in its maildrop.
        false => warn(
            what,
            "free some space, or what TO cannot take waits in its maildrop",
        ),
    })
}

/// Bytes that are free below a directory, for all but root.
///
/// # Errors
/// The file system does not say.
pub fn free_space(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests;
