//! Stacked bars as numbers that the template puts into SVG: how high, where, and what they say.

use figures::mail_stats::Counts;
use legible::human;

/// What a part of a bar shows, from the ground up: the class that gives its colour, the colour where no style sheet is
/// heeded, and its word.
pub(super) const PARTS: [(&str, &str, &str); 3] = [
    ("sent", "#4a7fb5", "sent"),
    ("bounced", "#c4453b", "bounced"),
    ("deferred", "#dfa02f", "deferred"),
];

/// A chart of stacked bars.
#[derive(Debug)]
pub(super) struct Chart {
    /// What it is of, escaped.
    pub(super) name: String,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Where the bars stand.
    pub(super) ground: f64,
    pub(super) bars: Vec<Bar>,
    /// The same in words, for where nothing is drawn: how many each bar is of.
    pub(super) plain: String,
}

/// A bar.
#[derive(Debug)]
pub(super) struct Bar {
    /// Its middle.
    pub(super) middle: f64,
    /// Its left edge, and how wide it is.
    pub(super) left: f64,
    pub(super) width: f64,
    pub(super) parts: Vec<Part>,
    /// What stands below it.
    pub(super) label: String,
    /// What stands on it, and where; a question mark where nothing is known.
    pub(super) value: String,
    pub(super) value_at: f64,
    /// Is it the day of the report?
    pub(super) strong: bool,
}

/// A part of a bar.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) fill: &'static str,
    pub(super) top: f64,
    pub(super) height: f64,
    /// What it says of itself, escaped.
    pub(super) label: String,
}

/// What a bar is made of.
#[derive(Debug)]
pub(super) struct Datum {
    /// What stands below it.
    pub(super) label: String,
    /// What it is of: `2026-09-19`.
    pub(super) name: String,
    /// Nothing where nothing is known.
    pub(super) counts: Option<Counts>,
    pub(super) strong: bool,
}

/// How a chart is laid out, in its own units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) width: u32,
    pub(super) height: u32,
    /// The share of a bar's place that it fills.
    pub(super) fill: f64,
    /// Is the number on each bar label?
    pub(super) values: bool,
}

const ABOVE: f64 = 14.0;
const BELOW: f64 = 16.0;

impl Chart {
    pub(super) fn new(name: String, layout: Layout, data: Vec<Datum>) -> Self {
        let plain = data.iter().map(|datum| match datum.counts {
            Some(counts) => format!("{}: {}", datum.name, counts.total()),
            None => format!("{}: ?", datum.name),
        });
        let plain = plain.collect::<Vec<_>>().join(", ");
        let ground = f64::from(layout.height) - BELOW;
        let totals = data.iter().filter_map(|d| d.counts.map(|c| c.total()));
        let most = totals.max().unwrap_or(0).max(1) as f64;
        let place = f64::from(layout.width) / data.len().max(1) as f64;
        let scale = (ground - ABOVE) / most;
        let bar = |(at, datum): (usize, Datum)| {
            let middle = place * (at as f64 + 0.5);
            let width = place * layout.fill;
            let (parts, top) = stacked(&datum, ground, scale);
            let value = match datum.counts {
                None => "?".to_owned(),
                Some(counts) if layout.values => short(counts.total()),
                Some(_) => String::new(),
            };
            Bar {
                middle: round(middle),
                left: round(middle - width / 2.0),
                width: round(width),
                parts,
                label: datum.label,
                value,
                value_at: round(top - 4.0),
                strong: datum.strong,
            }
        };
        Self {
            name,
            plain,
            width: layout.width,
            height: layout.height,
            ground,
            bars: data.into_iter().enumerate().map(bar).collect(),
        }
    }
}

/// The parts of a bar that stands on `ground`, each upon the one before, and its upper end.
fn stacked(datum: &Datum, ground: f64, scale: f64) -> (Vec<Part>, f64) {
    let counts = datum.counts.unwrap_or_default();
    let mut top = ground;
    let mut parts = Vec::new();
    for ((class, fill, word), n) in PARTS.into_iter().zip(parts_of(counts)) {
        let height = n as f64 * scale;
        top -= height;
        if n > 0 {
            parts.push(Part {
                class,
                fill,
                top: round(top),
                height: round(height),
                label: format!(
                    "{}: {n} {word} ({})",
                    datum.name,
                    human::percent(n, counts.total())
                ),
            });
        }
    }
    (parts, top)
}

/// In the order of [`PARTS`].
fn parts_of(counts: Counts) -> [u64; 3] {
    [counts.sent, counts.bounced, counts.deferred]
}

/// A horizontal bar: a share of the widest, in percent, with what it is made of.
#[derive(Debug)]
pub(super) struct Strip {
    pub(super) parts: Vec<StripPart>,
}

/// A part of it.
#[derive(Debug)]
pub(super) struct StripPart {
    pub(super) class: &'static str,
    pub(super) fill: &'static str,
    /// In percent of the widest strip.
    pub(super) left: f64,
    pub(super) width: f64,
}

impl Strip {
    /// Of `counts`, where the longest strip is of `most`.
    pub(super) fn new(counts: Counts, most: u64) -> Self {
        let scale = 100.0 / most.max(1) as f64;
        let mut left = 0.0;
        let mut parts = Vec::new();
        for ((class, fill, _), n) in PARTS.into_iter().zip(parts_of(counts)) {
            let width = n as f64 * scale;
            if n > 0 {
                parts.push(StripPart {
                    class,
                    fill,
                    left: round(left),
                    width: round(width),
                });
            }
            left += width;
        }
        Self { parts }
    }
}

/// To two decimals: more cannot be seen.
fn round(n: f64) -> f64 {
    (n * 100.0).round() / 100.0
}

/// A number in few characters: `843`, `59635`, `1.2M`.
fn short(n: u64) -> String {
    match n {
        0..100_000 => n.to_string(),
        100_000..1_000_000 => format!("{}k", n / 1000),
        _ => format!("{:.1}M", n as f64 / 1e6),
    }
}
