//! Tables on narrow terminals: what matters least gives way first.

use crate::grid::{Cell, Column, TableStyle, draw, gaps, widths};

/// Draws a table that fits the terminal, if there is one. Until it fits, these give way in this order: the box lines, the
/// `postfix-` of the instance names in the first column, the ends and middles of long names, and the columns with the titles
/// `least_first`. An address is never cut, and neither is anything else in a [`Column::Text`].
pub fn draw_to_fit(
    style: TableStyle,
    columns: &[Column],
    rows: Vec<Vec<Cell>>,
    least_first: &[&str],
) -> String {
    let Some(width) = style.width.map(usize::from) else {
        return draw(style, columns, rows);
    };
    let natural = |style, columns: &[Column], rows: &[Vec<Cell>]| {
        widths(columns, rows).iter().sum::<usize>() + gaps(style, columns.len())
    };
    if natural(style, columns, &rows) <= width {
        return draw(style, columns, rows);
    }
    let style = TableStyle {
        boxes: false,
        ..style
    };
    let (mut columns, mut rows) = (columns.to_vec(), rows);
    if natural(style, &columns, &rows) > width {
        rows.iter_mut()
            .filter_map(|row| row.first_mut())
            .for_each(Cell::drop_prefix);
    }
    let mut least = least_first.iter();
    while narrowest(style, &columns, &rows) > width
        && let Some(title) = least.next()
    {
        if let Some(at) = columns.iter().position(|column| column.title() == *title) {
            columns.remove(at);
            rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    draw(style, &columns, rows)
}

/// The width of the table with its names cut as far as they can be.
fn narrowest(style: TableStyle, columns: &[Column], rows: &[Vec<Cell>]) -> usize {
    let widths = widths(columns, rows);
    let cut = widths
        .iter()
        .zip(columns)
        .map(|(&w, c)| c.least().map_or(w, |least| w.min(least)));
    cut.sum::<usize>() + gaps(style, columns.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    fn check(width: u16, expected: &str) {
        let columns = [
            Column::Text("instance"),
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
}
