//! A schedule that an admin wrote, in TOML.

use std::path::Path;

use postfix::Problem;
use serde::Deserialize;

use super::{Growth, LIMITS, MAX_DAYS, MIN_DAYS, Schedule, Steps};
use knowledge::toml_text;

const FORM: &str = "a schedule has levels = [200, 500, ...], or first = 200 and grow = [{ to = 50000, percent = 100 }, \
    { percent = 10 }]; \
and, if wanted, days = 3 and beyond_limits = true";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    levels: Option<Vec<u64>>,
    first: Option<u64>,
    grow: Option<Vec<ScheduleStep>>,
    #[serde(default = "default_days")]
    days: u32,
    #[serde(default)]
    beyond_limits: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleStep {
    to: Option<u64>,
    percent: u32,
}

fn default_days() -> u32 {
    MIN_DAYS
}

/// Reads the schedule in `text`, which came from `path`.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str, path: &Path) -> Result<Schedule, Problem> {
    let file: File = toml_text::parse(text, path, FORM)?;
    let wrong = |what: String| Problem::new(path, what);
    if !(1..=MAX_DAYS).contains(&file.days) || file.days < MIN_DAYS && !file.beyond_limits {
        return Err(wrong(format!(
            "days = {}: a level is held for {MIN_DAYS} to {MAX_DAYS} sending days (fewer with beyond_limits = true)",
            file.days
        )));
    }
    let steps = match (file.levels, file.first, file.grow) {
        (Some(levels), None, None) => listed(levels).map_err(wrong)?,
        (None, Some(first), grow) => growing(first, grow).map_err(wrong)?,
        (Some(_), ..) => return Err(wrong("it has both levels and first or grow".to_owned())),
        (None, None, _) => return Err(wrong(format!("it has neither levels nor first; {FORM}"))),
    };
    Ok(Schedule {
        name: path.display().to_string(),
        steps,
        days: (file.days, file.days),
        beyond_limits: file.beyond_limits,
    })
}

fn listed(levels: Vec<u64>) -> Result<Steps, String> {
    if levels.is_empty() || levels[0] == 0 {
        return Err("levels: the first must be 1 or more".to_owned());
    }
    if let Some(pair) = levels.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(format!(
            "levels: {} comes after {}; each must be greater than the one before",
            pair[1], pair[0]
        ));
    }
    Ok(Steps::Listed(levels))
}

fn growing(first: u64, grow: Option<Vec<ScheduleStep>>) -> Result<Steps, String> {
    if first == 0 {
        return Err("first must be 1 or more".to_owned());
    }
    let Some(grow) = grow else {
        return Ok(Steps::Growing(first, LIMITS.to_vec()));
    };
    let table: Vec<Growth> = grow
        .iter()
        .map(|step| Growth::new(step.to.unwrap_or(u64::MAX), step.percent))
        .collect();
    if table.windows(2).any(|pair| pair[0].to >= pair[1].to) {
        return Err("grow: each `to` must be greater than the one before".to_owned());
    }
    if table.last().is_none_or(|last| last.to != u64::MAX) {
        return Err("grow: its last entry must have no `to`".to_owned());
    }
    if let Some(step) = grow.iter().find(|s| s.percent == 0 || s.percent > 1000) {
        return Err(format!(
            "grow: percent = {}: it must be 1 to 1000",
            step.percent
        ));
    }
    Ok(Steps::Growing(first, table))
}
