//! Strangers' text on its way to a terminal, a mail or a one-line field.
//!
//! Addresses and server replies are written by anyone on the internet. Raw, they could move the cursor, recolour
//! the screen, split a line or reverse the reading order.

use std::fmt;

/// Text with everything that a terminal could act upon made visible. See [`escape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escaped<'a>(&'a [u8]);

/// Shows `text` with control characters, bidirectional controls, other invisible format characters and line
/// separators as `\n`, `\t`, `\x1b` or `\u{202e}`, and bytes that are not UTF-8 as `\xNN`. Other text, backslashes
/// included, stays as it is.
pub fn escape<T: AsRef<[u8]> + ?Sized>(text: &T) -> Escaped<'_> {
    Escaped(text.as_ref())
}

/// Could this character make a terminal do something other than draw it?
fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Is all of it printable ASCII? Then a character is a byte, and a column wide.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(is_printable)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Where the first of them is. Nearly all text is printable ASCII, which is passed over by bytes.
fn first_hazard(text: &str) -> Option<(usize, char)> {
    // As many characters as bytes are before it.
    let from = text.bytes().position(|byte| !is_printable(byte))?;
    text.char_indices().skip(from).find(|&(_, c)| is_hazard(c))
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some((at, c)) = first_hazard(rest) {
                let (plain, tail) = rest.split_at(at);
                f.write_str(plain)?;
                match c {
                    '\n' | '\r' | '\t' => write!(f, "{}", c.escape_default())?,
                    c if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c => write!(f, "{}", c.escape_unicode())?,
                }
                rest = tail.strip_prefix(c).unwrap_or_default();
            }
            f.write_str(rest)?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hazards_become_visible_and_the_rest_stays() {
        let check = |text: &[u8], expected: &str| assert_eq!(escape(text).to_string(), expected);
        check(b"plain a\\b text", "plain a\\b text");
        check(
            "jos\u{e9}@caf\u{e9}.example".as_bytes(),
            "jos\u{e9}@caf\u{e9}.example",
        );
        check(b"\x1b[2J\x07", "\\x1b[2J\\x07");
        check(b"a\r\nb\tc\0", "a\\r\\nb\\tc\\x00");
        check("\u{202e}gpj.exe".as_bytes(), "\\u{202e}gpj.exe");
        check("\u{9b}31m".as_bytes(), "\\u{9b}31m");
        check(b"caf\xe9!", "caf\\xe9!");
        check(b"", "");
    }
}
