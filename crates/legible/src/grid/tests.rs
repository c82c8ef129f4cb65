//! Tables, by hand.

use super::*;
use crate::narrow::draw;

fn check(style: TableStyle, names: &[&str], expected: &str) {
    let columns = [Column::Name("domain"), Column::Number("total")];
    let rows = names
        .iter()
        .zip(1000..)
        .map(|(name, n)| vec![Cell::new(name), Cell::new(n.to_string())]);
    let rows: Vec<Vec<Cell>> = rows.collect();
    if style == TableStyle::default() {
        let mut plain = Vec::new();
        write_plain(&mut plain, &columns, || rows.iter().cloned()).unwrap();
        assert_eq!(std::str::from_utf8(&plain).unwrap(), expected);
    }
    assert_eq!(draw(style, &columns, rows), expected);
}

#[test]
fn plain_tables_are_aligned() {
    check(
        TableStyle::default(),
        &["aol.com", "x"],
        "domain   total\naol.com   1000\nx         1001\n",
    );
    check(TableStyle::default(), &[], "domain  total\n");
}

#[test]
fn boxes_and_colours() {
    let boxes = TableStyle {
        boxes: true,
        ..TableStyle::default()
    };
    let expected = "┌─────────┬───────┐\n│ domain  ┆ total │\n╞═════════╪═══════╡\n│ aol.com ┆  1000 \
        │\n└─────────┴───────┘\n";
    check(boxes, &["aol.com"], expected);
    let color = TableStyle {
        color: true,
        ..TableStyle::default()
    };
    let row = vec![Cell::new("aol.com").tone(Tone::Bad), Cell::new("1")];
    let drawn = draw(
        color,
        &[Column::Name("domain"), Column::Number("total")],
        vec![row],
    );
    assert!(
        drawn.contains("\x1b[1mdomain") && drawn.contains("\x1b[38;5;9maol.com"),
        "{drawn:?}"
    );
}

#[test]
fn long_names_are_cut_to_the_width_and_hostile_ones_shown_harmless() {
    let narrow = TableStyle {
        width: Some(24),
        ..TableStyle::default()
    };
    check(
        narrow,
        &["mailbox.department.example.com"],
        "domain             total\nmailbox..mple.com   1000\n",
    );
    let narrow = TableStyle {
        width: Some(5),
        ..narrow
    };
    check(
        narrow,
        &["mailbox.department.example.com"],
        "domain        total\nmailb..e.com   1000\n",
    );
    check(
        TableStyle::default(),
        &["a\x1b[2J\u{202e}b\n"],
        "domain               total\na\\x1b[2J\\u{202e}b\\n   1000\n",
    );
    let columns = [Column::Words("reason"), Column::Number("total")];
    let row = vec![Cell::new("450 4.2.1 try again later"), Cell::new("1")];
    let width = Some(24);
    let narrow = TableStyle { width, ..narrow };
    assert_eq!(
        draw(narrow, &columns, vec![row]),
        "reason             total\n450 4.2.1 try a..      1\n"
    );
    let marks = format!("a{}", "\u{301}".repeat(100_000));
    let row = vec![Cell::new(&marks), Cell::new("1")];
    let columns = [Column::Name("domain"), Column::Number("total")];
    let drawn = draw(TableStyle::default(), &columns, vec![row]);
    assert!(drawn.len() < 400, "{}", drawn.len());
    let two = "e\u{302}\u{301}".repeat(5);
    let row = vec![Cell::new(&two), Cell::new("1")];
    let drawn = draw(TableStyle::default(), &columns, vec![row]);
    assert!(drawn.contains(&two), "{drawn}");
    let long = "x".repeat(1_000_000);
    let columns = [Column::Name("domain"), Column::Number("total")];
    let drawn = draw(
        TableStyle::default(),
        &columns,
        vec![vec![Cell::new(&long), Cell::new("1")]],
    );
    assert!(
        drawn.lines().all(|line| line.len() == NAME_MAX + 7),
        "{drawn}"
    );
}

#[test]
fn sentences_go_on_in_the_next_line() {
    let columns = [Column::Text("check"), Column::Sentence("found")];
    let row = || {
        vec![
            Cell::new("order"),
            Cell::new("no other table is asked before it"),
        ]
    };
    let narrow = TableStyle {
        width: Some(31),
        ..TableStyle::default()
    };
    let expected = "check  found\norder  no other table is asked\n       before it\n";
    assert_eq!(draw(narrow, &columns, vec![row()]), expected);
    let whole = "check  found\norder  no other table is asked before it\n";
    assert_eq!(draw(TableStyle::default(), &columns, vec![row()]), whole);
}
