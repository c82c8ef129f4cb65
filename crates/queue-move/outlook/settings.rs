//! What TO's main.cf says of all mail: bcc, lifetimes, addresses, space.

use std::collections::BTreeSet;
use std::net::IpAddr;

use postfix::config::Instance;
use postfix::queue::Queue;
use transfer::plan::Plan;
use transfer::preflight::{Objection, free_space, refuse, warn};

use crate::course::Course;

/// Checks of cleanup(8) that return mail by what is in it.
const STRICT: [&str; 4] = [
    "strict_7bit_headers",
    "strict_8bitmime",
    "strict_8bitmime_body",
    "strict_mime_encoding_domain",
];

pub(super) fn look(course: &Course<'_>, plan: &Plan) -> Vec<Objection> {
    let (from, to) = (course.from, course.to);
    let mut findings = bcc(from, to);
    findings.extend(lifetime(to, plan));
    findings.extend(same_address(from, to));
    findings.extend(strict(from, to));
    findings.extend(space(course));
    findings
}

/// Copies for an archive: FROM has made its own when the mail came.
fn bcc(from: &Instance, to: &Instance) -> Vec<Objection> {
    let mut findings = Vec::new();
    let name = to.name();
    let archive = to.get("always_bcc");
    if !archive.is_empty() {
        let again = match archive == from.get("always_bcc") {
            true => ", which has every one of these already, from FROM",
            false => "",
        };
        let what = format!("{name}'s always_bcc sends a copy of each message to {archive}{again}");
        let config = to.config_directory().display();
        let way =
            format!("for the time of the move: postconf -c {config} -e always_bcc=, and reload");
        findings.push(warn(what, way));
    }
    for maps in ["sender_bcc_maps", "recipient_bcc_maps"] {
        let value = to.parameters().list(maps).join(" ");
        if !value.is_empty() {
            let what = format!("{name}'s {maps} ({value}) may send copies of the messages");
            findings.push(warn(what, "check that the filter accepts it"));
        }
    }
    findings
}

/// With a lifetime of 0, Postfix returns mail at the first refusal.
fn lifetime(to: &Instance, plan: &Plan) -> Vec<Objection> {
    let has_null = plan.moves().any(|item| item.message.sender.is_empty());
    let has_other = plan.moves().any(|item| !item.message.sender.is_empty());
    let concerned = [
        ("maximal_queue_lifetime", has_other),
        ("bounce_queue_lifetime", has_null),
    ];
    let is_none = |name: &str| to.parameters().seconds(name) == Some(0);
    let concerned = concerned
        .into_iter()
        .filter(|(name, is_so)| *is_so && is_none(name));
    let finding = |(name, _): (&str, bool)| {
        let what = format!(
            "{}: {name} is 0: mail that is deferred once is returned",
            to.name()
        );
        let config = to.config_directory().display();
        refuse(
            what,
            format!("postconf -c {config} -e {name}=5d, and reload"),
        )
    };
    concerned.map(finding).collect()
}

/// Mail that is stuck for FROM's address is stuck for the same address of TO.
fn same_address(from: &Instance, to: &Instance) -> Option<Objection> {
    let of = |instance: &Instance| -> BTreeSet<IpAddr> {
        instance.bind_addresses().into_iter().collect()
    };
    let (theirs, ours) = (of(from), of(to));
    let shared: Vec<String> = theirs.intersection(&ours).map(IpAddr::to_string).collect();
    let what = if ours.is_empty() && theirs.is_empty() {
        format!(
            "{} and {} both send from the address that the system chooses",
            from.name(),
            to.name()
        )
    } else if shared.is_empty() {
        return None;
    } else {
        format!(
            "{} sends from the same address as {}: {}",
            to.name(),
            from.name(),
            shared.join(", ")
        )
    };
    let way = "what is deferred for that address is deferred again; name an instance with another address";
    Some(warn(what, way))
}

fn strict(from: &Instance, to: &Instance) -> Vec<Objection> {
    let is_on = |instance: &Instance, name: &str| instance.parameters().bool(name) == Some(true);
    let (name, way) = (to.name(), "look at the canary, or turn it off for the move");
    let differs = |check: &&str| is_on(to, check) && !is_on(from, check);
    let mut findings: Vec<Objection> = STRICT
        .into_iter()
        .filter(differs)
        .map(|check| {
            warn(
                format!("{name} has {check} = yes, and returns mail that breaks that rule"),
                way,
            )
        })
        .collect();
    let rejects = to.get("message_reject_characters");
    if !rejects.is_empty() && rejects != from.get("message_reject_characters") {
        let what = format!(
            "{name}: message_reject_characters = {rejects}: mail that holds one is returned"
        );
        findings.push(warn(what, way));
    }
    findings
}

/// Below queue_minfree an instance takes no mail from the network: it is about to be full.
fn space(course: &Course<'_>) -> Option<Objection> {
    let least = course.to.parameters().long("queue_minfree").unwrap_or(0);
    let least = u64::try_from(least).ok().filter(|&least| least > 0)?;
    let maildrop = course.to_side.spool().queue_dir(Queue::Maildrop);
    let free = free_space(&maildrop).ok()?;
    (free < least).then(|| {
        let what = format!(
            "{}: {free} bytes are free in {}, less than its queue_minfree ({least})",
            course.to.name(),
            maildrop.display()
        );
        refuse(what, "make room there, or move to an instance with more")
    })
}
