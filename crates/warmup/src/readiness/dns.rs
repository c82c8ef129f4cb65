//! What the DNS says of the addresses: relay-instances' checks, as steps.

use figures::instances::{DnsCheck, DnsOutcome, Facts, Sender};

use super::{Step, StepState};

mod spf;

/// The words of relay-instances' checks, those of the steps, and what is to be fixed where.
const RECORDS: [(&str, &str); 4] = [
    ("host", "a"),
    ("ttl", "ttl"),
    ("ptr", "ptr"),
    ("spf", "spf"),
];

/// What the time to live of a relay's record should be, in seconds: as `dns::checks` has it.
const TTL: u32 = 86_400;

/// What that of a relay name's should be at most.
const RELAY_TTL: u32 = 600;

/// The most lines of what to do with records of one name.
const MOST: usize = 50;

/// a, ttl, ptr and spf, of each address.
pub(super) fn records(all: &[Facts], which: &Facts) -> Vec<Step> {
    let mut steps = Vec::new();
    for sender in &which.senders {
        for (check, step) in RECORDS {
            steps.push(match find(sender, check) {
                Some(check) => record(all, which, sender, check, step),
                None => Step::new(
                    step,
                    sender.address.to_string(),
                    StepState::Unknown,
                    not_asked(sender),
                ),
            });
        }
    }
    steps
}

fn find<'a>(sender: &'a Sender, check: &str) -> Option<&'a DnsCheck> {
    let of_loopback = || sender.address.is_loopback();
    let mut all = sender.dns.iter();
    all.find(|found| found.check == check && !of_loopback())
}

fn not_asked(sender: &Sender) -> &'static str {
    match sender.address.is_loopback() {
        true => "a loopback address does not belong in the DNS",
        false => "not looked up in the DNS",
    }
}

fn record(
    all: &[Facts],
    which: &Facts,
    sender: &Sender,
    check: &DnsCheck,
    name: &'static str,
) -> Step {
    let of = match check.asked.is_empty() {
        true => sender.address.to_string(),
        false => check.asked.clone(),
    };
    let outcome = match check.outcome {
        DnsOutcome::Ok => StepState::Pass,
        DnsOutcome::Poor | DnsOutcome::Wrong => StepState::Fail,
        DnsOutcome::Unknown | DnsOutcome::Skipped => StepState::Unknown,
    };
    let step = Step::new(name, of, outcome, &check.detail);
    match outcome {
        StepState::Fail => fix(all, step, sender, check, which),
        StepState::Unknown if check.outcome == DnsOutcome::Unknown => {
            step.with("try again, or another server: --resolver ADDR, --timeout 60s")
        }
        _ => step,
    }
}

/// Is it what an instance of this host sends from? Its records are right, whoever else has the same name.
fn is_ours(all: &[Facts], address: &str) -> bool {
    let mut senders = all.iter().flat_map(|facts| &facts.senders);
    senders.any(|sender| sender.address.to_string() == address)
}

/// A step with these lines of what to do. A server may answer with thousands of records.
fn each(step: Step, lines: Vec<String>) -> Step {
    let more = lines.len().saturating_sub(MOST);
    let step = lines.into_iter().take(MOST).fold(step, Step::with);
    match more {
        0 => step,
        more => step.with(format!("({more} more like these)")),
    }
}

fn fix(all: &[Facts], step: Step, sender: &Sender, check: &DnsCheck, which: &Facts) -> Step {
    let (helo, address) = (which.helo(), sender.address);
    let kind = kind_of(sender);
    let owner = check.owner();
    match step.step {
        "a" => {
            let step = step.with(format!("{helo}. {TTL} IN {kind} {address}"));
            match &check.alias {
                // What else leads to that name is not to be changed.
                Some(target) => step.with(format!("take out: {helo}. IN CNAME {target}.")),
                None => {
                    let wrong = check.records.iter().filter(|other| !is_ours(all, other));
                    let lines = wrong.map(|other| format!("take out: {helo}. IN {kind} {other}"));
                    each(step, lines.collect())
                }
            }
        }
        // The lines for its address have the right one.
        "ttl" if !check.records.contains(&address.to_string()) => step,
        // All of them: records of one name and type have one time to live (RFC 2181, section 5.2).
        "ttl" => {
            let step = match &check.alias {
                None => step,
                Some(target) => step.with(format!("{helo}. {TTL} IN CNAME {target}.")),
            };
            let records = check.records.iter();
            let lines = records.map(|record| format!("{owner}. {TTL} IN {kind} {record}"));
            each(step, lines.collect())
        }
        "ptr" => {
            let is_there = check.records.contains(&helo);
            let step = match is_there {
                true => step,
                false => step.with(format!("{owner}. {TTL} IN PTR {helo}.")),
            };
            let others = check
                .records
                .iter()
                .filter(|name| !is_there && **name != helo);
            let lines = others.map(|name| format!("take out: {owner}. IN PTR {name}."));
            let step = each(step, lines.collect());
            match is_there {
                true => step.with(format!("{helo}. {TTL} IN {kind} {address}")),
                false => step.with(
                    "in the network provider's zone, if the network is not yours: ask them to set it",
                ),
            }
        }
        _ => spf::fix(step, sender, check, &helo),
    }
}

fn kind_of(sender: &Sender) -> &'static str {
    match sender.address.is_ipv4() {
        true => "A",
        false => "AAAA",
    }
}

/// The steps without which mail from the address is refused, or gets nowhere: what calls for taking it out of the relay
/// name.
const SEVERE: [&str; 6] = ["address", "helo", "a", "ptr", "spf", "running"];

/// Is the address in the relay name already? It has a place there when all else is in order.
pub(super) fn relay_names(which: &Facts, before: &[Step]) -> Vec<Step> {
    let is_ready = before.iter().all(|step| step.outcome == StepState::Pass);
    let mut steps = Vec::new();
    for sender in &which.senders {
        let Some(check) = find(sender, "provider").filter(|c| c.outcome != DnsOutcome::Skipped)
        else {
            continue;
        };
        let (name, of) = ("relay-name", check.asked.clone());
        steps.push(match check.outcome {
            DnsOutcome::Unknown => Step::new(name, of, StepState::Unknown, &check.detail),
            DnsOutcome::Ok if check.listed > 0 && is_ready => Step::pass(name, of, &check.detail),
            // Listed, but for too long.
            _ if check.listed > 0 && is_ready => shorter(
                Step::new(name, of, StepState::Fail, &check.detail),
                sender,
                check,
                false,
            ),
            _ if check.listed > 0 => too_early(sender, check, before),
            _ if is_ready => {
                let found = format!("{}: it gets no mail yet", check.detail);
                Step::pass(name, of, found)
                    .with("relay-warmup plan has the records that direct mail to it")
            }
            _ => Step::pass(
                name,
                of,
                format!("{}: it gets no mail yet, and is not ready", check.detail),
            ),
        });
    }
    steps
}

/// With the records as they should be, so that an address can be taken out of them; without the sender's own, which
/// `is_out` of them already.
fn shorter(step: Step, sender: &Sender, check: &DnsCheck, is_out: bool) -> Step {
    let ttl = RELAY_TTL;
    if check.detail.starts_with("has ") {
        let line = format!(
            "give the MX and SRV records of {} a TTL of {ttl}, and the addresses that they lead to",
            step.of
        );
        return step.with(line);
    }
    let step = match &check.alias {
        None => step,
        Some(target) => {
            let of = check.asked.trim_end_matches('.').to_owned();
            step.with(format!("{of}. {ttl} IN CNAME {target}."))
        }
    };
    let (owner, kind) = (check.owner(), kind_of(sender));
    let own = sender.address.to_string();
    let all = check
        .records
        .iter()
        .filter(|record| !is_out || **record != own);
    all.fold(step, |step, record| {
        step.with(format!("{owner}. {ttl} IN {kind} {record}"))
    })
}

/// The address gets mail, and not all is in order. It is to be taken out only where mail suffers for certain, and where
/// another address is left to take it: what is merely not known, and what only a warm-up asks for, is no reason.
fn too_early(sender: &Sender, check: &DnsCheck, before: &[Step]) -> Step {
    let severe = || before.iter().filter(|step| SEVERE.contains(&step.step));
    let has = |outcome| severe().any(|step| step.outcome == outcome);
    let (name, of) = ("relay-name", check.asked.clone());
    if has(StepState::Unknown) {
        let found = format!(
            "{}: it gets mail; whether it is ready is not known",
            check.detail
        );
        return Step::new(name, of, StepState::Unknown, found);
    }
    let found = format!("{}: it gets mail, and is not ready", check.detail);
    let kind = kind_of(sender);
    let owner = check.owner();
    let line = match (has(StepState::Fail), check.listed) {
        (false, _) => {
            "leave it there, and fix the steps above: mail from it is not refused because of them"
                .to_owned()
        }
        (true, 1) => format!(
            "leave it there, since {of} has no other {kind} record; fix the steps above, or add another relay's address"
        ),
        (true, _) if check.detail.starts_with("has MX records") => {
            format!(
                "take out: the MX records of {of} that lead to {}",
                sender.address
            )
        }
        (true, _) => format!("take out: {owner}. IN {kind} {}", sender.address),
    };
    let is_out = line.starts_with("take out: ");
    let step = Step::new(name, of, StepState::Fail, found).with(line);
    let is_kept_long = check.outcome != DnsOutcome::Ok;
    match is_kept_long {
        true => shorter(step, sender, check, is_out),
        false => step,
    }
}
