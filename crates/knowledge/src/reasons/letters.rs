//! Letters beyond ASCII, of which a log keeps more or less.
//!
//! Postfix logs each byte beyond ASCII as `?` unless SMTPUTF8 is on (src/util/printable.c); servers send the same
//! words in UTF-8, in Latin-1, percent-encoded, or without accents. So an accented letter is `?` in the text that
//! rules see, however many bytes it was, and a rule that is written with accents finds `?` and the bare letter.
//! Letters of other scripts stay.

use std::borrow::Cow;

/// Accented letters, and the bare letter of each.
const BARE: &[(&str, char)] = &[
    ("àáâãäåāăąæ", 'a'),
    ("çćĉċč", 'c'),
    ("ďđð", 'd'),
    ("èéêëēĕėęě", 'e'),
    ("ĝğġģ", 'g'),
    ("ìíîïĩīĭįı", 'i'),
    ("ĺļľł", 'l'),
    ("ñńņň", 'n'),
    ("òóôõöøōőœơ", 'o'),
    ("ŕřŗ", 'r'),
    ("śŝşšșß", 's'),
    ("ţťŧțþ", 't'),
    ("ùúûüũūŭůűųư", 'u'),
    ("ŵ", 'w'),
    ("ýÿŷ", 'y'),
    ("źżž", 'z'),
];

/// What is written for German letters where there are no accents.
const TWO: &[(char, &str)] = &[('ä', "ae"), ('ö', "oe"), ('ü', "ue"), ('ß', "ss")];

/// The letter that `c`, a small one, is without its accent.
fn bare(c: char) -> Option<char> {
    if !('\u{df}'..='\u{24f}').contains(&c) {
        return None;
    }
    let found = BARE.iter().find(|(accented, _)| accented.contains(c));
    found.map(|(_, bare)| *bare)
}

/// What a character beyond ASCII is in the text that rules see: `?` for an accented letter and for what could not be
/// read, plain quotes and dashes for typographic ones, other letters small.
pub(super) fn push_plain(out: &mut String, c: char) {
    match c {
        '\u{2010}'..='\u{2015}' => out.push('-'),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
        '\u{fffd}' | '\u{c0}'..='\u{24f}' => {
            if !out.ends_with('?') {
                out.push('?');
            }
        }
        c => out.extend(c.to_lowercase()),
    }
}

/// `pattern`, in which an accented letter finds what logs hold in its place, a German one also the two letters that are
/// written for it. In a class of characters it finds the letters alone. `?` is no letter: a word that begins or ends
/// with an accented one has its `\b` only where the letter is a bare one.
pub(super) fn in_pattern(pattern: &str) -> Cow<'_, str> {
    if pattern.is_ascii() {
        return Cow::Borrowed(pattern);
    }
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut in_class = false;
    // A text has one `?` for several accented letters in a row.
    let mut follows = false;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        in_class = match c {
            '[' => true,
            ']' => false,
            _ => in_class,
        };
        let small = c.to_lowercase().next().unwrap_or(c);
        let Some(bare) = bare(small) else {
            out.push(c);
            follows = false;
            continue;
        };
        if in_class {
            out.extend(['[', '?', bare, ']']);
            follows = false;
            continue;
        }
        let two = TWO.iter().find(|(one, _)| *one == small);
        let begins = out.ends_with(WORD_END) && !out.ends_with(r"\\b");
        let ends = rest.starts_with(WORD_END);
        if begins || ends {
            let (before, after) = (edge(begins), edge(ends));
            out.truncate(out.len() - before.len());
            rest = &rest[after.len()..];
            out.push_str(&format!(r"(?:\?|{before}{bare}{after}"));
            if let Some((_, two)) = two {
                out.push_str(&format!("|{before}{two}{after}"));
            }
            out.push(')');
        } else if let Some((_, two)) = two {
            out.extend(["(?:[?", &bare.to_string(), "]|", two, ")"]);
        } else {
            out.extend(['[', '?', bare, ']']);
        }
        if follows {
            out.push('?');
        }
        follows = true;
    }
    Cow::Owned(out)
}

/// Where a word begins or ends, in a pattern.
const WORD_END: &str = r"\b";

fn edge(is_there: bool) -> &'static str {
    if is_there { WORD_END } else { "" }
}

/// `text` with `%D0%9F` and `=D0=9F` as the letters that they stand for, where they are UTF-8, and plain quotes for
/// typographic ones.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        let plain = text
            .replace(['\u{2018}', '\u{2019}', '\u{b4}', '\u{2032}'], "'")
            .replace(
                ['\u{201c}', '\u{201d}', '\u{201e}', '\u{ab}', '\u{bb}'],
                "\"",
            );
        return Cow::Owned(unescaped(&plain).into_owned());
    }
    unescaped(text)
}

fn unescaped(text: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let (mut at, mut done) = (0, 0);
    while let Some(next) = memchr::memchr2(b'%', b'=', &text.as_bytes()[at..]).map(|n| at + n) {
        let mut bytes = Vec::new();
        let mut end = next;
        while let Some(byte) = escaped(text.as_bytes(), end) {
            bytes.push(byte);
            end += 3;
        }
        if let (false, Ok(letters)) = (bytes.is_empty(), String::from_utf8(bytes)) {
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[done..next]);
            out.push_str(&letters);
            done = end;
        }
        at = end.max(next + 1);
    }
    match out {
        Some(mut out) => {
            out.push_str(&text[done..]);
            Cow::Owned(out)
        }
        None => Cow::Borrowed(text),
    }
}

/// The byte beyond ASCII that is written with two figures at `at`.
fn escaped(text: &[u8], at: usize) -> Option<u8> {
    let [sign, high, low] = text.get(at..at + 3)? else {
        return None;
    };
    let digit = |b: &u8| {
        char::from(*b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let byte = digit(high)? << 4 | digit(low)?;
    (matches!(sign, b'%' | b'=') && !byte.is_ascii()).then_some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_in_a_text_and_in_a_pattern_meet() {
        let plain = |text: &str| {
            let mut out = String::new();
            decoded(text).chars().for_each(|c| push_plain(&mut out, c));
            out
        };
        for text in ["não", "n?o", "n%C3%A3o", "n=c3=a3o", "n\u{fffd}o", "nÃo"] {
            assert_eq!(plain(text), "n?o", "{text}");
        }
        assert_eq!(in_pattern("não existe"), "n[?a]o existe");
        assert_eq!(in_pattern("[éê]"), "[[?e][?e]]");
        assert_eq!(in_pattern(r"\bčern"), r"(?:\?|\bc)ern");
        assert_eq!(in_pattern(r"thư\b x"), r"th(?:\?|u\b) x");
        assert_eq!(in_pattern(r"\büber"), r"(?:\?|\bu|\bue)ber");
        assert_eq!(plain("účet người"), "?et ng?ời");
        assert_eq!(in_pattern("účet người"), "[?u][?c]?et ng[?u]ời");
        assert_eq!(in_pattern("Почта"), "Почта");
        assert_eq!(plain("ПОЧТА %D0%AF"), "почта я");
        assert_eq!(plain("it\u{2019}s \u{201c}x\u{201d}"), "it's \"x\"");
        assert_eq!(plain("100% =C3 %zz %C3%28 %41"), "100% =c3 %zz %c3%28 %41");
    }
}
