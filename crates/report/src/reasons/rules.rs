//! The rules' TOML, and what is made of it.

use std::ops::Range;
use std::path::Path;

use postfix::Problem;
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::Class;
use crate::toml_text;

const BUILT_IN: &str = include_str!("../../data/reasons.toml");
const BUILT_IN_PATH: &str = "(compiled in) crates/report/data/reasons.toml";
const FORM: &str = "a rule is [[rule]] with class = '…' and reply = ['…'] and/or dsn = ['…']; a code is [[code]] with reply = ['…']";

/// A limit for what a file's patterns may grow to when compiled, in bytes, and for what they may use while they run.
const COMPILED_MAX: usize = 16 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
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
    dsn: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeEntry {
    reply: Vec<Spanned<String>>,
}

/// The rules of all files, those of the added file first.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    files: Vec<Compiled>,
}

/// One file's rules.
#[derive(Debug, Clone)]
struct Compiled {
    /// The reply patterns of all rules, in the file's order.
    patterns: RegexSet,
    /// For each pattern, its rule.
    rule_of_pattern: Vec<usize>,
    rules: Vec<Rule>,
    codes: Vec<Regex>,
}

#[derive(Debug, Clone)]
struct Rule {
    class: Class,
    has_reply: bool,
    dsn: Vec<DsnPattern>,
}

impl Rules {
    pub(super) fn class(&self, words: &[u8], dsn: Option<&[u8]>) -> Class {
        let found = self.files.iter().find_map(|file| file.class(words, dsn));
        found.unwrap_or(Class::Other)
    }

    pub(super) fn code(&self, words: &[u8]) -> Option<String> {
        let mut codes = self.files.iter().flat_map(|file| &file.codes);
        codes.find_map(|pattern| {
            let found = pattern.captures(words)?;
            let code = found.get(1).or_else(|| found.get(0))?.as_bytes();
            (!code.is_empty()).then(|| String::from_utf8_lossy(code).into_owned())
        })
    }
}

impl Compiled {
    fn class(&self, words: &[u8], dsn: Option<&[u8]>) -> Option<Class> {
        let dsn = dsn.and_then(Dsn::parse);
        let by_reply = self
            .patterns
            .matches(words)
            .into_iter()
            .filter_map(|pattern| self.rules.get(*self.rule_of_pattern.get(pattern)?))
            .find(|rule| rule.dsn.is_empty() || rule.fits(dsn));
        let rule = by_reply.or_else(|| {
            self.rules
                .iter()
                .find(|rule| !rule.has_reply && rule.fits(dsn))
        });
        rule.map(|rule| rule.class)
    }
}

impl Rule {
    fn fits(&self, dsn: Option<Dsn>) -> bool {
        dsn.is_some_and(|dsn| self.dsn.iter().any(|pattern| pattern.fits(dsn)))
    }
}

/// An enhanced status code: class, subject, detail (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dsn([u16; 3]);

impl Dsn {
    fn parse(code: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(code).ok()?.split('.');
        let mut next = || parts.next()?.parse().ok();
        let found = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Self(found))
    }
}

/// `5.1.1`, `5.7.*`, `*.4.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DsnPattern([Option<u16>; 3]);

impl DsnPattern {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut next = || match parts.next()? {
            "*" => Some(None),
            number => number.parse().ok().map(Some),
        };
        let found = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Self(found))
    }

    fn fits(self, dsn: Dsn) -> bool {
        let mut parts = self.0.iter().zip(dsn.0);
        parts.all(|(pattern, part)| pattern.is_none_or(|p| p == part))
    }
}

pub(super) fn load(added: Option<(&str, &Path)>) -> Result<Rules, Problem> {
    let mut files = Vec::new();
    if let Some((text, path)) = added {
        files.push(compile(&Source { text, path })?);
    }
    files.push(compile(&Source {
        text: BUILT_IN,
        path: Path::new(BUILT_IN_PATH),
    })?);
    Ok(Rules { files })
}

/// One file, with what an error needs.
struct Source<'a> {
    text: &'a str,
    path: &'a Path,
}

impl Source<'_> {
    fn problem(&self, span: Range<usize>, what: String) -> Problem {
        toml_text::problem(self.text, self.path, span.start, what)
    }
}

fn compile(source: &Source<'_>) -> Result<Compiled, Problem> {
    let file: File = toml_text::parse(source.text, source.path, FORM)?;
    let mut rules = Vec::new();
    let mut rule_of_pattern = Vec::new();
    let mut patterns = Vec::new();
    for entry in &file.rule {
        let rule = compile_rule(source, entry)?;
        for pattern in &entry.get_ref().reply {
            patterns.push(pattern);
            rule_of_pattern.push(rules.len());
        }
        rules.push(rule);
    }
    let mut codes = Vec::new();
    for pattern in file.code.iter().flat_map(|entry| &entry.reply) {
        let compiled = RegexBuilder::new(pattern.get_ref())
            .unicode(false)
            .size_limit(COMPILED_MAX)
            .build();
        codes.push(compiled.map_err(|e| bad_pattern(source, pattern, &e))?);
    }
    let patterns = compile_set(source, &patterns)?;
    Ok(Compiled {
        patterns,
        rule_of_pattern,
        rules,
        codes,
    })
}

fn compile_rule(source: &Source<'_>, entry: &Spanned<RuleEntry>) -> Result<Rule, Problem> {
    let rule = entry.get_ref();
    let name = &rule.class;
    let class = name
        .get_ref()
        .parse()
        .map_err(|e| source.problem(name.span(), format!("`{}` is {e}", name.get_ref())))?;
    let has_reply = !rule.reply.is_empty();
    if !has_reply && rule.dsn.is_empty() {
        let what = "the rule matches nothing; give it a reply, a dsn, or both".to_owned();
        return Err(source.problem(entry.span(), what));
    }
    let mut dsn = Vec::new();
    for text in &rule.dsn {
        let pattern = DsnPattern::parse(text.get_ref()).ok_or_else(|| {
            let what = format!(
                "`{}` is no enhanced status code; write it like 5.1.1 or 5.7.*",
                text.get_ref()
            );
            source.problem(text.span(), what)
        })?;
        dsn.push(pattern);
    }
    Ok(Rule {
        class,
        has_reply,
        dsn,
    })
}

fn compile_set(source: &Source<'_>, patterns: &[&Spanned<String>]) -> Result<RegexSet, Problem> {
    let build = |patterns: &[&Spanned<String>]| {
        RegexSetBuilder::new(patterns.iter().map(|p| p.get_ref()))
            .case_insensitive(true)
            .unicode(false)
            .size_limit(COMPILED_MAX)
            .dfa_size_limit(COMPILED_MAX)
            .build()
    };
    build(patterns).map_err(|together| {
        // The set's error does not say which pattern is at fault.
        let alone = patterns.iter().find_map(|pattern| {
            let e = build(&[pattern]).err()?;
            Some(bad_pattern(source, pattern, &e))
        });
        alone.unwrap_or_else(|| {
            let what = format!(
                "the reply patterns together are too big ({together}); use fewer, or simpler ones"
            );
            Problem::new(source.path, what)
        })
    })
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
        "`{}` is not a regular expression that can be used: {why}",
        pattern.get_ref()
    );
    source.problem(pattern.span(), what)
}
