//! Tables: with box lines and colours on a terminal, plain aligned text elsewhere.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::fit::{broken, cut, cut_end, size};
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
    /// The columns of the terminal. Long names are cut to fit; without a width, to [`NAME_MAX`].
    pub width: Option<u16>,
}

/// The most columns that a name may take where no width is given: one long name must not push all others away.
pub const NAME_MAX: usize = 60;

/// The fewest columns that a name is cut to.
const NAME_MIN: usize = 12;

/// The fewest columns of a sentence.
const SENTENCE_MIN: usize = 20;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Text, left-aligned, never cut.
    Text(&'static str),
    /// Strangers' text of any length: left-aligned, cut in its middle where it is too long.
    Name(&'static str),
    /// Strangers' words: left-aligned, cut at their end where they are too long.
    Words(&'static str),
    /// Sentences: left-aligned, never cut; where a terminal is too narrow, they go on in the next line.
    Sentence(&'static str),
    /// Right-aligned.
    Number(&'static str),
}

impl Column {
    /// The fewest columns of a terminal that it may be brought to; absent of one that does not give way.
    pub(crate) fn least(self) -> Option<usize> {
        match self {
            Self::Name(_) | Self::Words(_) => Some(NAME_MIN),
            Self::Sentence(_) => Some(SENTENCE_MIN),
            Self::Text(_) | Self::Number(_) => None,
        }
    }

    /// What its head says.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Text(title)
            | Self::Name(title)
            | Self::Words(title)
            | Self::Sentence(title)
            | Self::Number(title) => title,
        }
    }

    /// The most columns of a terminal that it may take where no width is given.
    fn widest(self) -> usize {
        match self {
            Self::Name(_) | Self::Words(_) => NAME_MAX,
            Self::Text(_) | Self::Sentence(_) | Self::Number(_) => usize::MAX,
        }
    }
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
    text: String,
    tone: Tone,
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

/// Draws a table, a newline at its end. Rows have a cell for each column.
pub fn draw(style: TableStyle, columns: &[Column], mut rows: Vec<Vec<Cell>>) -> String {
    cut_names(style, columns, &mut rows);
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
    let header = columns
        .iter()
        .map(|column| table_cell(column.title(), Tone::Strong, *column));
    table.set_header(header.collect::<Vec<_>>());
    for row in rows {
        let cells = row.iter().zip(columns);
        let cells = cells.map(|(cell, column)| table_cell(&cell.text, cell.tone, *column));
        table.add_row(cells.collect::<Vec<_>>());
    }
    if !style.boxes {
        table.column_iter_mut().for_each(|column| {
            column.set_padding((0, PLAIN_GAP));
        });
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// Writes a plain table of any number of rows, a row at a time: what [`draw`] draws without box lines, colours and a width.
/// `rows` is called twice, first for the widths.
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
            let text = match column {
                Column::Name(_) if size(&cell.text) > width => Cow::Owned(cut(&cell.text, width)),
                Column::Words(_) if size(&cell.text) > width => {
                    Cow::Owned(cut_end(&cell.text, width))
                }
                _ => Cow::Borrowed(cell.text.as_str()),
            };
            let blanks = width.saturating_sub(text.width());
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

fn table_cell(text: &str, tone: Tone, column: Column) -> TableCell {
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
    let mut widths: Vec<usize> = columns.iter().map(|c| c.title().width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(size(&cell.text));
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

/// Cuts names, and breaks sentences, so that the table fits.
fn cut_names(style: TableStyle, columns: &[Column], rows: &mut [Vec<Cell>]) {
    let mut widths = widths(columns, rows);
    let giving: Vec<(usize, usize)> = columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| Some((at, column.least()?)))
        .collect();
    match style.width {
        None => giving
            .iter()
            .for_each(|&(at, _)| widths[at] = widths[at].min(columns[at].widest())),
        Some(width) => {
            let room = usize::from(width).saturating_sub(gaps(style, columns.len()));
            // The widest gives way first.
            while widths.iter().sum::<usize>() > room {
                let can = giving.iter().filter(|(at, least)| widths[*at] > *least);
                let Some(&(at, _)) = can.max_by_key(|(at, _)| widths[*at]) else {
                    break;
                };
                widths[at] -= 1;
            }
        }
    }
    for (at, _) in giving {
        for cell in rows.iter_mut().filter_map(|row| row.get_mut(at)) {
            if size(&cell.text) > widths[at] {
                cell.text = match columns[at] {
                    Column::Words(_) => cut_end(&cell.text, widths[at]),
                    Column::Sentence(_) => broken(&cell.text, widths[at]),
                    _ => cut(&cell.text, widths[at]),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests;
