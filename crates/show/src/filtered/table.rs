//! `--format table`: what was stopped, by who, why, and how the rest was scored.

use super::{UNMATCHED, bands, kind_of};
use figures::filtered::{Disposition, Filtered, Scores};
use figures::mail_stats::MailStats;
use legible::grid::{Cell, Column, TableStyle, Tone};
use legible::grid::{TOTAL, number};
use legible::human;
use legible::narrow::{draw, draw_to_fit};

/// An instance, or all of them, by name.
type Group<'a> = (&'a [u8], &'a Filtered, Tone);

/// The tables, a blank line before each; nothing if what filters did was not asked for.
pub(crate) fn draw_filtered(stats: &MailStats, style: TableStyle) -> String {
    let instances = stats.instances.iter();
    let mut groups: Vec<Group<'_>> = instances
        .filter_map(|i| {
            Some((
                i.instance.as_slice(),
                i.figures.filtered.as_deref()?,
                Tone::Plain,
            ))
        })
        .collect();
    let Some(total) = stats.total.filtered.as_deref() else {
        return String::new();
    };
    if groups.len() > 1 {
        groups.push((TOTAL.as_bytes(), total, Tone::Strong));
    }
    let mut text = format!("\n{}", sums(&groups, style));
    if !total.stops.is_empty() {
        text.push_str(&format!("\nstopped by\n{}", stops(&groups, style)));
        text.push_str(&format!("\nreasons\n{}", reasons(&groups, style)));
    }
    let mut scores: Vec<(&[u8], &Scores, Tone)> = groups
        .iter()
        .map(|(name, filtered, tone)| (*name, &filtered.scores, *tone))
        .collect();
    let strangers = stats.unmatched.as_deref();
    if let Some(strangers) = strangers.filter(|scores| !scores.is_empty()) {
        let before_total = scores.len() - usize::from(scores.len() > 1);
        scores.insert(before_total, (UNMATCHED.as_bytes(), strangers, Tone::Plain));
    }
    scores.retain(|(_, scores, _)| !scores.is_empty());
    if !scores.is_empty() {
        text.push_str(&format!("\n{}", scored(&scores, style)));
        text.push_str(&format!(
            "\nscores and outcomes\n{}",
            by_band(&scores, style)
        ));
    }
    text
}

fn sums(groups: &[Group<'_>], style: TableStyle) -> String {
    let mut columns = vec![
        Column::Instance("on the way in"),
        Column::Number("accepted"),
        Column::Number("rejected"),
        Column::Number("temporarily"),
        Column::Number("discarded"),
        Column::Number("held"),
        Column::Number("sent to discard"),
        Column::Number("filter discarded"),
    ];
    let with_unparsed = groups.iter().any(|(_, filtered, _)| filtered.unparsed > 0);
    columns.extend(with_unparsed.then_some(Column::Number("unparsed")));
    let rows = groups.iter().map(|(name, filtered, tone)| {
        let sums = filtered.sums();
        let mut numbers = vec![
            filtered.accepted,
            sums.rejected,
            sums.temporary,
            sums.discarded,
            sums.held,
            filtered.discards.transport,
            filtered.discards.filter,
        ];
        numbers.extend(with_unparsed.then_some(filtered.unparsed));
        let head = Cell::new(name).tone(*tone);
        let cells = numbers.into_iter().map(|n| number(n, *tone));
        std::iter::once(head).chain(cells).collect()
    });
    let least_first = [
        "temporarily",
        "filter discarded",
        "sent to discard",
        "discarded",
    ];
    draw_to_fit(style, &columns, rows.collect(), &least_first)
}

fn stops(groups: &[Group<'_>], style: TableStyle) -> String {
    let columns = [
        Column::Instance("instance"),
        Column::Text("by"),
        Column::Text("at"),
        Column::Number("count"),
        Column::Number("temporary"),
    ];
    let rows = groups.iter().flat_map(|(name, filtered, tone)| {
        filtered.stops.iter().map(move |((kind, stage), stops)| {
            vec![
                Cell::new(name).tone(*tone),
                Cell::new(kind.as_str()).tone(*tone),
                Cell::new(stage.as_str()).tone(*tone),
                number(stops.count, *tone),
                number(stops.temporary, *tone),
            ]
        })
    });
    draw(style, &columns, rows.collect())
}

fn reasons(groups: &[Group<'_>], style: TableStyle) -> String {
    let columns = [
        Column::Instance("instance"),
        Column::Number("count"),
        Column::Text("by"),
        Column::Words("reason"),
    ];
    let rows = groups.iter().flat_map(|(name, filtered, tone)| {
        filtered.reasons.iter().map(move |row| {
            vec![
                Cell::new(name).tone(*tone),
                number(row.count, *tone),
                Cell::new(kind_of(row)).tone(*tone),
                Cell::new(row.reason.as_bytes()).tone(*tone),
            ]
        })
    });
    draw(style, &columns, rows.collect())
}

type Scored<'a> = (&'a [u8], &'a Scores, Tone);

fn scored(groups: &[Scored<'_>], style: TableStyle) -> String {
    let columns = [
        Column::Instance("scored by spamd"),
        Column::Number("messages"),
        Column::Number("clean"),
        Column::Number("spam"),
        Column::Number("just below"),
        Column::Number("just above"),
    ];
    let rows = groups.iter().map(|(name, scores, tone)| {
        let all = scores.scored();
        let share = |n: u64| Cell::new(format!("{n} {:>6}", human::percent(n, all))).tone(*tone);
        vec![
            Cell::new(name).tone(*tone),
            number(all, *tone),
            share(scores.clean),
            share(scores.spam),
            number(scores.just_below, *tone),
            number(scores.just_above, *tone),
        ]
    });
    draw_to_fit(style, &columns, rows.collect(), &[])
}

/// A row a band, with columns for what became of some message.
fn by_band(groups: &[Scored<'_>], style: TableStyle) -> String {
    let shown: Vec<Disposition> = Disposition::ALL
        .into_iter()
        .filter(|outcome| {
            groups
                .iter()
                .any(|(_, scores, _)| scores.of_outcome(*outcome) > 0)
        })
        .collect();
    let mut columns = vec![
        Column::Instance("instance"),
        Column::Number("score"),
        Column::Number("messages"),
    ];
    columns.extend(shown.iter().map(|outcome| Column::Number(outcome.as_str())));
    let rows = groups.iter().flat_map(|(name, scores, tone)| {
        let shown = &shown;
        bands(scores).map(move |(band, label)| {
            let mut row = vec![
                Cell::new(name).tone(*tone),
                Cell::new(label).tone(*tone),
                number(scores.of_band(band), *tone),
            ];
            let counts = shown.iter().map(|outcome| scores.of(band, *outcome));
            row.extend(counts.map(|n| number(n, *tone)));
            row
        })
    });
    draw_to_fit(style, &columns, rows.collect(), &[])
}
