//! The rules' TOML, and what is made of it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use postfix::Problem;
use regex::bytes::RegexBuilder;
use serde::Deserialize;
use toml::Spanned;

use super::dsn::{DsnPattern, StatusPattern};
use super::pattern::{Pattern, Patterns};
use super::words::Words;
use super::{Code, File, Rank, Rule};
use crate::toml_text;

const FORM: &str = "a rule is [[rule]] with class = '…' and reply = ['…'], dsn = ['…'] or status = ['…']; \
                    a code is [[code]] with reply = ['…']";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    #[serde(default)]
    words: BTreeMap<String, Vec<Spanned<String>>>,
    #[serde(default)]
    blocklists: Vec<String>,
    #[serde(default)]
    rule: Vec<Spanned<RuleEntry>>,
    #[serde(default)]
    code: Vec<CodeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    class: Spanned<String>,
    #[serde(default)]
    reply: Vec<Spanned<String>>,
    #[serde(default)]
    unless: Vec<Spanned<String>>,
    #[serde(default)]
    dsn: Vec<Spanned<String>>,
    #[serde(default)]
    status: Vec<Spanned<String>>,
    #[serde(default)]
    stage: Vec<Spanned<String>>,
    #[serde(default)]
    last: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeEntry {
    reply: Vec<Spanned<String>>,
    #[serde(default)]
    from: Vec<String>,
}

/// A file, with what an error needs, and how its patterns are meant.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) path: &'a Path,
    /// An admin's patterns may be in capitals and see characters. Those that are compiled in are in small letters, as
    /// the text is that they see, and are compiled in a third of the time for it.
    pub(super) is_admins: bool,
    /// Where its lines end.
    ends: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str, path: &'a Path, is_admins: bool) -> Self {
        Self {
            text,
            path,
            is_admins,
            ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
        }
    }

    fn problem(&self, span: Range<usize>, what: String) -> Problem {
        toml_text::problem(self.text, self.path, span.start, what)
    }

    fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }
}

/// Reads a file of rules.
///
/// # Errors
/// The first thing wrong in it.
pub(super) fn compile(source: &Source<'_>) -> Result<File, Problem> {
    let file: FileEntry = toml_text::parse(source.text, source.path, FORM)?;
    let mut words = Words::default();
    for (name, written) in &file.words {
        let found = patterns(source, &Arc::default(), written)?;
        words.add(name, found.iter().map(Pattern::expanded));
    }
    let words = Arc::new(words);
    let mut rules = Vec::with_capacity(file.rule.len());
    let mut all = Vec::new();
    for entry in &file.rule {
        rules.push(rule(source, &words, &mut all, entry)?);
    }
    let mut codes = Vec::new();
    for entry in &file.code {
        for pattern in &entry.reply {
            let built = code_builder(pattern.get_ref()).build();
            codes.push(Code {
                pattern: built.map_err(|e| bad_pattern(source, pattern, &e))?,
                from: entry.from.clone(),
                line: source.line(pattern.span().start),
            });
        }
    }
    // Sorted by rank, and in each as in the file.
    rules.sort_by_key(|rule| rule.rank);
    Ok(File {
        path: source.path.to_owned(),
        blocklists: file.blocklists,
        any_code: code_builder(&alternatives(
            codes.iter().map(|code| code.pattern.as_str()),
        ))
        .build()
        .ok()
        .filter(|_| !codes.is_empty()),
        codes,
        rules,
        patterns: Patterns::new(all, &words),
    })
}

/// A rule, whose patterns are put to `all`.
fn rule(
    source: &Source<'_>,
    words: &Arc<Words>,
    all: &mut Vec<Pattern>,
    entry: &Spanned<RuleEntry>,
) -> Result<Rule, Problem> {
    let rule = entry.get_ref();
    let class = word(source, &rule.class)?;
    if rule.reply.is_empty() && rule.dsn.is_empty() && rule.status.is_empty() {
        let what = "the rule matches nothing; give it a reply, a dsn or a status".to_owned();
        return Err(source.problem(entry.span(), what));
    }
    let of_code = |text: &Spanned<String>, form: &str| {
        let what = format!("`{}` is not an {form}", text.get_ref());
        source.problem(text.span(), what)
    };
    let mut dsn = Vec::new();
    for text in &rule.dsn {
        let form = "enhanced status code; write it like 5.1.1 or 5.7.*";
        dsn.push(DsnPattern::parse(text.get_ref()).ok_or_else(|| of_code(text, form))?);
    }
    let mut status = Vec::new();
    for text in &rule.status {
        let form = "SMTP reply code; write it like 550 or 5**";
        status.push(StatusPattern::parse(text.get_ref()).ok_or_else(|| of_code(text, form))?);
    }
    let mut stage = Vec::new();
    for text in &rule.stage {
        stage.push(word(source, text)?);
    }
    let mut add = |texts| {
        let start = all.len();
        all.extend(patterns(source, words, texts)?);
        Ok(start..all.len())
    };
    Ok(Rule {
        class,
        rank: match (rule.reply.is_empty(), rule.dsn.is_empty(), rule.last) {
            (false, _, false) => Rank::Words,
            (true, false, false) => Rank::Code,
            (true, true, _) => Rank::Status,
            (_, _, true) => Rank::Last,
        },
        line: source.line(entry.span().start),
        reply: add(&rule.reply)?,
        unless: add(&rule.unless)?,
        dsn,
        status,
        stage,
    })
}

/// A word that names a class or a stage.
fn word<T>(source: &Source<'_>, text: &Spanned<String>) -> Result<T, Problem>
where
    T: FromStr<Err: fmt::Display>,
{
    let parsed = text.get_ref().parse();
    parsed.map_err(|e| source.problem(text.span(), format!("`{}` is {e}", text.get_ref())))
}

fn patterns(
    source: &Source<'_>,
    words: &Arc<Words>,
    texts: &[Spanned<String>],
) -> Result<Vec<Pattern>, Problem> {
    let one = |text: &Spanned<String>| {
        let written = joined(text.get_ref());
        if let Some(name) = words.unknown(&written) {
            let what = format!("`{{{name}}}` is not a word under [words]");
            return Err(source.problem(text.span(), what));
        }
        let line = source.line(text.span().start);
        let pattern = Pattern::new(written, Arc::clone(words), line, source.is_admins);
        // Those that are compiled in are compiled when a text needs them.
        if source.is_admins {
            pattern.build().map_err(|e| bad_pattern(source, text, &e))?;
        }
        Ok(pattern)
    };
    texts.iter().map(one).collect()
}

/// A pattern that is written over several lines, in one.
fn joined(text: &str) -> String {
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |all, line| all + line.trim_start())
}

fn alternatives<'a>(patterns: impl Iterator<Item = &'a str>) -> String {
    let alone: Vec<String> = patterns.map(|pattern| format!("(?:{pattern})")).collect();
    alone.join("|")
}

fn code_builder(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(false);
    builder
}

fn bad_pattern(source: &Source<'_>, pattern: &Spanned<String>, e: &regex::Error) -> Problem {
    let why = match e {
        // The error draws the pattern and a caret over several lines; the last says what is wrong.
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
        other => other.to_string(),
    };
    let what = format!(
        "`{}` is not a usable regular expression: {why}",
        pattern.get_ref()
    );
    source.problem(pattern.span(), what)
}
