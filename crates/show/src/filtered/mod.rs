//! What filters did, in each format, beside the figures of deliveries.

mod csv;
mod json;
mod prom;
mod table;
mod text;

pub(super) use csv::records;
pub(super) use json::{FilteredObject, ScoresObject};
pub(super) use prom::{MOST_SERIES, metrics};
pub(super) use table::draw_filtered;
pub(super) use text::{lines, unmatched};

use figures::filtered::{BANDS, Disposition, ReasonRow, Scores};

/// What is shown as the instance of scores that no log has the message of.
const UNMATCHED: &str = "(unmatched)";

/// The kind of a row of reasons, by name.
fn kind_of(row: &ReasonRow) -> &'static str {
    row.kind.map_or("", |kind| kind.as_str())
}

/// The bands that have messages: place and name.
fn bands(scores: &Scores) -> impl Iterator<Item = (usize, &'static str)> {
    let all = BANDS.iter().enumerate().map(|(at, (name, _))| (at, *name));
    all.filter(|(at, _)| scores.of_band(*at) > 0)
}

/// What became of the messages of a band.
fn outcomes(scores: &Scores, band: usize) -> impl Iterator<Item = (Disposition, u64)> {
    let all = Disposition::ALL.into_iter();
    let counted = all.map(move |outcome| (outcome, scores.of(band, outcome)));
    counted.filter(|(_, n)| *n > 0)
}
