//! Tables on narrow terminals: what matters least gives way first.

use crate::grid::{
    Cell, Column, Cut, TableStyle, Tone, WORD_MAX, fitting, gaps, lay, leasts, table, table_cell,
    text, widths,
};

/// The fewest columns of a terminal in which rows can stand as lists.
const LISTS_MIN: usize = 40;

/// Draws a table that fits the terminal, if there is one; a newline at its end. Rows have a cell for each column.
pub fn draw(style: TableStyle, columns: &[Column], rows: Vec<Vec<Cell>>) -> String {
    draw_to_fit(style, columns, rows, &[])
}

/// Draws a table that fits the terminal, if there is one. Until it fits, these give way in this order: the box lines,
/// the `postfix-` of instance names, the ends and middles of long names, and the columns with the titles `least_first`.
/// An address is never cut, and neither is anything else in a [`Column::Text`]: where all that is not enough, each row
/// becomes a list of its own, with all its cells.
pub fn draw_to_fit(
    style: TableStyle,
    columns: &[Column],
    rows: Vec<Vec<Cell>>,
    least_first: &[&str],
) -> String {
    let drawn = |style, columns: &[Column], rows: &[Vec<Cell>]| {
        lay(style, columns, rows, &fitting(style, columns, rows))
    };
    let Some(width) = style.width.map(usize::from) else {
        return drawn(style, columns, &rows);
    };
    let total = |style, widths: &[usize]| widths.iter().sum::<usize>() + gaps(style, widths.len());
    if total(style, &widths(columns, &rows)) <= width {
        return drawn(style, columns, &rows);
    }
    let style = TableStyle {
        boxes: false,
        ..style
    };
    let (mut columns, mut rows) = (columns.to_vec(), rows);
    if total(style, &widths(&columns, &rows)) > width {
        let is_instance = |(_, column): &(usize, &Column)| matches!(column, Column::Instance(_));
        for (at, _) in columns.iter().enumerate().filter(is_instance) {
            let cells = rows.iter_mut().filter_map(|row| row.get_mut(at));
            cells.for_each(Cell::drop_prefix);
        }
    }
    let is_too_wide = |columns: &[Column], rows: &[Vec<Cell>], most| {
        total(style, &leasts(columns, rows, most)) > width
    };
    let (all_columns, all) = (columns.clone(), rows.clone());
    let mut least = least_first.iter();
    while is_too_wide(&columns, &rows, Cut::Others)
        && let Some(title) = least.next()
    {
        if let Some(at) = columns.iter().position(|column| column.title() == *title) {
            columns.remove(at);
            rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    if is_too_wide(&columns, &rows, Cut::All) && width >= LISTS_MIN {
        return lists(style, width, &all_columns, &all);
    }
    drawn(style, &columns, &rows)
}

/// Does the table fit the terminal, if there is one, with all its columns?
pub fn fits(style: TableStyle, columns: &[Column], rows: &[Vec<Cell>]) -> bool {
    let needed = || leasts(columns, rows, Cut::Others).iter().sum::<usize>();
    let style = TableStyle {
        boxes: false,
        ..style
    };
    let room = style.width.map(usize::from);
    room.is_none_or(|width| needed() + gaps(style, columns.len()) <= width)
}

/// Each row as a list: a line for each cell, with its column's head before it; an empty line between rows.
fn lists(style: TableStyle, width: usize, columns: &[Column], rows: &[Vec<Cell>]) -> String {
    let heads = widths(columns, &[]).into_iter().max().unwrap_or_default();
    // An address is whole even where the terminal itself has to break it.
    let room = width.saturating_sub(heads + gaps(style, 2)).max(WORD_MAX);
    let list = |row: &Vec<Cell>| {
        let mut table = table(style);
        for (cell, column) in row.iter().zip(columns) {
            // There is room below for what a column has none for.
            let column = match column {
                Column::List(_) => *column,
                _ => Column::Sentence(column.title()),
            };
            table.add_row([
                table_cell(column.title(), Tone::Strong, column),
                table_cell(&column.fitted(&cell.text, room), cell.tone, column),
            ]);
        }
        text(style, table)
    };
    rows.iter().map(list).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    fn check(width: u16, expected: &str) {
        let columns = [
            Column::Instance("instance"),
            Column::Text("address"),
            Column::Name("name"),
            Column::Number("total"),
        ];
        let row = ["postfix-aol-b", "192.0.2.41", "aol-b.smtp.example", "7"];
        let style = TableStyle {
            boxes: true,
            width: Some(width),
            ..TableStyle::default()
        };
        let rows = vec![row.map(Cell::new).to_vec()];
        let drawn = draw_to_fit(style, &columns, rows, &["total", "name"]);
        assert_eq!(drawn.lines().last(), Some(expected), "{width}");
        assert!(drawn.lines().all(|line| line.width() <= usize::from(width)));
    }

    #[test]
    fn what_matters_least_gives_way_first() {
        let boxes = "└───────────────┴────────────┴────────────────────┴───────┘";
        check(80, boxes);
        check(59, boxes);
        check(54, "postfix-aol-b  192.0.2.41  aol-b.smtp.example      7");
        check(48, "aol-b     192.0.2.41  aol-b.smtp.example      7");
        check(43, "aol-b     192.0.2.41  aol-b...xample      7");
        check(34, "aol-b     192.0.2.41  aol-b..ample");
        check(24, "aol-b     192.0.2.41");
    }

    #[test]
    fn an_address_is_whole_on_any_terminal() {
        const V6: &str = "2001:db8:1234:5678:9abc:def0:1234:5678";
        let columns = [
            Column::Instance("instance"),
            Column::List("addresses"),
            Column::Name("of"),
            Column::Number("sending days"),
            Column::Sentence("found"),
        ];
        let row = || {
            let found = format!("no record for {V6} in the zone");
            let both = format!("192.0.2.41, {V6}");
            let row = ["postfix-aol-b", &both, V6, "14", &found].map(Cell::new);
            vec![row.to_vec(), row.to_vec()]
        };
        for width in [40, 60, 80, 100, 140, 160, 200] {
            let style = TableStyle {
                boxes: true,
                width: Some(width),
                ..TableStyle::default()
            };
            let drawn = draw_to_fit(style, &columns, row(), &[]);
            assert_eq!(drawn.matches(V6).count(), 6, "{width}: {drawn}");
            // In 40 columns there is no room for a head and an address.
            let is_fine = |line: &str| line.width() <= usize::from(width.max(59));
            assert!(drawn.lines().all(is_fine), "{width}: {drawn}");
        }
    }

    #[test]
    fn rows_are_lists_where_columns_have_no_room() {
        let columns = [
            Column::Instance("instance"),
            Column::Text("configuration"),
            Column::List("addresses"),
        ];
        let row = [
            "postfix-aol-b",
            "/etc/postfix-aol-b",
            "192.0.2.41, 192.0.2.42",
        ];
        let rows = vec![row.map(Cell::new).to_vec(), row.map(Cell::new).to_vec()];
        let style = TableStyle {
            width: Some(40),
            ..TableStyle::default()
        };
        let list = "instance       aol-b\nconfiguration  /etc/postfix-aol-b\naddresses      192.0.2.41, 192.0.2.42\n";
        assert_eq!(
            draw_to_fit(style, &columns, rows, &[]),
            format!("{list}\n{list}")
        );
    }
}
