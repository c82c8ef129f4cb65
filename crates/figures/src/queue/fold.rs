//! What differs from message to message in a reason, put out of the way, so that like reasons are one.
//!
//! What says why stays: status codes, a provider's own codes (`TSS04`), the names of blocklists, links. What says who or
//! when becomes a word in capitals: IP, ADDRESS, HOST, ID, TIME, N.

use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

/// How much of a reason is looked at, in bytes.
const REASON_MAX: usize = 1024;

/// The reason without what differs: of `host mx1.example.com[192.0.2.1] said: 450 4.2.1 <u@example.com>: try again in 300
/// seconds` it leaves `450 4.2.1 <ADDRESS>: try again in N seconds`.
///
/// Postfix's `host … said:` goes, since the same provider has many servers, and so does `delivery temporarily suspended:`,
/// behind which the reason of an earlier attempt is repeated (smtp_proto.c, qmgr_deliver.c).
pub fn fold(reason: &str) -> String {
    let mut end = reason.len().min(REASON_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let mut rest = &reason[..end];
    while let Some(inner) = rest.strip_prefix("delivery temporarily suspended: ") {
        rest = inner;
    }
    let rest = without_server(rest);
    let dated;
    let rest = if may_hold_date(rest) {
        dated = DATE.replace_all(rest, "TIME");
        dated.as_ref()
    } else {
        rest
    };
    Folder::new(rest).fold()
}

/// Takes `host NAME[ADDRESS] said: ` off, and the name out of `host NAME[ADDRESS] refused to talk to me: `.
fn without_server(text: &str) -> &str {
    let Some(named) = text.strip_prefix("host ") else {
        return text;
    };
    let Some((server, words)) = named.split_once(' ') else {
        return text;
    };
    if !server.contains('[') {
        return text;
    }
    words.strip_prefix("said: ").unwrap_or(words)
}

/// `Thu, 19 Sep 2026 12:22:57 -0400 (EDT)`, `Thu Sep 19 12:22:57 EDT 2026`, and parts of them.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    const MONTH: &str = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
    const WEEKDAY: &str = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?";
    const CLOCK: &str = r"\d{1,2}:\d{2}(?::\d{2})?";
    const ZONE: &str = r"(?: (?:[+-]\d{4}|[A-Z]{3,4}))?(?: \([A-Z]{3,4}\))?";
    let inner = format!(r"\d{{1,2}}[ -]{MONTH}[ -]\d{{4}}(?:[ ,]+{CLOCK})?{ZONE}");
    let outer = format!(r"{MONTH} +\d{{1,2}}(?:, \d{{4}})?(?: {CLOCK})?{ZONE}(?: \d{{4}})?");
    // A text of this file: that it compiles is tested.
    #[allow(clippy::unwrap_used, reason = "a constant that the tests compile")]
    Regex::new(&format!(r"\b{WEEKDAY}(?:{inner}|{outer})")).unwrap()
});

/// Names of months are rare, and the pattern is slow beside a look for them.
fn may_hold_date(text: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let bytes = text.as_bytes();
    let starts = memchr::memchr3_iter(b'J', b'M', b'A', bytes)
        .chain(memchr::memchr3_iter(b'S', b'O', b'N', bytes))
        .chain(memchr::memchr2_iter(b'D', b'F', bytes));
    let mut starts = starts;
    starts.any(|at| {
        bytes
            .get(at..at + 3)
            .is_some_and(|word| MONTHS.iter().any(|month| month.as_bytes() == word))
    })
}

/// What is made of a run of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It stays as it is.
    Itself,
    /// It stays but for its numbers.
    Numbers,
    /// This stands for it.
    Word(&'static str),
}

/// Goes through a text a run of characters at a time.
struct Folder<'a> {
    text: &'a str,
    /// The reply's status code, which begins its later lines too.
    code: Option<&'a str>,
    folded: String,
}

impl<'a> Folder<'a> {
    fn new(text: &'a str) -> Self {
        let words = text.strip_prefix("refused to talk to me: ").unwrap_or(text);
        Self {
            text,
            code: words.get(..3).filter(|code| is_status_code(code)),
            folded: String::with_capacity(text.len()),
        }
    }

    fn fold(mut self) -> String {
        let mut at = 0;
        while let Some(first) = self.text[at..].chars().next() {
            if is_run(first) {
                let rest = &self.text[at..];
                let len = rest.find(|c| !is_run(c)).unwrap_or(rest.len());
                self.run(at, at + len);
                at += len;
                continue;
            }
            if !first.is_whitespace() {
                self.folded.push(first);
            } else if !self.folded.ends_with(' ') {
                self.folded.push(' ');
            }
            at += first.len_utf8();
        }
        let end = self.folded.trim_end().len();
        self.folded.truncate(end);
        self.folded
    }

    /// Folds the run that reaches from `at` to `end`.
    fn run(&mut self, mut at: usize, end: usize) {
        let run = &self.text[at..end];
        // `550-5.1.1 no such user`, and `]:25`.
        let lead = match self.code {
            Some(code) if run.strip_prefix(code).is_some_and(|r| r.starts_with('-')) => 4,
            _ if run.starts_with(':') && !is_ip(run) => 1,
            _ => 0,
        };
        self.folded.push_str(&run[..lead]);
        at += lead;
        let run = &run[lead..];
        if let Some(equals) = run.find('=').filter(|_| !is_address(trimmed(run))) {
            self.run(at, at + equals);
            self.folded.push('=');
            self.run(at + equals + 1, end);
            return;
        }
        let core = trimmed(run);
        match self.judge(at, core, end) {
            Made::Itself => self.folded.push_str(core),
            Made::Numbers => numbers(core, &mut self.folded),
            Made::Word(word) => self.folded.push_str(word),
        }
        self.folded.push_str(&run[core.len()..]);
    }

    /// Judges `core`, which begins at `at`, of a run that reaches to `end`.
    fn judge(&self, at: usize, core: &str, end: usize) -> Made {
        let (before, after) = (&self.text[..at], &self.text[end..]);
        if is_ip(core) || is_ip_and_port(core) {
            return Made::Word("IP");
        }
        if is_address(core) {
            return Made::Word("ADDRESS");
        }
        let has_digit = core.bytes().any(|b| b.is_ascii_digit());
        let in_link = is_in_link(before);
        if !in_link && is_host(before, core, after, has_digit) {
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
            || before.to_ascii_lowercase().ends_with("rfc ");
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

fn is_run(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@' | ':' | '~' | '%' | '=')
}

fn is_status_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    matches!(bytes.first(), Some(b'2'..=b'5')) && bytes.iter().all(u8::is_ascii_digit)
}

fn is_enhanced_code(core: &str) -> bool {
    let mut parts = core.split('.');
    let class = parts.next().is_some_and(|c| matches!(c, "2" | "4" | "5"));
    let number = |p: Option<&str>| {
        p.is_some_and(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
    };
    class && number(parts.next()) && number(parts.next()) && parts.next().is_none()
}

fn is_ip(text: &str) -> bool {
    let text = text.strip_prefix("IPv6:").unwrap_or(text);
    text.contains(['.', ':']) && text.parse::<IpAddr>().is_ok()
}

fn is_ip_and_port(text: &str) -> bool {
    let parts = text.split_once(':');
    parts.is_some_and(|(ip, port)| is_ip(ip) && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_address(core: &str) -> bool {
    let parts = core.rsplit_once('@');
    parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Is the place behind `before` in a link?
fn is_in_link(before: &str) -> bool {
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    word.contains("://")
}

/// Of the form of a host's full name.
fn is_name(core: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let top = core
        .rsplit_once('.')
        .map(|(_, top)| top)
        .unwrap_or_default();
    core.bytes().all(is_letter) && top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic())
}

/// A server's name: before its address, or of a form that only one of many has (`mtain-dk03.mx.aol.com`). A blocklist's name
/// stays.
fn is_host(before: &str, core: &str, after: &str, has_digit: bool) -> bool {
    if !is_name(core) {
        return false;
    }
    if after.starts_with('[') || before.ends_with("name=") {
        return true;
    }
    let first = core.split('.').next().unwrap_or_default();
    let numbered = has_digit && first.bytes().any(|b| b.is_ascii_digit());
    numbered && core.split('.').count() > 2 && !before.ends_with("using ")
}

/// A time of day or a date in figures.
fn is_time(core: &str) -> bool {
    let bytes = core.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let dashes = || bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    bytes.first().is_some_and(u8::is_ascii_digit)
        && bytes
            .iter()
            .all(|b| b.is_ascii_digit() || b":.TZ+-".contains(b))
        && ((bytes.contains(&b':') && digits >= 3) || (digits >= 8 && dashes()))
}

/// A queue id or the like: letters and digits, mixed more than a code's are.
fn is_id(core: &str) -> bool {
    let kind = |b: u8| match b {
        b'0'..=b'9' => Some(true),
        b if b.is_ascii_alphabetic() => Some(false),
        _ => None,
    };
    let kinds: Vec<bool> = core.bytes().filter_map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let digits = kinds.iter().filter(|&&digit| digit).count();
    (kinds.len() >= 7 && changes >= 2) || (kinds.len() >= 10 && changes >= 1 && digits >= 3)
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
