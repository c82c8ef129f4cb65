//! How warm-ups go.

use std::io::{self, Write};

use csv::Writer;
use legible::grid::{Cell, Column, TableStyle, Tone};
use legible::human::percent;
use legible::narrow::draw_to_fit;
use legible::wire::csv_cell;
use legible::wrap::folded;
use postfix::{Problem, Time, Zone, escape};
use serde::Serialize;

use super::{cell, commands, document, number, paragraph};
use crate::plan::Plan;
use crate::status::{DayFigures, JudgedDay, Status, Verdict};

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/warmup-status/1";

/// A warm-up's status, with what is to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// The status.
    pub status: Status,
    /// Its plan, if there is one.
    pub plan: Option<Plan>,
    /// Are the settings of the next sending day's level in force? Absent where that is not known.
    pub in_force: Option<bool>,
}

impl Standing {
    /// What takes the limits off an address that is warm; else nothing.
    fn undo(&self) -> Vec<String> {
        match &self.plan {
            Some(plan) if self.status.is_warm => plan.undo(),
            _ => Vec::new(),
        }
    }

    /// The next sending day's cap.
    pub fn cap(&self) -> Option<u64> {
        let level = self.status.level?;
        Some(self.plan.as_ref()?.levels.get(level)?.level.cap)
    }

    /// What puts the next sending day's level in force, and the lines of the zone; empty if it is.
    fn to_apply(&self) -> (Vec<String>, Vec<String>) {
        let (Some(plan), Some(at)) = (&self.plan, self.status.level) else {
            return Default::default();
        };
        // Beside "no longer needed" and "not known" there is nothing to hold to.
        let is_over = self.status.is_warm || self.status.verdict == Verdict::Unknown;
        if self.in_force == Some(true) || is_over {
            return Default::default();
        }
        let level = &plan.levels[at];
        (plan.commands(level), plan.zone_lines(level))
    }
}

const COLUMNS: [Column; 10] = [
    Column::Number("day"),
    Column::List("date"),
    Column::Number("cap"),
    Column::Number("volume"),
    Column::Number("of cap"),
    Column::Number("deferred"),
    Column::Number("bounced"),
    Column::Number("blocked"),
    Column::Number("rate-limited"),
    Column::List("codes"),
];

/// What a narrow terminal does without, the first to go first.
const LEAST_FIRST: [&str; 2] = ["of cap", "bounced"];

/// `--format table`: each instance's verdict, and its last `days` sending days.
pub fn table(all: &[Standing], days: usize, style: TableStyle) -> String {
    let parts = all.iter().map(|standing| one(standing, days, style));
    parts.collect::<Vec<_>>().join("\n")
}

fn one(standing: &Standing, days: usize, style: TableStyle) -> String {
    let status = &standing.status;
    let verdict = status.verdict.as_str().to_uppercase();
    let mut text = format!("{}: {verdict}\n", escape(&status.instance));
    for why in &status.why {
        let why = folded(&format!("  {}", escape(why)), style.width);
        text.push_str(&format!("{why}\n"));
    }
    let shown = &status.days[status.days.len().saturating_sub(days)..];
    if !shown.is_empty() {
        text.push('\n');
        let rows = shown.iter().map(row).collect();
        text.push_str(&draw_to_fit(style, &COLUMNS, rows, &LEAST_FIRST));
    }
    let (to_apply, zone) = standing.to_apply();
    let cap = standing.cap().unwrap_or_default();
    let heading = format!("to keep to {cap} a day:");
    commands(&mut text, &heading, &to_apply, style.width);
    let heading = "the zone, for the same days:";
    paragraph(&mut text, heading, &zone, style.width);
    let heading = "to restore everything to what it was before:";
    commands(&mut text, heading, &standing.undo(), style.width);
    text
}

fn row(judged: &JudgedDay) -> Vec<Cell> {
    let day = &judged.day;
    let tone = match judged.verdict {
        Verdict::GoOn => Tone::Plain,
        Verdict::Hold | Verdict::WarmAgain | Verdict::Unknown => Tone::Warning,
        Verdict::StepBack => Tone::Bad,
    };
    let date = match day.complete {
        true => day.date.to_string(),
        false => format!("{}, not complete", day.date),
    };
    let total = day.total();
    let cap = judged.level.map(|(_, cap)| cap);
    let codes = day.codes.iter().take(3);
    let codes: Vec<String> = codes.map(|(code, n)| format!("{code} {n}")).collect();
    vec![
        cell(judged.number.to_string()).tone(tone),
        cell(date).tone(tone),
        number(cap),
        cell(total.to_string()),
        number(cap.map(|cap| percent(total, cap))),
        cell(percent(day.deferred, total)),
        cell(percent(day.bounced, total)),
        cell(percent(day.blocked, total)),
        cell(percent(day.rate_limited, total)),
        cell(codes.join(", ")),
    ]
}

/// `--format text`: `INSTANCE:WORD:VALUE` lines, a blank one after each instance.
///
/// # Errors
/// Those of `out`.
pub fn text(out: &mut impl Write, all: &[Standing]) -> io::Result<()> {
    for standing in all {
        let status = &standing.status;
        let name = escape(&status.instance);
        writeln!(out, "{name}:verdict:{}", status.verdict.as_str())?;
        for why in &status.why {
            writeln!(out, "{name}:why:{}", escape(why))?;
        }
        if let Some(cap) = standing.cap() {
            writeln!(out, "{name}:cap:{cap}")?;
        }
        if let Some(last) = status.days.last() {
            let day = &last.day;
            writeln!(out, "{name}:last:{}", day.date)?;
            for (word, n) in [
                ("volume", day.total()),
                ("deferred", day.deferred),
                ("bounced", day.bounced),
                ("blocked", day.blocked),
                ("rate-limited", day.rate_limited),
            ] {
                writeln!(out, "{name}:{word}:{n}")?;
            }
        }
        let (commands, zone) = standing.to_apply();
        for command in commands {
            writeln!(out, "{name}:do:{}", escape(&command))?;
        }
        for line in zone {
            writeln!(out, "{name}:zone:{}", escape(&line))?;
        }
        for command in standing.undo() {
            writeln!(out, "{name}:undo:{}", escape(&command))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

const HEADING: [&str; 14] = [
    "instance",
    "day",
    "date",
    "complete",
    "level",
    "cap",
    "volume",
    "sent",
    "deferred",
    "bounced",
    "blocked",
    "rate_limited",
    "verdict",
    "why",
];

/// `--format csv`: a sending day a row.
///
/// # Errors
/// Those of `out`.
pub fn csv(out: &mut impl Write, all: &[Standing]) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(HEADING)?;
    for standing in all {
        for judged in &standing.status.days {
            let day = &judged.day;
            let level = |of: fn((usize, u64)) -> u64| {
                judged.level.map_or_else(String::new, |l| of(l).to_string())
            };
            let fields = [
                standing.status.instance.clone(),
                judged.number.to_string(),
                day.date.to_string(),
                if day.complete { "yes" } else { "no" }.to_owned(),
                level(|(at, _)| at as u64 + 1),
                level(|(_, cap)| cap),
                day.total().to_string(),
                day.sent.to_string(),
                day.deferred.to_string(),
                day.bounced.to_string(),
                day.blocked.to_string(),
                day.rate_limited.to_string(),
                judged.verdict.as_str().to_owned(),
                judged.why.join("; "),
            ];
            csv.write_record(fields.map(csv_cell))?;
        }
    }
    csv.flush()
}

#[derive(Serialize)]
struct InstanceObject<'a> {
    instance: &'a str,
    /// `go on`, `hold`, `step back`, `restart`, or `unknown`.
    verdict: &'static str,
    why: &'a [String],
    /// Of the next sending day, from 1; null without a plan, as all that comes from it.
    level: Option<usize>,
    levels: Option<usize>,
    cap: Option<u64>,
    /// Days that have counted for the level so far.
    days_at_level: u32,
    idle_days: Option<u32>,
    in_force: Option<bool>,
    to_apply: Vec<String>,
    zone: Vec<String>,
    /// Of an address that is warm: what takes its limits off.
    undo: Vec<String>,
    days: Vec<DayObject<'a>>,
}

#[derive(Serialize)]
struct DayObject<'a> {
    day: u32,
    date: String,
    complete: bool,
    /// Was the instance paused for any of it?
    paused: bool,
    level: Option<usize>,
    cap: Option<u64>,
    volume: u64,
    sent: u64,
    deferred: u64,
    bounced: u64,
    blocked: u64,
    rate_limited: u64,
    codes: Vec<CodeObject<'a>>,
    verdict: &'static str,
    why: &'a [String],
}

#[derive(Serialize)]
struct CodeObject<'a> {
    code: &'a str,
    count: u64,
}

impl<'a> DayObject<'a> {
    fn new(judged: &'a JudgedDay) -> Self {
        let day: &DayFigures = &judged.day;
        let code = |(code, count): &'a (String, u64)| CodeObject {
            code,
            count: *count,
        };
        Self {
            day: judged.number,
            date: day.date.to_string(),
            complete: day.complete,
            paused: day.paused,
            level: judged.level.map(|(at, _)| at + 1),
            cap: judged.level.map(|(_, cap)| cap),
            volume: day.total(),
            sent: day.sent,
            deferred: day.deferred,
            bounced: day.bounced,
            blocked: day.blocked,
            rate_limited: day.rate_limited,
            codes: day.codes.iter().map(code).collect(),
            verdict: judged.verdict.as_str(),
            why: &judged.why,
        }
    }
}

impl<'a> InstanceObject<'a> {
    fn new(standing: &'a Standing) -> Self {
        let status = &standing.status;
        let (to_apply, zone) = standing.to_apply();
        Self {
            instance: &status.instance,
            verdict: status.verdict.as_str(),
            why: &status.why,
            level: status.level.map(|at| at + 1),
            levels: standing.plan.as_ref().map(|plan| plan.levels.len()),
            cap: standing.cap(),
            days_at_level: status.held,
            idle_days: status.idle,
            in_force: standing.in_force,
            to_apply,
            zone,
            undo: standing.undo(),
            days: status.days.iter().map(DayObject::new).collect(),
        }
    }
}

/// `--format json`: one object, as of `now`.
///
/// # Errors
/// Those of `out`.
pub fn json(
    out: &mut impl Write,
    host: &str,
    now: (Time, Zone),
    all: &[Standing],
    problems: &[Problem],
) -> io::Result<()> {
    let instances = all.iter().map(InstanceObject::new);
    let is_known = all.iter().all(|one| one.status.verdict != Verdict::Unknown);
    document(out, SCHEMA, host, now, instances, (is_known, problems))
}
