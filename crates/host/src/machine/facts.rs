//! What the machine says of the instances: who runs, where the addresses are, which directories are there.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use super::interfaces::is_elsewhere;
use super::refusal::refusal;
use super::{Interface, Interfaces, health, master};
use crate::failure::Failure;
use crate::pool;
use crate::site::Site;
use figures::instances::{
    AddressPlace, Directory, DirectoryState, Facts, Running, Trouble, queues_shared,
};
use figures::verdict::Level;
use postfix::config::{Host, Instance, MasterCf, resolve};
use postfix::{Parsed, Problem, Root};

/// As many instances are looked at at a time: what is not there, a service's socket say, is waited for for a moment,
/// and not by one instance after another.
const AT_A_TIME: usize = 32;

/// The facts of each instance, and what could not be read of its master.cf, if that is wanted (`with_services`).
///
/// # Errors
/// The kernel does not list the interfaces' addresses.
pub fn gather(
    site: &Site,
    instances: &[Instance],
    with_services: bool,
) -> anyhow::Result<Vec<(Facts, Vec<Problem>)>> {
    let interfaces = if site.root().is_this_host() {
        let read = Interfaces::read();
        Some(read.map_err(|e| Failure::new("cannot list the interfaces' addresses").because(e))?)
    } else {
        None
    };
    let looked_at = pool::each(instances, AT_A_TIME, |instance| {
        let services = match with_services {
            true => instance.services(site.root()),
            false => Parsed::default(),
        };
        let mut facts = Facts::of(instance, read(&services));
        let elsewhere = look_at(&mut facts, instance, site.root(), interfaces.as_ref());
        if with_services && interfaces.is_some() && facts.queue.state == DirectoryState::Ok {
            facts.troubles = health::troubles(site.root(), instance, &services, &facts, site.now());
        }
        facts.troubles.extend(elsewhere);
        (facts, services.problems)
    });
    let facts = instances
        .iter()
        .zip(looked_at)
        .map(|(instance, (mut facts, mut problems))| {
            // What was found wrong already is not asked for again.
            if with_services && interfaces.is_some() && instance.refusals().is_empty() {
                match refusal(instance) {
                    Ok(why) => facts.refused = why,
                    Err(problem) => problems.push(problem),
                }
            }
            (facts, problems)
        });
    Ok(facts.collect())
}

/// What master.cf lists, if it could be read at all: else, it comes back as an empty list.
fn read(services: &Parsed<MasterCf>) -> Option<&MasterCf> {
    let is_read = !services.value.services().is_empty() || services.problems.is_empty();
    is_read.then_some(&services.value)
}

/// What the programs of `instances` stumble over in their queues; of another host's image, whose users are others, only
/// which of them are other instances', too.
pub fn queue_troubles(site: &Site, host: &Host, instances: &[&Instance]) -> Vec<Trouble> {
    let of = |instance: &&Instance| {
        let mut facts = Facts::of(instance, None);
        look_into(&mut facts.queue, site.root());
        if !site.root().is_this_host() || facts.queue.state != DirectoryState::Ok {
            return Vec::new();
        }
        facts.running = running(instance, site.root());
        let services = instance.services(site.root());
        let mut found = health::troubles(site.root(), instance, &services, &facts, site.now());
        if let Running::Failed(why) = &facts.running {
            found.push(Trouble {
                instance: instance.name().to_owned(),
                level: Level::Unknown,
                text: format!("cannot find out whether it is running: {why}"),
            });
        }
        found
    };
    let all = pool::each(instances, AT_A_TIME, of);
    let all = shared_queues(site, host, instances).chain(all.into_iter().flatten());
    all.collect()
}

/// Which of the host's instances have a queue directory together that is there, where any of them is among
/// `instances`. Told once, of the last of those.
fn shared_queues(
    site: &Site,
    host: &Host,
    instances: &[&Instance],
) -> impl Iterator<Item = Trouble> {
    let look = |instance: &Instance| {
        let mut facts = Facts::of(instance, None);
        look_into(&mut facts.queue, site.root());
        facts
    };
    let mut all: Vec<Facts> = host.instances().iter().map(look).collect();
    all.retain(|facts| facts.queue.identity.is_some());
    let found = queues_shared(&all).into_iter();
    found.filter_map(|finding| {
        let mut asked = instances.iter().rev().map(|instance| instance.name());
        Some(Trouble {
            instance: asked
                .find(|name| finding.instances.iter().any(|one| one == name))?
                .to_owned(),
            level: finding.level,
            text: finding.text,
        })
    })
}

/// Looks at all of it. What cannot be looked at from here is returned: the interfaces of another network namespace.
fn look_at(
    facts: &mut Facts,
    instance: &Instance,
    root: &Root,
    interfaces: Option<&Interfaces>,
) -> Option<Trouble> {
    look_into(&mut facts.queue, root);
    look_into(&mut facts.data, root);
    let interfaces = interfaces?;
    facts.running = running(instance, root);
    if let Running::Yes { pid: Some(pid), .. } = facts.running
        && is_elsewhere(pid)
    {
        return Some(Trouble {
            instance: instance.name().to_owned(),
            level: Level::Unknown,
            text: format!(
                "master runs in another network namespace, so its addresses were not looked at: nsenter --net=\
                 /proc/{pid}/ns/net relay-instances --check does it there"
            ),
        });
    }
    for sender in &mut facts.senders {
        sender.place = match interfaces.with(sender.address) {
            Some(Interface {
                name,
                is_up: true,
                trouble: Some(why),
                ..
            }) => AddressPlace::Unusable {
                name: name.clone(),
                why: (*why).to_owned(),
            },
            Some(interface) => AddressPlace::Interface {
                name: interface.name.clone(),
                is_up: interface.is_up,
            },
            None => AddressPlace::Missing,
        };
    }
    facts.system = interfaces.outward().collect();
    None
}

fn running(instance: &Instance, root: &Root) -> Running {
    match master(root, instance) {
        Ok(Some(master)) => Running::Yes {
            since: master.since,
            pid: master.pid,
        },
        Ok(None) => Running::No,
        Err(error) => Running::Failed(format!(
            "{}: {}",
            instance.master_pid_file().display(),
            reason(&error)
        )),
    }
}

fn look_into(directory: &mut Directory, root: &Root) {
    match resolve(root, &directory.path) {
        Ok(resolved) => {
            let metadata = fs::metadata(root.under(&resolved)).ok();
            directory.identity = metadata.map(|found| (found.dev(), found.ino()));
            directory.state = match fs::read_dir(root.under(&resolved)) {
                Ok(_) => DirectoryState::Ok,
                Err(error) => state(&error),
            };
            directory.resolved = resolved;
        }
        Err(error) => {
            directory.state = state(&error);
            // An image may well hold only /etc, or logs and nothing else of /var.
            if !root.is_this_host() && matches!(directory.state, DirectoryState::Missing(_)) {
                directory.state = DirectoryState::Unknown;
            }
        }
    }
}

fn state(error: &io::Error) -> DirectoryState {
    let why = reason(error);
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => DirectoryState::Missing(why),
        _ => DirectoryState::Unreadable(why),
    }
}

/// Without std's `(os error 2)`.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such directory".to_owned(),
        io::ErrorKind::NotADirectory => "not a directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; run it as root".to_owned(),
        _ => error.to_string(),
    }
}
