//! Macros in SPF terms (RFC 7208, section 7).

use std::net::IpAddr;

/// What macros stand for.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    /// The address that sends.
    pub(super) ip: IpAddr,
    /// The name that the host gave itself.
    pub(super) helo: String,
    /// The sender's local part, and the domain that is asked about, which is the sender's.
    pub(super) local: String,
    pub(super) domain: String,
}

/// Text with macros, whose form has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MacroString(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Macro {
        letter: char,
        digits: Option<usize>,
        reverse: bool,
        delimiters: String,
        escape: bool,
    },
}

/// As long as a domain name can be in text.
const MAX_NAME: usize = 253;

impl MacroString {
    /// Reads a text with macros.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            push(&mut parts, before)?;
            let (kind, after) = after.split_at_checked(1)?;
            rest = after;
            match kind {
                "%" => push(&mut parts, "%")?,
                "_" => push(&mut parts, " ")?,
                "-" => push(&mut parts, "%20")?,
                "{" => {
                    let (inner, after) = after.split_once('}')?;
                    parts.push(read_macro(inner)?);
                    rest = after;
                }
                _ => return None,
            }
        }
        push(&mut parts, rest)?;
        Some(Self(parts))
    }

    /// Reads a domain: it ends in a macro or in a label that may be a top-level one (section 7.1, domain-end).
    pub(super) fn domain(text: &str) -> Option<Self> {
        let found = Self::parse(text)?;
        let ends_well = match found.0.last()? {
            Part::Macro { .. } => true,
            Part::Text(tail) => {
                let tail = tail.strip_suffix('.').unwrap_or(tail);
                let label = tail.rsplit('.').next().unwrap_or_default();
                let in_one = found.0.len() > 1 || tail.contains('.');
                let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
                in_one
                    && !label.is_empty()
                    && label.bytes().all(fits)
                    && !label.bytes().all(|b| b.is_ascii_digit())
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            }
        };
        ends_well.then_some(found)
    }

    /// The text for a domain whose record is being read. Labels are dropped at its left where it is too long for a
    /// name.
    pub(super) fn expand(&self, facts: &Facts, domain: &str) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Macro {
                    letter,
                    digits,
                    reverse,
                    delimiters,
                    escape,
                } => {
                    let value = value(*letter, facts, domain);
                    let mut pieces: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
                    if *reverse {
                        pieces.reverse();
                    }
                    let keep = digits.unwrap_or(pieces.len()).min(pieces.len());
                    let kept = pieces.get(pieces.len() - keep..).unwrap_or_default();
                    let kept = kept.join(".");
                    text.push_str(&if *escape { url_escape(&kept) } else { kept });
                }
            }
        }
        let text = text.strip_suffix('.').unwrap_or(&text);
        let mut fits = text;
        while fits.len() > MAX_NAME {
            let Some((_, shorter)) = fits.split_once('.') else {
                break;
            };
            fits = shorter;
        }
        fits.to_owned()
    }
}

fn push(parts: &mut Vec<Part>, text: &str) -> Option<()> {
    if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return None;
    }
    match parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_owned())),
    }
    Some(())
}

/// What stands between `%{` and `}`: a letter, a number of labels, `r`, delimiters.
fn read_macro(inner: &str) -> Option<Part> {
    let mut chars = inner.chars();
    let letter = chars.next()?;
    // c, r and t are only for explanations, which nobody reads here.
    if !matches!(
        letter.to_ascii_lowercase(),
        's' | 'l' | 'o' | 'd' | 'i' | 'p' | 'v' | 'h'
    ) {
        return None;
    }
    let rest = chars.as_str();
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, rest) = rest.split_at_checked(end)?;
    let digits = match number {
        "" => None,
        // More digits than a usize has ask for all the labels there are.
        number => Some(number.parse().unwrap_or(usize::MAX)),
    };
    if digits == Some(0) {
        return None;
    }
    let (reverse, delimiters) = match rest.strip_prefix(['r', 'R']) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        return None;
    }
    Some(Part::Macro {
        letter: letter.to_ascii_lowercase(),
        digits,
        reverse,
        delimiters: if delimiters.is_empty() {
            "."
        } else {
            delimiters
        }
        .to_owned(),
        escape: letter.is_ascii_uppercase(),
    })
}

fn value(letter: char, facts: &Facts, domain: &str) -> String {
    match (letter, facts.ip) {
        ('s', _) => format!("{}@{}", facts.local, facts.domain),
        ('l', _) => facts.local.clone(),
        ('o', _) => facts.domain.clone(),
        ('h', _) => facts.helo.clone(),
        ('d', _) => domain.to_owned(),
        ('i', IpAddr::V4(ip)) => ip.to_string(),
        ('i', IpAddr::V6(ip)) => {
            let digits = format!("{:032x}", ip.to_bits());
            let digits: Vec<String> = digits.chars().map(String::from).collect();
            digits.join(".")
        }
        ('v', IpAddr::V4(_)) => "in-addr".to_owned(),
        ('v', IpAddr::V6(_)) => "ip6".to_owned(),
        // The name of the client, which section 7.3 asks not to use, nor to spend lookups on.
        _ => "unknown".to_owned(),
    }
}

fn url_escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(ip: &str) -> Facts {
        Facts {
            ip: ip.parse().unwrap(),
            helo: "h.example".to_owned(),
            local: "strong-bad".to_owned(),
            domain: "email.example.com".to_owned(),
        }
    }

    /// The examples of RFC 7208, section 7.4.
    #[test]
    fn macros_expand_as_in_the_rfc() {
        let check = |text: &str, ip: &str, expected: &str| {
            let facts = facts(ip);
            let parsed = MacroString::parse(text).unwrap();
            assert_eq!(
                parsed.expand(&facts, "email.example.com"),
                expected,
                "{text}"
            );
        };
        let v4 = "192.0.2.3";
        check("%{s}", v4, "strong-bad@email.example.com");
        check("%{o}", v4, "email.example.com");
        check("%{d}", v4, "email.example.com");
        check("%{d4}", v4, "email.example.com");
        check("%{d3}", v4, "email.example.com");
        check("%{d2}", v4, "example.com");
        check("%{d1}", v4, "com");
        check("%{dr}", v4, "com.example.email");
        check("%{d2r}", v4, "example.email");
        check("%{l}", v4, "strong-bad");
        check("%{l-}", v4, "strong.bad");
        check("%{lr}", v4, "strong-bad");
        check("%{lr-}", v4, "bad.strong");
        check("%{l1r-}", v4, "strong");
        check("%{h}", v4, "h.example");
        check("%{S}", v4, "strong-bad%40email.example.com");
        check("%%%_%-", v4, "% %20");
        check(
            "%{ir}.%{v}._spf.%{d2}",
            v4,
            "3.2.0.192.in-addr._spf.example.com",
        );
        check("%{lr-}.lp._spf.%{d2}", v4, "bad.strong.lp._spf.example.com");
        check(
            "%{d2}.trusted-domains.example.net",
            v4,
            "example.com.trusted-domains.example.net",
        );
        check(
            "%{ir}.%{v}._spf.%{d2}",
            "2001:db8::cb01",
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com",
        );
    }

    #[test]
    fn long_names_lose_their_left() {
        let facts = facts("192.0.2.3");
        let long = format!("{}.%{{d}}", ["aaaaaaaaa"; 30].join("."));
        let expanded = MacroString::parse(&long)
            .unwrap()
            .expand(&facts, "example.com");
        assert!(expanded.len() <= 253 && expanded.ends_with("aaaaaaaaa.example.com"));
    }
}
