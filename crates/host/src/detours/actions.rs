//! What header checks and access tables say of mail.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

use postfix::config::logical_lines;
use transport::audit::{Action, Fits};
use transport::{Source, TableName};

use super::Look;
use crate::postmap::{MOST_SOURCE, name_here};

impl Look<'_> {
    /// What a table does with mail to each domain, with all, or by single lines.
    pub(super) fn actions(
        &mut self,
        name: &str,
        table: &TableName,
        by_domain: &BTreeMap<String, String>,
        general: &[&str],
    ) {
        let by = format!("{name} {table}");
        let keys = by_domain
            .keys()
            .cloned()
            .chain(general.iter().map(|key| (*key).to_owned()));
        let answers = self.ask(name, table, &keys.collect());
        let mut actions = Vec::new();
        let mut seen = BTreeSet::new();
        for (key, answer) in &answers {
            let Some(what) = diverting(answer) else {
                continue;
            };
            let of = match by_domain.get(key) {
                Some(domain) => Fits::Domain(domain.clone()),
                None => Fits::All,
            };
            if seen.insert((what.clone(), of.clone())) {
                let by = by.clone();
                actions.push(Action { by, what, of });
            }
        }
        if actions.iter().any(|action| action.of == Fits::All) {
            actions.retain(|action| action.of == Fits::All);
        }
        if actions.is_empty() {
            match self.lines(table) {
                Ok(lines) => actions.extend(lines.into_iter().map(|(line, what)| Action {
                    by: by.clone(),
                    what,
                    of: Fits::Line(line),
                })),
                // An index without its text was asked as far as it can be.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(_) => self.unlisted(&by),
            }
        }
        self.found.actions.extend(actions);
    }

    /// The lines of a table's text that send mail elsewhere; an error where the text cannot be read.
    fn lines(&self, table: &TableName) -> std::io::Result<Vec<(u64, String)>> {
        let here = name_here(self.root, table);
        let path = Path::new(&here.name);
        if !path.is_absolute() {
            return Ok(Vec::new());
        }
        let text = guarded::read(path, MOST_SOURCE)?;
        let found: Vec<(u64, String)> = match here.source() {
            Some(_) => {
                let entries = Source::parse(path, &text).value.entries.into_iter();
                entries.map(|entry| (entry.line, entry.value)).collect()
            }
            None => {
                let lines = logical_lines(path, &text).value.into_iter();
                let behind = |text: &str| {
                    let words = text.match_indices([' ', '\t']).map(|(at, _)| at + 1);
                    let mut words = words.filter_map(|at| text.get(at..));
                    words
                        .find(|rest| diverting(rest).is_some())
                        .map(str::to_owned)
                };
                lines
                    .filter_map(|line| {
                        Some((line.line, behind(&String::from_utf8_lossy(&line.text))?))
                    })
                    .collect()
            }
        };
        let is_elsewhere =
            |what: &String| !what.starts_with("DISCARD") && !what.starts_with("HOLD");
        let lines = found.into_iter();
        Ok(lines
            .filter_map(|(line, value)| Some((line, diverting(&value).filter(is_elsewhere)?)))
            .collect())
    }
}

/// What an answer of access(5) or header_checks(5) says, if mail does not go on to the map.
fn diverting(answer: &str) -> Option<String> {
    let answer = answer.trim();
    let (word, argument) = answer.split_once([' ', '\t']).unwrap_or((answer, ""));
    let word = word.to_ascii_uppercase();
    match word.as_str() {
        "FILTER" | "REDIRECT" => {
            let argument = argument.split_whitespace().next()?;
            Some(format!("{word} {argument}"))
        }
        "DISCARD" | "HOLD" => Some(word),
        _ => None,
    }
}
