//! `--format text`: `INSTANCE:filtered:WHAT:…:NUMBER` lines, in front of the blank line behind each instance.

use std::io::{self, Write};

use super::{UNMATCHED, bands, kind_of, outcomes};
use crate::mail_stats::text::field;
use figures::filtered::{Filtered, Scores};

/// The lines of an instance, whose name is escaped already.
pub(crate) fn lines(out: &mut impl Write, name: &str, filtered: &Filtered) -> io::Result<()> {
    let head = format!("{name}:filtered");
    writeln!(out, "{head}:accepted:{}", filtered.accepted)?;
    for ((kind, stage), stops) in &filtered.stops {
        let what = format!("{head}:{}:{}", kind.as_str(), stage.as_str());
        writeln!(out, "{what}:{}", stops.count)?;
        if stops.temporary > 0 {
            writeln!(out, "{what}:temporary:{}", stops.temporary)?;
        }
    }
    let discards = filtered.discards;
    writeln!(out, "{head}:delivered-to-discard:{}", discards.transport)?;
    writeln!(out, "{head}:discarded-by-filter:{}", discards.filter)?;
    for row in &filtered.reasons {
        let reason = field(row.reason.as_bytes());
        writeln!(out, "{head}:reason:{}:{reason}:{}", kind_of(row), row.count)?;
    }
    scores(out, &head, &filtered.scores)
}

/// The scores that no instance has, and a blank line.
pub(crate) fn unmatched(out: &mut impl Write, found: &Scores) -> io::Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    scores(out, &format!("{UNMATCHED}:filtered"), found)?;
    writeln!(out)
}

fn scores(out: &mut impl Write, head: &str, scores: &Scores) -> io::Result<()> {
    if scores.is_empty() {
        return Ok(());
    }
    for (word, n) in [
        ("clean", scores.clean),
        ("spam", scores.spam),
        ("just-below", scores.just_below),
        ("just-above", scores.just_above),
    ] {
        writeln!(out, "{head}:{word}:{n}")?;
    }
    for (band, name) in bands(scores) {
        for (outcome, n) in outcomes(scores, band) {
            writeln!(out, "{head}:score:{name}:{}:{n}", outcome.as_str())?;
        }
    }
    Ok(())
}
