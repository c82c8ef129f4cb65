//! An SPF record's text (RFC 7208, sections 4.6.1 and 12).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::macros::MacroString;

/// What a match means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// How many leading bits of an address count, a family each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

/// What must hold for a match. No domain: the one whose record this is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(MacroString),
    A(Option<MacroString>, Cidr),
    Mx(Option<MacroString>, Cidr),
    Ptr(Option<MacroString>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(MacroString),
}

/// A mechanism with its qualifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) qualifier: Qualifier,
    pub(super) mechanism: Mechanism,
    /// As it is written.
    pub(super) text: String,
}

/// A whole record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record {
    pub(super) directives: Vec<Directive>,
    pub(super) redirect: Option<MacroString>,
}

/// Is this TXT record an SPF record (section 4.5)?
pub(super) fn is_spf(text: &[u8]) -> bool {
    let version = text.split(|&b| b == b' ').next().unwrap_or_default();
    version.eq_ignore_ascii_case(b"v=spf1")
}

/// Reads a record that [`is_spf`]. The error is the invalid term.
pub(super) fn parse(text: &[u8]) -> Result<Record, String> {
    let text = std::str::from_utf8(text).map_err(|_| "the record is not ASCII text".to_owned())?;
    let mut record = Record::default();
    let mut has_exp = false;
    for term in text.split(' ').skip(1).filter(|term| !term.is_empty()) {
        let bad = || format!("\"{term}\" is not an SPF term");
        let Some((name, value)) = modifier(term) else {
            record.directives.push(directive(term).ok_or_else(bad)?);
            continue;
        };
        let twice = if name.eq_ignore_ascii_case("redirect") {
            let target = MacroString::domain(value).ok_or_else(bad)?;
            record.redirect.replace(target).is_some()
        } else if name.eq_ignore_ascii_case("exp") {
            MacroString::domain(value).ok_or_else(bad)?;
            std::mem::replace(&mut has_exp, true)
        } else {
            MacroString::parse(value).ok_or_else(bad)?;
            false
        };
        if twice {
            return Err(format!("{name}= appears twice"));
        }
    }
    Ok(record)
}

/// `name=value`: the name is of letters, digits, `-`, `_` and `.`, so that a `=` in a macro makes no modifier.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(fits))
        .then_some((name, value))
}

fn directive(text: &str) -> Option<Directive> {
    let (qualifier, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (Qualifier::Pass, rest),
        ("-", rest) => (Qualifier::Fail, rest),
        ("~", rest) => (Qualifier::SoftFail, rest),
        ("?", rest) => (Qualifier::Neutral, rest),
        _ => (Qualifier::Pass, text),
    };
    Some(Directive {
        qualifier,
        mechanism: mechanism(rest)?,
        text: text.to_owned(),
    })
}

fn mechanism(text: &str) -> Option<Mechanism> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    let argument = rest.strip_prefix(':');
    let domain = || MacroString::domain(argument?);
    Some(match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "include" => Mechanism::Include(domain()?),
        "exists" => Mechanism::Exists(domain()?),
        "ptr" if rest.is_empty() => Mechanism::Ptr(None),
        "ptr" => Mechanism::Ptr(Some(domain()?)),
        "a" => {
            let (domain, cidr) = domain_and_cidr(rest)?;
            Mechanism::A(domain, cidr)
        }
        "mx" => {
            let (domain, cidr) = domain_and_cidr(rest)?;
            Mechanism::Mx(domain, cidr)
        }
        "ip4" => {
            let (address, bits) = network(argument?, 32)?;
            Mechanism::Ip4(address.parse().ok()?, bits)
        }
        "ip6" => {
            let (address, bits) = network(argument?, 128)?;
            Mechanism::Ip6(address.parse().ok()?, bits)
        }
        _ => return None,
    })
}

fn network(text: &str, max: u8) -> Option<(&str, u8)> {
    match text.split_once('/') {
        Some((address, length)) => Some((address, bits(length, max)?)),
        None => Some((text, max)),
    }
}

/// `[:domain][/bits][//bits]`. A slash may be part of a macro, but not of what follows the last one.
fn domain_and_cidr(text: &str) -> Option<(Option<MacroString>, Cidr)> {
    let mut cidr = Cidr { v4: 32, v6: 128 };
    let mut rest = text;
    if let Some((before, length)) = rest.rsplit_once("//")
        && is_number(length)
    {
        cidr.v6 = bits(length, 128)?;
        rest = before;
    }
    if let Some((before, length)) = rest.rsplit_once('/')
        && is_number(length)
    {
        cidr.v4 = bits(length, 32)?;
        rest = before;
    }
    if rest.is_empty() {
        return Some((None, cidr));
    }
    Some((Some(MacroString::domain(rest.strip_prefix(':')?)?), cidr))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A prefix length: no sign, no leading zero.
fn bits(text: &str, max: u8) -> Option<u8> {
    let plain = is_number(text) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|&bits| plain && bits <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told() {
        let check = |text: &str, expected| assert_eq!(is_spf(text.as_bytes()), expected, "{text}");
        check("v=spf1", true);
        check("v=spf1 -all", true);
        check("V=SPF1 -all", true);
        check("v=spf10 -all", false);
        check("v=spf2.0/pra -all", false);
        check(" v=spf1", false);
    }

    #[test]
    fn terms_that_are_none_spoil_the_record() {
        let check = |terms: &str, expected: Result<usize, &str>| {
            let found = parse(format!("v=spf1 {terms}").as_bytes());
            let found = found.map(|record| record.directives.len());
            let expected = expected.map_err(|bad| match bad.contains(' ') {
                true => bad.to_owned(),
                false => format!("\"{bad}\" is not an SPF term"),
            });
            assert_eq!(found, expected, "{terms}");
        };
        // Section 12, a line of its grammar each.
        check("a mx ptr -all", Ok(4));
        check("A:example.org/24//64 mx//0 a/0", Ok(3));
        check("ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all", Ok(3));
        check("include:_spf.%{d2} ?exists:%{ir}.%{v}._spf.%{d2}", Ok(2));
        check("a:foo/bar.example.org", Ok(1));
        check("redirect=_spf.example.org exp=e.example.org x=%{d}", Ok(0));
        check("  a   -all  ", Ok(2));
        check("ip4:192.0.2.0/33", Err("ip4:192.0.2.0/33"));
        check("ip4:192.0.2", Err("ip4:192.0.2"));
        check("ip4:2001:db8::1", Err("ip4:2001:db8::1"));
        check("ip6:192.0.2.1", Err("ip6:192.0.2.1"));
        check("ip4", Err("ip4"));
        check("a/33", Err("a/33"));
        check("a/032", Err("a/032"));
        check("a:", Err("a:"));
        check("all:x", Err("all:x"));
        check("include", Err("include"));
        check("include:", Err("include:"));
        check("include:%{x}.example.org", Err("include:%{x}.example.org"));
        check("foo:bar -all", Err("foo:bar"));
        check("--all", Err("--all"));
        check("redirect=", Err("redirect="));
        check("exp=-", Err("exp=-"));
        check(
            "redirect=a.example redirect=b.example",
            Err("redirect= appears twice"),
        );
    }
}
