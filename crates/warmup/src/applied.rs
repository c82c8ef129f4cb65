//! What `relay-warmup apply` has put in force, and what was there before: a journal, one JSON object a line, schema
//! `relay-tools/warmup-applied/1`.
//!
//! An entry is written before anything is changed, and again when all of it is. So what is there after an interruption
//! is either what was before, or what was to be; anything else was changed by others.

use std::collections::BTreeMap;
use std::path::Path;

use postfix::Problem;
use serde::{Deserialize, Serialize};

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/warmup-applied/1";

/// A setting that is changed: a parameter of main.cf, or `TRANSPORT/unix/process_limit` of master.cf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// As it was written; absent where the default held.
    pub before: Option<String>,
    /// As it is to be.
    pub after: Option<String>,
}

/// What one run does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedRun {
    /// [`SCHEMA`].
    pub schema: String,
    /// When: RFC 3339.
    pub time: String,
    /// The level, from 1; absent where all is put back.
    pub level: Option<usize>,
    /// Messages a day at most; absent where all is put back.
    pub cap: Option<u64>,
    /// Is all of it done?
    pub is_done: bool,
    /// What is changed.
    pub changes: Vec<Change>,
    /// The lines of the zone that go with it.
    #[serde(default)]
    pub zone: Vec<String>,
}

/// A setting that others have changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meddled {
    /// Its name.
    pub name: String,
    /// What was put in force; absent: nothing, so that the default holds.
    pub put: Option<String>,
    /// When: RFC 3339.
    pub time: String,
    /// What is there now.
    pub found: Option<String>,
}

/// All that was done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    /// The oldest first.
    pub entries: Vec<AppliedRun>,
}

impl Journal {
    /// Reads one, which came from `path`.
    ///
    /// # Errors
    /// A line is not of this schema.
    pub fn read(path: &Path, text: &str) -> Result<Self, Problem> {
        let mut entries: Vec<AppliedRun> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |why: String| Problem::new(path, format!("line {}: {why}", number + 1));
            let entry: AppliedRun = serde_json::from_str(line).map_err(|e| wrong(e.to_string()))?;
            if entry.schema != SCHEMA {
                return Err(wrong(format!("schema {}, not {SCHEMA}", entry.schema)));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// As a file.
    ///
    /// # Errors
    /// None that is known: its strings are text.
    pub fn text(&self) -> serde_json::Result<String> {
        let mut text = String::new();
        for entry in &self.entries {
            text.push_str(&serde_json::to_string(entry)?);
            text.push('\n');
        }
        Ok(text)
    }

    /// Those since all was put back, if it was.
    fn open(&self) -> &[AppliedRun] {
        let is_undo = |entry: &AppliedRun| entry.level.is_none() && entry.is_done;
        let from = self
            .entries
            .iter()
            .rposition(is_undo)
            .map_or(0, |at| at + 1);
        self.entries.get(from..).unwrap_or_default()
    }

    /// The last entry since all was put back.
    pub fn last(&self) -> Option<&AppliedRun> {
        self.open().last()
    }

    /// What is set now, as `now` has it, and is not what was put in force last.
    pub fn meddled(&self, now: impl Fn(&str) -> Option<String>) -> Vec<Meddled> {
        let mut last: BTreeMap<&str, (&AppliedRun, &Change)> = BTreeMap::new();
        for entry in self.open() {
            last.extend(
                entry
                    .changes
                    .iter()
                    .map(|change| (change.name.as_str(), (entry, change))),
            );
        }
        let meddled = last.into_iter().filter_map(|(name, (entry, change))| {
            let found = now(name);
            let is_ours = found == change.after || (!entry.is_done && found == change.before);
            (!is_ours).then(|| Meddled {
                name: name.to_owned(),
                put: change.after.clone(),
                time: entry.time.clone(),
                found,
            })
        });
        meddled.collect()
    }

    /// What puts everything back as it was, in the order of names. `now` is what is set.
    pub fn undo(&self, now: impl Fn(&str) -> Option<String>) -> Vec<Change> {
        let mut first: BTreeMap<&str, &Option<String>> = BTreeMap::new();
        for change in self.open().iter().flat_map(|entry| &entry.changes) {
            first.entry(&change.name).or_insert(&change.before);
        }
        let changes = first.into_iter().map(|(name, before)| Change {
            name: name.to_owned(),
            before: now(name),
            after: before.clone(),
        });
        changes
            .filter(|change| change.before != change.after)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(
        level: Option<usize>,
        is_done: bool,
        changes: &[(&str, Option<&str>, Option<&str>)],
    ) -> AppliedRun {
        let change = |(name, before, after): &(&str, Option<&str>, Option<&str>)| Change {
            name: (*name).to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        AppliedRun {
            schema: SCHEMA.to_owned(),
            time: "2026-11-24T00:05:00Z".to_owned(),
            level,
            cap: level.map(|_| 200),
            is_done,
            changes: changes.iter().map(change).collect(),
            zone: Vec::new(),
        }
    }

    #[test]
    fn what_was_there_first_is_put_back() {
        let journal = Journal {
            entries: vec![
                entry(
                    Some(1),
                    true,
                    &[("a", None, Some("1s")), ("b", Some("x"), Some("y"))],
                ),
                entry(Some(2), true, &[("a", Some("1s"), Some("2s"))]),
            ],
        };
        let now = |name: &str| Some(if name == "a" { "2s" } else { "y" }.to_owned());
        assert_eq!(journal.meddled(now), []);
        let undo = journal.undo(now);
        let expected = entry(
            None,
            true,
            &[("a", Some("2s"), None), ("b", Some("y"), Some("x"))],
        );
        assert_eq!(undo, expected.changes);
        // After that, there is nothing more to be put back, and nothing to be expected.
        let mut journal = journal;
        journal.entries.push(AppliedRun {
            changes: undo,
            ..entry(None, true, &[])
        });
        assert_eq!(journal.undo(|_| None), []);
        assert_eq!(journal.meddled(|_| None), []);
        assert_eq!(journal.last(), None);
    }

    #[test]
    fn what_others_changed_is_seen() {
        let done = Journal {
            entries: vec![entry(Some(1), true, &[("a", None, Some("1s"))])],
        };
        assert_eq!(done.meddled(|_| Some("1s".to_owned())), []);
        assert_eq!(done.meddled(|_| None).len(), 1);
        let begun = Journal {
            entries: vec![entry(Some(1), false, &[("a", None, Some("1s"))])],
        };
        assert_eq!(begun.meddled(|_| None), []);
        assert_eq!(begun.meddled(|_| Some("9s".to_owned())).len(), 1);
    }

    #[test]
    fn it_is_read_back() {
        let journal = Journal {
            entries: vec![
                entry(Some(1), true, &[("a", None, Some("1s"))]),
                entry(None, false, &[]),
            ],
        };
        let text = journal.text().unwrap();
        assert_eq!(Journal::read(Path::new("j"), &text).unwrap(), journal);
        let wrong = |text: &str| Journal::read(Path::new("j"), text).unwrap_err().to_string();
        assert!(
            wrong(&text.replacen("applied/1", "applied/2", 1))
                .contains("line 1: schema relay-tools/warmup-applied/2")
        );
        assert!(
            wrong("{}\n").starts_with("j: line 1: "),
            "{}",
            wrong("{}\n")
        );
    }
}
