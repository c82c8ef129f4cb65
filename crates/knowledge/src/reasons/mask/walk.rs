//! Going through a text, a word at a time and in each word a run of characters at a time.

use std::ops::Range;

use super::address::addresses;

/// What a reader makes of the parts of a text.
pub(super) trait Reader {
    /// A blank.
    fn blank(&mut self, c: char);
    /// A mail address.
    fn address(&mut self);
    /// A link, at `range`. False if it is to be read like any other text.
    fn link(&mut self, range: Range<usize>) -> bool;
    /// A run of letters, digits and what stands between them, at `range`; returns where it ended, at most at the
    /// range's end.
    fn run(&mut self, range: Range<usize>) -> usize;
    /// Any other character.
    fn mark(&mut self, at: usize, c: char) -> usize;
}

/// Hands the parts of `text` over from the left.
pub(super) fn walk(text: &str, reader: &mut impl Reader) {
    let addresses = if text.contains('@') {
        addresses(text)
    } else {
        Vec::new()
    };
    let mut addresses = addresses.into_iter().peekable();
    let mut at = 0;
    let mut link_end = 0;
    while let Some(first) = text[at..].chars().next() {
        while addresses.next_if(|range| range.start < at).is_some() {}
        if let Some(range) = addresses.next_if(|range| range.start == at) {
            reader.address();
            at = range.end;
            continue;
        }
        if first.is_whitespace() {
            reader.blank(first);
            at += first.len_utf8();
            continue;
        }
        if at >= link_end
            && let Some(end) = link(text, at)
        {
            link_end = end;
            if reader.link(at..end) {
                at = end;
                continue;
            }
        }
        if is_run(first) {
            let until = addresses.peek().map_or(text.len(), |range| range.start);
            let rest = &text[at..until];
            let end = at + rest.find(|c| !is_run(c)).unwrap_or(rest.len());
            at = reader.run(at..end).max(at + first.len_utf8());
            continue;
        }
        at = reader.mark(at, first).max(at + first.len_utf8());
    }
}

/// Where the link that begins at `at` ends.
fn link(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let begins = |scheme: &str| {
        let head = rest.as_bytes().get(..scheme.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let has_scheme = ["http://", "https://", "ftp://"].iter().any(|s| begins(s));
    if !has_scheme && !begins("www.") {
        return None;
    }
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
        .unwrap_or(rest.len());
    let link = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '\'']);
    Some(at + link.len())
}

/// A character of words, names and numbers.
pub(super) fn is_run(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@' | ':' | '~' | '%' | '=')
}
