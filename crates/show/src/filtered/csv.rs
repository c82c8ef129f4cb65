//! `--format csv`: rows with `by` `filtered`, `filtered-reason` and `filtered-score`, whose number is in `total`.

use legible::wire::csv_cell;
use postfix::escape;

use super::{bands, kind_of, outcomes};
use figures::filtered::{Filtered, Scores};

/// `by`, `key` and `total` of each row.
pub(crate) fn records(filtered: &Filtered) -> Vec<(&'static str, String, u64)> {
    let mut records = vec![("filtered", "accepted".to_owned(), filtered.accepted)];
    for ((kind, stage), stops) in &filtered.stops {
        let key = format!("{} {}", kind.as_str(), stage.as_str());
        // Rows of one `by` can be added up.
        let lasting = stops.count.saturating_sub(stops.temporary);
        let parts = [(lasting, ""), (stops.temporary, " temporary")];
        let parts = parts.into_iter().filter(|(n, _)| *n > 0);
        records.extend(parts.map(|(n, more)| ("filtered", format!("{key}{more}"), n)));
    }
    records.extend([
        (
            "filtered",
            "delivered-to-discard".to_owned(),
            filtered.discards.transport,
        ),
        (
            "filtered",
            "discarded-by-filter".to_owned(),
            filtered.discards.filter,
        ),
    ]);
    for row in &filtered.reasons {
        let key = format!("{} {}", kind_of(row), escape(row.reason.as_bytes()));
        records.push(("filtered-reason", csv_cell(key.trim_start()), row.count));
    }
    records.extend(scores(&filtered.scores));
    records
}

fn scores(scores: &Scores) -> impl Iterator<Item = (&'static str, String, u64)> {
    bands(scores).flat_map(move |(band, name)| {
        let rows = outcomes(scores, band);
        rows.map(move |(outcome, n)| ("filtered-score", format!("{name} {}", outcome.as_str()), n))
    })
}
