//! `--format table`: for people.
//!
//! The instances' figures, the groups, the senders, then the messages. On a terminal, columns that say least are left
//! out where it is narrow, and names are cut; elsewhere the reason stands last and is whole.

use postfix::{count, either};
use std::io::{self, Write};

use postfix::Zone;
use postfix::queue::Queue;

use super::cells::{age, age_text, clock, due};
use super::list::write_messages;
use figures::distribution::QUEUES;
use figures::queue::{Dimension, Group, Report, Sender, Summary};
use legible::grid::{Cell, Column, TOTAL, TableStyle, Tone, number};
use legible::human;
use legible::narrow::draw;
use legible::wrap::folded;
use unicode_width::UnicodeWidthStr;

/// Terminal columns from which there is room for box lines and for columns that say less.
const WIDE: u16 = 100;

/// Writes the report; times are in `zone`.
///
/// # Errors
/// Those of `out`.
pub fn write(
    out: &mut impl Write,
    report: &Report,
    zone: Zone,
    style: TableStyle,
) -> io::Result<()> {
    let wide = style.width.is_none_or(|width| width >= WIDE);
    let tables = Tables {
        report,
        style: TableStyle {
            boxes: style.boxes && wide,
            ..style
        },
        wide,
    };
    write!(out, "{}", tables.summaries())?;
    for instance in &report.instances {
        let (name, drains) = (&instance.instance, drains(&instance.summary));
        if !drains.is_empty() {
            let line = postfix::escape(&format!("{name}{drains}")).to_string();
            writeln!(out, "{}", folded(&line, style.width))?;
        }
    }
    if !report.groups.rows.is_empty() {
        let by: Vec<&str> = report.by.iter().map(|by| by.as_str()).collect();
        let by = by.join(", ");
        let heading = folded(&format!("recipients by {by}"), style.width);
        write!(out, "\n{heading}\n{}", tables.groups())?;
    }
    for line in &report.advice {
        let line = postfix::escape(line).to_string();
        writeln!(out, "{}", folded(&line, style.width))?;
    }
    if !report.senders.rows.is_empty() {
        write!(out, "\nmessages by sender\n{}", tables.senders())?;
    }
    if !report.messages.is_empty() {
        write!(out, "\nmessages\n")?;
        write_messages(out, report, zone, style)?;
    }
    if let Some(line) = unlisted_line(report) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// How much of the summary is shown.
#[derive(Clone, Copy)]
struct SummaryLayout {
    boxes: bool,
    /// Queues without any mail.
    empty: bool,
    /// Recipients and sizes.
    more: bool,
}

/// The widest first.
const SUMMARY_LAYOUTS: [SummaryLayout; 4] = {
    const fn layout(boxes: bool, empty: bool, more: bool) -> SummaryLayout {
        SummaryLayout { boxes, empty, more }
    }
    [
        layout(true, true, true),
        layout(true, false, true),
        layout(false, false, true),
        layout(false, false, false),
    ]
};

struct Tables<'a> {
    report: &'a Report,
    style: TableStyle,
    wide: bool,
}

impl Tables<'_> {
    /// The instances, and their total if there are several: as much of it as fits.
    fn summaries(&self) -> String {
        let drawn = |layout: &SummaryLayout, style: TableStyle| {
            let boxes = style.boxes && layout.boxes;
            self.summaries_in(*layout, TableStyle { boxes, ..style })
        };
        let fits = |layout: &&SummaryLayout| {
            // Colours have no width, and names are not to be cut while there is another way.
            let plain = TableStyle {
                color: false,
                width: None,
                ..self.style
            };
            let room = self.style.width.map_or(usize::MAX, usize::from);
            drawn(layout, plain)
                .lines()
                .all(|line| line.width() <= room)
        };
        let chosen = SUMMARY_LAYOUTS.iter().find(fits);
        drawn(chosen.unwrap_or(&SUMMARY_LAYOUTS[3]), self.style)
    }

    fn summaries_in(&self, layout: SummaryLayout, style: TableStyle) -> String {
        let report = self.report;
        let has = |queue: &Queue| layout.empty || report.total.counts[*queue] > 0;
        let queues: Vec<Queue> = QUEUES.into_iter().filter(has).collect();
        let mut columns = vec![Column::Instance("instance")];
        columns.extend(queues.iter().map(|queue| Column::Number(queue.name())));
        columns.push(Column::Number("total"));
        let more = ["recipients", "size"].map(Column::Number);
        columns.extend(more.into_iter().filter(|_| layout.more));
        columns.extend(["oldest", "next"].map(Column::Number));
        let total = (TOTAL, &report.total, Tone::Strong);
        let several = report.instances.len() > 1;
        let rows = report
            .instances
            .iter()
            .map(|i| (i.instance.as_str(), &i.summary, Tone::Plain))
            .chain(several.then_some(total));
        let rows = rows.map(|(name, summary, tone)| {
            let mut row = vec![Cell::new(name).tone(tone)];
            row.extend(queues.iter().map(|&queue| {
                let n = summary.counts[queue];
                let bad = queue == Queue::Corrupt && n > 0;
                number(n, if bad { Tone::Bad } else { tone })
            }));
            row.push(number(summary.counts.total(), tone));
            if layout.more {
                row.push(number(summary.recipients, tone));
                row.push(Cell::new(human::size(summary.bytes)).tone(tone));
            }
            row.push(age(report, summary.oldest, tone));
            let next = summary.next_attempt.map(|next| due(report, next));
            row.push(Cell::new(next.unwrap_or_else(|| "-".to_owned())).tone(tone));
            row
        });
        draw(style, &columns, rows.collect())
    }

    fn groups(&self) -> String {
        let report = self.report;
        // A reason is the longest by far, and whole where that pushes nothing else away.
        let reason = report.by.iter().position(|by| *by == Dimension::Reason);
        let others = (0..report.by.len()).filter(|at| Some(*at) != reason);
        let order: Vec<usize> = others.chain(reason).collect();
        let wide = self.wide;
        let mut columns = vec![Column::Number("recipients")];
        columns.extend(wide.then_some(Column::Number("messages")));
        columns.push(Column::Number("oldest"));
        columns.extend(order.iter().filter_map(|&at| {
            let by = report.by.get(at)?;
            let whole = self.style.width.is_none();
            Some(match by {
                Dimension::Reason if whole => Column::Text(by.as_str()),
                Dimension::Reason => Column::Words(by.as_str()),
                _ => Column::Name(by.as_str()),
            })
        }));
        let row = |group: &Group| {
            let mut row = vec![number(group.recipients, Tone::Plain)];
            row.extend(wide.then(|| number(group.messages, Tone::Plain)));
            row.push(age(report, group.oldest, Tone::Plain));
            let parts = order.iter().filter_map(|&at| group.key.get(at));
            row.extend(parts.map(Cell::new));
            row
        };
        let rows = report.groups.rows.iter().map(row).collect();
        let drawn = draw(self.style, &columns, rows);
        drawn
            + &others_line(
                report.groups.others,
                report.groups.others_count,
                "recipients",
            )
    }

    fn senders(&self) -> String {
        let mut columns = ["messages", "recipients", "size", "oldest"]
            .map(Column::Number)
            .to_vec();
        columns.push(Column::Name("sender"));
        let row = |sender: &Sender| {
            vec![
                number(sender.messages, Tone::Plain),
                number(sender.recipients, Tone::Plain),
                Cell::new(human::size(sender.bytes)),
                age(self.report, sender.oldest, Tone::Plain),
                Cell::new(&sender.sender),
            ]
        };
        let senders = &self.report.senders;
        let drawn = draw(self.style, &columns, senders.rows.iter().map(row).collect());
        drawn + &others_line(senders.others, senders.others_count, "messages")
    }
}

fn others_line(rows: usize, count: u64, unit: &str) -> String {
    match rows {
        0 => String::new(),
        rows => format!("and {rows} more, with {count} {unit} (--top N shows more)\n"),
    }
}

/// Says that messages are left out, if so.
pub(super) fn unlisted_line(report: &Report) -> Option<String> {
    match report.unlisted() {
        0 => None,
        more if report.messages.is_empty() => {
            Some(format!("\n{}, not listed", count(more, "message")))
        }
        more => Some(format!(
            "and {} (--all lists {})",
            count(more, "more message"),
            either(more, "it", "them")
        )),
    }
}

/// `29 messages (27 deferred, 2 hold), 31 recipients, 43 KiB, oldest 2h 15m (2026-09-19 12:22:57), next attempt in 5m`.
pub(super) fn summary_line(report: &Report, summary: &Summary, zone: Zone) -> String {
    let total = summary.counts.total();
    if total == 0 {
        return "no messages".to_owned();
    }
    let counts = summary.counts.iter().filter(|(_, n)| *n > 0);
    let counts: Vec<String> = counts.map(|(queue, n)| format!("{n} {queue}")).collect();
    let messages = if total == 1 { "message" } else { "messages" };
    let to = if summary.recipients == 1 {
        "recipient"
    } else {
        "recipients"
    };
    let mut line = format!(
        "{total} {messages} ({}), {} {to}, {}",
        counts.join(", "),
        summary.recipients,
        human::size(summary.bytes),
    );
    if let Some(oldest) = summary.oldest {
        let age = age_text(report, oldest);
        line.push_str(&format!(
            ", oldest {age} ({})",
            clock(zone, oldest, "%Y-%m-%d %H:%M:%S")
        ));
    }
    if let Some(next) = summary.next_attempt {
        line.push_str(&format!(", next attempt {}", due(report, next)));
    }
    if summary.expiring > 0 {
        let by = clock(zone, report.expires_by, "%Y-%m-%d %H:%M");
        let expiring = summary.expiring;
        let are = if expiring == 1 { "is" } else { "are" };
        line.push_str(&format!(
            "; {expiring} {are} returned by {by} if not delivered"
        ));
    }
    let drains = drains(summary);
    if !drains.is_empty() {
        line.push(';');
        line.push_str(&drains);
    }
    line
}

/// ` drains in ~3h: in the last hour 340 recipients who had waited were delivered or returned, and 40 came to wait`.
fn drains(summary: &Summary) -> String {
    let Some(done) = summary.done.filter(|_| summary.trying > 0) else {
        return String::new();
    };
    let when = match summary.drains_in() {
        Some(span) => format!("drains in ~{}", human::age(span)),
        None => "does not drain".to_owned(),
    };
    format!(
        " {when}: in the last hour {done} recipients who had waited were delivered or returned, and {} came to wait",
        summary.came
    )
}
