//! Tables for terminals of any width. What the other formats say is tested with the tool.

use postfix::queue::Queue;
use unicode_width::UnicodeWidthStr;

use super::table::{Since, draw_distribution};
use figures::distribution::specimen::{distribution, file};
use figures::distribution::{Dimension, Distribution};
use legible::grid::TableStyle;

fn figures(by: &[Dimension]) -> Distribution {
    let files = [
        file(Queue::Deferred, 100, "a@example.org", &["b@aol.com"]),
        file(
            Queue::Deferred,
            3,
            "a@example.org",
            &["b@msn.com", "c@aol.com"],
        ),
    ];
    distribution(by, None, &files)
}

fn check(by: &[Dimension], style: TableStyle, expected: &str) {
    assert_eq!(draw_distribution(&figures(by), None, style), expected);
}

const PLAIN: &str = "\
instance       maildrop  incoming  active  deferred  hold  corrupt  total  share                 size  oldest
postfix-aol-b         0         0       0         2     0        0      2   66.7% #######     2.0 KiB  1h 40m
postfix-aol-a         0         0       0         0     1        0      1   33.3% ###          1000 B      1m
TOTAL                 0         0       0         2     1        0      3  100.0% ##########  2.9 KiB  1h 40m
";

#[test]
fn a_pipe_gets_all_of_it() {
    check(&[], TableStyle::default(), PLAIN);
    let by_age = "
by age in minutes (messages)
instance       total  5  10  20  40  80  160  320  640  1280  1280+
postfix-aol-b      2  1   0   0   0   0    1    0    0     0      0
postfix-aol-a      1  1   0   0   0   0    0    0    0     0      0
TOTAL              3  2   0   0   0   0    1    0    0     0      0
";
    check(
        &[Dimension::Age],
        TableStyle::default(),
        &format!("{PLAIN}{by_age}"),
    );
    let by_both = "
by domain and age in minutes (recipients)
instance       domain       total  5  10  20  40  80  160  320  640  1280  1280+
postfix-aol-b  aol.com          2  1   0   0   0   0    1    0    0     0      0
postfix-aol-b  msn.com          1  1   0   0   0   0    0    0    0     0      0
postfix-aol-a  example.net      1  1   0   0   0   0    0    0    0     0      0
TOTAL          aol.com          2  1   0   0   0   0    1    0    0     0      0
TOTAL          example.net      1  1   0   0   0   0    0    0    0     0      0
TOTAL          msn.com          1  1   0   0   0   0    0    0    0     0      0
";
    let both = [Dimension::Domain, Dimension::Age];
    check(
        &both,
        TableStyle::default(),
        &format!("{PLAIN}{by_both}{by_age}"),
    );
}

#[test]
fn a_narrow_terminal_gets_what_there_is_room_for() {
    let found = figures(&[Dimension::Domain]);
    for (width, has, has_not) in [
        (140, "┆ corrupt ┆", ""),
        (100, "█", "corrupt"),
        (80, "oldest", "maildrop"),
        (66, "oldest", "┆"),
        (50, "deferred", "size"),
    ] {
        let style = |color| TableStyle {
            boxes: true,
            color,
            width: Some(width),
        };
        let draw = |color| draw_distribution(&found, Some(Since(Some(&found))), style(color));
        let text = draw(false);
        assert!(text.contains(has), "{width}: {text}");
        assert!(
            has_not.is_empty() || !text.contains(has_not),
            "{width}: {text}"
        );
        let fits = |line: &str| line.width() <= usize::from(width);
        assert!(width <= 50 || text.lines().all(fits), "{width}: {text}");
        // Colours take no room.
        assert_eq!(draw(true).lines().count(), text.lines().count(), "{width}");
    }
}

#[test]
fn some_mail_is_never_no_bar() {
    let mut files = vec![file(Queue::Active, 1, "a@example.org", &[]); 2000];
    files.push(file(Queue::Deferred, 1, "a@example.org", &[]));
    let text = draw_distribution(
        &distribution(&[], None, &files),
        None,
        TableStyle::default(),
    );
    let small = text
        .lines()
        .find(|line| line.starts_with("postfix-aol-a"))
        .unwrap();
    assert!(small.contains("<0.1% # "), "{text}");
}
