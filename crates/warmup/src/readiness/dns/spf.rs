//! What to do about an SPF record: the whole record, with the address in it, where that can be written down.

use figures::instances::{DnsCheck, Sender};

use super::{Step, TTL};

/// As many bytes as one string of a TXT record has at most (RFC 1035, section 3.3).
const STRING: usize = 255;

pub(super) fn fix(step: Step, sender: &Sender, check: &DnsCheck, helo: &str) -> Step {
    let family = if sender.address.is_ipv4() {
        "ip4"
    } else {
        "ip6"
    };
    let term = format!("{family}:{}", sender.address);
    let name = step.of.trim_end_matches('.').to_owned();
    let is_own = name.eq_ignore_ascii_case(helo);
    if step.found.starts_with("has no SPF record") && is_own {
        return step.with(format!("{name}. {TTL} IN TXT \"v=spf1 {term} -all\""));
    }
    if step.found.starts_with("has no SPF record") {
        // A ready-made record would shut out all else that sends mail of the domain.
        return step.with(format!(
            "an SPF record (TXT) for {name} that lists {term} and everything else that sends its mail"
        ));
    }
    let add = || format!("add {term} to the SPF record (TXT) of {name}");
    let record = match check.records.as_slice() {
        [record] => record,
        [] => return step.with(add()),
        several => {
            return step.with(format!(
                "make one SPF record (TXT) of the {} of {name}, with {term} in it: of several, none counts",
                several.len()
            ));
        }
    };
    // Receivers refuse a record that is not one, whatever stands before the fault.
    if step.found.starts_with(&format!("invalid record: {name}")) {
        return step.with(format!(
            "correct the SPF record (TXT) of {name}, and have {term} in it"
        ));
    }
    match with_term(record, &term) {
        Some(whole) => step
            .with(format!("{name}. {TTL} IN TXT {}", strings(&whole)))
            .with(format!("take out: {name}. IN TXT {}", strings(record))),
        None => step.with(add()),
    }
}

/// The record with the term as its first: what comes first decides (RFC 7208, section 4.6.2).
fn with_term(record: &str, term: &str) -> Option<String> {
    let is_plain = record.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let (version, rest) = record.split_once(' ').unwrap_or((record, ""));
    let whole = format!("{version} {term} {}", rest.trim_start());
    is_plain.then(|| whole.trim_end().to_owned())
}

/// As a zone has a text.
fn strings(text: &str) -> String {
    let escaped = |part: &[u8]| {
        let text = String::from_utf8_lossy(part);
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    };
    let parts: Vec<String> = text.as_bytes().chunks(STRING).map(escaped).collect();
    parts.join(" ")
}
