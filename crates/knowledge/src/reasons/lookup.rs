//! Whose name could not be looked up: the recipient's domain, or a host that we chose.
//!
//! Postfix logs `Name service error for name=NAME type=TYPE: Host not found` for both (src/smtp/smtp_addr.c).

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::rules::is_below;

const BEFORE: &str = "Name service error for name=";

/// What stands for the recipient's domain in the text that rules see.
const DOMAIN: &str = "~domain~";

/// Does it matter for what `reply` means what the recipient's domain is?
pub fn names_a_host(reply: &[u8]) -> bool {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEFORE));
    FINDER.find(reply).is_some()
}

/// Postfix's own `words`, with a stand-in for the name in them if it is `domain` or below it (a mail exchanger that
/// is not there is its domain's fault), or if the domain is not known.
pub(super) fn with_domain<'a>(
    words: Cow<'a, str>,
    from_server: bool,
    domain: Option<&[u8]>,
) -> Cow<'a, str> {
    if from_server {
        return words;
    }
    let Some(at) = words.find(BEFORE).map(|at| at + BEFORE.len()) else {
        return words;
    };
    let len = words[at..].find(' ').unwrap_or(words.len() - at);
    let name = &words[at..at + len];
    let is_domain = match domain.map(std::str::from_utf8) {
        None => true,
        Some(Ok(domain)) => is_below(name, domain.trim_end_matches('.')),
        Some(Err(_)) => false,
    };
    if !is_domain {
        return words;
    }
    Cow::Owned(format!("{}{DOMAIN}{}", &words[..at], &words[at + len..]))
}
