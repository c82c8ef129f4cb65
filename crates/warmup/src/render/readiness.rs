//! Steps of getting ready.

use std::io::{self, Write};

use csv::Writer;
use legible::grid::{Column, TableStyle, Tone};
use legible::narrow::draw;
use legible::wire::csv_cell;
use postfix::{Problem, Time, Zone, escape};
use serde::Serialize;

use super::{cell, document, sentences};
use crate::readiness::{Readiness, Step, StepState};

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/warmup-check/1";

const COLUMNS: [Column; 5] = [
    Column::Instance("instance"),
    Column::Text("step"),
    Column::Text("result"),
    Column::Name("of"),
    Column::Sentence("found"),
];

/// `--format table`.
pub fn table(all: &[Readiness], style: TableStyle) -> String {
    let rows = all.iter().flat_map(|ready| {
        ready.steps.iter().map(|step| {
            let (word, tone) = match step.outcome {
                StepState::Pass => ("pass", Tone::Plain),
                StepState::Unknown => ("UNKNOWN", Tone::Warning),
                StepState::Fail => ("FAIL", Tone::Bad),
            };
            vec![
                cell(&ready.instance),
                cell(step.step),
                cell(word).tone(tone),
                cell(&step.of),
                cell(&step.found),
            ]
        })
    });
    let mut text = draw(style, &COLUMNS, rows.collect());
    for ready in all {
        let to_do = ready.steps.iter().flat_map(|step| {
            let lines = step.to_do.iter();
            lines.map(|line| format!("{}: {line}", step.step))
        });
        let heading = format!("to do for {}:", ready.instance);
        sentences(&mut text, &heading, &to_do.collect::<Vec<_>>(), style.width);
    }
    text
}

/// `--format text`: `INSTANCE:STEP:RESULT:FOUND` lines, and `INSTANCE:STEP:do:WHAT` lines; a blank one after each
/// instance.
///
/// # Errors
/// Those of `out`.
pub fn text(out: &mut impl Write, all: &[Readiness]) -> io::Result<()> {
    for ready in all {
        let name = escape(&ready.instance);
        for step in &ready.steps {
            let (word, result) = (step.step, step.outcome.as_str());
            let of = match step.of.as_str() {
                "" => String::new(),
                of => format!("{of}: "),
            };
            let found = format!("{of}{}", step.found);
            writeln!(out, "{name}:{word}:{result}:{}", escape(&found))?;
            for line in &step.to_do {
                writeln!(out, "{name}:{word}:do:{}", escape(line))?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `--format csv`: a step a row.
///
/// # Errors
/// Those of `out`.
pub fn csv(out: &mut impl Write, all: &[Readiness]) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(["instance", "step", "result", "of", "found", "to_do"])?;
    for ready in all {
        for step in &ready.steps {
            let to_do = step.to_do.join("; ");
            let fields = [
                ready.instance.as_str(),
                step.step,
                step.outcome.as_str(),
                &step.of,
                &step.found,
                &to_do,
            ];
            csv.write_record(fields.map(csv_cell))?;
        }
    }
    csv.flush()
}

#[derive(Serialize)]
struct InstanceObject<'a> {
    instance: &'a str,
    /// `pass`, `fail` or `unknown`, as all results are.
    result: &'static str,
    steps: Vec<StepObject<'a>>,
}

#[derive(Serialize)]
struct StepObject<'a> {
    step: &'static str,
    of: &'a str,
    result: &'static str,
    found: &'a str,
    to_do: &'a [String],
}

impl<'a> StepObject<'a> {
    fn new(step: &'a Step) -> Self {
        Self {
            step: step.step,
            of: &step.of,
            result: step.outcome.as_str(),
            found: &step.found,
            to_do: &step.to_do,
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
    all: &[Readiness],
    problems: &[Problem],
) -> io::Result<()> {
    let instances = all.iter().map(|ready| InstanceObject {
        instance: &ready.instance,
        result: ready.outcome().as_str(),
        steps: ready.steps.iter().map(StepObject::new).collect(),
    });
    let is_known = all.iter().all(|one| one.count(StepState::Unknown) == 0);
    document(out, SCHEMA, host, now, instances, (is_known, problems))
}
