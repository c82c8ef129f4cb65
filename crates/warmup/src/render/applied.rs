//! What `apply` has done.

use std::io::{self, Write};

use legible::wrap::folded;
use postfix::{Problem, Time, Zone, escape};
use serde::Serialize;

use super::document;
use crate::applied::Change;

/// The schema's name.
const SCHEMA: &str = "relay-tools/warmup-apply/1";

/// How it went with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The changes were made.
    Applied,
    /// They would be made, without `--dry-run`.
    ToBeApplied,
    /// There was nothing to change.
    InForce,
    /// Nothing was changed, for the reason given.
    Unchanged,
    /// It was refused, or went wrong; what was changed before that is in the journal.
    Failed,
}

/// What became of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// Its name.
    pub instance: String,
    /// How it went.
    pub state: State,
    /// The verdict on its warm-up; absent for `--undo`, and where it did not come to one.
    pub verdict: Option<&'static str>,
    /// What happened, and why, in words.
    pub text: String,
    /// The level, from 1; absent where none is put in force.
    pub level: Option<usize>,
    /// Messages a day at most; absent where no level is put in force.
    pub cap: Option<u64>,
    /// What is changed.
    pub changes: Vec<Change>,
    /// The lines that the zone must have from now on, which nobody but its keeper can change; empty where they are as
    /// they were.
    pub zone: Vec<String>,
    /// A person must decide, or change the zone.
    pub needs_person: bool,
}

impl Act {
    /// Was anything changed, or would it be?
    pub fn has_changed(&self) -> bool {
        matches!(self.state, State::Applied | State::ToBeApplied)
    }
}

/// For people: a line for the instance, one for each change (`  smtp_transport_rate_delay: 432s -> 216s`), and the
/// zone's; on a terminal of this width.
pub fn text(act: &Act, width: Option<u16>) -> String {
    let line = |line: String| format!("{}\n", folded(&line, width));
    let mut text = line(format!("{}: {}", escape(&act.instance), escape(&act.text)));
    let value = |value: &Option<String>| match value.as_deref() {
        None => "(not set)".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(value) => escape(value).to_string(),
    };
    for change in &act.changes {
        let (before, after) = (value(&change.before), value(&change.after));
        let name = escape(&change.name);
        text.push_str(&line(format!("  {name}: {before} -> {after}")));
    }
    if !act.zone.is_empty() {
        text.push_str("  the zone, for the same days:\n");
        for line in &act.zone {
            text.push_str(&format!("    {}\n", escape(line)));
        }
    }
    text
}

/// One JSON object, schema `relay-tools/warmup-apply/1`, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn json(
    out: &mut impl Write,
    host: &str,
    at: (Time, Zone),
    acts: &[Act],
    problems: &[Problem],
) -> io::Result<()> {
    let is_known = acts.iter().all(|act| act.verdict != Some("unknown"));
    document(out, SCHEMA, host, at, acts.iter(), (is_known, problems))
}
