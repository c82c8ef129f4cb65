//! Where TO would send these recipients: its own trivial-rewrite says for each, and master.cf what the agent does.

use std::collections::{BTreeMap, BTreeSet};

use cli::Context;
use host::rewrite::{Resolved, Rewrite};
use postfix::config::{MasterCf, Service, ServiceType};
use transfer::plan::Plan;
use transfer::preflight::{Objection, refuse, warn};

use super::some;
use crate::course::{Course, domain};

/// Recipients that are asked for one by one; of those beyond, one for each domain.
const MOST: usize = 5000;

/// Parameters by which TO's cleanup gives a recipient another address before it is asked where to send it.
const REWRITERS: [&str; 3] = [
    "virtual_alias_maps",
    "canonical_maps",
    "recipient_canonical_maps",
];

/// Tables by which the sender chooses.
const BY_SENDER: [&str; 2] = [
    "sender_dependent_default_transport_maps",
    "sender_dependent_relayhost_maps",
];

/// Recipients that would be sent alike.
#[derive(Default)]
struct Group {
    count: usize,
    domains: BTreeSet<String>,
}

type Groups = BTreeMap<(String, String), Group>;

pub(super) fn look(cx: &Context, course: &Course<'_>, plan: &Plan) -> Vec<Objection> {
    let services = course.to.services(cx.root()).value;
    let mut findings = Vec::new();
    let groups = match asked(cx, course, plan) {
        Ok((groups, fails)) => {
            findings.extend(failing(course, &fails));
            groups
        }
        Err(why) => {
            let name = course.to.name();
            let what = format!("what {name} would do with each recipient is not known: {why}");
            findings.push(warn(what, "only its default_transport was looked at"));
            by_default(course, plan)
        }
    };
    let deferred = course.to.parameters().list("defer_transports");
    for ((transport, nexthop), group) in &groups {
        findings.extend(judge(
            cx,
            course,
            &services,
            &deferred,
            (transport, nexthop),
            group,
        ));
    }
    findings.extend(rewritten(course));
    findings
}

/// The recipients of the plan, each with a sender as far as that matters: the first of every domain first.
fn recipients(plan: &Plan, by_sender: bool) -> Vec<(&str, &str)> {
    let (mut seen, mut domains) = (BTreeSet::new(), BTreeSet::new());
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for item in plan.moves() {
        let sender = if by_sender {
            item.message.sender.as_str()
        } else {
            ""
        };
        for rcpt in &item.message.recipients {
            let pair = (sender, rcpt.address.as_str());
            if seen.insert(pair) {
                match domains.insert(domain(&rcpt.address)) {
                    true => first.push(pair),
                    false => rest.push(pair),
                }
            }
        }
    }
    rest.truncate(MOST.saturating_sub(first.len()));
    first.append(&mut rest);
    first
}

/// Asks TO's trivial-rewrite. Beside the groups, the domains for which a table fails.
fn asked(
    cx: &Context,
    course: &Course<'_>,
    plan: &Plan,
) -> Result<(Groups, BTreeSet<String>), String> {
    if !cx.root().is_this_host() {
        return Err("Postfix cannot be asked in a host image".to_owned());
    }
    if !course.to_runs {
        return Err("it is not running".to_owned());
    }
    let parameters = course.to.parameters();
    let by_sender = BY_SENDER
        .iter()
        .any(|name| !parameters.list(name).is_empty());
    let mut rewrite = Rewrite::new(course.to);
    let (mut groups, mut fails) = (Groups::new(), BTreeSet::new());
    for (sender, address) in recipients(plan, by_sender) {
        let answer = rewrite.resolve_from(sender, address);
        let answer = answer.map_err(|e| format!("{}: {e}", rewrite.socket().display()))?;
        match answer {
            Resolved::To { transport, nexthop } => {
                let group = groups.entry((transport, nexthop)).or_default();
                group.count += 1;
                group.domains.insert(domain(address));
            }
            Resolved::Fails => {
                fails.insert(domain(address));
            }
        }
    }
    Ok((groups, fails))
}

/// Where main.cf sends what no table knows.
fn by_default(course: &Course<'_>, plan: &Plan) -> Groups {
    let value = course.to.get("default_transport");
    let (transport, nexthop) = value.split_once(':').unwrap_or((&value, ""));
    let pairs = recipients(plan, false);
    let group = Group {
        count: pairs.len(),
        domains: pairs.iter().map(|(_, address)| domain(address)).collect(),
    };
    Groups::from([(
        (transport.trim().to_owned(), nexthop.trim().to_owned()),
        group,
    )])
}

fn failing(course: &Course<'_>, domains: &BTreeSet<String>) -> Option<Objection> {
    if domains.is_empty() {
        return None;
    }
    let names: Vec<String> = domains.iter().cloned().collect();
    let what = format!(
        "{} cannot look up where to send mail for {}: a table fails, and the mail would wait there",
        course.to.name(),
        some(&names)
    );
    Some(refuse(
        what,
        "fix the table that its mail log names (transport_maps, …)",
    ))
}

/// What the agent of a route does with mail.
fn judge(
    cx: &Context,
    course: &Course<'_>,
    services: &MasterCf,
    deferred: &[String],
    (transport, nexthop): (&str, &str),
    group: &Group,
) -> Option<Objection> {
    let to = course.to.name();
    let names: Vec<String> = group.domains.iter().cloned().collect();
    let who = format!("{} of the recipients ({})", group.count, some(&names));
    let route = match nexthop {
        "" => transport.to_owned(),
        nexthop => format!("{transport}:{nexthop}"),
    };
    let way =
        format!("see to transport_maps and default_transport of {to}, or name another instance");
    if deferred.iter().any(|name| name == transport) {
        let what = format!("{to} would not try {who}: defer_transports has {transport}");
        let config = course.to.config_directory().display();
        return Some(refuse(
            what,
            format!("take it out: postconf -c {config} -e defer_transports="),
        ));
    }
    // An image without master.cf, of which a plan warns: a move is refused for it, before this.
    if services.services().is_empty() {
        return None;
    }
    let mut found = services.services().iter();
    let Some(service) = found.find(|s| s.kind == ServiceType::Unix && s.name == transport) else {
        let what = format!(
            "{to} has no {transport} service (master.cf, master_service_disable): {who} would wait there ({route})"
        );
        return Some(refuse(what, way));
    };
    judge_agent(cx, course, service, (&who, &route, way))
}

/// What an agent does with mail of which `who` are the recipients. `way`: what can be done about it.
fn judge_agent(
    cx: &Context,
    course: &Course<'_>,
    service: &Service,
    (who, route, way): (&str, &str, String),
) -> Option<Objection> {
    let to = course.to.name();
    match service.command.as_str() {
        // error(8) defers for a service of the name retry, and returns mail for all others.
        "error" if service.name == "retry" => {
            // A retry: of somebody else is no pause of ours, whatever else is paused.
            let is_ours = limits::map::is_answer(route);
            let pause = is_ours.then(|| super::delays::paused(cx, course)).flatten();
            Some(refuse(
                format!("{to} would defer {who} without a try: {route}"),
                pause.unwrap_or(way),
            ))
        }
        "error" => Some(refuse(
            format!("{to} would return {who} to their senders: {route}"),
            way,
        )),
        "discard" => Some(refuse(format!("{to} would throw {who} away: {route}"), way)),
        "local" | "virtual" => Some(warn(
            format!("{to} would deliver {who} on this host: {route}"),
            way,
        )),
        "pipe" => Some(warn(
            format!("{to} would hand {who} to a program: {route}"),
            way,
        )),
        _ => None,
    }
}

fn rewritten(course: &Course<'_>) -> Option<Objection> {
    let parameters = course.to.parameters();
    let set: Vec<&str> = REWRITERS
        .into_iter()
        .filter(|name| !parameters.list(name).is_empty())
        .collect();
    if set.is_empty() {
        return None;
    }
    let what = format!(
        "{} may give recipients other addresses ({}): where those go was not asked",
        course.to.name(),
        set.join(", ")
    );
    Some(warn(
        what,
        "the canary shows it; or look with postmap -q ADDRESS TABLE",
    ))
}
