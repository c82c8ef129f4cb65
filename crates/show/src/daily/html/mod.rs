//! `--format html`: the report as one page that needs nothing else: no script, no other file.
//!
//! What is shown is gathered here; templates/daily.html says how it looks, and escapes it. Mail clients drop style
//! sheets and drawings: the figures are in tables or words too, and what matters of the look is in attributes.

mod chart;
mod tables;

use std::io;

use askama::Template;

use self::chart::{Chart, Datum, Layout, PARTS, Strip};
use self::tables::{Table, counted, queue, tables};
use super::FINDINGS_MAX;
use super::words::{
    changes, coverage, date, finding, marked, name, reasons, said, share, shown, summary,
    unreadable, verdict,
};
use figures::daily::{DAYS_BEFORE, Daily, Rate, Subject, failed};
use figures::mail_stats::Dimension;
use figures::verdict::Level;

/// The page. Its fields are text, to be escaped by the template.
#[derive(Debug, Template)]
#[template(path = "daily.html")]
struct Page {
    title: String,
    host: String,
    date: String,
    verdict: String,
    /// `good`, `warning` or `bad`.
    level: &'static str,
    findings: Vec<NoticeRow>,
    summary: String,
    tiles: Vec<Tile>,
    coverage: Vec<String>,
    tables: Vec<Table>,
    days: Vec<Chart>,
    hours: Option<Chart>,
    queue: Option<Table>,
    providers: Vec<Measured>,
    reasons: Vec<Reason>,
    said: Vec<String>,
    problems: Vec<String>,
    legend: [(&'static str, &'static str, &'static str); 3],
}

#[derive(Debug)]
struct NoticeRow {
    level: &'static str,
    instance: String,
    text: String,
}

/// A number that is seen first.
#[derive(Debug)]
struct Tile {
    class: &'static str,
    number: String,
    label: &'static str,
    note: String,
}

/// A provider: its counts, and how they look.
#[derive(Debug)]
struct Measured {
    name: String,
    cells: Vec<String>,
    strip: Strip,
}

#[derive(Debug)]
struct Reason {
    name: String,
    bounced: u64,
    deferred: u64,
    codes: String,
    ips: String,
    strip: Strip,
}

/// Draws the report.
///
/// # Errors
/// None that is known; the template's.
pub fn draw_page(report: &Daily) -> io::Result<String> {
    let page = Page {
        title: shown(super::subject(report), true),
        host: text(&report.host),
        date: date(report),
        verdict: verdict(report),
        level: match report.attention.first().map(|first| first.level) {
            None => "good",
            Some(severity) => level(severity),
        },
        findings: findings(report),
        summary: summary(report),
        tiles: tiles(report),
        coverage: coverage(report)
            .iter()
            .map(|line| shown(line, true))
            .collect(),
        tables: tables(report),
        days: days(report),
        hours: hours(report),
        queue: queue(report),
        providers: providers(report),
        reasons: why(report),
        said: lines(said(report)),
        problems: lines(unreadable(report)),
        legend: PARTS,
    };
    page.render().map_err(io::Error::other)
}

/// A stranger's name as it may be shown; the template escapes what HTML would act upon.
fn text(raw: impl AsRef<[u8]>) -> String {
    name(raw, true)
}

fn level(severity: Level) -> &'static str {
    match severity {
        Level::Critical => "bad",
        Level::Ok | Level::Warning | Level::Unknown => "warning",
    }
}

fn findings(report: &Daily) -> Vec<NoticeRow> {
    let notices = report
        .attention
        .iter()
        .take(FINDINGS_MAX)
        .map(|of| NoticeRow {
            level: level(of.level),
            instance: text(&of.instance),
            text: shown(finding(of), true),
        });
    let more = report.attention.len().saturating_sub(FINDINGS_MAX);
    let more = (more > 0).then(|| NoticeRow {
        level: level(Level::Warning),
        instance: "others".to_owned(),
        text: format!("{more} more"),
    });
    let advice = report.advice.iter().map(|line| NoticeRow {
        level: level(Level::Warning),
        instance: "advice".to_owned(),
        text: shown(line.clone(), true),
    });
    notices.chain(more).chain(advice).collect()
}

fn tiles(report: &Daily) -> Vec<Tile> {
    let (today, before) = (&report.total.today, &report.total.before);
    let [day, mean] = changes(today, before);
    let usual = before.mean.map(|mean| mean.sum);
    let rate = |class, label, rate| Tile {
        class,
        number: share(today, rate),
        label,
        note: usual.map_or_else(String::new, |usual| {
            format!("usually {}", share(&usual, rate))
        }),
    };
    use figures::mail_stats::check::Watched;
    vec![
        Tile {
            class: "all",
            number: today.total().to_string(),
            label: "deliveries",
            note: match usual {
                Some(_) => format!("day before {day}, mean {mean}"),
                None => String::new(),
            },
        },
        rate("sent", "sent", Rate::Sent),
        rate("bounced", "bounced", Rate::Watched(Watched::Bounced)),
        rate("deferred", "deferred", Rate::Watched(Watched::Deferred)),
        rate("blocked", "blocked", Rate::Watched(Watched::Blocked)),
    ]
}

/// A chart of the days of each instance, and of all of them where there is more than one.
fn days(report: &Daily) -> Vec<Chart> {
    let layout = Layout {
        width: 320,
        height: 136,
        fill: 0.62,
        values: true,
    };
    let chart = |of: &Subject| {
        let first = of.days.len().saturating_sub(DAYS_BEFORE + 1);
        let last = of.days.len().saturating_sub(1);
        let days = of.days.iter().enumerate().skip(first);
        let data = days.map(|(at, (day, measure))| Datum {
            // `Sat 19`
            label: day.date().format("%a %-d").to_string(),
            name: day.to_string(),
            counts: measure.map(|m| m.counts),
            strong: at == last,
        });
        let name = match of.name.as_str() {
            "" => "All instances".to_owned(),
            name => text(name),
        };
        Chart::new(name, layout, data.collect())
    };
    let total = (report.instances.len() > 1).then_some(&report.total);
    let all = total.into_iter().chain(&report.instances);
    all.map(chart).collect()
}

fn hours(report: &Daily) -> Option<Chart> {
    let hours = report.hours(&report.stats.total);
    let data = hours.into_iter().enumerate().map(|(hour, counts)| Datum {
        label: match hour % 3 {
            0 => format!("{hour:02}"),
            _ => String::new(),
        },
        name: format!("{hour:02}:00"),
        counts: Some(counts),
        strong: false,
    });
    let layout = Layout {
        width: 384,
        height: 136,
        fill: 0.7,
        values: false,
    };
    let any = hours.iter().any(|counts| counts.total() > 0);
    any.then(|| Chart::new("Hours of the day".to_owned(), layout, data.collect()))
}

fn providers(report: &Daily) -> Vec<Measured> {
    let table = report.stats.total.breakdown(Dimension::Provider);
    let rows = || table.into_iter().flat_map(|table| &table.rows);
    let most = rows().map(|row| row.counts.total()).max().unwrap_or(0);
    let rows = rows().map(|row| Measured {
        name: text(row.key.as_bytes()),
        cells: counted(row.counts),
        strip: Strip::new(row.counts, most),
    });
    rows.collect()
}

fn why(report: &Daily) -> Vec<Reason> {
    let rows = reasons(report);
    let most = rows.iter().map(|row| failed(&row.counts)).max();
    let rows = rows.into_iter().map(|row| Reason {
        name: text(row.key.as_bytes()),
        bounced: row.counts.bounced,
        deferred: row.counts.deferred,
        codes: shown(marked(&row.codes), true),
        ips: shown(marked(&row.ips), true),
        strip: Strip::new(row.counts, most.unwrap_or(0)),
    });
    rows.collect()
}

fn lines(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(text).collect()
}
