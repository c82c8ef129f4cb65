//! The text that rules see.

use std::ops::Range;

use super::beliefs::take_advice_out;
use super::kinds::{is_enhanced_code, is_host, is_id, is_ip, is_ip_and_port, is_time};
use super::sentences::LINE;
use super::stand_in::{ADDRESS, BLOCKLIST, HOST, ID, IP, LINK, NAME, TIME};
use super::walk::{Reader, is_run, walk};
use crate::reasons::letters;
use crate::reasons::rules::is_below;

/// `text` in small letters, one blank where there are several, stand-ins for who, where and when, and `0` for any
/// number but an enhanced status code. Accents and what Postfix logs in their place are `?` (see [`letters`]).
/// `is_blocklist` says of a host's name whether it is a blocklist's. The lines of `text` are apart ([`LINE`]): advice
/// may end with one.
pub(in super::super) fn judge(text: &str, is_blocklist: impl Fn(&str) -> bool) -> String {
    let text = letters::decoded(text);
    let mut reader = Judged {
        text: &text,
        is_blocklist,
        out: String::with_capacity(text.len()),
    };
    walk(&text, &mut reader);
    let mut out = reader.out;
    take_advice_out(&mut out);
    out.truncate(out.trim_end().len());
    out
}

/// The sites that explain SPF's verdicts: many servers say no more than `Please see http://www.openspf.net/Why?…`.
const SPF_SITES: [&str; 4] = ["openspf.org", "openspf.net", "openspf.com", "spf.pobox.com"];

/// How long a name or a subject in quotes may be, in bytes.
const PHRASE_MAX: usize = 200;

/// What stands for a link to one of them.
const SPF: &str = "spf";

struct Judged<'a, F> {
    text: &'a str,
    is_blocklist: F,
    out: String,
}

impl<F: Fn(&str) -> bool> Reader for Judged<'_, F> {
    fn blank(&mut self, c: char) {
        if self.out.is_empty() {
            return;
        }
        if c == LINE {
            self.out.truncate(self.out.trim_end_matches(' ').len());
        }
        if !self.out.ends_with([' ', LINE]) {
            self.out.push(if c == LINE { LINE } else { ' ' });
        }
    }

    fn address(&mut self) {
        self.out.push_str(ADDRESS);
    }

    fn link(&mut self, range: Range<usize>) -> bool {
        let link = &self.text[range];
        let after = link.find("//").map_or(link, |slashes| &link[slashes + 2..]);
        let host = &after[..after.find(['/', '?', ':', '#']).unwrap_or(after.len())];
        let word = self.site(host).unwrap_or(LINK);
        self.out.push_str(word);
        true
    }

    fn run(&mut self, range: Range<usize>) -> usize {
        let run = &self.text[range.clone()];
        if is_ip(run) || is_ip_and_port(run) {
            self.out.push_str(IP);
            return range.end;
        }
        // `name=HOST`, `reason:x`: one side at a time.
        let end = run.find(['=', ':']).map_or(run.len(), |at| at.max(1));
        if matches!(&run[..end], "=" | ":") {
            self.out.push_str(&run[..end]);
            return range.start + end;
        }
        if end < run.len() && is_time(run.trim_end_matches(['.', ':', '-'])) {
            self.out.push_str(TIME);
            return range.end;
        }
        self.part(range.start, &run[..end])
    }

    fn mark(&mut self, at: usize, c: char) -> usize {
        let opens = match c {
            '<' | '"' => true,
            '\'' => !self.text[..at].ends_with(char::is_alphanumeric),
            _ => false,
        };
        if opens && let Some(len) = named(&self.text[at + 1..], c) {
            self.out.push(c);
            self.out.push_str(NAME);
            return at + 1 + len;
        }
        if c == '"'
            && let Some(len) = self.phrase(&self.text[at + 1..])
        {
            self.out.push(c);
            self.out.push_str(NAME);
            return at + 1 + len;
        }
        self.letter(c);
        at + c.len_utf8()
    }
}

impl<F: Fn(&str) -> bool> Judged<'_, F> {
    /// The length of words that a quotation mark closes, where someone chose them: a name before an address in `<>`, or
    /// a subject. Other words in quotes may be the server's own.
    fn phrase(&self, rest: &str) -> Option<usize> {
        let len = rest
            .find('"')
            .filter(|len| (1..=PHRASE_MAX).contains(len))?;
        let after = rest[len + 1..].trim_start();
        let is_display_name = after
            .strip_prefix('<')
            .and_then(|address| address.split(['>', ' ']).next())
            .is_some_and(|address| address.contains('@'));
        let before = self.out.trim_end_matches([' ', LINE, ':', '=', '(']);
        let is_own = rest.starts_with(char::is_whitespace);
        (!is_own && (is_display_name || before.ends_with("subject"))).then_some(len)
    }

    /// What a site's own name says, if it says more than that there is one.
    fn site(&self, host: &str) -> Option<&'static str> {
        if SPF_SITES.iter().any(|domain| is_below(host, domain)) {
            return Some(SPF);
        }
        (self.is_blocklist)(host).then_some(BLOCKLIST)
    }

    /// A run without `=` and `:`, which begins at `at`; returns where what was made of it ends.
    fn part(&mut self, at: usize, run: &str) -> usize {
        let core = run.trim_end_matches(['.', '-', '+', '%']);
        let end = at + core.len();
        if core.is_empty() {
            self.out.push_str(run);
            return at + run.len();
        }
        let has_digit = core.bytes().any(|b| b.is_ascii_digit());
        let is_dotted = core.contains('.');
        if is_dotted && has_digit && is_ip(core) {
            self.out.push_str(IP);
        } else if is_dotted && is_host(core) {
            // `lists.example/why`, without a scheme.
            let path = self.text[end..]
                .find(|c: char| c.is_whitespace())
                .unwrap_or(self.text.len() - end);
            let is_link = self.text[end..].starts_with('/');
            let other = if is_link { LINK } else { HOST };
            self.out.push_str(self.site(core).unwrap_or(other));
            if is_link {
                return end + path;
            }
        } else if is_enhanced_code(core) {
            self.out.push_str(core);
        } else if !has_digit {
            core.chars().for_each(|c| self.letter(c));
        } else if is_time(core) {
            self.out.push_str(TIME);
        } else if is_id(core) {
            self.out.push_str(ID);
        } else {
            core.chars()
                .for_each(|c| self.letter(if c.is_ascii_digit() { '0' } else { c }));
        }
        end
    }

    fn letter(&mut self, c: char) {
        if matches!(c, '?' | '0') && self.out.ends_with(c) {
            return;
        }
        if c.is_ascii() {
            self.out.push(c.to_ascii_lowercase());
        } else {
            letters::push_plain(&mut self.out, c);
        }
    }
}

/// The length of a word that what `open` opened closes: `<spam>`, `"spam"`. An address is no word here, and a line's
/// end (`<CR>`) no name.
fn named(rest: &str, open: char) -> Option<usize> {
    let close = if open == '<' { '>' } else { open };
    let len =
        rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '@'))?;
    let word = &rest[..len];
    let is_line_end = |word: &str| {
        ["cr", "lf", "crlf", "nul"]
            .iter()
            .any(|w| word.eq_ignore_ascii_case(w))
    };
    let is_name = rest[len..].starts_with(close)
        && word.contains(is_run)
        && !word.contains("://")
        && !is_ip(word)
        && !is_host(word)
        && !is_line_end(word);
    is_name.then_some(len)
}
