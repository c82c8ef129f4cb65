//! The text that like reasons have in common.

use std::ops::Range;

use super::kinds::{
    is_enhanced_code, is_id, is_ip, is_ip_and_port, is_name, is_one_of_many, is_status_code,
    is_time,
};
use super::walk::{Reader, walk};

/// `text` without what differs from message to message. What says why stays: status codes, a provider's own codes
/// (`TSS04`), the names of blocklists, links. What says who or when becomes a word in capitals: IP, ADDRESS, HOST,
/// ID, TIME, N.
///
/// Doing it twice is doing it once.
pub(in super::super) fn group(text: &str) -> String {
    let words = text.strip_prefix("refused to talk to me: ").unwrap_or(text);
    let mut reader = Grouped {
        text,
        code: words.get(..3).filter(|code| is_status_code(code)),
        link_end: 0,
        out: String::with_capacity(text.len()),
    };
    walk(text, &mut reader);
    let end = reader.out.trim_end().len();
    reader.out.truncate(end);
    reader.out
}

struct Grouped<'a> {
    text: &'a str,
    /// The reply's status code, which begins its later lines too.
    code: Option<&'a str>,
    link_end: usize,
    out: String,
}

/// What is made of a run of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It stays as it is.
    Itself,
    /// It stays, except for its numbers.
    Numbers,
    /// This stands for it.
    Word(&'static str),
}

impl Reader for Grouped<'_> {
    fn blank(&mut self, _: char) {
        if !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    fn address(&mut self) {
        self.out.push_str("ADDRESS");
    }

    fn link(&mut self, range: Range<usize>) -> bool {
        self.link_end = range.end;
        false
    }

    fn run(&mut self, range: Range<usize>) -> usize {
        self.part(range.clone());
        range.end
    }

    fn mark(&mut self, at: usize, c: char) -> usize {
        self.out.push(c);
        at + c.len_utf8()
    }
}

impl Grouped<'_> {
    /// A run, or what stands on one side of a `=` in it.
    fn part(&mut self, Range { start: mut at, end }: Range<usize>) {
        let run = &self.text[at..end];
        // `550-5.1.1 no such user`, and `]:25`.
        let lead = match self.code {
            Some(code) if run.strip_prefix(code).is_some_and(|r| r.starts_with('-')) => 4,
            _ if run.starts_with(':') && !is_ip(run) => 1,
            _ => 0,
        };
        self.out.push_str(&run[..lead]);
        at += lead;
        let run = &run[lead..];
        if let Some(equals) = run.find('=') {
            self.part(at..at + equals);
            self.out.push('=');
            self.part(at + equals + 1..end);
            return;
        }
        let core = trimmed(run);
        match self.judge(at, core, end) {
            Made::Itself => self.out.push_str(core),
            Made::Numbers => numbers(core, &mut self.out),
            Made::Word(word) => self.out.push_str(word),
        }
        self.out.push_str(&run[core.len()..]);
    }

    /// Judges `core`, which begins at `at`, of a run that reaches to `end`.
    fn judge(&self, at: usize, core: &str, end: usize) -> Made {
        let (before, after) = (&self.text[..at], &self.text[end..]);
        if is_ip(core) || is_ip_and_port(core) {
            return Made::Word("IP");
        }
        let has_digit = core.bytes().any(|b| b.is_ascii_digit());
        let in_link = at < self.link_end;
        if !in_link && is_one_of_many(before, core, after, has_digit) {
            return Made::Word("HOST");
        }
        if !has_digit || before.ends_with("//") || is_name(core) {
            return Made::Itself;
        }
        if is_time(core) {
            return Made::Word("TIME");
        }
        if is_id(core) {
            return Made::Word("ID");
        }
        let starts_with_digit = core.starts_with(|c: char| c.is_ascii_digit());
        let stays = in_link
            || !starts_with_digit
            || self.code == Some(core)
            || is_enhanced_code(core)
            || before.ends_with("]:")
            || (before.ends_with('#') && core.len() <= 4)
            || before
                .get(before.len().saturating_sub(4)..)
                .is_some_and(|b| b.eq_ignore_ascii_case("rfc "));
        if stays { Made::Itself } else { Made::Numbers }
    }
}

/// Without the punctuation at its end; `::` may end an IPv6 address.
fn trimmed(run: &str) -> &str {
    if is_ip(run) {
        return run;
    }
    run.trim_end_matches(['.', ':', '-', '+', '='])
}

/// Writes `text` with every number as N.
fn numbers(text: &str, folded: &mut String) {
    let mut in_number = false;
    for c in text.chars() {
        if !c.is_ascii_digit() {
            folded.push(c);
        } else if !in_number {
            folded.push('N');
        }
        in_number = c.is_ascii_digit();
    }
}
