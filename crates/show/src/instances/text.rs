//! `--format text`: `INSTANCE:WORD:VALUE` lines, for scripts; a blank line after each instance.
//!
//! The value is everything after the second colon; addresses and times hold more of them. In names a `:` is
//! `\x3a`. A word may come more than once: an instance may have two addresses.

use std::io::{self, Write};

use postfix::escape;

use super::{endpoint, is_running, limits, log, place, yes_no};
use figures::instances::{Facts, Finding, Listing, Running};
use legible::wire::time;

/// Writes them. `wide`: with all that is known.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, listing: &Listing, wide: bool) -> io::Result<()> {
    for facts in &listing.instances {
        let name = escape(&facts.name).to_string().replace(':', "\\x3a");
        let mut lines = lines(facts);
        if wide {
            lines.extend(wide_lines(facts));
        }
        lines.extend(outcomes(facts, &listing.findings));
        let held = listing.limits.iter().filter(|h| h.instance == facts.name);
        lines.extend(held.map(|held| ("limit", format!("{} {}", held.id, held.what))));
        for (word, value) in lines {
            writeln!(out, "{name}:{word}:{}", escape(&value))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

type Lines = Vec<(&'static str, String)>;

fn lines(facts: &Facts) -> Lines {
    let mut lines = vec![
        ("group", facts.group.clone().unwrap_or_default()),
        ("enabled", yes_no(Some(facts.is_enabled)).to_owned()),
        ("running", yes_no(is_running(&facts.running)).to_owned()),
    ];
    if let Running::Yes { since, .. } = facts.running {
        lines.push(("running_since", time(since).unwrap_or_default()));
    }
    for sender in &facts.senders {
        lines.push(("address", sender.address.to_string()));
        lines.push(("interface", format!("{} {}", sender.address, place(sender))));
    }
    lines.push(("helo_name", facts.helo_name.clone()));
    lines.push((
        "queue_directory",
        facts.queue.path.to_string_lossy().into_owned(),
    ));
    lines
}

fn wide_lines(facts: &Facts) -> Lines {
    let mut lines = vec![
        (
            "config_directory",
            facts.config_directory.to_string_lossy().into_owned(),
        ),
        (
            "data_directory",
            facts.data.path.to_string_lossy().into_owned(),
        ),
        ("mail_owner", facts.mail_owner.clone()),
        ("syslog_name", facts.syslog_name.clone()),
        ("log", log(facts)),
    ];
    let listens = facts.listens.iter();
    lines.extend(listens.map(|listen| {
        (
            "listens",
            format!("{} {}", endpoint(listen), listen.command),
        )
    }));
    lines.extend(
        limits(&facts.rate_limits)
            .into_iter()
            .map(|l| ("rate_limits", l)),
    );
    lines.push(("pickup", yes_no(facts.pickup).to_owned()));
    lines
}

fn outcomes(facts: &Facts, findings: &[Finding]) -> Lines {
    let mut lines = Lines::new();
    for sender in &facts.senders {
        for check in &sender.dns {
            let what = format!(
                "{} {} {} {} {}",
                check.check,
                check.outcome.as_str(),
                sender.address,
                if check.asked.is_empty() {
                    "-"
                } else {
                    &check.asked
                },
                check.detail
            );
            lines.push(("dns", what));
        }
    }
    for finding in findings
        .iter()
        .filter(|f| f.instances.contains(&facts.name))
    {
        lines.push((
            "finding",
            format!(
                "{} {} {}",
                finding.level.as_str(),
                finding.kind.as_str(),
                finding.text
            ),
        ));
    }
    lines
}
