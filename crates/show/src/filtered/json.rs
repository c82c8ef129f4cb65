//! `--format json` and `jsonl`: the field `filtered` of an instance and of the total.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use figures::filtered::{BANDS, Disposition, Filtered, ReasonRow, Scores, Sums};

/// The field `filtered`.
#[derive(Serialize)]
pub(crate) struct FilteredObject<'a> {
    accepted: u64,
    #[serde(flatten)]
    sums: SumsObject,
    stopped: Vec<StopObject>,
    reasons: Vec<ReasonObject<'a>>,
    delivered_to_discard: u64,
    discarded_by_filter: u64,
    unparsed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<ScoresObject<'a>>,
}

#[derive(Serialize)]
struct SumsObject {
    rejected: u64,
    temporary: u64,
    discarded: u64,
    held: u64,
}

#[derive(Serialize)]
struct StopObject {
    kind: &'static str,
    stage: &'static str,
    count: u64,
    temporary: u64,
}

#[derive(Serialize)]
struct ReasonObject<'a> {
    kind: Option<&'static str>,
    reason: Cow<'a, str>,
    count: u64,
}

impl<'a> FilteredObject<'a> {
    pub(crate) fn new(filtered: &'a Filtered) -> Self {
        let Sums {
            rejected,
            temporary,
            discarded,
            held,
        } = filtered.sums();
        let stops = filtered.stops.iter();
        let stops = stops.map(|((kind, stage), stops)| StopObject {
            kind: kind.as_str(),
            stage: stage.as_str(),
            count: stops.count,
            temporary: stops.temporary,
        });
        let reason = |row: &'a ReasonRow| ReasonObject {
            kind: row.kind.map(|kind| kind.as_str()),
            reason: String::from_utf8_lossy(row.reason.as_bytes()),
            count: row.count,
        };
        Self {
            accepted: filtered.accepted,
            sums: SumsObject {
                rejected,
                temporary,
                discarded,
                held,
            },
            stopped: stops.collect(),
            reasons: filtered.reasons.iter().map(reason).collect(),
            delivered_to_discard: filtered.discards.transport,
            discarded_by_filter: filtered.discards.filter,
            unparsed: filtered.unparsed,
            scores: ScoresObject::new(&filtered.scores),
        }
    }
}

/// Scores: how many of each band, and what became of them.
#[derive(Serialize)]
pub(crate) struct ScoresObject<'a> {
    clean: u64,
    spam: u64,
    just_below: u64,
    just_above: u64,
    bands: Vec<BandObject<'a>>,
}

impl<'a> ScoresObject<'a> {
    /// Nothing where there are no scores.
    pub(crate) fn new(scores: &'a Scores) -> Option<Self> {
        let bands = (0..BANDS.len()).map(|band| BandObject { scores, band });
        (!scores.is_empty()).then(|| Self {
            clean: scores.clean,
            spam: scores.spam,
            just_below: scores.just_below,
            just_above: scores.just_above,
            bands: bands.collect(),
        })
    }
}

/// `{"score":"4-5","from":4,"messages":2,"delivered":2,…}`; the lowest band has no `from`.
struct BandObject<'a> {
    scores: &'a Scores,
    band: usize,
}

impl Serialize for BandObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, from) = BANDS.get(self.band).copied().unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("score", name)?;
        map.serialize_entry("from", &from.is_finite().then_some(from))?;
        map.serialize_entry("messages", &self.scores.of_band(self.band))?;
        for outcome in Disposition::ALL {
            map.serialize_entry(outcome.as_str(), &self.scores.of(self.band, outcome))?;
        }
        map.end()
    }
}
