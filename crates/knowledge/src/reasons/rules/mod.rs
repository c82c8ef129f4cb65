//! Rules, and which of them decides.

mod codes;
mod dsn;
mod filter;
mod form;
mod letters;
mod needs;
mod pattern;
mod words;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use postfix::Problem;
use regex::bytes::Regex;

pub(super) use dsn::Dsn;
use dsn::{DsnPattern, StatusPattern};
use form::{Source, compile};
use pattern::{Candidates, Patterns};

use super::stage::Stage;
use super::{By, Class};

const BUILT_IN: &str = include_str!("../../../data/reasons.toml");
const BUILT_IN_PATH: &str = "(compiled in) crates/knowledge/data/reasons.toml";

/// The rules of all files, those of the added file first.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    added: Option<Arc<File>>,
}

/// The rules that are compiled in, made ready when the first reply is looked at: a run that meets none need not wait.
static OWN: LazyLock<Result<File, Problem>> =
    LazyLock::new(|| compile(&Source::new(BUILT_IN, Path::new(BUILT_IN_PATH), false)));

/// One file's rules.
#[derive(Debug, Clone)]
struct File {
    path: PathBuf,
    /// The domains of blocklists.
    blocklists: Vec<String>,
    /// By rank, and in each as in the file.
    rules: Vec<Rule>,
    patterns: Patterns,
    codes: Vec<Code>,
    /// Finds what any of `codes` finds.
    any_code: Option<Regex>,
}

/// What is asked first. In each rank the first rule that fits decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Words that say something.
    Words,
    /// The enhanced status code.
    Code,
    /// Words, or codes, that say little.
    Last,
    /// The reply code.
    Status,
}

#[derive(Debug, Clone)]
struct Rule {
    class: Class,
    rank: Rank,
    /// Which of the file's patterns are the rule's; of `reply` one must be found, of `unless` none may be.
    reply: Range<usize>,
    unless: Range<usize>,
    dsn: Vec<DsnPattern>,
    status: Vec<StatusPattern>,
    stage: Vec<Stage>,
    /// Where the rule begins in its file.
    line: usize,
}

#[derive(Debug, Clone)]
struct Code {
    pattern: Regex,
    /// The domains of those whose code it is; empty if it can be no one else's.
    from: Vec<String>,
    line: usize,
}

/// What rules decide by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// The words, with who, where and when masked.
    pub(super) text: &'a str,
    pub(super) dsn: Option<Dsn>,
    pub(super) status: Option<&'a [u8]>,
    pub(super) stage: Option<Stage>,
}

/// What was decided, and by which rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) class: Class,
    pub(super) by: By,
    /// What the enhanced status code alone says, where that is another class.
    pub(super) code_says: Option<Class>,
    rule: Option<(&'a File, &'a Rule)>,
}

/// A place in a file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulePlace {
    /// The file, or `(compiled in) PATH`.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The pattern that was found, as it is written; none if a code decides.
    pub pattern: Option<String>,
}

impl Rules {
    /// A test holds that those compiled in are right.
    fn files(&self) -> impl Iterator<Item = &File> {
        let added = self.added.as_deref().into_iter();
        added.chain(OWN.as_ref().ok())
    }

    pub(super) fn decide(&self, facts: &Facts<'_>) -> Decided<'_> {
        let mut code_says = None;
        let mut decided = None;
        for file in self.files() {
            let found = file.patterns.find(facts.text.as_bytes());
            let fits = |rule: &&Rule| rule.fits(facts, &found);
            decided = decided.or_else(|| Some((file, file.rules.iter().find(fits)?)));
            code_says = code_says.or_else(|| {
                let of_code = |rule: &&Rule| rule.reply.is_empty() && !rule.dsn.is_empty();
                file.rules.iter().filter(of_code).find(fits)
            });
        }
        let class = decided.map_or(Class::Other, |(_, rule)| rule.class);
        let code_says = code_says.map(|rule| rule.class);
        Decided {
            class,
            by: decided.map_or(By::None, |(_, rule)| rule.by()),
            code_says: code_says.filter(|says| *says != class),
            rule: decided,
        }
    }

    /// The provider's own code in `words`, and where the rule that found it is. `is_from` says of a domain whether
    /// the server is in it, or a link that the words hold.
    pub(super) fn code(
        &self,
        words: &[u8],
        is_from: impl Fn(&str) -> bool,
    ) -> Option<(String, RulePlace)> {
        self.files().find_map(|file| {
            if !file.any_code.as_ref()?.is_match(words) {
                return None;
            }
            let from = |code: &Code| code.from.is_empty() || code.from.iter().any(|d| is_from(d));
            file.codes.iter().find_map(|code| {
                let found = code.pattern.captures(words)?;
                let text = found.get(1).or_else(|| found.get(0))?.as_bytes();
                let place = || RulePlace {
                    path: file.path.clone(),
                    line: code.line,
                    pattern: Some(code.pattern.as_str().to_owned()),
                };
                let fits = !text.is_empty() && from(code);
                fits.then(|| (String::from_utf8_lossy(text).into_owned(), place()))
            })
        })
    }

    pub(super) fn is_blocklist(&self, host: &str) -> bool {
        let mut domains = self.files().flat_map(|file| &file.blocklists);
        domains.any(|domain| is_below(host, domain))
    }
}

/// Is `host` the domain, or a name below it?
pub(super) fn is_below(host: &str, domain: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).as_bytes();
    let Some(at) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    host[at..].eq_ignore_ascii_case(domain.as_bytes()) && (at == 0 || host[at - 1] == b'.')
}

impl Facts<'_> {
    /// Equal facts have equal keys, and others have others.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.text.len() + 10);
        key.extend_from_slice(self.text.as_bytes());
        key.push(b'\n');
        key.push(self.stage.map_or(0, |stage| stage as u8 + 1));
        for part in self.dsn.iter().flat_map(|dsn| dsn.0) {
            key.extend_from_slice(&part.to_le_bytes());
        }
        key
    }
}

impl Decided<'_> {
    /// Where the rule is that decided.
    pub(super) fn place(&self, facts: &Facts<'_>) -> Option<RulePlace> {
        let (file, rule) = self.rule?;
        let found = file.patterns.find(facts.text.as_bytes());
        let pattern = found.first(&rule.reply);
        Some(RulePlace {
            path: file.path.clone(),
            line: pattern.map_or(rule.line, |pattern| pattern.line),
            pattern: pattern.map(|pattern| pattern.written.clone()),
        })
    }
}

impl Rule {
    fn fits(&self, facts: &Facts<'_>, found: &Candidates<'_>) -> bool {
        let dsn = |dsn| self.dsn.iter().any(|pattern| pattern.fits(dsn));
        let status = |status| self.status.iter().any(|pattern| pattern.fits(status));
        (self.dsn.is_empty() || facts.dsn.is_some_and(dsn))
            && (self.status.is_empty() || facts.status.is_some_and(status))
            && (self.stage.is_empty() || facts.stage.is_some_and(|s| self.stage.contains(&s)))
            && (self.reply.is_empty() || found.first(&self.reply).is_some())
            && found.first(&self.unless).is_none()
    }

    fn by(&self) -> By {
        match (self.dsn.is_empty(), !self.reply.is_empty()) {
            (false, _) => By::Code,
            (true, true) => By::Words,
            (true, false) => By::ReplyCode,
        }
    }
}

pub(super) fn load(added: Option<(&str, &Path)>) -> Result<Rules, Problem> {
    let added = added.map(|(text, path)| compile(&Source::new(text, path, true)));
    Ok(Rules {
        added: added.transpose()?.map(Arc::new),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rules_compiled_in_are_right() {
        assert_eq!(super::OWN.as_ref().err(), None);
    }
}
