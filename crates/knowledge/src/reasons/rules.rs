//! The rules' TOML, and what is made of it.

use std::ops::Range;
use std::path::Path;

use postfix::Problem;
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::Class;
use crate::toml_text;

const BUILT_IN: &str = include_str!("../../data/reasons.toml");
const BUILT_IN_PATH: &str = "(compiled in) crates/knowledge/data/reasons.toml";
const FORM: &str = "a rule is [[rule]] with class = '…' and reply = ['…'] and/or dsn = ['…']; a code is [[code]] with reply = ['…']";

/// What a rule's patterns may grow to when compiled, in bytes.
const COMPILED_MAX: usize = 2 << 20;

/// What they may use while they run, in bytes and in each thread.
const RUNNING_MAX: usize = 1 << 20;

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
    rules: Vec<Rule>,
    codes: Vec<Regex>,
}

#[derive(Debug, Clone)]
struct Rule {
    class: Class,
    /// All of the rule's reply patterns in one. One expression for all rules would be a far bigger automaton, which
    /// takes longer to build than all of them take to run.
    reply: Option<Regex>,
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
        let mut by_reply = self.rules.iter().filter(|rule| rule.reply.is_some());
        let rule = by_reply.find(|rule| rule.fits(words, dsn)).or_else(|| {
            let mut by_dsn = self.rules.iter().filter(|rule| rule.reply.is_none());
            by_dsn.find(|rule| rule.fits(words, dsn))
        });
        rule.map(|rule| rule.class)
    }
}

impl Rule {
    fn fits(&self, words: &[u8], dsn: Option<Dsn>) -> bool {
        let dsn_fits = self.dsn.is_empty()
            || dsn.is_some_and(|dsn| self.dsn.iter().any(|pattern| pattern.fits(dsn)));
        dsn_fits
            && self
                .reply
                .as_ref()
                .is_none_or(|reply| reply.is_match(words))
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
    let rules = file.rule.iter().map(|entry| compile_rule(source, entry));
    let codes = file.code.iter().flat_map(|entry| &entry.reply);
    let codes = codes.map(|pattern| {
        let compiled = builder(pattern.get_ref()).build();
        compiled.map_err(|e| bad_pattern(source, pattern, &e))
    });
    Ok(Compiled {
        rules: rules.collect::<Result<_, _>>()?,
        codes: codes.collect::<Result<_, _>>()?,
    })
}

fn builder(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder
        .unicode(false)
        .size_limit(COMPILED_MAX)
        .dfa_size_limit(RUNNING_MAX);
    builder
}

fn compile_rule(source: &Source<'_>, entry: &Spanned<RuleEntry>) -> Result<Rule, Problem> {
    let rule = entry.get_ref();
    let name = &rule.class;
    let class = name
        .get_ref()
        .parse()
        .map_err(|e| source.problem(name.span(), format!("`{}` is {e}", name.get_ref())))?;
    if rule.reply.is_empty() && rule.dsn.is_empty() {
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
        reply: compile_reply(source, &rule.reply)?,
        dsn,
    })
}

/// One expression that finds any of `patterns`; nothing if there are none.
fn compile_reply(
    source: &Source<'_>,
    patterns: &[Spanned<String>],
) -> Result<Option<Regex>, Problem> {
    let alone = |pattern: &Spanned<String>| format!("(?:{})", pattern.get_ref());
    let together: Vec<String> = patterns.iter().map(alone).collect();
    let build = |pattern: &str| builder(pattern).case_insensitive(true).build();
    match (patterns, build(&together.join("|"))) {
        ([], _) => Ok(None),
        (_, Ok(found)) => Ok(Some(found)),
        // Which of them is it?
        ([first, ..], Err(e)) => {
            let at_fault = patterns.iter().find_map(|pattern| {
                let e = build(pattern.get_ref()).err()?;
                Some(bad_pattern(source, pattern, &e))
            });
            Err(at_fault.unwrap_or_else(|| bad_pattern(source, first, &e)))
        }
    }
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
