//! The tables of the page: a name, and numbers.

use super::super::TOP;
use super::super::words::{changes, local, mean_title, no_mail, share};
use super::text;
use figures::daily::{Daily, Measure, Rate, Subject};
use figures::mail_stats::{Counts, Dimension, Figures};
use legible::human;

/// A table whose first column is a name, and whose others are numbers.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: &'static str,
    pub(super) title: String,
    /// Does it take the whole width of a wide page?
    pub(super) wide: bool,
    pub(super) note: String,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<HtmlRow>,
}

/// A row.
#[derive(Debug)]
pub(super) struct HtmlRow {
    pub(super) name: String,
    /// `total`, `before` or nothing.
    pub(super) class: &'static str,
    pub(super) cells: Vec<String>,
}

fn subjects(report: &Daily) -> impl Iterator<Item = (&Subject, &'static str)> {
    let total = (report.instances.len() > 1).then_some((&report.total, "total"));
    let instances = report.instances.iter().map(|of| (of, ""));
    instances.chain(total)
}

fn rates(measure: &Measure) -> Vec<String> {
    let total = measure.total().to_string();
    let rates = Rate::ALL.map(|rate| share(measure, rate));
    std::iter::once(total).chain(rates).collect()
}

const RATES: [&str; 5] = ["total", "sent", "bounced", "deferred", "blocked"];

/// All but the queues'.
pub(super) fn tables(report: &Daily) -> Vec<Table> {
    let all = [
        Some(instances(report)),
        beside(report),
        domains(report, "domains", Dimension::Domain),
        domains(report, "senders", Dimension::SenderDomain),
        delays(report),
    ];
    all.into_iter().flatten().collect()
}

fn instances(report: &Daily) -> Table {
    let row = |(of, class): (&Subject, _)| HtmlRow {
        name: text(of.label()),
        class,
        cells: {
            let mut cells = rates(&of.today);
            cells.extend(changes(&of.today, &of.before));
            cells
        },
    };
    Table {
        id: "instances",
        title: "Instances".to_owned(),
        wide: true,
        note: match report.total.before.mean {
            Some(mean) => format!(
                "The last two columns compare the volume with the day before and the {}.",
                mean_title(mean.days)
            ),
            None => "Nothing is known about the days before.".to_owned(),
        },
        columns: RATES.into_iter().chain(["day before", "mean"]).collect(),
        rows: subjects(report).map(row).collect(),
    }
}

fn beside(report: &Daily) -> Option<Table> {
    report.total.before.mean?;
    let mut rows = Vec::new();
    for (of, class) in subjects(report) {
        rows.push(HtmlRow {
            name: text(of.label()),
            class,
            cells: rates(&of.today),
        });
        rows.extend(of.before.day_before.map(|day| HtmlRow {
            name: "day before".to_owned(),
            class: "before",
            cells: rates(&day),
        }));
        rows.extend(of.mean().map(|mean| {
            let mut cells = rates(&mean.sum);
            if let Some(total) = cells.first_mut() {
                *total = format!("{:.0}", mean.total());
            }
            HtmlRow {
                name: mean_title(mean.days),
                class: "before",
                cells,
            }
        }));
    }
    Some(Table {
        id: "beside",
        title: "Compared with the days before".to_owned(),
        wide: true,
        note: String::new(),
        columns: RATES.into(),
        rows,
    })
}

/// Total, the share of what was sent, what was not and its shares.
pub(super) fn counted(counts: Counts) -> Vec<String> {
    let percent = |n| human::percent(n, counts.total());
    vec![
        counts.total().to_string(),
        percent(counts.sent),
        format!("{} ({})", counts.bounced, percent(counts.bounced)),
        format!("{} ({})", counts.deferred, percent(counts.deferred)),
    ]
}

fn domains(report: &Daily, id: &'static str, dimension: Dimension) -> Option<Table> {
    let rows = report.worst(dimension, TOP).into_iter();
    let rows: Vec<HtmlRow> = rows
        .map(|(name, counts)| HtmlRow {
            name: text(name),
            class: "",
            cells: counted(counts),
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        id,
        title: match dimension {
            Dimension::SenderDomain => "Worst sender domains".to_owned(),
            _ => "Worst recipient domains".to_owned(),
        },
        wide: false,
        note: "By what was refused, permanently or temporarily.".to_owned(),
        columns: vec!["total", "sent", "bounced", "deferred"],
        rows,
    })
}

fn delays(report: &Daily) -> Option<Table> {
    let row = |(of, class): (&Subject, &'static str)| {
        let figures = figures(report, of)?;
        let mut cells: Vec<String> = Vec::new();
        if let Some(delays) = &figures.delays {
            let all = [delays.delay.median, delays.delay.p95, delays.delay.max];
            let parts = delays.parts.iter().flatten().map(|part| part.p95);
            cells.extend(all.into_iter().chain(parts).map(human::delay));
        } else if figures.waiting.is_none() {
            return None;
        }
        cells.resize(7, String::new());
        cells.push(figures.waiting.map_or_else(String::new, human::delay));
        Some(HtmlRow {
            name: text(of.label()),
            class,
            cells,
        })
    };
    let rows: Vec<HtmlRow> = subjects(report).filter_map(row).collect();
    (!rows.is_empty()).then(|| Table {
        id: "delays",
        title: "Delays".to_owned(),
        wide: true,
        note: "Of what was sent; the four columns behind max: where the time goes, 95th percentile. Last, the age of the \
               oldest that was put off."
            .to_owned(),
        columns: vec![
            "median", "95%", "max", "before", "queue", "connect", "send", "deferred",
        ],
        rows,
    })
}

fn figures<'a>(report: &'a Daily, of: &Subject) -> Option<&'a Figures> {
    match of.name.as_str() {
        "" => Some(&report.stats.total),
        name => report.figures(name),
    }
}

/// What waits.
pub(super) fn queue(report: &Daily) -> Option<Table> {
    use postfix::queue::Queue;
    let queue = report.queue.as_ref()?;
    let waiting = queue.instances.iter();
    let waiting = waiting.filter(|i| i.figures.counts.total() > 0);
    let row = |i: &figures::distribution::InstanceFigures| {
        let counts = &i.figures.counts;
        let oldest = i
            .figures
            .oldest
            .and_then(|at| queue.age(at))
            .map(human::age);
        HtmlRow {
            name: text(&i.instance),
            class: "",
            cells: vec![
                counts.total().to_string(),
                counts[Queue::Deferred].to_string(),
                counts[Queue::Hold].to_string(),
                i.figures.bytes.map_or_else(String::new, human::size),
                oldest.unwrap_or_default(),
            ],
        }
    };
    let rows: Vec<HtmlRow> = waiting.map(row).collect();
    let at = local(report, queue.time).map(|at| at.format("%Y-%m-%d %H:%M").to_string());
    Some(Table {
        id: "mailq",
        title: format!("Mailq at {}", at.unwrap_or_default()),
        wide: true,
        note: match rows.as_slice() {
            [] => no_mail(report).to_owned(),
            _ => String::new(),
        },
        columns: vec!["messages", "deferred", "on hold", "size", "oldest"],
        rows,
    })
}
