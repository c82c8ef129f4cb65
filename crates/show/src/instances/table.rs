//! `--format table`: an instance a row; below it what the DNS says, and what is wrong.

use figures::held::Held;
use figures::instances::{AddressPlace, DnsOutcome, Facts, Finding, Kind, Listing, Running};
use figures::verdict::Level;
use legible::grid::{Cell, Column, TableStyle, Tone};
use legible::narrow::{draw, draw_to_fit};

use super::{clock, endpoint, is_running, limits, log, place, yes_no};

const COLUMNS: [Column; 8] = [
    Column::Instance("instance"),
    Column::Text("group"),
    Column::Text("enabled"),
    Column::Text("running since"),
    Column::List("bind address"),
    Column::List("interface"),
    Column::Name("HELO name"),
    Column::Name("queue directory"),
];

/// What a narrow terminal does without, the first to go first.
const LEAST_FIRST: [&str; 4] = ["queue directory", "group", "enabled", "HELO name"];

const WIDE: [Column; 8] = [
    Column::Name("config"),
    Column::Name("data directory"),
    Column::Text("mail_owner"),
    Column::Text("syslog_name"),
    Column::Name("log"),
    Column::List("listens on"),
    Column::Sentence("rate limits"),
    Column::Text("pickup"),
];

/// Draws them. `wide`: with all that is known.
pub fn draw_instances(listing: &Listing, wide: bool, style: TableStyle) -> String {
    let mut columns = COLUMNS.to_vec();
    let with_limits = !listing.limits.is_empty();
    columns.extend(with_limits.then_some(Column::Text("limits")));
    if wide {
        columns.extend(WIDE);
    }
    let rows = listing.instances.iter().map(|facts| {
        let mut row = row(facts, listing);
        row.extend(
            with_limits
                .then(|| cell(Held::words(&listing.limits, &facts.name)).tone(Tone::Warning)),
        );
        if wide {
            row.extend(wide_row(facts));
        }
        row
    });
    let mut text = match wide {
        true => draw(style, &columns, rows.collect()),
        false => draw_to_fit(style, &columns, rows.collect(), &LEAST_FIRST),
    };
    let checks: Vec<Vec<Cell>> = listing.instances.iter().flat_map(dns_rows).collect();
    if !checks.is_empty() {
        text.push('\n');
        text.push_str(&draw(style, &DNS, checks));
    }
    // The DNS has a table of its own.
    let findings: Vec<Vec<Cell>> = listing
        .findings
        .iter()
        .filter(|finding| finding.kind != Kind::Dns)
        .map(finding_row)
        .collect();
    if !findings.is_empty() {
        let columns = [Column::Text("severity"), Column::Sentence("finding")];
        text.push('\n');
        text.push_str(&draw(style, &columns, findings));
    }
    text
}

/// A `-` where there is nothing.
fn cell(text: impl AsRef<[u8]>) -> Cell {
    if text.as_ref().is_empty() {
        Cell::new("-")
    } else {
        Cell::new(text)
    }
}

fn row(facts: &Facts, listing: &Listing) -> Vec<Cell> {
    let enabled = cell(yes_no(Some(facts.is_enabled)));
    let running = match &facts.running {
        Running::Yes { since, .. } => cell(clock(*since, listing.zone)),
        other => cell(yes_no(is_running(other))),
    };
    let is_stopped = facts.running == Running::No;
    let running = match (is_stopped, facts.is_enabled) {
        (true, true) => running.tone(Tone::Bad),
        _ => running,
    };
    let enabled = match is_running(&facts.running) {
        Some(true) if !facts.is_enabled => enabled.tone(Tone::Warning),
        _ => enabled,
    };
    let addresses: Vec<String> = facts
        .senders
        .iter()
        .map(|s| s.address.to_string())
        .collect();
    let places: Vec<String> = facts.senders.iter().map(place).collect();
    let is_lost = facts.senders.iter().any(|sender| {
        matches!(
            sender.place,
            AddressPlace::Missing
                | AddressPlace::Unusable { .. }
                | AddressPlace::Interface { is_up: false, .. }
        )
    });
    let places = cell(places.join(", "));
    vec![
        cell(&facts.name),
        cell(facts.group.as_deref().unwrap_or_default()),
        enabled,
        running,
        cell(addresses.join(", ")),
        if is_lost {
            places.tone(Tone::Bad)
        } else {
            places
        },
        cell(&facts.helo_name),
        cell(facts.queue.path.as_os_str().as_encoded_bytes()),
    ]
}

fn wide_row(facts: &Facts) -> Vec<Cell> {
    let listens: Vec<String> = facts.listens.iter().map(endpoint).collect();
    let pickup = match facts.pickup {
        Some(true) => cell("on"),
        Some(false) => cell("off").tone(Tone::Warning),
        None => cell(yes_no(None)),
    };
    vec![
        cell(facts.config_directory.as_os_str().as_encoded_bytes()),
        cell(facts.data.path.as_os_str().as_encoded_bytes()),
        cell(&facts.mail_owner),
        cell(&facts.syslog_name),
        cell(log(facts)),
        cell(listens.join(", ")),
        cell(limits(&facts.rate_limits).join("; ")),
        pickup,
    ]
}

const DNS: [Column; 6] = [
    Column::Instance("instance"),
    Column::Text("address"),
    Column::Text("check"),
    Column::Text("result"),
    Column::Name("name"),
    Column::Sentence("found"),
];

fn dns_rows(facts: &Facts) -> Vec<Vec<Cell>> {
    let checks = facts
        .senders
        .iter()
        .flat_map(|sender| sender.dns.iter().map(move |check| (sender.address, check)));
    let rows = checks.map(|(address, check)| {
        let tone = match check.outcome {
            DnsOutcome::Ok | DnsOutcome::Skipped => Tone::Plain,
            DnsOutcome::Poor | DnsOutcome::Unknown => Tone::Warning,
            DnsOutcome::Wrong => Tone::Bad,
        };
        let result = match check.outcome {
            // What needs fixing must be visible without colours too.
            DnsOutcome::Wrong | DnsOutcome::Unknown => check.outcome.as_str().to_ascii_uppercase(),
            outcome => outcome.as_str().to_owned(),
        };
        vec![
            cell(&facts.name),
            cell(address.to_string()),
            cell(check.check),
            cell(result).tone(tone),
            cell(&check.asked),
            cell(&check.detail),
        ]
    });
    rows.collect()
}

fn finding_row(finding: &Finding) -> Vec<Cell> {
    let tone = match finding.level {
        Level::Critical => Tone::Bad,
        Level::Ok | Level::Warning | Level::Unknown => Tone::Warning,
    };
    vec![cell(finding.level.as_str()).tone(tone), cell(&finding.text)]
}
