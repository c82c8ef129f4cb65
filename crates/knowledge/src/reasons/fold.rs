//! What differs from message to message in a reason, masked, so that like reasons are one.
//!
//! What says why stays: status codes, a provider's own codes (`TSS04`), the names of blocklists, links. What says who
//! or when becomes a word in capitals: IP, ADDRESS, HOST, ID, TIME, N.

use std::sync::LazyLock;

use regex::Regex;

use super::mask;

/// How much of a reason is looked at, in bytes.
const REASON_MAX: usize = 1024;

/// The reason without what differs: of `host mx1.example.com[192.0.2.1] said: 450 4.2.1 <u@example.com>: try again in
/// 300 seconds` it leaves `450 4.2.1 <ADDRESS>: try again in N seconds`.
///
/// Postfix's `host … said:` goes, since the same provider has many servers, and so does `delivery temporarily
/// suspended:`, behind which the reason of an earlier attempt is repeated (smtp_proto.c, qmgr_deliver.c).
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
    mask::group(rest)
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

#[cfg(test)]
mod tests;
