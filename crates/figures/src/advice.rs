//! What to do about the refusals of a day or of a queue, a line for each instance and code.

use std::collections::BTreeMap;

use knowledge::advice::AdviceTable;
use knowledge::reasons::Class;

use crate::mail_stats::{Dimension, MailStats};

/// Fewer refusals than this are no reason to do anything.
const FROM: u64 = 5;

/// As many lines are a page.
const MOST: usize = 5;

/// Refusals of one kind at an instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The instance's name, as relay-limit takes it; `None` where it is no configured one.
    pub instance: Option<String>,
    /// The class of the reason.
    pub class: Class,
    /// The provider's own code.
    pub code: Option<String>,
}

/// The advice about them, those with the most attempts first.
pub fn lines(counts: &BTreeMap<Refusal, u64>, table: &AdviceTable) -> Vec<String> {
    let mut all: Vec<(&Refusal, u64)> = counts.iter().map(|(what, n)| (what, *n)).collect();
    all.retain(|(what, n)| *n >= FROM && matches!(what.class, Class::Blocked | Class::RateLimited));
    all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let mut lines = Vec::new();
    for (what, _) in all {
        if let Some(advice) = table.find(what.code.as_deref(), what.class) {
            let code = what.code.as_deref().unwrap_or(what.class.as_str());
            let name = what.instance.as_deref();
            let name = name.map(|name| name.strip_prefix("postfix-").unwrap_or(name));
            let line = advice.line(code, name);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines.truncate(MOST);
    lines
}

/// What was refused by the figures, which must be broken down by reason. `instance`: the name of this host's instance
/// that logs under this one. No command is made of another: anyone may have written it into a log.
pub fn refusals(
    stats: &MailStats,
    instance: impl Fn(&str) -> Option<String>,
) -> BTreeMap<Refusal, u64> {
    let mut counts = BTreeMap::new();
    for of in &stats.instances {
        let Some(table) = of.figures.breakdown(Dimension::Reason) else {
            continue;
        };
        let name = str::from_utf8(&of.instance).ok().and_then(&instance);
        for row in &table.rows {
            let word = String::from_utf8_lossy(row.key.as_bytes());
            let Ok(class) = word.parse::<Class>() else {
                continue;
            };
            let mut add = |code: Option<&String>, n: u64| {
                let refusal = Refusal {
                    instance: name.clone(),
                    class,
                    code: code.cloned(),
                };
                *counts.entry(refusal).or_default() += n;
            };
            row.codes.iter().for_each(|(code, n)| add(Some(code), *n));
            let coded: u64 = row.codes.iter().map(|(_, n)| n).sum();
            add(None, row.counts.total().saturating_sub(coded));
        }
    }
    counts
}
