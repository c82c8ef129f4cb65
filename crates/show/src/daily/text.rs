//! `--format report`: plain text for a mail, 7-bit unless UTF-8 is asked for.
//!
//! The verdict first, then one screen of figures, then what they are made of.

mod hours;

use super::words::{
    changes, coverage, date, finding, local, marked, mean_title, name, no_mail, none_before,
    reasons, said, share, shown, summary, unreadable, verdict,
};
use super::{FINDINGS_MAX, TOP};
use figures::daily::{Daily, Measure, Rate, Subject};
use figures::mail_stats::{Counts, Dimension, Figures};
use figures::verdict::Level;
use legible::grid::{Cell, Column, TableStyle};
use legible::human;
use legible::narrow::draw;
use legible::wrap::wrapped;

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The most columns of a line. A table of long numbers may need more.
    pub width: u16,
    /// May there be other characters than ASCII? For names, and to draw with.
    pub utf8: bool,
}

impl Default for Style {
    /// As it fits into every mail.
    fn default() -> Self {
        Self {
            width: 78,
            utf8: false,
        }
    }
}

/// Draws the report.
pub fn draw_report(report: &Daily, style: Style) -> String {
    let mut page = Page {
        text: String::new(),
        style,
    };
    let host = &report.host;
    page.paragraph(
        "",
        &format!("{host}, {}: {}", date(report), verdict(report)),
    );
    page.attention(report);
    page.blank();
    page.paragraph("", &format!("{}.", summary(report)));
    for line in coverage(report) {
        page.paragraph("", &line);
    }
    page.instances(report);
    page.list("WHAT POSTFIX COMPLAINS ABOUT", said(report));
    page.queue(report);
    page.compared(report);
    page.providers(report);
    page.reasons(report);
    page.domains(report);
    page.delays(report);
    page.hours(report);
    page.problems(report);
    page.text
}

struct Page {
    text: String,
    style: Style,
}

/// What identifies an instance and a day.
const RATES: [Column; 5] = [
    Column::Number("total"),
    Column::Number("sent"),
    Column::Number("bounced"),
    Column::Number("deferred"),
    Column::Number("blocked"),
];

impl Page {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Words, wrapped: see [`wrapped`].
    fn paragraph(&mut self, mark: &str, words: &str) {
        let words = shown(words, self.style.utf8);
        for line in wrapped(mark, &words, usize::from(self.style.width)) {
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn title(&mut self, title: &str) {
        self.blank();
        self.line(title);
    }

    fn table(&mut self, columns: &[Column], rows: Vec<Vec<Cell>>) {
        let style = TableStyle {
            width: Some(self.style.width),
            ..TableStyle::default()
        };
        for line in draw(style, columns, rows).lines() {
            self.line(line);
        }
    }

    fn cell(&self, text: impl AsRef<[u8]>) -> Cell {
        Cell::new(name(text, self.style.utf8))
    }

    fn attention(&mut self, report: &Daily) {
        if !report.attention.is_empty() {
            self.blank();
        }
        for of in report.attention.iter().take(FINDINGS_MAX) {
            let mark = match of.level {
                Level::Critical => "!! ",
                Level::Ok | Level::Warning | Level::Unknown => "!  ",
            };
            // Whole, unless there is more than a mail holds.
            let subject = match report.unlisted {
                0 => of.instance.clone(),
                _ => name(&of.instance, true),
            };
            self.paragraph(mark, &format!("{subject}: {}", finding(of)));
        }
        let more = report.attention.len().saturating_sub(FINDINGS_MAX);
        if more > 0 {
            self.paragraph("!  ", &format!("and {more} more"));
        }
        for line in &report.advice {
            self.paragraph("   ", line);
        }
    }

    /// Today's figures of each instance, with the change of the volume.
    fn instances(&mut self, report: &Daily) {
        let mean = report.total.before.mean;
        self.blank();
        let mut columns = vec![Column::Instance("instance")];
        columns.extend(RATES);
        columns.extend([Column::Number("day before"), Column::Number("mean")]);
        let row = |page: &Self, of: &Subject| {
            let mut row = vec![page.cell(of.label())];
            row.extend(rates(&of.today));
            row.extend(changes(&of.today, &of.before).map(Cell::new));
            row
        };
        let rows = subjects(report).map(|of| row(self, of)).collect();
        self.table(&columns, rows);
        let text = match mean {
            Some(mean) => format!(
                "day before, mean: the volume compared with the day before and the {}.",
                mean_title(mean.days)
            ),
            None => none_before(report).to_owned(),
        };
        self.paragraph("", &text);
    }

    fn queue(&mut self, report: &Daily) {
        let Some(queue) = &report.queue else {
            return;
        };
        let at = local(report, queue.time).map(|at| at.format("%Y-%m-%d %H:%M").to_string());
        self.title(&format!("MAILQ at {}", at.unwrap_or_default()));
        let waiting = queue.instances.iter();
        let waiting = waiting.filter(|i| i.figures.counts.total() > 0);
        let rows: Vec<Vec<Cell>> = waiting
            .map(|i| {
                let counts = &i.figures.counts;
                let oldest = i
                    .figures
                    .oldest
                    .and_then(|at| queue.age(at))
                    .map(human::age);
                use postfix::queue::Queue;
                vec![
                    self.cell(&i.instance),
                    Cell::new(counts.total().to_string()),
                    Cell::new(counts[Queue::Deferred].to_string()),
                    Cell::new(counts[Queue::Hold].to_string()),
                    Cell::new(i.figures.bytes.map_or_else(String::new, human::size)),
                    Cell::new(oldest.unwrap_or_default()),
                ]
            })
            .collect();
        if rows.is_empty() {
            self.line(no_mail(report));
            return;
        }
        let columns = ["messages", "deferred", "on hold", "size", "oldest"];
        let mut all = vec![Column::Instance("instance")];
        all.extend(columns.map(Column::Number));
        self.table(&all, rows);
    }

    /// The rates beside those of the days before.
    fn compared(&mut self, report: &Daily) {
        if report.total.before.mean.is_none() && report.total.before.day_before.is_none() {
            return;
        }
        self.title("COMPARED WITH THE DAYS BEFORE");
        let mut rows = Vec::new();
        for of in subjects(report) {
            let mut row = vec![self.cell(of.label())];
            row.extend(rates(&of.today));
            rows.push(row);
            if let Some(before) = &of.before.day_before {
                let mut row = vec![Cell::new("  day before")];
                row.extend(rates(before));
                rows.push(row);
            }
            if let Some(mean) = of.mean() {
                let mut row = vec![Cell::new(format!("  {}", mean_title(mean.days)))];
                let [_, sent, bounced, deferred, blocked] = rates(&mean.sum);
                let total = Cell::new(format!("{:.0}", mean.total()));
                row.extend([total, sent, bounced, deferred, blocked]);
                rows.push(row);
            }
        }
        let mut columns = vec![Column::Name("")];
        columns.extend(RATES);
        self.table(&columns, rows);
    }

    fn providers(&mut self, report: &Daily) {
        let table = report.stats.total.breakdown(Dimension::Provider);
        let rows = table.into_iter().flat_map(|table| &table.rows);
        let rows: Vec<Vec<Cell>> = rows
            .map(|row| {
                let mut cells = vec![self.cell(row.key.as_bytes())];
                cells.extend(counted(row.counts));
                cells
            })
            .collect();
        self.counts("PROVIDERS", "provider", rows);
    }

    /// A table of counts and shares, if it has any row.
    fn counts(&mut self, title: &str, name: &'static str, rows: Vec<Vec<Cell>>) {
        if rows.is_empty() {
            return;
        }
        self.title(title);
        let mut columns = vec![Column::Name(name)];
        columns.extend(["total", "sent", "bounced", "", "deferred", ""].map(Column::Number));
        self.table(&columns, rows);
    }

    fn reasons(&mut self, report: &Daily) {
        let rows: Vec<Vec<Cell>> = reasons(report)
            .into_iter()
            .map(|row| {
                vec![
                    self.cell(row.key.as_bytes()),
                    Cell::new(row.counts.bounced.to_string()),
                    Cell::new(row.counts.deferred.to_string()),
                    Cell::new(shown(marked(&row.codes), self.style.utf8)),
                    Cell::new(shown(marked(&row.ips), self.style.utf8)),
                ]
            })
            .collect();
        if rows.is_empty() {
            return;
        }
        self.title("WHY MAIL WAS REFUSED");
        let columns = [
            Column::Text("reason"),
            Column::Number("bounced"),
            Column::Number("deferred"),
            Column::Words("codes"),
            Column::Words("blamed addresses"),
        ];
        self.table(&columns, rows);
    }

    fn domains(&mut self, report: &Daily) {
        let all = [
            (
                Dimension::Domain,
                "WORST RECIPIENT DOMAINS, by what was refused",
            ),
            (
                Dimension::SenderDomain,
                "WORST SENDER DOMAINS, by what was refused",
            ),
        ];
        for (dimension, title) in all {
            let rows = report.worst(dimension, TOP).into_iter();
            let rows = rows.map(|(name, counts)| {
                let mut cells = vec![self.cell(name)];
                cells.extend(counted(counts));
                cells
            });
            let rows = rows.collect();
            self.counts(title, "domain", rows);
        }
    }

    fn delays(&mut self, report: &Daily) {
        let of = |name: &str, figures: &Figures| {
            let mut row = vec![self.cell(name)];
            if let Some(stats) = &figures.delays {
                let all = [stats.delay.median, stats.delay.p95, stats.delay.max];
                row.extend(all.map(|seconds| Cell::new(human::delay(seconds))));
                let parts = stats.parts.iter().flatten();
                row.extend(parts.map(|part| Cell::new(human::delay(part.p95))));
            }
            row.resize(8, Cell::new(""));
            row.push(Cell::new(
                figures.waiting.map_or_else(String::new, human::delay),
            ));
            row
        };
        let mut rows = Vec::new();
        for subject in subjects(report) {
            let figures = match subject.name.as_str() {
                "" => Some(&report.stats.total),
                name => report.figures(name),
            };
            let has_any = |f: &&Figures| f.delays.is_some() || f.waiting.is_some();
            let figures = figures.filter(has_any);
            rows.extend(figures.map(|figures| of(subject.label(), figures)));
        }
        if rows.is_empty() {
            return;
        }
        self.title("DELAYS of what was sent, and where (95%); age of what was put off");
        let columns = [
            "median", "95%", "max", "before", "queue", "connect", "send", "deferred",
        ];
        let mut all = vec![Column::Instance("instance")];
        all.extend(columns.map(Column::Number));
        self.table(&all, rows);
    }

    fn problems(&mut self, report: &Daily) {
        self.list("COULD NOT BE READ", unreadable(report));
    }

    /// Lines under a title, if there are any.
    fn list(&mut self, title: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        self.title(title);
        for line in lines {
            self.paragraph("- ", &line);
        }
    }
}

/// Every instance, and all of them together where there is more than one.
fn subjects(report: &Daily) -> impl Iterator<Item = &Subject> {
    let total = (report.instances.len() > 1).then_some(&report.total);
    report.instances.iter().chain(total)
}

/// The columns of [`RATES`].
fn rates(measure: &Measure) -> [Cell; 5] {
    let [sent, bounced, deferred, blocked] = Rate::ALL.map(|rate| Cell::new(share(measure, rate)));
    let total = Cell::new(measure.total().to_string());
    [total, sent, bounced, deferred, blocked]
}

/// Total, the share of what was sent, and what was not with its shares.
fn counted(counts: Counts) -> [Cell; 6] {
    let share = |n| human::percent(n, counts.total());
    [
        counts.total().to_string(),
        share(counts.sent),
        counts.bounced.to_string(),
        share(counts.bounced),
        counts.deferred.to_string(),
        share(counts.deferred),
    ]
    .map(Cell::new)
}
