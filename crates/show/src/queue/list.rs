//! The table of messages. On a terminal, what says least gives way until the rest fits.

use std::io::{self, Write};

use postfix::Zone;
use unicode_width::UnicodeWidthStr;

use super::cells::{age, age_text, clock, due};
use figures::queue::{ListedMessage, Report};
use legible::grid::{Cell, Column, TableStyle, Tone, write_plain};
use legible::human;
use legible::narrow::draw;

/// Which columns there are.
#[derive(Clone, Copy)]
struct Layout {
    boxes: bool,
    arrival: bool,
    size: bool,
    sender: bool,
    next: bool,
    expires: bool,
    /// The reason in the server's words, as opposed to its class and code.
    words: bool,
}

const ALL: Layout = Layout {
    boxes: true,
    arrival: true,
    size: true,
    sender: true,
    next: true,
    expires: true,
    words: true,
};

/// The widest first.
const LAYOUTS: [Layout; 9] = {
    let no_expires = Layout {
        expires: false,
        ..ALL
    };
    let no_arrival = Layout {
        arrival: false,
        ..no_expires
    };
    let by_class = Layout {
        words: false,
        ..no_arrival
    };
    let no_boxes = Layout {
        boxes: false,
        ..by_class
    };
    let no_size = Layout {
        size: false,
        ..no_boxes
    };
    let no_sender = Layout {
        sender: false,
        ..no_size
    };
    let no_next = Layout {
        next: false,
        ..no_sender
    };
    let words_alone = Layout {
        boxes: false,
        ..no_arrival
    };
    [
        ALL,
        no_expires,
        no_arrival,
        words_alone,
        by_class,
        no_boxes,
        no_size,
        no_sender,
        no_next,
    ]
};

/// Columns that are enough to recognize names, words and classes.
const NAME: usize = 18;
const WORDS: usize = 40;

/// Writes the list of messages; times are in `zone`.
pub(super) fn write_messages(
    out: &mut impl Write,
    report: &Report,
    zone: Zone,
    style: TableStyle,
) -> io::Result<()> {
    let list = List {
        report,
        zone,
        style,
    };
    let Some(width) = style.width else {
        return list.write(out, ALL);
    };
    let fits = |layout: &&Layout| list.needed(**layout) <= usize::from(width);
    let [.., narrowest] = LAYOUTS;
    list.write(out, *LAYOUTS.iter().find(fits).unwrap_or(&narrowest))
}

struct List<'a> {
    report: &'a Report,
    zone: Zone,
    style: TableStyle,
}

impl List<'_> {
    fn columns(&self, layout: Layout) -> Vec<Column> {
        let several = self.report.instances.len() > 1;
        let mut columns = Vec::new();
        columns.extend(several.then_some(Column::Instance("instance")));
        columns.extend([Column::Text("id"), Column::Text("queue")]);
        columns.extend(layout.arrival.then_some(Column::Text("arrival")));
        columns.push(Column::Number("age"));
        columns.extend(layout.size.then_some(Column::Number("size")));
        columns.extend(layout.next.then_some(Column::Number("next")));
        columns.extend(layout.expires.then_some(Column::Number("expires")));
        columns.extend(layout.sender.then_some(Column::Name("sender")));
        columns.push(Column::Name("recipients"));
        columns.push(match self.style.width {
            // Whole, and last, so that it pushes nothing away.
            None => Column::Text("reason"),
            Some(_) => Column::Words("reason"),
        });
        columns
    }

    /// The texts of a row that are not cut, and so decide about its width.
    fn uncut(&self, layout: Layout, entry: &ListedMessage) -> [String; 5] {
        let size = layout.size.then(|| human::size(entry.size));
        let next = layout.next.then(|| self.next(entry));
        let age = age_text(self.report, entry.arrival);
        let expires = layout.expires.then(|| due(self.report, entry.expires));
        let text = Option::unwrap_or_default;
        [
            entry.id.to_string(),
            age,
            text(size),
            text(next),
            text(expires),
        ]
    }

    /// How many columns of the terminal it takes to be of use.
    fn needed(&self, layout: Layout) -> usize {
        // As wide as their titles at least.
        let mut widest = [
            2,
            3,
            4 * usize::from(layout.size),
            4 * usize::from(layout.next),
            7 * usize::from(layout.expires),
        ];
        for entry in &self.report.messages {
            for (widest, text) in widest.iter_mut().zip(self.uncut(layout, entry)) {
                *widest = text.width().max(*widest);
            }
        }
        let columns = self.columns(layout);
        let others = columns.iter().map(|column| match column {
            Column::Text("queue") => "deferred".len(),
            Column::Text("arrival") => "2026-09-19 12:22".len(),
            Column::Words(_) if layout.words => WORDS,
            Column::Words(_) | Column::Name(_) | Column::Instance(_) => NAME,
            Column::Text(_) | Column::List(_) | Column::Sentence(_) | Column::Number(_) => 0,
        });
        let gaps = match layout.boxes && self.style.boxes {
            true => columns.len() * 3 + 1,
            false => columns.len().saturating_sub(1) * 2,
        };
        widest.iter().sum::<usize>() + others.sum::<usize>() + gaps
    }

    fn write(&self, out: &mut impl Write, layout: Layout) -> io::Result<()> {
        let several = self.report.instances.len() > 1;
        let row = |entry: &ListedMessage| {
            let mut row = Vec::new();
            row.extend(several.then(|| Cell::new(self.report.instance(entry))));
            row.extend([Cell::new(entry.id.as_str()), Cell::new(entry.queue.name())]);
            let arrival = || Cell::new(clock(self.zone, entry.arrival, "%Y-%m-%d %H:%M"));
            row.extend(layout.arrival.then(arrival));
            row.push(age(self.report, Some(entry.arrival), Tone::Plain));
            row.extend(layout.size.then(|| Cell::new(human::size(entry.size))));
            if layout.next {
                let tone = match entry.forced_expire {
                    true => Tone::Warning,
                    false => Tone::Plain,
                };
                row.push(Cell::new(self.next(entry)).tone(tone));
            }
            if layout.expires {
                let tone = match entry.expires <= self.report.expires_by {
                    true => Tone::Warning,
                    false => Tone::Plain,
                };
                row.push(Cell::new(due(self.report, entry.expires)).tone(tone));
            }
            row.extend(layout.sender.then(|| Cell::new(&*entry.sender)));
            row.push(Cell::new(recipients(entry)));
            row.push(Cell::new(self.reason(layout, entry)));
            row
        };
        let rows = || self.report.messages.iter().map(row);
        let columns = self.columns(layout);
        let style = TableStyle {
            boxes: self.style.boxes && layout.boxes,
            ..self.style
        };
        if style == TableStyle::default() {
            // Into a file or a pipe, where there may be very many.
            return write_plain(out, &columns, rows);
        }
        out.write_all(draw(style, &columns, rows().collect()).as_bytes())
    }

    fn next(&self, entry: &ListedMessage) -> String {
        match entry.next_attempt {
            _ if entry.forced_expire => "expire".to_owned(),
            Some(next) => due(self.report, next),
            None => "-".to_owned(),
        }
    }

    /// Why it is stuck: whole outside a terminal; in it, the server's words where there is room, else class and code.
    fn reason(&self, layout: Layout, entry: &ListedMessage) -> String {
        let Some(why) = entry.why() else {
            return "-".to_owned();
        };
        if self.style.width.is_none() {
            return why.reason.to_string();
        }
        match &why.code {
            _ if layout.words => words(&why.reason).to_owned(),
            Some(code) => format!("{} {code}", why.class),
            None => why.class.to_string(),
        }
    }
}

/// The first recipient, and how many more there are.
fn recipients(entry: &ListedMessage) -> String {
    let more = entry.recipient_count.saturating_sub(1);
    match entry.recipients.first() {
        None => "-".to_owned(),
        Some(first) if more == 0 => first.address.to_string(),
        Some(first) => format!("{} +{more}", first.address),
    }
}

/// What the server said, without `host NAME[ADDRESS] said: ` before it.
fn words(reason: &str) -> &str {
    let rest = reason.strip_prefix("host ");
    let said = rest.and_then(|rest| rest.split_once("] said: "));
    said.map_or(reason, |(_, words)| words)
}
