//! Tables: with box lines and colours on a terminal, plain aligned text elsewhere.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::net::IpAddr;

use crate::fit::{broken, cut, cut_apart, cut_end, drawn, itemized, size};
use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{Attribute, Cell as TableCell, CellAlignment, Color, Table};
use postfix::escape;
use unicode_width::UnicodeWidthStr;

/// How a table is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStyle {
    /// With box lines.
    pub boxes: bool,
    /// With colours.
    pub color: bool,
    /// The columns of the terminal, which no line is wider than ([`crate::narrow`]). Without a width, names are cut to
    /// [`NAME_MAX`], and nothing else is.
    pub width: Option<u16>,
}

/// The most columns that a name may take where no width is given: one long name must not push all others away.
pub const NAME_MAX: usize = 60;

/// The fewest columns that a name is cut to.
const NAME_MIN: usize = 12;
const INSTANCE_MIN: usize = 24;

/// The fewest columns of a sentence; and the most that one of its words takes whole: an address, with what is around
/// it.
const SENTENCE_MIN: usize = 20;
pub(crate) const WORD_MAX: usize = 45;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Text, left-aligned, never cut.
    Text(&'static str),
    /// Strangers' text of any length: left-aligned, cut in its middle where it is too long, unless it is an IP address.
    Name(&'static str),
    /// Names of instances: as a name, but without the `postfix-` that nearly all begin with before anything else is
    /// cut, and cut itself only where it is very long.
    Instance(&'static str),
    /// Items with `, ` between them, such as addresses: left-aligned, never cut; where a terminal is too narrow, they
    /// go on in the next line.
    List(&'static str),
    /// Strangers' words: left-aligned, cut at their end where they are too long.
    Words(&'static str),
    /// Sentences: left-aligned, never cut; where a terminal is too narrow, they go on in the next line.
    Sentence(&'static str),
    /// Right-aligned.
    Number(&'static str),
}

impl Column {
    /// The fewest columns of a terminal that a cell may be brought to.
    fn least(self, cell: &str, most: Cut) -> usize {
        let least = match self {
            Self::Name(_) if cell.parse::<IpAddr>().is_err() => NAME_MIN,
            Self::Words(_) => NAME_MIN,
            Self::Instance(_) if most == Cut::All => NAME_MIN,
            Self::Instance(_) => INSTANCE_MIN,
            Self::Sentence(_) => {
                let words = cell.split(' ').map(size).max().unwrap_or_default();
                words.clamp(SENTENCE_MIN, WORD_MAX)
            }
            Self::List(_) => {
                let items = cell.split_inclusive(", ").map(|item| size(item.trim_end()));
                items.max().unwrap_or_default()
            }
            Self::Name(_) | Self::Text(_) | Self::Number(_) => usize::MAX,
        };
        least.min(size(cell))
    }

    /// A cell's text in this many columns, if it can be brought to them.
    pub(crate) fn fitted(self, cell: &str, width: usize) -> String {
        if size(cell) <= width {
            return cell.to_owned();
        }
        match self {
            Self::Words(_) => cut_end(cell, width),
            Self::Sentence(_) => broken(cell, width),
            Self::List(_) => itemized(cell, width),
            Self::Instance(_) => cut(cell, width),
            Self::Name(_) if cell.parse::<IpAddr>().is_err() => cut(cell, width),
            Self::Name(_) | Self::Text(_) | Self::Number(_) => cell.to_owned(),
        }
    }

    /// What its head says.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Text(title)
            | Self::Name(title)
            | Self::Instance(title)
            | Self::List(title)
            | Self::Words(title)
            | Self::Sentence(title)
            | Self::Number(title) => title,
        }
    }

    /// The most columns of a terminal that it may take where no width is given.
    fn widest(self) -> usize {
        match self {
            Self::Name(_) | Self::Instance(_) | Self::Words(_) => NAME_MAX,
            Self::Text(_) | Self::List(_) | Self::Sentence(_) | Self::Number(_) => usize::MAX,
        }
    }
}

/// What may be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Not the names of instances, unless they are very long.
    Others,
    /// All that can be.
    All,
}

/// What a cell's colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// A total, a heading.
    Strong,
    /// To be watched.
    Warning,
    /// To be looked at now.
    Bad,
}

/// A cell. Its text may be a stranger's: it is escaped when it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub(crate) text: String,
    pub(crate) tone: Tone,
}

impl Cell {
    /// A cell that says `text`, which need not be UTF-8.
    pub fn new(text: impl AsRef<[u8]>) -> Self {
        Self {
            text: escape(&text).to_string(),
            tone: Tone::Plain,
        }
    }

    /// The same, in another tone.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Leaves out the `postfix-` that nearly all instances begin with.
    pub(crate) fn drop_prefix(&mut self) {
        if let Some(rest) = self.text.strip_prefix("postfix-") {
            self.text = rest.to_owned();
        }
    }
}

/// The name of the row that adds up the others.
pub const TOTAL: &str = "TOTAL";

/// A cell that holds a count.
pub fn number(n: u64, tone: Tone) -> Cell {
    Cell::new(n.to_string()).tone(tone)
}

/// An empty table in this style.
pub(crate) fn table(style: TableStyle) -> Table {
    let mut table = Table::new();
    table.load_style(if style.boxes {
        UTF8_FULL_CONDENSED
    } else {
        NOTHING
    });
    table.force_no_tty();
    if style.color {
        table.enforce_styling();
        // The caller has decided, with NO_COLOR in mind; comfy-table's own look at it must not decide again.
        crossterm::style::force_color_output(true);
    }
    table
}

/// The table's text, a newline at its end.
pub(crate) fn text(style: TableStyle, mut table: Table) -> String {
    if !style.boxes {
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, PLAIN_GAP));
        });
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// Draws a table: each column as wide as it is to be, so far as its cells can be brought to that.
pub(crate) fn lay(
    style: TableStyle,
    columns: &[Column],
    rows: &[Vec<Cell>],
    widths: &[usize],
) -> String {
    let mut table = table(style);
    let header = columns.iter().zip(widths).map(|(column, &width)| {
        let title = column.title();
        let broken = (title.width() > width).then(|| broken(title, width));
        table_cell(broken.as_deref().unwrap_or(title), Tone::Strong, *column)
    });
    table.set_header(header.collect::<Vec<_>>());
    let alike = alike(columns, rows, widths);
    for row in rows {
        let cells = row.iter().zip(columns).zip(widths).zip(&alike);
        let cells = cells.map(|(((cell, column), &width), alike)| {
            let fitted = column.fitted(&cell.text, width);
            let fitted = match alike.get(&fitted).filter(|texts| texts.len() > 1) {
                Some(texts) => cut_apart(&cell.text, width, texts),
                None => fitted,
            };
            table_cell(&fitted, cell.tone, *column)
        });
        table.add_row(cells.collect::<Vec<_>>());
    }
    text(style, table)
}

/// For each column of words what they become where they are cut, and of which texts that is.
fn alike<'a>(
    columns: &[Column],
    rows: &'a [Vec<Cell>],
    widths: &[usize],
) -> Vec<HashMap<String, BTreeSet<&'a str>>> {
    let of = |(at, (column, &width)): (usize, (&Column, &usize))| {
        let mut alike: HashMap<String, BTreeSet<&str>> = HashMap::new();
        let cells = rows.iter().filter_map(|row| row.get(at));
        let is_cut = |cell: &&Cell| matches!(column, Column::Words(_)) && size(&cell.text) > width;
        for cell in cells.filter(is_cut) {
            let fitted = column.fitted(&cell.text, width);
            alike.entry(fitted).or_default().insert(&cell.text);
        }
        alike
    };
    columns.iter().zip(widths).enumerate().map(of).collect()
}

/// Writes a plain table of any number of rows, a row at a time: what [`crate::narrow::draw`] draws without box lines,
/// colours and a width. `rows` is called twice, first for the widths.
///
/// # Errors
/// Those of `out`.
pub fn write_plain<R: Iterator<Item = Vec<Cell>>>(
    out: &mut impl Write,
    columns: &[Column],
    rows: impl Fn() -> R,
) -> io::Result<()> {
    let mut widths: Vec<usize> = columns.iter().map(|c| c.title().width()).collect();
    for row in rows() {
        for ((width, cell), column) in widths.iter_mut().zip(&row).zip(columns) {
            *width = (*width).max(size(&cell.text).min(column.widest()));
        }
    }
    let titles = columns.iter().map(|column| Cell::new(column.title()));
    let mut line = String::new();
    for row in std::iter::once(titles.collect()).chain(rows()) {
        line.clear();
        for ((cell, &width), column) in row.iter().zip(&widths).zip(columns) {
            let text = match size(&cell.text) > width {
                true => Cow::Owned(column.fitted(&cell.text, width)),
                false => Cow::Borrowed(cell.text.as_str()),
            };
            let blanks = width.saturating_sub(drawn(&text));
            let (before, after) = match column {
                Column::Number(_) => (blanks, 0),
                _ => (0, blanks),
            };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(&text);
            line.extend(std::iter::repeat_n(' ', after + usize::from(PLAIN_GAP)));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Blanks between two columns of a plain table.
const PLAIN_GAP: u16 = 2;

/// What box lines and their padding take of each column, beside one line at the end.
const BOX_GAP: usize = 3;

pub(crate) fn table_cell(text: &str, tone: Tone, column: Column) -> TableCell {
    let alignment = match column {
        Column::Number(_) => CellAlignment::Right,
        _ => CellAlignment::Left,
    };
    let cell = TableCell::new(text).set_alignment(alignment);
    match tone {
        Tone::Plain => cell,
        Tone::Strong => cell.add_attribute(Attribute::Bold),
        Tone::Warning => cell.fg(Color::Yellow),
        Tone::Bad => cell.fg(Color::Red),
    }
}

/// What each column needs, uncut.
pub(crate) fn widths(columns: &[Column], rows: &[Vec<Cell>]) -> Vec<usize> {
    let title = |column: &Column| column.title().width();
    widest(columns, rows, title, |_, cell| size(cell))
}

/// The fewest columns of a terminal that each column may be brought to: heads go on in the next line there.
pub(crate) fn leasts(columns: &[Column], rows: &[Vec<Cell>], most: Cut) -> Vec<usize> {
    let title = |column: &Column| {
        let words = column.title().split(' ').map(UnicodeWidthStr::width);
        words.max().unwrap_or_default()
    };
    widest(columns, rows, title, |column, cell| {
        column.least(cell, most)
    })
}

fn widest(
    columns: &[Column],
    rows: &[Vec<Cell>],
    title: impl Fn(&Column) -> usize,
    of: impl Fn(Column, &str) -> usize,
) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(title).collect();
    for row in rows {
        for ((width, cell), column) in widths.iter_mut().zip(row).zip(columns) {
            *width = (*width).max(of(*column, &cell.text));
        }
    }
    widths
}

/// What is between and around this many columns.
pub(crate) fn gaps(style: TableStyle, columns: usize) -> usize {
    match style.boxes {
        true => columns * BOX_GAP + 1,
        false => columns.saturating_sub(1) * usize::from(PLAIN_GAP),
    }
}

/// How wide each column is: in a terminal, so that the table fits; elsewhere, as wide as its widest cell, but for
/// names.
pub(crate) fn fitting(style: TableStyle, columns: &[Column], rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut widths = widths(columns, rows);
    let Some(width) = style.width else {
        let widest = columns.iter().map(|column| column.widest());
        return widths
            .into_iter()
            .zip(widest)
            .map(|(a, b)| a.min(b))
            .collect();
    };
    let room = usize::from(width).saturating_sub(gaps(style, columns.len()));
    for most in [Cut::Others, Cut::All] {
        let leasts = leasts(columns, rows, most);
        // The widest gives way first.
        while widths.iter().sum::<usize>() > room {
            let can = widths.iter_mut().zip(&leasts);
            let can = can.filter(|(width, least)| **width > **least);
            let Some((widest, _)) = can.max_by_key(|(width, _)| **width) else {
                break;
            };
            *widest -= 1;
        }
    }
    widths
}

#[cfg(test)]
mod tests;
