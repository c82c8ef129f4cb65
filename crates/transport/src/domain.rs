//! Domain names that strangers wrote, before they become a key of a map, a line of TOML, or a question to the DNS.

use std::borrow::Cow;
use std::fmt;

/// A mail domain: lower-case letters, digits, hyphens and underscores, labels of 1 to 63, two of them or more, 253 in
/// all; international labels as A-labels (`xn--…`). Nothing in it means anything to postmap, TOML, a shell or a
/// terminal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

impl Domain {
    /// The mail domain that `text` is: neither case, nor a dot at its end, nor the form of international labels
    /// matters.
    ///
    /// # Errors
    /// It is not one: why.
    pub fn new(text: &[u8]) -> Result<Self, NoDomain> {
        let text = str::from_utf8(text).map_err(|_| NoDomain("not UTF-8"))?;
        let text = text.strip_suffix('.').unwrap_or(text);
        let ascii = if text.is_ascii() {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            // UTS #46, as browsers and mail programs map them: full-width dots and letters, too.
            idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL)
                .map_err(|_| NoDomain("not a valid international domain name"))?
        };
        let labels = || ascii.split('.');
        if ascii.len() > 253 || labels().any(|label| label.len() > 63) {
            return Err(NoDomain("too long"));
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if !labels().all(is_label) {
            return Err(NoDomain("not a domain name"));
        }
        let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
        match labels().next_back() {
            Some(top) if is_number(top) => Err(NoDomain("an address")),
            _ if labels().count() < 2 => Err(NoDomain("a single label")),
            _ => Ok(Self(ascii.into_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With international labels in letters (`bücher.example`), if it has any and they can be shown so.
    pub fn in_letters(&self) -> Option<String> {
        if !self.0.split('.').any(|label| label.starts_with("xn--")) {
            return None;
        }
        let (letters, valid) = idna::domain_to_unicode(&self.0);
        (valid.is_ok() && letters != self.0).then_some(letters)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no [`Domain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoDomain(&'static str);

impl fmt::Display for NoDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strangers_names() {
        let check = |text: &[u8], expected: Result<&str, &str>| {
            let found = Domain::new(text);
            let found = found.as_ref().map(Domain::as_str).map_err(|why| why.0);
            assert_eq!(found, expected, "{:?}", text.escape_ascii().to_string());
        };
        check(b"contoso.example", Ok("contoso.example"));
        check(b"Contoso.EXAMPLE.", Ok("contoso.example"));
        check(b"a_b-c.example", Ok("a_b-c.example"));
        check(b"4chan.example", Ok("4chan.example"));
        // RFC 3492's and Python's encodings of the same name.
        check(
            "B\u{fc}cher.example".as_bytes(),
            Ok("xn--bcher-kva.example"),
        );
        check(
            "\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}\u{3002}\u{440}\u{444}".as_bytes(),
            Ok("xn--e1afmkfd.xn--p1ai"),
        );
        let none = Err("not a domain name");
        for text in [
            "",
            ".",
            "..",
            ".example.org",
            "a..example",
            "*",
            "*.example",
            "a.example\n*",
            "a.example smtp:evil",
            "a.example\t",
            "a.example#",
            "\"a\".example",
            "a\\.example",
            "-a.example",
            "a-.example",
            "a.example:25",
            "[192.0.2.1]",
            "a@b.example",
            "a.example\0",
            "a.example\r",
            "a=b.example",
            "a'.example",
            "a`id`.example",
            "a,b.example",
        ] {
            check(text.as_bytes(), none);
        }
        check(b"192.0.2.1", Err("an address"));
        check(b"example", Err("a single label"));
        check(b"caf\xe9.example", Err("not UTF-8"));
        let no_idn = Err("not a valid international domain name");
        check("a\u{202e}b.example".as_bytes(), no_idn);
        check("a\u{a0}b.example".as_bytes(), no_idn);
        check("\u{e9} x.example".as_bytes(), no_idn);
        check(
            format!("{}.example", "a".repeat(64)).as_bytes(),
            Err("too long"),
        );
        check(["abcdefghi."; 26].concat().as_bytes(), Err("too long"));
    }

    #[test]
    fn letters_come_back() {
        let letters = |text: &str| Domain::new(text.as_bytes()).unwrap().in_letters();
        assert_eq!(
            letters("xn--bcher-kva.example").as_deref(),
            Some("b\u{fc}cher.example")
        );
        assert_eq!(letters("bucher.example"), None);
    }

    proptest! {
        #[test]
        fn nothing_else_gets_through(text in "\\PC{0,40}", bytes in any::<Vec<u8>>()) {
            for text in [text.as_bytes(), bytes.as_slice()] {
                if let Ok(domain) = Domain::new(text) {
                    prop_assert!(domain.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b)));
                    prop_assert!(!domain.as_str().starts_with('.') && !domain.as_str().contains(".."));
                    prop_assert_eq!(Domain::new(domain.as_str().as_bytes()), Ok(domain.clone()));
                }
            }
        }
    }
}
