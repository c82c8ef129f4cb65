//! A file of records: one JSON object a line.

use std::path::Path;

use postfix::{Position, Problem};

use super::{DayRecord, SCHEMA};
use legible::wire::write_json;

/// The records of a file, with their lines (from 1), and what is not a record. Empty lines are ignored.
pub fn stored(path: &Path, text: &[u8]) -> (Vec<(u64, DayRecord)>, Vec<Problem>) {
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for (line, at) in text.split(|&b| b == b'\n').zip(1..) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match read(line) {
            Ok(record) => records.push((at, record)),
            Err(what) => problems.push(Problem::new(path, what).at(Position::Line(at))),
        }
    }
    (records, problems)
}

fn read(line: &[u8]) -> Result<DayRecord, String> {
    let record: DayRecord = serde_json::from_slice(line)
        .map_err(|e| format!("not a record of schema {SCHEMA}: {e}"))?;
    if record.schema != SCHEMA {
        return Err(format!("schema {}, not {SCHEMA}", record.schema));
    }
    if !record.attempts.agree() || !record.recipients.agree() || record.span().is_none() {
        return Err("a damaged record: its figures do not add up".to_owned());
    }
    Ok(record)
}

impl DayRecord {
    /// Its line, with the newline.
    ///
    /// # Errors
    /// It cannot be JSON.
    pub fn line(&self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        write_json(&mut line, self)?;
        line.push(b'\n');
        Ok(line)
    }

    /// Do both say the same of the deliveries, wherever they were read?
    pub fn says_the_same(&self, other: &Self) -> bool {
        let bare = |record: &Self| Self {
            inputs: Vec::new(),
            incomplete: Vec::new(),
            ..record.clone()
        };
        bare(self) == bare(other)
    }
}

/// Is `new` to take the place of `old`, a record of the same host, instance and day? One of the whole day is better
/// than one of a part, and of parts the one with more deliveries; of two whole days, the later count. A record of a
/// day whose logs have gone since is never lost to what is left of them.
pub fn replaces(new: &DayRecord, old: &DayRecord) -> bool {
    if new.says_the_same(old) {
        return false;
    }
    let seen = |record: &DayRecord| record.attempts.counts().total();
    match (new.complete, old.complete) {
        (true, _) => true,
        (false, true) => false,
        (false, false) => seen(new) >= seen(old),
    }
}

/// What a file of records becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Its new content; nothing if it may stay as it is.
    pub content: Option<Vec<u8>>,
    /// New records that do not replace what is there: it is better, or says the same.
    pub not_needed: Vec<DayRecord>,
    /// What is not a record in the old content. Such lines stay as they are.
    pub problems: Vec<Problem>,
}

/// Puts `new` records among those of the file `path`, whose content is `text`, so that there is one of each host,
/// instance and day: see [`replaces`].
///
/// # Errors
/// A record cannot be JSON.
pub fn update(path: &Path, text: &[u8], new: Vec<DayRecord>) -> std::io::Result<Update> {
    let (old, problems) = stored(path, text);
    let mut records: Vec<DayRecord> = old.into_iter().map(|(_, record)| record).collect();
    let (mut not_needed, mut changed) = (Vec::new(), false);
    for record in new {
        let known = records.iter_mut().find(|r| r.key() == record.key());
        match known {
            Some(old) if replaces(&record, old) => *old = record,
            Some(_) => {
                not_needed.push(record);
                continue;
            }
            None => records.push(record),
        }
        changed = true;
    }
    let content = if changed {
        records.sort_by(|a, b| a.key().cmp(&b.key()));
        Some(content(text, &problems, &records)?)
    } else {
        None
    };
    Ok(Update {
        content,
        not_needed,
        problems,
    })
}

/// The lines of the records, after the lines of `text` that are not records.
fn content(text: &[u8], problems: &[Problem], records: &[DayRecord]) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    for (line, at) in text.split(|&b| b == b'\n').zip(1..) {
        if problems.iter().any(|p| p.at == Some(Position::Line(at))) {
            content.extend_from_slice(line);
            content.push(b'\n');
        }
    }
    for record in records {
        content.extend(record.line()?);
    }
    Ok(content)
}
