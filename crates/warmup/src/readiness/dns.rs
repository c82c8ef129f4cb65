//! What the DNS says of the addresses: relay-instances' checks, as steps.

use figures::instances::{DnsCheck, DnsOutcome, Facts, Sender};

use super::{Step, StepState};

/// The words of relay-instances' checks, those of the steps, and what is to be mended where.
const RECORDS: [(&str, &str); 4] = [
    ("host", "a"),
    ("ttl", "ttl"),
    ("ptr", "ptr"),
    ("spf", "spf"),
];

/// What the time to live of a relay's record should be, in seconds: as `dns::checks` has it.
const TTL: u32 = 86_400;

/// a, ttl, ptr and spf, of each address.
pub(super) fn records(which: &Facts) -> Vec<Step> {
    let mut steps = Vec::new();
    for sender in &which.senders {
        for (check, step) in RECORDS {
            steps.push(match find(sender, check) {
                Some(check) => record(which, sender, check, step),
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

fn record(which: &Facts, sender: &Sender, check: &DnsCheck, name: &'static str) -> Step {
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
        StepState::Fail => fix(step, which, sender),
        StepState::Unknown if check.outcome == DnsOutcome::Unknown => {
            step.with("try again, or another server: --resolver ADDR, --timeout 60s")
        }
        _ => step,
    }
}

fn fix(step: Step, which: &Facts, sender: &Sender) -> Step {
    let (helo, address) = (which.helo_name.trim_end_matches('.'), sender.address);
    let kind = if address.is_ipv4() { "A" } else { "AAAA" };
    match step.step {
        "a" | "ttl" => step.with(format!("{helo}. {TTL} IN {kind} {address}")),
        "ptr" => {
            let reverse = step.of.trim_end_matches('.').to_owned();
            step.with(format!("{reverse}. {TTL} IN PTR {helo}.")).with(
                "in the network provider's zone, if the network is not yours: ask them to set it",
            )
        }
        _ => {
            let family = if address.is_ipv4() { "ip4" } else { "ip6" };
            let name = step.of.trim_end_matches('.').to_owned();
            let is_own = name.eq_ignore_ascii_case(helo);
            if step.found.starts_with("has no SPF record") && is_own {
                let record = format!("\"v=spf1 {family}:{address} -all\"");
                return step.with(format!("{name}. {TTL} IN TXT {record}"));
            }
            if step.found.starts_with("has no SPF record") {
                // A ready-made record would shut out all else that sends mail of the domain.
                return step.with(format!(
                    "an SPF record (TXT) for {name} that lists {family}:{address} and everything else that sends its \
                     mail"
                ));
            }
            step.with(format!(
                "add {family}:{address} to the SPF record (TXT) of {name}"
            ))
        }
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
            // Listed, but for too long: relay-instances says so.
            _ if check.listed > 0 && is_ready => Step::pass(name, of, &check.detail),
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
    let kind = match sender.address.is_ipv4() {
        true => "A",
        false => "AAAA",
    };
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
        (true, _) => format!("take out: {of}. IN {kind} {}", sender.address),
    };
    Step::new(name, of, StepState::Fail, found).with(line)
}
