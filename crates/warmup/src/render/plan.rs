//! A plan: its table, and what is to be applied on a sending day. Its JSON is the file, see [`crate::plan`].

use std::io::{self, Write};

use csv::Writer;
use legible::grid::{Cell, Column, TableStyle, Tone};
use legible::narrow::{draw, draw_to_fit};
use legible::shell;
use legible::wire::csv_cell;
use legible::wrap::folded;
use postfix::{Zone, count, escape};

use super::notes::notes;
use super::{cell, commands, number, paragraph, sentences};
use crate::plan::{Plan, PlanLevel};
use crate::ratio::{Ratio, Unequal};
use crate::settings::{HeldBy, Hold};

/// Narrow enough for a terminal of 80 columns.
const COLUMNS: [Column; 8] = [
    Column::Text("days"),
    Column::Text("earliest"),
    Column::Number("cap"),
    Column::Number("pace"),
    Column::Number("may send"),
    Column::Number("old"),
    Column::Number("share"),
    Column::Number("brings"),
];

/// What each row of the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// A sending day; those of the last level, which have no end, are one.
    Day,
    /// A level.
    Level,
}

/// `--format table`: a row for each of `by`; below, what to apply before the sending day `day` (from 1),
/// and what to know, with the lines of `more`.
pub fn table(plan: &Plan, (day, by): (u32, Rows), more: &[String], style: TableStyle) -> String {
    let last = plan.levels.len() - 1;
    let rows = match by {
        Rows::Day => {
            let before = plan.sending_days().take_while(|(_, at)| *at < last);
            let mut rows: Vec<_> = before
                .map(|(day, at)| row(plan, at, day, day.to_string()))
                .collect();
            rows.push(level_row(plan, last));
            rows
        }
        Rows::Level => (0..=last).map(|at| level_row(plan, at)).collect(),
    };
    let heading_line = escape(&heading(plan)).to_string();
    let mut text = format!("{}\n\n", folded(&heading_line, style.width));
    text.push_str(&draw(style, &COLUMNS, rows));
    let at = plan.level_of(day);
    let level = &plan.levels[at];
    let days = sending_days(plan, at);
    let cap = level.level.cap;
    let heading = format!("for sending days {days}, {cap} a day at most:");
    commands(&mut text, &heading, &plan.commands(level), style.width);
    if let (Some(relay), Some(ratio)) = (&plan.order.relay, level.ratio) {
        let heading = zone_heading(&relay.name, ratio, &share(level).unwrap_or_default());
        paragraph(&mut text, &heading, &plan.zone_lines(level), style.width);
    }
    let mut notes = notes(plan, level);
    notes.extend_from_slice(more);
    sentences(&mut text, "notes:", &notes, style.width);
    if at == last && at > 0 {
        commands(
            &mut text,
            "to restore everything to what it was, once the address is warm:",
            &plan.undo(),
            style.width,
        );
    }
    text
}

fn heading(plan: &Plan) -> String {
    let order = &plan.order;
    let address = order
        .address
        .map_or_else(String::new, |ip| format!(" ({ip})"));
    let days = match plan.days() {
        0 => "at once".to_owned(),
        n => format!("after {}", count(n, "sending day")),
    };
    format!(
        "{}{address}: {} a day {days}, from {} on, schedule {}",
        order.instance, order.volume, order.start, plan.schedule
    )
}

/// Which records share the mail how. `share` of it goes to the new address.
fn zone_heading(name: &str, ratio: Ratio, share: &str) -> String {
    let old = ratio.old;
    match ratio.by {
        Some(Unequal::Names(names)) => format!(
            "the zone, for the same days: MX records of {name}, {} for all {old} old and {} for the new, {share} to \
             the new",
            names.old, names.new
        ),
        Some(Unequal::Weights(weights)) => format!(
            "the zone, for the same days: SRV records of {name}, weight {} for each of {old} old and {} for the new, \
             {share} to the new",
            weights.old, weights.new
        ),
        None => format!(
            "the zone, for the same days: {old} old and 1 new in {name}, {share} to the new"
        ),
    }
}

fn sending_days(plan: &Plan, at: usize) -> String {
    match plan.days_of(at) {
        (first, Some(last)) if first == last => first.to_string(),
        (first, Some(last)) => format!("{first}-{last}"),
        (first, None) => format!("{first}-"),
    }
}

fn share(level: &PlanLevel) -> Option<String> {
    let ratio = level.ratio?;
    Some(format!("{:.1}%", ratio.share() * 100.0))
}

fn pace(level: &PlanLevel) -> (String, u64) {
    match level.settings.hold {
        Hold::RateDelay(seconds) => (format!("{seconds}s"), 1),
        Hold::Processes(processes) => (String::new(), processes),
    }
}

fn level_row(plan: &Plan, at: usize) -> Vec<Cell> {
    row(plan, at, plan.days_of(at).0, sending_days(plan, at))
}

/// The level at `at`, for the sending days `days`, of which `first` is the first.
fn row(plan: &Plan, at: usize, first: u32, days: String) -> Vec<Cell> {
    let level = &plan.levels[at];
    let pace = match level.settings.hold {
        Hold::RateDelay(seconds) => format!("{seconds}s"),
        Hold::Processes(processes) => format!("{processes} proc"),
    };
    let date = plan.date_of(first);
    let brings = number(level.ratio.map(|ratio| ratio.brings));
    let lets_out = level.settings.lets_out;
    let is_too_much = level.ratio.is_some_and(|ratio| ratio.brings > lets_out);
    let tone = |cell: Cell, is_odd: bool| match is_odd {
        true => cell.tone(Tone::Warning),
        false => cell,
    };
    vec![
        cell(days),
        cell(date.to_string()),
        cell(level.level.cap.to_string()),
        cell(pace),
        tone(
            cell(lets_out.to_string()),
            level.settings.held_by != HeldBy::Settings,
        ),
        number(level.ratio.map(|ratio| ratio.old)),
        cell(share(level).unwrap_or_default()),
        tone(brings, is_too_much),
    ]
}

/// `--format text`: the commands of the sending day `day`, for a shell; the zone's lines are comments.
///
/// # Errors
/// Those of `out`.
pub fn text(out: &mut impl Write, plan: &Plan, day: u32) -> io::Result<()> {
    let at = plan.level_of(day);
    let level = &plan.levels[at];
    let days = sending_days(plan, at);
    let cap = level.level.cap;
    let name = escape(&plan.order.instance);
    writeln!(out, "# {name}: sending days {days}, {cap} a day at most")?;
    for line in plan.zone_lines(level) {
        writeln!(out, "# zone: {}", escape(&line))?;
    }
    for command in plan.commands(level) {
        writeln!(out, "{}", escape(&command))?;
    }
    Ok(())
}

/// `--undo`: the commands that put everything back, for a shell; on a terminal of this width.
///
/// # Errors
/// Those of `out`.
pub fn undo(out: &mut impl Write, plan: &Plan, width: Option<u16>) -> io::Result<()> {
    let name = escape(&plan.order.instance);
    writeln!(out, "# {name}: as it was before the warm-up")?;
    for command in plan.undo() {
        let command = escape(&command).to_string();
        writeln!(out, "{}", shell::folded("", &command, width))?;
    }
    Ok(())
}

const HEADING: [&str; 12] = [
    "instance",
    "day",
    "earliest",
    "level",
    "cap",
    "rate_delay",
    "concurrency",
    "lets_out",
    "old_records",
    "new_records",
    "share",
    "brings",
];

/// `--format csv`: a sending day a row; of the last level, whose days have no end, as many as it is held.
///
/// # Errors
/// Those of `out`.
pub fn csv(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(HEADING)?;
    for (day, at) in plan.sending_days() {
        let level = &plan.levels[at];
        let (delay, concurrency) = pace(level);
        let of = |of: fn(Ratio) -> String| level.ratio.map_or_else(String::new, of);
        let date = plan.date_of(day);
        csv.write_record([
            csv_cell(&plan.order.instance),
            day.to_string(),
            date.to_string(),
            (at + 1).to_string(),
            level.level.cap.to_string(),
            delay.trim_end_matches('s').to_owned(),
            concurrency.to_string(),
            level.settings.lets_out.to_string(),
            of(|ratio| ratio.old.to_string()),
            of(|_| "1".to_owned()),
            of(|ratio| format!("{:.4}", ratio.share())),
            of(|ratio| ratio.brings.to_string()),
        ])?;
    }
    csv.flush()
}

const LISTED: [Column; 8] = [
    Column::Instance("instance"),
    Column::Text("address"),
    Column::Text("start"),
    Column::Number("volume"),
    Column::Name("schedule"),
    Column::Number("levels"),
    Column::Number("sending days"),
    Column::Text("made"),
];

/// Saved plans, one a row.
pub fn list(plans: &[Plan], zone: Zone, style: TableStyle) -> String {
    let rows = plans.iter().map(|plan| {
        let order = &plan.order;
        let made = zone.at(order.created);
        vec![
            cell(&order.instance),
            number(order.address),
            cell(order.start.to_string()),
            cell(order.volume.to_string()),
            cell(&plan.schedule),
            cell(plan.levels.len().to_string()),
            cell(plan.days().to_string()),
            number(made.map(|time| time.format("%Y-%m-%d %H:%M"))),
        ]
    });
    let least_first = ["levels", "made", "schedule"];
    draw_to_fit(style, &LISTED, rows.collect(), &least_first)
}
