//! What an admin must know who applies a plan: what its settings hold to, and what its records ask of others.

use crate::plan::{Plan, PlanLevel};
use crate::ratio::{Ratio, RelayName, Unequal};
use crate::settings::{HeldBy, Hold, Mail};
use postfix::{count, either};

/// What an admin must know who applies a level.
pub(super) fn notes(plan: &Plan, level: &PlanLevel) -> Vec<String> {
    let mut notes = pace_notes(plan, level);
    if let Some(ratio) = level.ratio {
        match (ratio.by, &plan.order.relay) {
            (Some(by), Some(relay)) => notes.extend(sharing_notes(relay, by)),
            _ => notes.push(format!(
                "A records are chosen at random, and a name lists each address once: with {} old and 1 new the share \
                 is 1/{}",
                ratio.old,
                ratio.old + 1
            )),
        }
        notes.extend(intake_notes(plan, level, ratio));
    }
    if !plan.order.before.is_empty() {
        notes.push(format!(
            "to restore everything to what it was: relay-warmup show {} --undo",
            plan.order.instance
        ));
    }
    notes
}

fn pace_notes(plan: &Plan, level: &PlanLevel) -> Vec<String> {
    let transport = &plan.order.transport;
    let Mail {
        recipients,
        delivery_ms,
    } = plan.order.mail;
    let took = f64::from(delivery_ms) / 1000.0;
    let (lets_out, at_most) = (level.settings.lets_out, level.settings.at_most);
    let mut notes = vec![match level.settings.hold {
        Hold::RateDelay(seconds) => format!(
            "{transport}_transport_rate_delay = {seconds}s starts a delivery {seconds} s after the end of the one \
             before, whatever its domain: with deliveries of {took} s, at least {lets_out} a day and at most \
             {at_most}; a reload restarts the delay"
        ),
        Hold::Processes(processes) => format!(
            "no delay of whole seconds allows that much; {} at {took} s a delivery {}: at most \
             {at_most} a day, which is an estimate: mail-stats-print --format table shows the time that deliveries \
             take, for --delivery-time",
            count(processes, "process"),
            either(processes, "does", "do")
        ),
    }];
    match level.settings.held_by {
        HeldBy::Settings => {}
        HeldBy::Intake => notes.push(format!(
            "no setting comes close to {lets_out} a day; the limit on incoming mail enforces it, but mail that waits \
             in the queue, or comes by queue-move or sendmail, could leave at up to {at_most} a day: add none on \
             these days"
        )),
        HeldBy::Nothing => notes.push(match at_most.checked_sub(level.level.cap) {
            Some(more @ 1..) => format!(
                "it cannot be limited to {} a day: no setting comes close to that, and without a relay name nothing \
                 else would take what is refused; up to {at_most} a day may leave, {more} too many",
                level.level.cap
            ),
            _ => format!(
                "this step is larger than the schedule's: no setting lies between the level before and this one, of \
                 which up to {at_most} a day may leave"
            ),
        }),
    }
    if recipients == 1 {
        notes.push(
            "the cap counts deliveries of one recipient each; if a message has several, plan with --recipients N"
                .to_owned(),
        );
    }
    notes
}

/// What MX and SRV records ask of the sending hosts.
fn sharing_notes(relay: &RelayName, by: Unequal) -> Vec<String> {
    let name = &relay.name;
    let asked = match by {
        Unequal::Names(_) => format!(
            "MX records of the same preference are chosen at random, but only hosts whose map has smtp:{name}, \
             without brackets, look them up: relay-transport print writes that form once they are in the zone, and \
             relay-transport check reports lines in the other form; a host with [{name}] uses its A records, which \
             are only those of the old addresses"
        ),
        Unequal::Weights(_) => format!(
            "SRV records are chosen by their weights, but only by Postfix 3.8 and later with use_srv_lookup = smtp \
             and allow_srv_lookup_fallback = yes, whose map has smtp:{name}, without brackets or a port: \
             relay-transport print writes that form once they are in the zone, and relay-transport check reports \
             hosts that do not ask for them; these use the name's A records, which are only those of the old addresses"
        ),
    };
    vec![
        asked,
        "a cached connection (smtp_connection_cache_on_demand, on by default) takes all mail for the name for up to \
         smtp_connection_reuse_time_limit (300 s), so the share is kept over hours, not within minutes; with \
         smtp_connection_cache_on_demand = no on the sending hosts, an address is chosen for each message".to_owned(),
    ]
}

fn intake_notes(plan: &Plan, level: &PlanLevel, ratio: Ratio) -> Vec<String> {
    let Some(intake) = level.intake else {
        return Vec::new();
    };
    let order = &plan.order;
    let lets_out = level.settings.lets_out;
    let why = match ratio.brings.checked_sub(lets_out) {
        Some(more @ 1..) => format!(
            "it directs {} a day here, {more} more than may leave",
            ratio.brings
        ),
        _ => format!("it may direct more than {lets_out} a day here"),
    };
    let unit = match intake.unit() {
        "60s" => "a minute",
        "1h" => "an hour",
        _ => "a day",
    };
    let rest = match ratio.old {
        0 => "tries again later, since there is no old address",
        _ => "moves on to an old address",
    };
    let clients = match order.clients {
        1 => "one sending host; use --clients N if there are more".to_owned(),
        n => format!("{n} sending hosts"),
    };
    let mut notes = vec![format!(
        "{why}; so beyond {} {unit} this instance answers 450, and the sending host {rest} (for {clients})",
        count(intake.limit, "recipient"),
    )];
    let taken = intake.a_day(order.clients);
    if taken > lets_out {
        notes.push(format!(
            "{} with one recipient a day each {} {taken}, more than the {lets_out} that may leave: \
             the rest waits here",
            count(order.clients, "sending host"),
            either(order.clients, "makes", "make")
        ));
    }
    notes.extend(order.others.changes(&intake));
    notes
}
