//! `--format table`: for people.
//!
//! First all instances, then their delays, then a table for each breakdown. With more than one instance, each table
//! ends in the rows of all of them together.

use crate::filtered::draw_filtered;
use figures::complaints::ComplaintRow;
use figures::mail_stats::{
    Breakdown, Counts, DelayStats, Dimension, Figures, MailStats, Quantiles, Row,
};
use legible::grid::{Cell, Column, TOTAL, TableStyle, Tone, number};
use legible::human;
use legible::narrow::draw;
use legible::narrow::{draw_to_fit, fits};
use postfix::log::Severity;

/// Draws the figures.
pub fn draw_stats(stats: &MailStats, style: TableStyle) -> String {
    let mut text = draw_counts(stats, style);
    if stats.total.delays.is_some() || stats.total.waiting.is_some() {
        text.push('\n');
        text.push_str(&draw_delays(stats, style));
    }
    for (at, dimension) in stats.by.iter().enumerate() {
        text.push('\n');
        text.push_str(&format!("by {dimension}\n"));
        text.push_str(&draw_breakdown(stats, at, *dimension, style));
    }
    text.push_str(&draw_filtered(stats, style));
    text.push_str(&draw_complaints(stats, style));
    text
}

/// How many complaints are shown.
const COMPLAINTS: usize = 20;

/// What Postfix says of itself, the worst first.
fn draw_complaints(stats: &MailStats, style: TableStyle) -> String {
    let all = stats.instances.iter().flat_map(|instance| {
        let rows = instance.figures.complaints.iter();
        rows.map(|row| (instance.instance.as_slice(), row))
    });
    let mut all: Vec<(&[u8], &ComplaintRow)> = all.collect();
    if all.is_empty() {
        return String::new();
    }
    // Stable: within a severity and a count, by instance.
    all.sort_by_key(|(_, row)| std::cmp::Reverse((row.severity, row.count)));
    let columns = [
        Column::Instance("instance"),
        Column::Name("service"),
        Column::Name("severity"),
        Column::Number("count"),
        Column::Sentence("what Postfix says of itself"),
    ];
    let rows = all.iter().take(COMPLAINTS).map(|(instance, row)| {
        let tone = match row.severity {
            Severity::Fatal | Severity::Panic => Tone::Bad,
            Severity::Error => Tone::Warning,
            Severity::Warning => Tone::Plain,
        };
        vec![
            Cell::new(instance),
            Cell::new(&row.service),
            Cell::new(row.severity.as_str()).tone(tone),
            number(row.count, tone),
            Cell::new(&row.text),
        ]
    });
    let mut text = format!("\n{}", draw(style, &columns, rows.collect()));
    let more = all.len().saturating_sub(COMPLAINTS);
    if more > 0 {
        text.push_str(&format!("and {more} more; --format json has all\n"));
    }
    text
}

/// Every instance, and the total behind more than one.
fn groups(stats: &MailStats) -> impl Iterator<Item = (&[u8], &Figures, Tone)> {
    let instances = stats
        .instances
        .iter()
        .map(|i| (i.instance.as_slice(), &i.figures, Tone::Plain));
    let total =
        (stats.instances.len() > 1).then_some((TOTAL.as_bytes(), &stats.total, Tone::Strong));
    instances.chain(total)
}

fn draw_counts(stats: &MailStats, style: TableStyle) -> String {
    let mut columns = vec![Column::Instance("instance")];
    columns.extend(COUNTS);
    // Columns that are nearly always empty are there when they are not.
    let with_expired = stats.total.expired > 0;
    let with_unparsed = stats.total.unparsed > 0;
    columns.extend(with_expired.then_some(Column::Number("expired")));
    columns.extend(with_unparsed.then_some(Column::Number("unparsed")));
    let rows = groups(stats).map(|(name, figures, tone)| {
        let mut row = vec![Cell::new(name).tone(tone)];
        row.extend(count_cells(figures.counts, tone));
        row.extend(with_expired.then(|| number(figures.expired, tone)));
        row.extend(with_unparsed.then(|| number(figures.unparsed, tone)));
        row
    });
    draw(style, &columns, rows.collect())
}

const COUNTS: [Column; 4] = [
    Column::Number("total"),
    Column::Number("sent"),
    Column::Number("bounced"),
    Column::Number("deferred"),
];

/// Total, and the other counts with their shares of it.
fn count_cells(counts: Counts, tone: Tone) -> [Cell; 4] {
    let total = counts.total();
    let share = |n: u64, warning: f64, bad: f64| {
        let ratio = n as f64 / total.max(1) as f64;
        let tone = match ratio {
            r if r >= bad => Tone::Bad,
            r if r >= warning => Tone::Warning,
            _ => tone,
        };
        Cell::new(format!("{n} {:>6}", human::percent(n, total))).tone(tone)
    };
    [
        number(total, tone),
        share(counts.sent, f64::INFINITY, f64::INFINITY),
        share(counts.bounced, 0.05, 0.20),
        share(counts.deferred, 0.20, 0.50),
    ]
}

/// Without shares.
fn plain_count_cells(counts: Counts, tone: Tone) -> [Cell; 4] {
    let counts = [counts.total(), counts.sent, counts.bounced, counts.deferred];
    counts.map(|n| number(n, tone))
}

fn draw_delays(stats: &MailStats, style: TableStyle) -> String {
    let columns = [
        Column::Instance("delays of sent"),
        Column::Number("median"),
        Column::Number("95%"),
        Column::Number("max"),
        Column::Number("a: before qmgr"),
        Column::Number("b: in qmgr"),
        Column::Number("c: connect"),
        Column::Number("d: transmit"),
        Column::Number("oldest deferred"),
    ];
    let rows = groups(stats).map(|(name, figures, tone)| {
        let mut row = vec![Cell::new(name).tone(tone)];
        row.extend(delay_cells(figures.delays).map(|cell| cell.tone(tone)));
        let waiting = figures.waiting.map_or("-".to_owned(), human::delay);
        row.push(Cell::new(waiting).tone(tone));
        row
    });
    let least_first = ["b: in qmgr", "a: before qmgr", "c: connect"];
    draw_to_fit(style, &columns, rows.collect(), &least_first)
}

/// Median, 95th percentile and maximum; of the parts, median and 95th percentile.
fn delay_cells(delays: Option<DelayStats>) -> [Cell; 7] {
    let show = |seconds: Option<f64>| Cell::new(seconds.map_or("-".to_owned(), human::delay));
    let part = |q: Option<Quantiles>| match q {
        Some(q) => Cell::new(format!(
            "{} / {}",
            human::delay(q.median),
            human::delay(q.p95)
        )),
        None => Cell::new("-"),
    };
    let whole = delays.map(|d| d.delay);
    let parts = delays.and_then(|d| d.parts);
    let [a, b, c, d] = parts.map_or([None; 4], |parts| parts.map(Some));
    [
        show(whole.map(|q| q.median)),
        show(whole.map(|q| q.p95)),
        show(whole.map(|q| q.max)),
        part(a),
        part(b),
        part(c),
        part(d),
    ]
}

fn draw_breakdown(stats: &MailStats, at: usize, dimension: Dimension, style: TableStyle) -> String {
    let is_reason = dimension == Dimension::Reason;
    // By instance, there is one table over all of them.
    let is_instance = dimension == Dimension::Instance;
    let columns = breakdown_columns(dimension);
    let rows_of = |breakdown: &Breakdown, instance: Option<&[u8]>, tone, with_shares| {
        let row_cells = |row: &Row| {
            let mut cells: Vec<Cell> = instance
                .map(|name| Cell::new(name).tone(tone))
                .into_iter()
                .collect();
            cells.push(Cell::new(row.key.shown()).tone(tone));
            match with_shares {
                true => cells.extend(count_cells(row.counts, tone)),
                false => cells.extend(plain_count_cells(row.counts, tone)),
            }
            if is_reason {
                cells.extend([details(&row.codes), details(&row.ips)]);
            }
            cells
        };
        breakdown.rows.iter().map(row_cells).collect::<Vec<_>>()
    };
    let rows = |with_shares: bool| -> Vec<Vec<Cell>> {
        if is_instance {
            let breakdown = stats.total.by.get(at);
            let rows = breakdown.map(|b| rows_of(b, None, Tone::Plain, with_shares));
            return rows.unwrap_or_default();
        }
        let groups = groups(stats).filter_map(|(name, figures, tone)| {
            let breakdown = figures.by.get(at)?;
            Some(rows_of(breakdown, Some(name), tone, with_shares))
        });
        groups.flatten().collect()
    };
    // The counts say more than the shares do.
    let whole = rows(true);
    let rows = match fits(style, &columns, &whole) {
        true => whole,
        false => rows(false),
    };
    draw_to_fit(style, &columns, rows, &LEAST_FIRST)
}

fn breakdown_columns(dimension: Dimension) -> Vec<Column> {
    let mut columns = Vec::new();
    if dimension != Dimension::Instance {
        columns.push(Column::Instance("instance"));
    }
    columns.push(Column::Name(dimension.as_str()));
    columns.extend(COUNTS);
    if dimension == Dimension::Reason {
        columns.extend([Column::List("codes"), Column::List("blamed")]);
    }
    columns
}

/// What a narrow terminal does without, the first to go first.
const LEAST_FIRST: [&str; 3] = ["codes", "bounced", "sent"];

/// `TSS04 12, TS03 4`.
fn details<T: std::fmt::Display>(counts: &[(T, u64)]) -> Cell {
    let shown: Vec<String> = counts
        .iter()
        .map(|(what, n)| format!("{what} {n}"))
        .collect();
    Cell::new(shown.join(", "))
}
