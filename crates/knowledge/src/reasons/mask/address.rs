//! Where a text holds mail addresses.

use std::ops::Range;

/// The places of the mail addresses in `text`, from the left. What is in `<>` with an `@` is one as a whole, source
/// routes and quoted local parts too; elsewhere an address is as much around the `@` as RFC 5322 lets stand unquoted.
pub(super) fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in memchr::memchr_iter(b'@', text.as_bytes()) {
        let done = found.last().map_or(0, |last| last.end);
        if at < done {
            continue;
        }
        if let Some(range) = bracketed(text, done, at).or_else(|| bare(text, done, at)) {
            found.push(range);
        }
    }
    found
}

/// The whole of `<…@…>`, without the brackets. A quoted local part may hold anything.
fn bracketed(text: &str, from: usize, at: usize) -> Option<Range<usize>> {
    let open = from + text[from..at].rfind('<')?;
    let close = at + text[at..].find('>')?;
    let inside = &text[open + 1..close];
    let plain = |part: &str| !part.contains(|c: char| c.is_whitespace() || c == '>');
    let local = &text[open + 1..at];
    let quoted = local.starts_with('"') && local.ends_with('"') && local.len() > 1;
    let domain = &text[at + 1..close];
    let fits = plain(domain) && (quoted || plain(local)) && !inside.contains("://");
    fits.then_some(open + 1..close)
}

fn bare(text: &str, from: usize, at: usize) -> Option<Range<usize>> {
    let local = &text[from..at];
    let start = match local.strip_suffix('"') {
        Some(quoted) => from + quoted.rfind('"')?,
        None => {
            let is_atom = |c: char| {
                c.is_alphanumeric() || (c.is_ascii_punctuation() && !"()<>[]:;@\\,\"".contains(c))
            };
            let atoms = local.chars().rev().take_while(|&c| is_atom(c));
            let start = at - atoms.map(char::len_utf8).sum::<usize>();
            // In a link, `/`, `=` and the like do not belong to it.
            let atoms = &text[start..at];
            let in_link = atoms.contains("//");
            let last = if in_link {
                atoms.rfind(['/', '=', '?', '&'])
            } else {
                None
            };
            let start = start + last.map_or(0, |slash| slash + 1);
            // `... user@example.com` without the blank: no address has two dots in a row.
            start + text[start..at].rfind("..").map_or(0, |dots| dots + 2)
        }
    };
    let domain = &text[at + 1..];
    let len = match domain.strip_prefix('[') {
        Some(literal) => literal.find(']')? + 2,
        None => {
            let is_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
            let run = domain.find(|c| !is_domain(c)).unwrap_or(domain.len());
            domain[..run].trim_end_matches(['.', '-', '_']).len()
        }
    };
    (start < at && len > 0).then_some(start..at + 1 + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_any_form() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<&str> = addresses(text).into_iter().map(|r| &text[r]).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("<u@example.com>: no", &["u@example.com"]);
        check("no u@example.com.", &["u@example.com"]);
        check("(u@example.com)[0]", &["u@example.com"]);
        check("user:u@example.com:x", &["u@example.com"]);
        check(
            "<\"my spam box\"@example.com>",
            &["\"my spam box\"@example.com"],
        );
        check(
            "to \"my spam box\"@example.com",
            &["\"my spam box\"@example.com"],
        );
        check(
            "<@relay.example:u@example.com> x",
            &["@relay.example:u@example.com"],
        );
        check(
            "o'blocked/spam#1@example.com is",
            &["o'blocked/spam#1@example.com"],
        );
        check("u@[192.0.2.1] x", &["u@[192.0.2.1]"]);
        check("<spam@> x", &["spam@"]);
        check("é@é.example, ü@x", &["é@é.example", "ü@x"]);
        check("allowed...u@example.com", &["u@example.com"]);
        check("a@b c@d", &["a@b", "c@d"]);
        check("a < b@c.example > d", &["b@c.example"]);
        check("@ @@ a@ @b \"@ <@", &[]);
    }
}
