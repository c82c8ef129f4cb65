//! `--format table`: for people.
//!
//! The instances, the fullest first, and their total; then a table for each breakdown. Where the terminal is too
//! narrow, the bars get shorter, then columns without any mail are left out, then the box lines, then the sizes.

use postfix::queue::Queue;
use postfix::{Span, Time};
use unicode_width::UnicodeWidthStr;

use figures::distribution::{
    AGES, Breakdown, Change, Counts, Dimension, Distribution, Figures, QUEUES, QueueRow,
};
use figures::held::Held;
use legible::grid::{Cell, Column, TOTAL, TableStyle, Tone, number};
use legible::human;
use legible::narrow::draw;

/// Ages from which a message is worth a look, and from which it will soon be given up (maximal_queue_lifetime is five
/// days by default), in seconds.
const OLD: Span = Span::from_days(1);
const VERY_OLD: Span = Span::from_days(4);

/// A column that shows how the mailq has changed.
#[derive(Debug, Clone, Copy)]
pub struct Since<'a>(
    /// The figures to compare with; nothing the first time.
    pub Option<&'a Distribution>,
);

/// Draws the figures.
pub fn draw_distribution(
    distribution: &Distribution,
    since: Option<Since<'_>>,
    style: TableStyle,
) -> String {
    let drawn = |layout: Layout, style: TableStyle| {
        let tables = Tables {
            distribution,
            since,
            layout,
            style: TableStyle {
                boxes: style.boxes && layout.boxes,
                ..style
            },
        };
        tables.draw()
    };
    let Some(width) = style.width else {
        return drawn(LAYOUTS[0], style);
    };
    let fits = |layout: &&Layout| {
        // Colours have no width, and names are not to be cut while there is another way.
        let plain = TableStyle {
            color: false,
            width: None,
            ..style
        };
        let text = drawn(**layout, plain);
        text.lines().all(|line| line.width() <= usize::from(width))
    };
    let layout = LAYOUTS.iter().find(fits);
    drawn(*layout.unwrap_or(&NARROWEST), style)
}

/// How much is drawn.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// The columns of a full bar.
    bar: usize,
    /// Columns without any mail, too.
    empty: bool,
    boxes: bool,
    size: bool,
}

const WIDEST: Layout = Layout {
    bar: 10,
    empty: true,
    boxes: true,
    size: true,
};

const NARROWEST: Layout = Layout {
    bar: 0,
    empty: false,
    boxes: false,
    size: false,
};

/// The widest first.
const LAYOUTS: [Layout; 7] = [
    WIDEST,
    Layout { bar: 5, ..WIDEST },
    Layout {
        bar: 10,
        empty: false,
        ..WIDEST
    },
    Layout {
        bar: 0,
        empty: false,
        ..WIDEST
    },
    Layout {
        boxes: false,
        bar: 5,
        empty: false,
        ..WIDEST
    },
    Layout {
        boxes: false,
        bar: 0,
        empty: false,
        ..WIDEST
    },
    NARROWEST,
];

struct Tables<'a> {
    distribution: &'a Distribution,
    since: Option<Since<'a>>,
    layout: Layout,
    style: TableStyle,
}

impl Tables<'_> {
    fn draw(&self) -> String {
        let mut text = self.instances();
        for (at, dimension) in self.distribution.by.iter().enumerate() {
            let with_ages = self.distribution.by.contains(&Dimension::Age);
            let unit = dimension.unit();
            text.push('\n');
            match dimension {
                Dimension::Age => {
                    text.push_str(&format!("by age in minutes ({unit})\n"));
                    text.push_str(&self.ages(at));
                }
                _ if with_ages => {
                    text.push_str(&format!("by {dimension} and age in minutes ({unit})\n"));
                    text.push_str(&self.breakdown_by_age(at, *dimension));
                }
                _ => {
                    text.push_str(&format!("by {dimension} ({unit})\n"));
                    text.push_str(&self.breakdown(at, *dimension));
                }
            }
        }
        text
    }

    /// Every instance, and their total.
    fn groups(&self) -> impl Iterator<Item = (&str, &Figures, Change, Tone)> {
        let distribution = self.distribution;
        let before = self.since.and_then(|since| since.0);
        let instances = distribution.instances.iter().map(move |i| {
            let change = distribution.change(before, i);
            (i.instance.as_str(), &i.figures, change, Tone::Plain)
        });
        let change = distribution.total_change(before);
        instances.chain([(TOTAL, &distribution.total, change, Tone::Strong)])
    }

    /// The groups that breakdowns have: the total only if it is one of several instances.
    fn broken_down(&self, at: usize) -> impl Iterator<Item = (&str, &Breakdown, Tone)> {
        let is_sum = self.distribution.instances.len() > 1;
        let groups = self
            .groups()
            .filter(move |(_, _, _, tone)| is_sum || *tone == Tone::Plain);
        groups.filter_map(move |(name, figures, _, tone)| Some((name, figures.by.get(at)?, tone)))
    }

    /// The queues to be shown: a column that says nothing may have to give way.
    fn queues(&self) -> Vec<Queue> {
        let total = self.distribution.total.counts;
        let mut queues = QUEUES.to_vec();
        queues.retain(|queue| self.layout.empty || total[*queue] > 0);
        queues
    }

    fn instances(&self) -> String {
        let total = self.distribution.total.counts.total();
        let queues = self.queues();
        let with_size = self.layout.size && self.distribution.total.bytes.is_some();
        let with_age = self.distribution.total.bytes.is_some();
        let mut columns = vec![Column::Instance("instance")];
        columns.extend(queues.iter().map(|queue| Column::Number(queue.name())));
        columns.push(Column::Number("total"));
        columns.extend(self.since.map(|_| Column::Number("change")));
        columns.push(Column::Text("share"));
        columns.extend(with_size.then_some(Column::Number("size")));
        columns.extend(with_age.then_some(Column::Number("oldest")));
        let limits = &self.distribution.limits;
        let with_limits = !limits.is_empty();
        columns.extend(with_limits.then_some(Column::Text("limits")));
        let rows =
            self.groups().map(|(name, figures, change, tone)| {
                let counts = &figures.counts;
                let mut row = vec![Cell::new(name).tone(tone)];
                row.extend(queues.iter().map(|queue| {
                    let is_bad = *queue == Queue::Corrupt && counts[*queue] > 0;
                    number(counts[*queue], if is_bad { Tone::Bad } else { tone })
                }));
                row.push(number(counts.total(), tone));
                row.extend(self.since.map(|_| change_cell(change, tone)));
                row.push(Cell::new(self.share(counts.total(), total)).tone(tone));
                row.extend(with_size.then(|| {
                    Cell::new(figures.bytes.map_or("-".to_owned(), human::size)).tone(tone)
                }));
                row.extend(with_age.then(|| self.age(figures.oldest, tone)));
                row.extend(
                    with_limits.then(|| Cell::new(Held::words(limits, name)).tone(Tone::Warning)),
                );
                row
            });
        draw(self.style, &columns, rows.collect())
    }

    /// Percent, and a bar.
    fn share(&self, part: u64, whole: u64) -> String {
        let percent = human::percent(part, whole);
        if self.layout.bar == 0 {
            return format!("{percent:>6}");
        }
        let bar = bar(part, whole, self.layout.bar, self.style.boxes);
        format!("{percent:>6} {bar}").trim_end().to_owned()
    }

    fn age(&self, oldest: Option<Time>, tone: Tone) -> Cell {
        let Some(oldest) = oldest else {
            return Cell::new("-").tone(tone);
        };
        let Some(age) = self.distribution.age(oldest) else {
            return Cell::new("?").tone(Tone::Bad);
        };
        let tone = match age {
            age if age >= VERY_OLD => Tone::Bad,
            age if age >= OLD => Tone::Warning,
            _ => tone,
        };
        Cell::new(human::age(age)).tone(tone)
    }

    fn breakdown(&self, at: usize, dimension: Dimension) -> String {
        let mut queues = self.queues();
        queues.retain(|queue| *queue != Queue::Corrupt);
        let mut columns = keys(dimension);
        columns.extend(queues.iter().map(|queue| Column::Number(queue.name())));
        columns.extend([Column::Number("total"), Column::Text("share")]);
        let mut rows = Vec::new();
        for (name, breakdown, tone) in self.broken_down(at) {
            let whole = sum(breakdown).total();
            rows.extend(breakdown.rows.iter().map(|row| {
                let mut cells = vec![Cell::new(name).tone(tone), key(row).tone(tone)];
                cells.extend(queues.iter().map(|queue| number(row.counts[*queue], tone)));
                cells.push(number(row.counts.total(), tone));
                cells.push(Cell::new(self.share(row.counts.total(), whole)).tone(tone));
                cells
            }));
        }
        draw(self.style, &columns, rows)
    }

    /// qshape(1), for each instance.
    fn breakdown_by_age(&self, at: usize, dimension: Dimension) -> String {
        let ages = self.age_columns();
        let mut columns = keys(dimension);
        columns.push(Column::Number("total"));
        columns.extend(ages.iter().map(|&age| Column::Number(AGES[age])));
        let mut rows = Vec::new();
        for (name, breakdown, tone) in self.broken_down(at) {
            rows.extend(breakdown.rows.iter().map(|row| {
                let mut cells = vec![Cell::new(name).tone(tone), key(row).tone(tone)];
                cells.push(number(row.counts.total(), tone));
                cells.extend(ages.iter().map(|&age| number(row.ages[age], tone)));
                cells
            }));
        }
        draw(self.style, &columns, rows)
    }

    fn ages(&self, at: usize) -> String {
        let ages = self.age_columns();
        let mut columns = vec![Column::Instance("instance"), Column::Number("total")];
        columns.extend(ages.iter().map(|&age| Column::Number(AGES[age])));
        let rows = self.broken_down(at).map(|(name, breakdown, tone)| {
            let mut cells = vec![Cell::new(name).tone(tone)];
            cells.push(number(sum(breakdown).total(), tone));
            cells.extend(ages.iter().map(|&age| {
                let row = breakdown.rows.get(age);
                number(row.map_or(0, |row| row.counts.total()), tone)
            }));
            cells
        });
        let rows = rows.collect();
        draw(self.style, &columns, rows)
    }

    /// The places of the ages to be shown: qshape's, and the unknown one if there is such mail. Where there is no room,
    /// those without mail are left out.
    fn age_columns(&self) -> Vec<usize> {
        let by_age = self
            .distribution
            .total
            .by
            .iter()
            .find(|b| b.dimension == Dimension::Age);
        let shown = by_age.map_or(AGES.len(), |breakdown| breakdown.rows.len());
        let has_mail = |age: &usize| {
            let rows = by_age.map(|breakdown| &breakdown.rows);
            rows.is_none_or(|rows| rows.get(*age).is_some_and(|row| row.counts.total() > 0))
        };
        (0..shown)
            .filter(|age| self.layout.empty || has_mail(age))
            .collect()
    }
}

fn keys(dimension: Dimension) -> Vec<Column> {
    vec![
        Column::Instance("instance"),
        Column::Name(dimension.as_str()),
    ]
}

fn key(row: &QueueRow) -> Cell {
    Cell::new(row.key.shown())
}

/// `+12`, `-3`, `0`; `-` where it is not known.
fn change_cell(change: Change, tone: Tone) -> Cell {
    match change {
        None => Cell::new("-").tone(tone),
        Some(0) => Cell::new("0").tone(tone),
        Some(n) if n > 0 => Cell::new(format!("+{n}")).tone(Tone::Warning),
        Some(n) => Cell::new(n.to_string()).tone(tone),
    }
}

fn sum(breakdown: &Breakdown) -> Counts {
    let mut sum = Counts::default();
    for row in &breakdown.rows {
        sum += row.counts;
    }
    sum
}

/// A bar of at most `width` columns: in eighths of a column where those can be drawn. Some mail is never no bar.
fn bar(part: u64, whole: u64, width: usize, blocks: bool) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if part == 0 || whole == 0 {
        return String::new();
    }
    let share = (part as f64 / whole as f64).min(1.0);
    if blocks {
        let eighths = ((share * (width * 8) as f64).round() as usize).max(1);
        return format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    }
    let columns = ((share * width as f64).round() as usize).max(1);
    "#".repeat(columns)
}
